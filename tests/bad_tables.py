"""Tables of load_folder that are bad or odd, and what each gives; cases of test_bad_input."""

from pathlib import Path

from bad_images import Right
from PIL import Image

from sknumclip.datasets import load_folder


def table(content, *names, encoding="utf-8", **columns):
    """Return what loads a table of images with these names."""

    def load(files, folder):
        for i, name in enumerate(names or ("a.png", "b.png")):
            Image.new("RGB", (8, 8), (20 * i, 0, 0)).save(folder / name, "PNG")
        (folder / "labels.csv").write_text(content, encoding)
        return load_folder(folder, **columns), folder

    return load


def is_read_as(names, y, **fields):
    """Return a check of the names of files, labels and other fields that a table is read as."""

    def check(data, folder, expected):
        found = [Path(path).name for path in data.paths], data.y.tolist()
        others = {name: data[name].tolist() for name in fields}
        return (*found, others) == (names, y, fields)

    return check


PEOPLE = table(
    "file,label,person,use\n007,1,01,NA\n7,2,1,null\n", "007", "7", group="person", split="use"
)
TWO = ["a.png", "b.png"]

TABLES = [
    (
        "names that look like numbers or like nothing: `007`, `7`, `NA`, `null`",
        PEOPLE,
        Right(
            "names, as they are written",
            is_read_as(["007", "7"], [1, 2], groups=["01", "1"], split=["NA", "null"]),
        ),
    ),
    (
        "a comma at the end of each row",
        table("file,label\na.png,1,\nb.png,2,\n"),
        Right("the table without it", is_read_as(TWO, [1, 2])),
    ),
    (
        "a UTF-8 byte-order mark at the start, and blank lines",
        table("\ufefffile,label\n\na.png,1\n\nb.png,2\n"),
        Right("the table without them", is_read_as(TWO, [1, 2])),
    ),
    (
        "labels of more digits than a float has",
        table("file,label\na.png,9007199254740993\nb.png,2\n"),
        Right("all their digits", is_read_as(TWO, [9007199254740993, 2])),
    ),
    (
        "labels that are whole and too large for an int",
        table("file,label\na.png,1e300\nb.png,2\n"),
        Right("floats", is_read_as(TWO, [1e300, 2.0])),
    ),
    (
        "a decimal comma",
        table("file,label\na.png,1,5\nb.png,2\n"),
        "cannot be read: it has 3 fields, but there are 2 columns",
    ),
    ("semicolons", table("file;label\na.png;1\n"), "Its columns are ['file;label']"),
    ("two columns of one name", table("file,label,label\na.png,1,2\n"), "has two columns label"),
    ("text that is not UTF-8", table("file,label\nä.png,1\n", encoding="cp1252"), "is not UTF-8"),
    ("no text", table(""), "has no column file, label"),
    ("a row without a file", table("file,label\n,1\nb.png,2\n"), "has rows without a file"),
    (
        "a row without a person",
        table("file,label,person\na.png,1,\n", group="person"),
        "has images without a group: a.png",
    ),
    ("a label in words", table("file,label\na.png,NA\n"), "Got 'NA' for a.png"),
    (
        "a label with a comma for thousands",
        table('file,label\na.png,"1,234"\n'),
        "must be finite numbers. Got '1,234' for a.png",
    ),
    ("a file that is not there", table("file,label\nc.png,1\n"), "or pass on_missing='skip'"),
]

import pathlib
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sknumclip.datasets import load_folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    for i in range(8):
        Image.new("RGB", (4, 4)).save(tmp_path / "images" / f"{i}.png")
    rows = [
        f"images/{i}.png,{i / 2},{i // 2},{i % 4},{'train' if i < 6 else 'test'}" for i in range(8)
    ]
    write(tmp_path, "file,label,person,part,use", *rows)
    return tmp_path


def write(folder, *lines):
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


def test_paths_and_labels_belong_together(folder):
    data = load_folder(folder)
    assert data.paths == [str(folder / "images" / f"{i}.png") for i in range(8)]
    np.testing.assert_array_equal(data.y, np.arange(8) / 2)
    assert data.groups is data.folds is data.split is None
    assert str(folder) in data.DESCR


def test_groups_folds_and_split(folder):
    data = load_folder(folder, group="person", fold="part", split="use")
    np.testing.assert_array_equal(data.groups, (np.arange(8) // 2).astype(str))
    np.testing.assert_array_equal(data.folds, np.arange(8) % 4)
    assert data.folds.dtype == np.int64
    assert list(data.split) == ["train"] * 6 + ["test"] * 2


def test_whole_labels_are_ints_and_others_floats(folder):
    assert load_folder(folder).y.dtype == np.float64
    assert load_folder(folder, label="person").y.dtype == np.int64


def test_the_table_may_be_elsewhere_and_name_absolute_paths(folder, tmp_path_factory):
    csv = tmp_path_factory.mktemp("tables") / "mine.csv"
    csv.write_text(f"picture,grams\n{folder / 'images' / '3.png'},12\n")
    data = load_folder(folder, csv, image="picture", label="grams")
    assert data.paths == [str(folder / "images" / "3.png")]


def test_missing_images_are_listed_and_counted(folder):
    write(folder, "file,label", "images/0.png,1", *[f"gone{i}.png,1" for i in range(7)])
    with pytest.raises(FileNotFoundError, match=r"7 of the 8 images .*labels.csv") as error:
        load_folder(folder)
    for part in ("gone0.png", "gone4.png", "and 2 more", "on_missing='skip'"):
        assert part in str(error.value)
    assert "gone5.png" not in str(error.value)


def test_missing_images_may_be_skipped_but_not_silently(folder):
    write(folder, "file,label", "gone.png,1", "images/5.png,7")
    with pytest.warns(UserWarning, match="1 of the 2 images .*gone.png.* left out"):
        data = load_folder(folder, on_missing="skip")
    assert data.paths == [str(folder / "images" / "5.png")]
    np.testing.assert_array_equal(data.y, [7])


@pytest.mark.filterwarnings("ignore:.*left out")
def test_nothing_left_is_an_error(folder):
    write(folder, "file,label", "gone.png,1")
    with pytest.raises(ValueError, match="There are no images in"):
        load_folder(folder, on_missing="skip")


def test_a_missing_table_is_named(folder):
    with pytest.raises(FileNotFoundError, match="no file .*ages.csv"):
        load_folder(folder, "ages.csv")


def test_a_missing_column_is_named_with_those_that_are_there(folder):
    with pytest.raises(ValueError, match="no column Label. Did you mean 'label'"):
        load_folder(folder, label="Label")
    with pytest.raises(ValueError, match="no column age. Its columns are .*'label', 'person'"):
        load_folder(folder, label="age")


@pytest.mark.parametrize("label", ["", "old", "inf"])
def test_labels_that_are_no_numbers_are_named(folder, label):
    write(folder, "file,label", "images/0.png,1", f"images/1.png,{label}")
    with pytest.raises(ValueError, match=r"Labels in .*labels.csv must be finite .* for 1.png"):
        load_folder(folder)


def test_gaps_in_groups_and_fractions_as_folds_are_errors(folder):
    write(folder, "file,label,person", "images/0.png,1,ann", "images/1.png,2,")
    with pytest.raises(ValueError, match="images without a group: 1.png"):
        load_folder(folder, group="person")
    with pytest.raises(ValueError, match="Folds in .* must be finite numbers.*'ann' for 0.png"):
        load_folder(folder, fold="person")
    write(folder, "file,label,part", "images/0.png,1,0.5", "images/1.png,2,1")
    with pytest.raises(ValueError, match="Folds in .* must be whole numbers"):
        load_folder(folder, fold="part")


def test_on_missing_is_checked(folder):
    with pytest.raises(ValueError, match="on_missing must be 'raise' or 'skip'. Got 'ignore'"):
        load_folder(folder, on_missing="ignore")


@pytest.mark.parametrize(
    "names", [["007", "7"], ["NA", "null"], ["1e5", "100000"], ["None", "nan"], ["01.5", "1.50"]]
)
def test_names_of_files_and_groups_are_text_as_written(tmp_path, names):
    for name in names:
        Image.new("RGB", (8, 8)).save(tmp_path / name, "PNG")
    rows = "".join(f"{name},{i},{name},{name}\n" for i, name in enumerate(names))
    (tmp_path / "labels.csv").write_text("file,label,person,part\n" + rows)
    data = load_folder(tmp_path, group="person", split="part")
    assert [Path(path).name for path in data.paths] == names
    assert data.groups.tolist() == data.split.tolist() == names


def test_columns_of_names_are_text_even_where_labels_are_read_from_them(tmp_path):
    for name in ("a.png", "b.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    write(tmp_path, "file,age", "a.png,007", "b.png,7")
    data = load_folder(tmp_path, label="age", group="age")
    assert data.y.tolist() == [7, 7]
    assert data.groups.tolist() == ["007", "7"]


@pytest.mark.parametrize("header", ["file,label,person,part", "file,label,person,part,"])
def test_columns_stay_in_place_where_rows_end_with_a_comma(folder, header):
    write(folder, header, "images/3.png,30,01,1,", "images/1.png,10,1,0,", "", "images/2.png,20,,1")
    with pytest.raises(ValueError, match="images without a group: 2.png"):
        load_folder(folder, group="person")
    data = load_folder(folder, fold="part")
    assert [Path(path).name for path in data.paths] == ["3.png", "1.png", "2.png"]
    assert data.y.tolist() == [30, 10, 20]
    assert data.folds.tolist() == [1, 0, 1]


def test_a_label_with_a_decimal_comma_is_not_cut_in_two(folder):
    write(folder, "file,label", "images/0.png,1", "images/1.png,1,5")
    with pytest.raises(ValueError, match=r"Line 3 of .*labels.csv .* 3 fields, .* 2 columns"):
        load_folder(folder)
    write(folder, "file,label,person", "images/0.png,1,ann", 'images/1.png,1.5,"ann, or eve"')
    data = load_folder(folder, group="person")  # as the error advises
    assert data.y.tolist() == [1, 1.5]
    assert data.groups.tolist() == ["ann", "ann, or eve"]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_a_table_that_is_not_utf8_is_named_with_advice_that_works(folder, encoding):
    (folder / "images" / "0.png").rename(folder / "images" / "Zoë.png")
    (folder / "labels.csv").write_text("file,label\nimages/Zoë.png,3\n", encoding)
    with pytest.raises(ValueError, match=r"labels.csv is not UTF-8: .* codec") as error:
        load_folder(folder)
    code, file = re.search(r"that is (.*) with file = (.*)\.$", str(error.value)).groups()
    eval(code, {"file": eval(file, {"pathlib": pathlib})})
    assert Path(*load_folder(folder).paths).name == "Zoë.png"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"labels.csv has no column file, label. Its columns are \[\]"),
        ("file;label\nimages/0.png;1,5\n", r"no column file, label. .* \['file;label'\]"),
        ("file,label,file\nimages/0.png,1,images/1.png\n", "has two columns file"),
        ('file,label\n"images/0.png,1\n', "Line 2 of .*labels.csv cannot be read"),
        ("file,label\nimages/0.png,1\n,2\n", "rows without a file, at index 1"),
    ],
)
def test_what_is_no_table_of_images_is_named(folder, content, message):
    (folder / "labels.csv").write_text(content)
    with pytest.raises(ValueError, match=message):
        load_folder(folder, on_missing="skip")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["9007199254740993", "-9007199254740993"], [9007199254740993, -9007199254740993]),
        (["0.30000000000000004", "2.675"], [0.30000000000000004, 2.675]),
        (["1e300", "2"], [1e300, 2.0]),
        (["99999999999999999999", "2"], [1e20, 2.0]),
        ([" 3", "+4.0"], [3, 4]),
        (["True", "false"], [1, 0]),
    ],
)
def test_labels_keep_all_their_digits(folder, labels, expected):
    write(folder, "file,label", *[f"images/{i}.png,{label}" for i, label in enumerate(labels)])
    y = load_folder(folder).y
    assert y.tolist() == expected
    assert y.dtype == (np.int64 if isinstance(expected[0], int) else np.float64)


@pytest.mark.parametrize("label", ["NA", "1,234", "1_000", "0x10", "1j", "inf", "-", "٣"])
def test_labels_are_not_guessed(folder, label):
    write(folder, "file,label", "images/0.png,1", f'images/1.png,"{label}"')
    with pytest.raises(ValueError, match=rf"finite numbers. Got '{label}' for 1.png"):
        load_folder(folder)

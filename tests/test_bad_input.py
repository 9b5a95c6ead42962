"""What bad and odd input gives, case by case; docs/bad_input.md is made of the same list.

After a change: ``python tests/test_bad_input.py > docs/bad_input.md``.
"""

import faulthandler
import inspect
import os
import re
import socket
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import save_pictures
from PIL import Image
from scipy.sparse import csr_matrix
from sklearn.base import clone
from skorch.callbacks import Callback

from sknumclip import CLIPEmbedder, LinguisticBins, NumCLIPRegressor
from sknumclip.backbone import BackboneError
from sknumclip.images import ImageReadError, read_image

RED, WHITE, GREY = (255, 0, 0), (255, 255, 255), (128, 128, 128)
BINS = {"a few": (0, 10), "many": (10, 30), "dozens": (30, 100)}
FAST = dict(model_name="tiny", fine_tune="none", max_epochs=1, random_state=0, verbose=0)
Y, ONE = [1.0, 5.0, 40.0, 90.0], [5.0]


@dataclass
class Right:
    """Input that is odd, but has one right meaning.

    Parameters
    ----------
    words : str
        What it means, for the table.
    check : callable
        From the fitted estimator, X and the predictions for plain paths to whether it is so.
    """

    words: str
    check: callable


# ------------------------------------------------------------------------------- image files


def saved(name, image, **options):
    """Return what makes a file of a picture."""

    def make(folder):
        image.save(folder / name, **options)
        return folder / name

    return make


def file_of(name, content):
    """Return what makes a file of bytes."""

    def make(folder):
        (folder / name).write_bytes(content)
        return folder / name

    return make


def cut_off(name, n_bytes):
    def make(folder):
        file = saved(name, Image.effect_noise((64, 64), 50))(folder)
        file.write_bytes(file.read_bytes()[:n_bytes])
        return file

    return make


def png_bomb(width, height):
    """A PNG of some hundred bytes that says how large it is, and is not."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = (
        chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b"")
    )
    return file_of("bomb.png", b"\x89PNG\r\n\x1a\n" + content)


def fifo(folder):
    os.mkfifo(folder / "fifo.png")
    return folder / "fifo.png"


def forbidden(folder):
    file = saved("forbidden.png", Image.new("RGB", (8, 8)))(folder)
    file.chmod(0)
    if os.access(file, os.R_OK):
        pytest.skip("this user may read every file")
    return file


def link(folder):
    (folder / "link.png").symlink_to("nowhere.png")
    return folder / "link.png"


def not_utf8(folder):
    file = os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png")
    Image.new("RGB", (8, 8), RED).save(file)
    return file


def animation(name):
    frames = [Image.new("RGB", (8, 8), color) for color in (RED, WHITE)]
    return saved(name, frames[0], save_all=True, append_images=frames[1:], lossless=True)


def turned(folder):
    image = Image.new("RGB", (8, 16), WHITE)
    image.paste(RED, (0, 8, 8, 16))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    return saved("turned.png", image, exif=exif)(folder)


def see_through(folder):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, *RED])
    return saved("palette.png", image, transparency=1)(folder)


def is_seen_as(size, color):
    """Return a check that the last image of X is read as a picture of this size and colour."""

    def check(reg, X, expected):
        image = read_image(X[-1])
        near = np.abs(np.subtract(image.getpixel((0, 0)), color)).max() <= 3
        return image.size == size and near and np.isfinite(reg.predict(X)).all()

    return check


GREY_16_BITS = Image.fromarray(np.full((8, 8), 0x8080, dtype=np.uint16))
FLOATS = Image.fromarray(np.full((8, 8), 0.5, dtype=np.float32))
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99)

IMAGES = [
    ("a JPEG that was cut off", cut_off("cut.jpg", 600), "image file is truncated"),
    ("a PNG that was cut off", cut_off("cut.png", 600), "image file is truncated"),
    ("a file of 0 bytes", file_of("empty.jpg", b""), "an empty file (0 bytes)"),
    (
        "a web page saved as .jpg",
        file_of("page.jpg", b"<!DOCTYPE html><html>"),
        "not an image of a kind that Pillow knows; it begins with b'<!DOCTYPE html><'",
    ),
    (
        "a PNG named .jpg",
        lambda folder: saved("a.png", Image.new("RGB", (8, 8), RED))(folder).rename(
            folder / "a.jpg"
        ),
        Right("the picture: its content counts, not its name", is_seen_as((8, 8), RED)),
    ),
    (
        "1 × 1 pixels",
        saved("dot.png", Image.new("RGB", (1, 1), RED)),
        Right("the picture", is_seen_as((1, 1), RED)),
    ),
    (
        "1 × 20000 pixels",
        saved("long.png", Image.new("RGB", (1, 20000), RED)),
        Right("the middle of it", is_seen_as((1, 20000), RED)),
    ),
    (
        "a file of 100 bytes that says it has 30000 × 30000 pixels",
        png_bomb(30000, 30000),
        "If you trust it, raise Pillow's limit: PIL.Image.MAX_IMAGE_PIXELS",
    ),
    ("one that says it has 9000 × 9000", png_bomb(9000, 9000), "image file is truncated"),
    (
        "a CMYK JPEG",
        saved("cmyk.jpg", Image.new("CMYK", (16, 16), (0, 255, 255, 0))),
        Right("the picture in RGB", is_seen_as((16, 16), RED)),
    ),
    (
        "a 16-bit PNG",
        saved("16.png", GREY_16_BITS),
        Right("scaled to 8 bits", is_seen_as((8, 8), GREY)),
    ),
    (
        "a TIFF of floats",
        saved("floats.tif", FLOATS),
        "its pixels are floats, whose white is unknown",
    ),
    (
        "a palette with transparency",
        see_through,
        Right("what is transparent is white", is_seen_as((8, 8), WHITE)),
    ),
    ("an animated GIF", animation("a.gif"), Right("its first frame", is_seen_as((8, 8), RED))),
    ("an animated WebP", animation("a.webp"), Right("its first frame", is_seen_as((8, 8), RED))),
    (
        "a photo that is turned by its EXIF tag",
        turned,
        Right("upright", is_seen_as((8, 16), RED)),
    ),
    (
        "a PNG whose EXIF block is broken",
        saved("broken.png", Image.new("RGB", (8, 8), RED), exif=b"Exif\0\0nonsense"),
        "its EXIF block is broken",
    ),
    ("HEIC without its plugin", file_of("a.heic", HEIC), "pip install pillow-heif"),
    (
        "PostScript",
        file_of("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"),
        "PostScript, which is a program, not pixels",
    ),
    ("a folder", lambda folder: folder, "a folder, not a file"),
    ("a FIFO", fifo, "not a regular file"),
    ("a device", lambda folder: "/dev/zero", "not a regular file"),
    ("a file that may not be read", forbidden, "Permission"),
    ("a missing file", lambda folder: folder / "missing.png", "no such file"),
    ("a relative path", lambda folder: "missing.png", "no such file in "),
    ("a link to nowhere", link, "a link to nowhere.png, which does not exist"),
    ("~", lambda folder: "~/missing.png", "~ is not expanded; use os.path.expanduser"),
    ("an empty path", lambda folder: "", "its path is empty"),
    ("a name that is not UTF-8", not_utf8, Right("the picture", is_seen_as((8, 8), RED))),
    ("a very long name", lambda folder: str(folder / ("x" * 999)), "name too long"),
    ("a NUL in the name", lambda folder: "a\0.png", "null"),
    (
        "a PIL image without pixels",
        lambda folder: Image.new("RGB", (0, 8)),
        "it has no pixels: 0 × 8",
    ),
    (
        "a PIL image that was closed",
        lambda folder: [image := Image.open(saved("a.png", GREY_16_BITS)(folder)), image.close()][
            0
        ],
        "closed image",
    ),
    (
        "an array with RGB as its last axis, among paths",
        lambda folder: np.full((8, 8, 3), RED, dtype=np.uint8),
        Right("the picture", is_seen_as((8, 8), RED)),
    ),
]

# ------------------------------------------------------------------------------------------ X


def as_paths(words):
    return Right(words, lambda reg, X, expected: np.allclose(reg.predict(X), expected, rtol=1e-4))


IS_READ = as_paths("the same as a list of paths")
CONVERT = "An array of images must be uint8 (0 to 255) of shape (n_images, height, width, 3)"
UNIT = np.random.default_rng(0).random((4, 8, 8, 3))

X = [
    (
        "with a URL of an unknown kind in it",
        lambda files: [*files[:3], "bucket://a.jpg"],
        "'bucket://a.jpg' is not an address that fsspec knows how to read",
    ),
    (
        "with a web address in it",
        lambda files: [*files[:3], "https://example.com/a.jpg"],
        "Images are not fetched from web sites. Got 'https://example.com/a.jpg'. Download",
    ),
    ("`[]`", lambda files: [], "X is empty: found 0 images"),
    ("`None`", lambda files: None, "X is neither images nor features"),
    ("a number", lambda files: 5, "X is neither images nor features"),
    ("one path", lambda files: files[0], "X is a single image; put it in a list: [X]"),
    ("bytes", lambda files: b"a.png", "X is neither images nor features"),
    ("one PIL image", lambda files: Image.open(files[0]), "put it in a list: [X]"),
    ("a generator", lambda files: (f for f in files), "X must have a length, so make it a list"),
    ("a dict", lambda files: {"path": files}, "X must not be a dict"),
    ("a set", lambda files: set(files), "X must not be a set"),
    ("nested lists", lambda files: [[f, f] for f in files], "X is neither images nor features"),
    ("paths and a number", lambda files: [*files[:3], 3.5], "X[3] is not an image: 3.5"),
    ("paths and None", lambda files: [*files[:3], None], "X[3] is not an image: None"),
    ("None everywhere", lambda files: [None] * 4, "X[0] is not an image: None"),
    (
        "a Series with NaN",
        lambda files: pd.Series([*files[:3], np.nan]),
        "X[3] is not an image: nan",
    ),
    (
        "paths as bytes",
        lambda files: [os.fsencode(f) for f in files],
        "Paths must be str: [os.fsdecode(path) for path in X]",
    ),
    ("open files", lambda files: [os.sys.stdin] * 4, "X[0] is not an image: <"),
    (
        "an array of objects",
        lambda files: np.array([object()] * 4),
        "X[0] is not an image: <object",
    ),
    ("floats 0 to 1", lambda files: UNIT, "if 1 is white, use np.round(255 * X).astype(np.uint8)"),
    (
        "floats 0 to 255",
        lambda files: 255 * UNIT,
        "if 255 is white, use np.round(X).astype(np.uint8)",
    ),
    (
        "channels first",
        lambda files: np.zeros((4, 3, 8, 8), dtype=np.uint8),
        "the channels must be last, X.transpose(0, 2, 3, 1)",
    ),
    ("grey images", lambda files: np.zeros((4, 8, 8)), "use np.repeat(X[..., None], 3, axis=3)"),
    ("RGBA in an array", lambda files: np.zeros((4, 8, 8, 4), dtype=np.uint8), CONVERT),
    ("a list of float tensors", lambda files: list(torch.zeros(4, 3, 8, 8)), CONVERT),
    (
        "a masked array",
        lambda files: np.ma.array(np.zeros((4, 8, 8, 3), dtype=np.uint8), mask=True),
        "X is a masked array, whose masked values would be used all the same",
    ),
    (
        "a DataFrame of two columns",
        lambda files: pd.DataFrame({"path": files, "other": files}),
        "must have one column, of paths. Got the columns ['path', 'other']: select one",
    ),
    (
        "a DataFrame of none",
        lambda files: pd.DataFrame(index=range(4)),
        "DataFrame without columns",
    ),
    (
        "dates",
        lambda files: pd.DataFrame({"date": pd.date_range("2020", periods=4)}),
        "X is neither images nor features",
    ),
    ("a sparse matrix", lambda files: csr_matrix(np.eye(4)), "Sparse data was passed for X"),
    ("one feature as a list", lambda files: [1.0, 2.0, 3.0, 4.0], "Reshape your data"),
    ("features with NaN", lambda files: np.full((4, 3), np.nan), "Input X contains NaN"),
    ("features with inf", lambda files: np.full((4, 3), np.inf), "Input X contains infinity"),
    ("no features", lambda files: np.zeros((4, 0)), "Found array with 0 feature(s)"),
    ("a categorical Series", lambda files: pd.Series(files, dtype="category"), IS_READ),
    ("`dict.values()`", lambda files: dict(enumerate(files)).values(), IS_READ),
    ("a mix of paths and PIL images", lambda files: [*files[:3], Image.open(files[3])], IS_READ),
    (
        "one PIL image four times, not yet loaded",
        lambda files: [Image.open(files[0])] * 4,
        Right(
            "the picture",
            lambda reg, X, expected: np.allclose(np.ptp(reg.predict(X)), 0, atol=1e-3),
        ),
    ),
]

# -------------------------------------------------------------------------------------- labels

IS_FITTED = Right("fitted", lambda reg, X, expected: np.isfinite(reg.predict(X)).all())
NUMBERS = Right("taken as numbers", IS_FITTED.check)
NOT_1D = "y must be a list, 1-D array or Series of numbers, one per image"

LABELS = [
    ("NaN", dict(y=[1, np.nan, 3, 4]), "y must be finite. Got NaN in 1 of 4 labels, at index 1"),
    ("inf", dict(y=[1, np.inf, 3, 4]), "in 1 of 4 labels, at index 1. Leave those samples out"),
    ("None", dict(y=None), "requires y to be passed"),
    ("None in a list", dict(y=[1, None, 3, 4]), "Got NaN in 1 of 4 labels, at index 1"),
    ("strings", dict(y=list("abcd")), "Got labels like 'a' (str): convert them first"),
    ("strings of digits", dict(y=list("1234")), "as in pandas.to_numeric(y)"),
    (
        "dates",
        dict(y=pd.date_range("2020", periods=4)),
        "y must be numbers. Got labels like",
    ),
    ("objects", dict(y=[object()] * 4), "y must be numbers. Got labels like <object"),
    ("complex numbers", dict(y=[1j, 2, 3, 4]), "Complex data not supported"),
    ("an int of 400 digits", dict(y=[10**400, 2, 3, 4]), "y must be numbers. Got labels like 1000"),
    ("two columns", dict(y=np.ones((4, 2))), "as sklearn.multioutput.MultiOutputRegressor does"),
    ("a ragged list", dict(y=[[1], [2, 3], [4], [5]]), NOT_1D),
    ("a set", dict(y={1, 2, 3, 4}), NOT_1D),
    ("a scalar", dict(y=5), NOT_1D),
    ("sparse", dict(y=csr_matrix([Y])), NOT_1D),
    ("masked", dict(y=np.ma.array(Y, mask=[0, 1, 0, 0])), "y is a masked array"),
    ("fewer than images", dict(y=[1, 2]), "Got 4 images or rows in X and 2 labels in y"),
    ("one sample", dict(y=ONE), "At least 2 samples are needed to fit"),
    (
        "negative, outside the bins",
        dict(y=[-1, 2, 3, 4]),
        "lie outside the bins, which cover [0, 100]",
    ),
    ("1e300, outside the bins", dict(y=[1e300, 2, 3, 4]), "The worst: 1e+300 (at index 0)"),
    (
        "outside bins that clip",
        dict(y=[-1, 2, 3, 1e6], bins=LinguisticBins.from_mapping(BINS, outside="clip")),
        Right(
            "assigned to the end bins",
            lambda reg, X, expected: np.array_equal(reg.bins_.assign([-1, 1e6]), [0, 2]),
        ),
    ),
    ("1e300, with `bins=3`", dict(y=[1e300, 2, 3, 4], bins=3), "y must lie within ±1e30"),
    (
        "constant, with `bins=3`",
        dict(y=[5] * 4, bins=3),
        "y must have at least two different values",
    ),
    (
        "that differ by rounding, with `bins=3`",
        dict(y=[1, 1, 1 + 2.0**-52, 1 + 2.0**-51], bins=3),
        "too close together for 3 bins",
    ),
    ("constant, with named bins", dict(y=[5] * 4), IS_FITTED),
    ("all in one bin", dict(y=[1, 2, 3, 4]), IS_FITTED),
    (
        "one in each bin",
        dict(y=Y, bins={"a few": (0, 3), "some": (3, 9), "many": (9, 50), "dozens": (50, 99)}),
        IS_FITTED,
    ),
    ("True and False", dict(y=[True, False, True, True]), NUMBERS),
    ("an array of objects that are numbers", dict(y=np.array(Y, dtype=object)), NUMBERS),
    ("pandas' nullable numbers", dict(y=pd.array([1, 2, 3, 4], dtype="Int64")), NUMBERS),
    ("pandas' NA", dict(y=pd.array([1, 2, None, 4], dtype="Int64")), "Got NaN in 1 of 4 labels"),
    ("weights: negative", dict(w=[-1, 1, 1, 1]), "Got -1 at index 0"),
    ("weights: NaN", dict(w=[1, np.nan, 1, 1]), "Got nan at index 1"),
    ("weights: strings", dict(w="balanced"), "sample_weight must be numbers. Got 'balanced'"),
    (
        "weights: too few",
        dict(w=[1, 2]),
        "sample_weight must have one weight for each of the 4 samples",
    ),
    ("weights: all 0", dict(w=[0] * 4), "sample_weight must not be zero for all samples"),
    ("weights: one is not 0", dict(w=[1, 0, 0, 0]), "At least 2 readable images of weight above 0"),
    (
        "weights: 1e308",
        dict(w=[1e308] * 4),
        as_paths("the same as 1: only ratios matter"),
    ),
]

# ---------------------------------------------------------------------------------------- bins

GAP = {"a few": (0, 10), "many": (20, 30)}

BAD_BINS = [
    (GAP, "'a few' ends at 10 but 'many' starts at 20, which leaves a gap. Let 'many' start at 10"),
    ({"a few": (0, 20), "many": (10, 30)}, "which is an overlap or out of order"),
    ({"many": (10, 30), "a few": (0, 10)}, "which is an overlap or out of order"),
    (
        {"a few": (10, 0), "many": (0, 30)},
        "The range of bin 'a few' must be finite with low < high",
    ),
    ({"a few": (0, 10), "many": (10, np.inf)}, "The range of bin 'many' must be finite"),
    ({"a few": (0, 10), "many": ("10", "30")}, "'many' must be (low, high), two numbers"),
    ({"a few": 10, "many": (10, 30)}, "'a few' must be (low, high), two numbers"),
    ({"a few": (0, 10), "A  few ": (10, 30)}, "Each bin needs words of its own. Got ['a few']"),
    ({"": (0, 10), "many": (10, 30)}, "descriptions must not be empty"),
    ({1: (0, 10), 2: (10, 30)}, "descriptions must be a sequence of strings"),
    ({"a few": (0, 100)}, "At least 2 bins are needed"),
    ({}, "bins must map each description to its range (low, high)"),
    ({"few": (0, 1e300), "many": (1e300, 1e301)}, "edges must lie within ±1e30"),
    ({"very " * 30 + "few": (0, 10), "many": (10, 100)}, "prompts have more tokens than the 24"),
]
TWO = dict(descriptions=("few", "many"), edges=(0, 10, 30))
BAD_LINGUISTIC_BINS = [
    (dict(descriptions="few"), "descriptions must be a sequence of strings"),
    (dict(descriptions={"few"}), "descriptions must be a sequence of strings"),
    (dict(descriptions=None), "descriptions must be a sequence of strings"),
    (dict(edges=(0, 10)), "edges must have 3 values for these bins. Got 2"),
    (dict(edges=(0, 30, 10)), "edges must be strictly increasing"),
    (dict(edges=(0, 10, float("nan"))), "edges must be finite"),
    (dict(edges="012"), "edges must be a sequence of numbers"),
    (dict(edges=(0, 10, 10**400)), "edges must be a sequence of numbers"),
    (dict(centers=(5, 99)), "The center of bin 'many' must lie in its range [10, 30]. Got 99"),
    (dict(centers=(5,)), "centers must have 2 values for these bins. Got 1"),
    (dict(outside="ignore"), "outside must be 'raise' or 'clip'"),
]

# ---------------------------------------------------------------------------------- parameters

BOOL = "must be an instance of 'bool'"
PARAMETERS = [
    (dict(bins=1), "an int in the range [2, inf)"),
    (dict(bins=None), "a mapping of descriptions to ranges (low, high)"),
    (dict(bins="ages"), "There are no preset bins named 'ages'. Choose from ['age', 'age_fine'"),
    (dict(bins=8), "There are generic words for 2 to 7 bins only. Got 8: name the bins yourself"),
    (dict(template="a photo"), "template must be a sentence with exactly one {}"),
    (dict(template="{} or {}"), "template must be a sentence with exactly one {}"),
    (dict(template=None), "must be an instance of 'str'"),
    (dict(model_name="ViT-B-17"), "open_clip has no architecture 'ViT-B-17'"),
    (dict(model_name="https://example.com/clip"), "open_clip has no architecture 'https:"),
    (dict(model_name="local-dir:/nowhere"), "'local-dir:/nowhere'"),
    (dict(model_name=None), "must be an instance of 'str'"),
    (dict(pretrained=3), "must be an instance of 'str' or None"),
    (dict(model_name="ViT-B-32", pretrained="openia"), "pretrained='openia'"),
    (dict(prompt_init="digits"), "must be a str among {"),
    (dict(fine_tune="some"), "must be a str among {"),
    (dict(fine_tune=0), "an int in the range [1, inf)"),
    (dict(fine_tune=True), "an int in the range [1, inf). Got True"),
    (dict(fine_tune=99), "fine_tune=99, but this image tower has 3 blocks"),
    (dict(ranking_loss="fcr"), "must be a str among {"),
    (dict(beta=-1), "must be a float in the range [0.0, 1000000.0]. Got -1"),
    (dict(beta=float("inf")), "must be a float in the range [0.0, 1000000.0]. Got inf"),
    (dict(distance="cubed"), "must be a str among {"),
    (dict(weight_norm="max"), "must be a str among {"),
    (dict(mask_same_bin="yes"), BOOL),
    (dict(shift="height"), "must be a str among {"),
    (dict(max_shift=1), "must be a float in the range (0.0, 1.0). Got 1"),
    (dict(max_epochs=-1), "must be an int in the range [0, inf). Got -1"),
    (dict(max_epochs=1.5), "must be an int in the range [0, inf). Got 1.5"),
    (dict(batch_size=0), "an int in the range [1, inf). Got 0"),
    (dict(lr=-1e-5), "must be a float in the range [0.0, inf). Got -1e-05"),
    (dict(lr="fast"), "must be a float in the range [0.0, inf). Got 'fast'"),
    (dict(prompt_lr=float("nan")), "a float in the range [0.0, inf). Got nan"),
    (dict(regressor_lr=None), "must be a float in the range [0.0, inf). Got None"),
    (dict(lr_schedule="linear"), "must be a str among {"),
    (dict(augment=1), BOOL),
    (dict(canvas_scale=0.5), "must be a float in the range [1.0, 8.0]. Got 0.5"),
    (dict(canvas_scale=1000), "must be a float in the range [1.0, 8.0]. Got 1000"),
    (dict(early_stopping=None), BOOL),
    (dict(validation_fraction=1), "must be a float in the range (0.0, 1.0). Got 1"),
    (dict(early_stopping=True, validation_fraction=0.9), "leaves 0 of 4 samples for training"),
    (dict(n_iter_no_change=0), "must be an int in the range [1, inf). Got 0"),
    (dict(device="gpu"), "device='gpu' cannot be used here"),
    (dict(device="meta"), "device='meta' cannot be used here"),
    (dict(device=0), "must be an instance of 'str' or an instance of 'torch.device'"),
    (dict(precision="fp8"), "must be a str among {"),
    (dict(compile="yes"), BOOL),
    (dict(image_cache=True), "must be a str or Path or None. Got True"),
    (
        dict(image_cache="a\0b", fine_tune="full"),
        "'a\\x00b' cannot be written",
    ),
    (dict(num_workers=-1), "an int in the range [0, inf). Got -1"),
    (dict(grad_checkpointing=None), BOOL),
    (dict(accumulate_steps=0), "must be an int in the range [1, inf). Got 0"),
    (dict(on_error="ignore"), "must be a str among {"),
    (dict(checkpoint=5), "must be a str or Path or None. Got 5"),
    (dict(checkpoint=__file__), "must be a folder that can be written, or made"),
    (dict(callbacks=["print"]), "must be a list of skorch callbacks"),
    (dict(accelerator="gpu"), "must be an accelerate.Accelerator or None. Got 'gpu'"),
    (dict(gather_batches="yes"), BOOL),
    (dict(warm_start="yes"), BOOL),
    (dict(random_state="seed"), "must be an int in the range [0, 4294967295]"),
    (dict(verbose=-1), "must be an int in the range [0, inf)"),
]

# --------------------------------------------------------------------------------- as one list


def short(value):
    """Return the call in code, for the table."""
    text = ", ".join(f"{name}={v!r}" for name, v in value.items())
    text = text.replace(repr(__file__), "'a file'")
    return f"`{text if len(text) < 70 else text[:60] + '…'}`"


def cases():
    """List all cases: section, what, a function that runs it, what it gives."""

    def fit(X, y=Y, w=None, **params):
        return NumCLIPRegressor(**{"bins": BINS, **FAST, **params}).fit(X, y, sample_weight=w), X

    def image(make):
        return lambda files, folder: fit([*files, make(folder)], [*Y, 7.0])

    def collection(make):
        return lambda files, folder: fit(make(files))

    def labels(given):
        n = 1 if given.get("y") is ONE else 4
        return lambda files, folder: fit(files[:n], **given)

    def parameters(params):
        return lambda files, folder: fit(files, **params)

    def bins(change):
        return lambda files, folder: LinguisticBins(**{**TWO, **change})

    rows = [("An image in X", what, image(make), gives) for what, make, gives in IMAGES]
    rows += [("X", what, collection(make), gives) for what, make, gives in X]
    rows += [("Labels and weights", what, labels(given), gives) for what, given, gives in LABELS]
    rows += [("Bins", short({"bins": b}), parameters({"bins": b}), gives) for b, gives in BAD_BINS]
    rows += [
        ("Bins", f"`LinguisticBins` with {short(change)}", bins(change), gives)
        for change, gives in BAD_LINGUISTIC_BINS
    ]
    rows += [
        ("Parameters", short(params), parameters(params), gives) for params, gives in PARAMETERS
    ]
    rows += [
        (
            "Parameters",
            "`set_params(bata=1)`",
            lambda files, folder: NumCLIPRegressor().set_params(bata=1),
            "Invalid parameter 'bata' for NumCLIPRegressor. Did you mean 'beta'?",
        ),
        (
            "Parameters",
            "`NumCLIPRegressor(bata=1)`",
            lambda files, folder: NumCLIPRegressor(bata=1),
            "got an unexpected keyword argument 'bata'",
        ),
    ]
    return rows


INTRODUCTION = """\
# What bad and odd input gives

Every row is a test: this page and `tests/test_bad_input.py` are one list. Of errors a part of the
message is shown; the whole names the parameter, or the image, what came, what is allowed, and what
to do next. Nothing is downloaded, guessed or replaced.

Parameters, bins and labels are checked before any image is read. Then `fit` reads every image
once, before it trains. With `on_error="raise"`, the default, one `ImageReadError` lists all that
cannot be read. With `on_error="skip"` they are left out, with a warning, and `skipped_` says which
and why; `predict`, `predict_bin_proba`, `transform` and `explain` give NaN in their places, so that
nothing is shifted. A score of NaN is an error of scikit-learn's: leave those images out of scores.

Pillow refuses images of more than twice `PIL.Image.MAX_IMAGE_PIXELS` (89 million) pixels, and warns
from that number on. If you trust larger ones, raise it.
"""


def page():
    """Write the table."""
    lines = INTRODUCTION.splitlines()
    section = None
    for this_section, what, _, gives in cases():
        if this_section != section:
            section = this_section
            lines += ["", f"## {section}", "", "| input | gives |", "|---|---|"]
        result = gives.words if isinstance(gives, Right) else f"error: `{gives}`"
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in (what, result)) + " |")
    return "\n".join(lines) + "\n"


# --------------------------------------------------------------------------------------- tests


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    pixels = np.random.default_rng(0).integers(0, 256, size=(4, 40, 48, 3), dtype=np.uint8)
    return save_pictures(tmp_path_factory.mktemp("good"), pixels)


@pytest.fixture(scope="module")
def expected(files):
    return NumCLIPRegressor(BINS, **FAST).fit(files, Y).predict(files)


@pytest.fixture(autouse=True)
def _no_network_and_no_hanging(monkeypatch):
    def connect(*args):
        raise AssertionError("bad input reached for the network")

    monkeypatch.setattr(socket.socket, "connect", connect)
    faulthandler.dump_traceback_later(120, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


class Watch(Callback):
    """Count epochs."""

    epochs = 0

    def on_epoch_end(self, net, **kwargs):
        Watch.epochs += 1


@pytest.mark.parametrize(
    ("section", "what", "run", "gives"),
    [pytest.param(*case, id=f"{case[0]}: {case[1]}") for case in cases()],
)
def test_it_gives_what_the_table_says(section, what, run, gives, files, expected, tmp_path):
    if isinstance(gives, Right):
        assert gives.check(*run(files, tmp_path), expected)
        return
    with pytest.raises((TypeError, ValueError, OSError, BackboneError)) as raised:
        run(files, tmp_path)
    assert gives in str(raised.value)
    if section == "An image in X":
        assert isinstance(raised.value, ImageReadError)
        assert "1 of 5 images in X cannot be read" in str(raised.value)
    if section == "Parameters" and "(" not in what:
        assert any(name in str(raised.value) for name in re.findall(r"(\w+)=", what))


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_unreadable_images_are_all_listed_or_left_out_in_place(files, tmp_path, fine_tune):
    bad = [str(cut_off("cut.jpg", 600)(tmp_path)), str(tmp_path / "missing.png")]
    mixed, y = [bad[0], *files[:2], bad[1], *files[2:]], [7.0, *Y[:2], 7.0, *Y[2:]]
    reg = NumCLIPRegressor(BINS, **FAST | dict(fine_tune=fine_tune, max_epochs=2))
    with pytest.raises(ImageReadError, match="2 of 6 images in X cannot be read") as raised:
        clone(reg).set_params(callbacks=[Watch()]).fit(mixed, y)
    assert list(raised.value.failures) == bad
    assert Watch.epochs == 0  # nothing was trained

    reg.fit(files, Y)
    skipping = clone(reg).set_params(on_error="skip")
    with pytest.warns(UserWarning, match="2 of 6 images could not be read and were left out"):
        skipping.fit(mixed, y)
    assert list(skipping.skipped_) == bad
    for method in ("predict", "predict_bin_proba", "transform", "explain"):
        with pytest.raises(ImageReadError, match="2 of 6"):
            getattr(reg, method)(mixed)
        rows = pd.DataFrame(getattr(skipping, method)(mixed))
        assert rows.isna().all(axis=1).tolist() == [True, False, False, True, False, False]
        alone = pd.DataFrame(getattr(skipping, method)(files))
        rows = rows.dropna().infer_objects().set_axis(alone.index)
        pd.testing.assert_frame_equal(rows, alone, rtol=1e-4)


def test_the_embedder_lists_or_leaves_out_in_place(files, tmp_path):
    mixed = [files[0], str(tmp_path / "missing.png"), *files[1:]]
    embedder = CLIPEmbedder(model_name="tiny", verbose=0).fit(mixed)
    with pytest.raises(ImageReadError, match="1 of 5 images in X cannot be read"):
        embedder.transform(mixed)
    Z = embedder.set_params(on_error="skip").transform(mixed)
    assert np.isnan(Z).all(axis=1).tolist() == [False, True, False, False, False]
    np.testing.assert_allclose(Z[[0, 2, 3, 4]], embedder.transform(files), rtol=1e-4, atol=1e-6)


def test_there_is_a_case_for_every_parameter():
    named = {name for params, _ in PARAMETERS for name in params}
    assert named == set(inspect.signature(NumCLIPRegressor).parameters)
    assert len(cases()) >= 60


def test_the_page_of_the_docs_is_this_list():
    assert (Path(__file__).parent.parent / "docs" / "bad_input.md").read_text() == page()


if __name__ == "__main__":
    print(page(), end="")

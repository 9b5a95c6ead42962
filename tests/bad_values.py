"""Values of X, labels, bins and parameters that are bad or odd; cases of test_bad_input."""

import os
from collections import deque
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from bad_images import Right
from PIL import Image
from scipy.sparse import csr_matrix

from sknumclip import LinguisticBins
from sknumclip.losses import FCRC, InfoNCE


class NoViews:
    """An augmentation that returns no images."""

    def __call__(self, canvases):
        return None

    def __repr__(self):
        return "returns_none"


BINS = {"a few": (0, 10), "many": (10, 30), "dozens": (30, 100)}
Y, ONE = [1.0, 5.0, 40.0, 90.0], [5.0]
A_FILE = __file__


# ------------------------------------------------------------------------------------------------ X


def as_paths(words):
    return Right(words, lambda reg, X, expected: np.allclose(reg.predict(X), expected, rtol=1e-4))


class SequenceLike:
    """Has a length and items, and nothing else: no numpy, no iterator, no base class."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[range(len(self))[i]]


def as_tensor(file):
    return torch.from_numpy(np.array(Image.open(file).convert("RGB")))


IS_READ = as_paths("the same as a list of paths")
CONVERT = "An array of images must be uint8 (0 to 255) of shape (n_images, height, width, 3)"
UNIT = np.random.default_rng(0).random((4, 8, 8, 3))

X = [
    (
        "paths and a URL of an unknown kind",
        lambda files: [*files[:3], "bucket://a.jpg"],
        "'bucket://a.jpg' is not a URL that fsspec can read",
    ),
    (
        "paths and a web address",
        lambda files: [*files[:3], "https://example.com/a.jpg"],
        "Images are not fetched from web sites. Got 'https://example.com/a.jpg'. Download",
    ),
    ("`[]`", lambda files: [], "X is empty: found 0 images"),
    ("`None`", lambda files: None, "X is neither images nor features"),
    ("a number", lambda files: 5, "X is neither images nor features"),
    ("one path", lambda files: files[0], "X is a single image; put it in a list: [X]"),
    (
        "a folder",
        lambda files: os.path.dirname(files[0]),
        "X is a folder; pass the paths of its images: sorted(pathlib.Path(X).glob('*.png'))",
    ),
    (
        "a pattern",
        lambda files: os.path.dirname(files[0]) + "/*.png",
        "X is a pattern; pass the paths that match it: sorted(glob.glob(X))",
    ),
    ("bytes", lambda files: b"a.png", "X is neither images nor features"),
    ("one PIL image", lambda files: Image.open(files[0]), "put it in a list: [X]"),
    ("a generator", lambda files: (f for f in files), "X must have a length, so make it a list"),
    ("a dict", lambda files: {"path": files}, "X must not be a dict"),
    ("a set", lambda files: set(files), "X must not be a set"),
    ("nested lists", lambda files: [[f, f] for f in files], "X is neither images nor features"),
    ("paths and a number", lambda files: [*files[:3], 3.5], "X[3] is not an image: 3.5"),
    ("paths and None", lambda files: [*files[:3], None], "X[3] is not an image: None"),
    ("only None", lambda files: [None] * 4, "X[0] is not an image: None"),
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
    (
        "open files",
        lambda files: [open(file, "rb") for file in files],  # noqa: SIM115
        "Open them: [PIL.Image.open(file) for file in X]",
    ),
    (
        "the bytes of files",
        lambda files: [Path(file).read_bytes() for file in files],
        "Open them: [PIL.Image.open(io.BytesIO(image)) for image in X]",
    ),
    (
        "pairs of image and label",
        lambda files: list(zip(files, Y, strict=True)),
        "For pairs, use the images: [row[0] for row in X]",
    ),
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
        "arrays with channels first",
        lambda files: np.zeros((4, 3, 8, 8), dtype=np.uint8),
        "if channels come first, use X.transpose(0, 2, 3, 1)",
    ),
    (
        "an array of grayscale images",
        lambda files: np.zeros((4, 8, 8), dtype=np.uint8),
        "if these are grayscale images, use np.repeat(X[..., None], 3, axis=3)",
    ),
    (
        "an array of RGBA images",
        lambda files: np.zeros((4, 8, 8, 4), dtype=np.uint8),
        "if the fourth channel is opacity, use [PIL.Image.fromarray(x) for x in X]",
    ),
    (
        "floats, some a little whiter than white",
        lambda files: 1.02 * UNIT / UNIT.max(),
        "if 1 is white, use np.round(np.minimum(255 * X, 255)).astype(np.uint8)",
    ),
    (
        "a list of float tensors",
        lambda files: list(torch.zeros(4, 3, 8, 8)),
        "use np.round(255 * np.stack(X)).astype(np.uint8).transpose(0, 2, 3, 1)",
    ),
    (
        "a list of table rows",
        lambda files: [{"path": file, "age": 5} for file in files],
        "For rows of a table, use the column of images: [row['path'] for row in X]",
    ),
    (
        "a DataFrame with one column of numbers",
        lambda files: pd.DataFrame({"age": Y}),
        "X is a DataFrame with one column, 'age', of numbers, not of paths. Select the column",
    ),
    (
        "a masked array",
        lambda files: np.ma.array(np.zeros((4, 8, 8, 3), dtype=np.uint8), mask=True),
        "X is a masked array, and its masked values would be used as well",
    ),
    (
        "a DataFrame with two columns",
        lambda files: pd.DataFrame({"path": files, "other": files}),
        "must have one column, of paths. Got the columns ['path', 'other']: select one",
    ),
    (
        "a DataFrame without columns",
        lambda files: pd.DataFrame(index=range(4)),
        "DataFrame without columns",
    ),
    (
        "dates",
        lambda files: pd.DataFrame({"date": pd.date_range("2020", periods=4)}),
        "X[0] is not an image: Timestamp('2020-01-01 00:00:00')",
    ),
    ("a sparse matrix", lambda files: csr_matrix(np.eye(4)), "Sparse data was passed for X"),
    ("a list of numbers", lambda files: [1.0, 2.0, 3.0, 4.0], "Reshape your data"),
    ("features with NaN", lambda files: np.full((4, 3), np.nan), "Input X contains NaN"),
    ("features with inf", lambda files: np.full((4, 3), np.inf), "Input X contains infinity"),
    ("an array without features", lambda files: np.zeros((4, 0)), "Found array with 0 feature(s)"),
    ("a categorical Series", lambda files: pd.Series(files, dtype="category"), IS_READ),
    ("`dict.values()`", lambda files: dict(enumerate(files)).values(), IS_READ),
    ("a deque", deque, IS_READ),
    ("a column of Hugging Face's `datasets`, or a similar sequence", SequenceLike, IS_READ),
    ("uint8 tensors", lambda files: list(map(as_tensor, files)), IS_READ),
    ("a mix of paths and PIL images", lambda files: [*files[:3], Image.open(files[3])], IS_READ),
    (
        "one PIL image four times, not yet loaded",
        lambda files: [Image.open(files[0])] * 4,
        Right(
            "the image",
            lambda reg, X, expected: np.allclose(np.ptp(reg.predict(X)), 0, atol=1e-3),
        ),
    ),
]


# ------------------------------------------------------------------------------------------- labels

IS_FITTED = Right("fitted", lambda reg, X, expected: np.isfinite(reg.predict(X)).all())
NUMBERS = Right("used as numbers", IS_FITTED.check)
NOT_1D = "y must be a list, 1-D array or Series of numbers, one per image"

LABELS = [
    ("NaN", dict(y=[1, np.nan, 3, 4]), "y must be finite. Got NaN in 1 of 4 labels, at position 1"),
    ("inf", dict(y=[1, np.inf, 3, 4]), "in 1 of 4 labels, at position 1. Leave those samples out"),
    ("None", dict(y=None), "requires y to be passed"),
    ("None in a list", dict(y=[1, None, 3, 4]), "Got NaN in 1 of 4 labels, at position 1"),
    ("words", dict(y=list("abcd")), "Got labels like 'a' (str). For ordered classes use NumCLIP"),
    ("strings of digits", dict(y=list("1234")), "convert them first, as in pandas.to_numeric(y)"),
    (
        "percentages",
        dict(y=["48 %", "5 %", "1 %", "9 %"]),
        "convert them first, as in [float(label.strip(' %')) for label in y]",
    ),
    (
        "strings of digits, but for one",
        dict(y=["1", "2", "x", "4"]),
        "but 1 of 4 are not numbers, such as 'x' at position 2. Correct those or leave them out",
    ),
    (
        "numbers with a unit",
        dict(y=["48 kg", "5 kg", "1 kg", "9 kg"]),
        "as in pandas.Series(y).str",
    ),
    (
        "numbers with commas",
        dict(y=["1,500", "2,250", "3,125", "4,000"]),
        "if the comma is a decimal point",
    ),
    (
        "dates",
        dict(y=pd.date_range("2020", periods=4)),
        "y must not be dates or times, which need a unit to become numbers",
    ),
    (
        "intervals of `pandas.cut`",
        dict(y=pd.cut(Y, 2)),
        "use the middle of each, pandas.IntervalIndex(y).mid. NumCLIPClassifier takes them as",
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
    ("fewer labels than images", dict(y=[1, 2]), "Got 4 images or rows in X and 2 labels in y"),
    ("one sample", dict(y=ONE), "At least 2 samples are needed to fit"),
    (
        "negative labels outside the bins",
        dict(y=[-1, 2, 3, 4]),
        "lie outside the bins, which cover [0, 100]",
    ),
    ("1e300, outside the bins", dict(y=[1e300, 2, 3, 4]), "The worst: 1e+300 (at position 0)"),
    (
        "labels outside bins, with `outside='clip'`",
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
        "equal except for rounding, with `bins=3`",
        dict(y=[1, 1, 1 + 2.0**-52, 1 + 2.0**-51], bins=3),
        "too close together for 3 bins",
    ),
    ("constant, with described bins", dict(y=[5] * 4), IS_FITTED),
    ("all in one bin", dict(y=[1, 2, 3, 4]), Right("fitted, with a warning", IS_FITTED.check)),
    (
        "one in each bin",
        dict(y=Y, bins={"a few": (0, 3), "some": (3, 9), "many": (9, 50), "dozens": (50, 99)}),
        IS_FITTED,
    ),
    ("True and False", dict(y=[True, False, True, True]), NUMBERS),
    ("an array of objects that are numbers", dict(y=np.array(Y, dtype=object)), NUMBERS),
    ("pandas' nullable numbers", dict(y=pd.array([1, 2, 3, 4], dtype="Int64")), NUMBERS),
    ("pandas' NA", dict(y=pd.array([1, 2, None, 4], dtype="Int64")), "Got NaN in 1 of 4 labels"),
    (
        "float32, on the edge of a bin",
        dict(
            y=np.array([0.1, 0.3, 0.7, 0.7], np.float32), bins={"low": (0, 0.7), "high": (0.7, 1)}
        ),
        Right(
            "in the bin that starts there, like the digits they print",
            lambda reg, X, expected: reg.bins_.assign(np.float32([0.3, 0.7])).tolist() == [0, 1],
        ),
    ),
    (
        "weights: masked",
        dict(w=np.ma.array(Y, mask=[0, 1, 0, 0])),
        "sample_weight is a masked array",
    ),
    ("weights: negative", dict(w=[-1, 1, 1, 1]), "Got -1 at position 0"),
    ("weights: NaN", dict(w=[1, np.nan, 1, 1]), "Got nan at position 1"),
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


# ------------------------------------------------------------------------------ labels of classes

STAGES = ["child", "teenager", "adult", "child"]


def in_order(words, *order):
    return Right(words, lambda clf, X, expected: clf.classes_.tolist() == list(order))


CLASSES = [
    (
        "words",
        dict(y=STAGES),
        in_order("sorted alphabetically, with a warning", "adult", "child", "teenager"),
    ),
    (
        "words, with `classes` in a set, a dict or an iterator",
        dict(y=STAGES, classes={*STAGES}),
        "must be a list of the labels in their order",
    ),
    (
        "words, with `descriptions` in a set, a dict or an iterator",
        dict(y=STAGES, descriptions=dict.fromkeys(STAGES)),
        "must be a list of the descriptions of the classes, in their order",
    ),
    (
        'words, with `classes=["child", ...]`',
        dict(y=STAGES, classes=STAGES[:3]),
        in_order("in that order", *STAGES[:3]),
    ),
    (
        "an ordered Categorical in a DataFrame of one column",
        dict(y=pd.DataFrame({"y": pd.Categorical(STAGES, STAGES[:3], ordered=True)})),
        in_order("in its order, as polars' Enum and Arrow's ordered dictionary", *STAGES[:3]),
    ),
    (
        "intervals of `pandas.cut`",
        dict(y=pd.cut([5, 15, 99, 30], [0, 13, 19, 100])),
        in_order("in their order, with descriptions", "0 to 13", "13 to 19", "19 to 100"),
    ),
    (
        "pandas' nullable whole numbers",
        dict(y=pd.array([2, 1, 3, 1], dtype="Int64")),
        in_order("whole numbers", 1, 2, 3),
    ),
    (
        "numbers that are not whole",
        dict(y=[0.5, 10.5, 9.5, 3]),
        "cut them into classes: pandas.cut(y",
    ),
    (
        "dates",
        dict(y=pd.date_range("2020", periods=4)),
        "choose the unit, as in pandas.DatetimeIndex(y).year",
    ),
    (
        "None in a list",
        dict(y=["a", None, "b", "c"]),
        "Got None or NaN in 1 of 4 labels, at position 1",
    ),
    ("masked", dict(y=np.ma.array([1, 2, 3, 4], mask=[0, 1, 0, 0])), "y is a masked array"),
    (
        "labels that are not in `classes`",
        dict(y=STAGES, classes=["child", "adult"]),
        "without ['teenager'], which are in y",
    ),
    ("one class", dict(y=["a"] * 4), "At least two classes are needed. Got one class: ['a']"),
    (
        "descriptions that give the same prompt",
        dict(y=[1, 2, 1, 2], descriptions=["a child’s", "a child's"]),
        "makes the same prompt of",
    ),
]


# --------------------------------------------------------------------------------------------- bins

GAP = {"a few": (0, 10), "many": (20, 30)}

BAD_BINS = [
    (
        GAP,
        "'a few' ends at 10 but 'many' starts at 20, which leaves a gap. A range does "
        "not include its upper limit: end 'a few' at 20, or add a bin in between",
    ),
    (
        {"a few": (0, 20), "many": (10, 30)},
        "which is an overlap: end 'a few' at 10, or let 'many' start at 20",
    ),
    (
        {"many": (10, 30), "a few": (0, 10)},
        "which is out of order. List the bins from the lowest range to the highest",
    ),
    (
        {"a few": (10, 0), "many": (0, 30)},
        "The range of bin 'a few' must be finite with low < high",
    ),
    ({"a few": (0, 10), "many": (10, np.inf)}, "The range of bin 'many' must be finite"),
    ({"a few": (0, 10), "many": ("10", "30")}, "'many' must be (low, high), two numbers"),
    ({"a few": 10, "many": (10, 30)}, "two numbers. Got 10. To give only the edges"),
    ({"a few": "0-10", "many": "10-30"}, "Got '0-10'. Write {'a few': (0, 10)}"),
    ({"a few": "low", "many": (10, 30)}, "(low, high), two numbers. Got 'low'."),
    ({"a few": range(10), "many": (10, 30)}, "Got range(0, 10). Write {'a few': (0, 10)}"),
    (
        {(0, 10): "a few", (10, 30): "many"},
        r"Got 'a few'. The words come first: {'a few': (0, 10)}",
    ),
    (
        {"a few": (0, 10), "A  few ": (10, 30)},
        "Each bin needs a different description. Got ['a few']",
    ),
    ({"": (0, 10), "many": (10, 30)}, "descriptions must not be empty"),
    (
        {"a child’s": (0, 10), "a child's": (10, 100)},
        "makes the same prompt of 'a child’s' and \"a child's\": \"a child 's\"",
    ),
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


# --------------------------------------------------------------------------------------- parameters

BOOL = "must be an instance of 'bool'"
PARAMETERS = [
    (dict(bins=1), "an int in the range [2, inf)"),
    (dict(bins=None), "a mapping of descriptions to ranges (low, high)"),
    (dict(bins="ages"), "There are no preset bins named 'ages'. Choose from ['age', 'age_fine'"),
    (
        dict(bins=8),
        "There are generic descriptions only for 2 to 7 bins. Got 8: describe the bins yourself",
    ),
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
    (dict(fine_tune="some"), "must be 'none' for a frozen tower, 'full', or the number"),
    (dict(fine_tune=0), "of its last blocks to train, an int of at least 1. Got 0"),
    (dict(fine_tune=False), "'none' for a frozen tower"),
    (dict(fine_tune=True), "an int of at least 1. Got True"),
    (dict(fine_tune=99), "fine_tune=99, but this image tower has 3 blocks"),
    (dict(ranking_loss="fcr"), "must be a str among {"),
    (dict(beta=-1), "must be a float in the range [0.0, 1000000.0]. Got -1"),
    (dict(beta=float("inf")), "must be a float in the range [0.0, 1000000.0]. Got inf"),
    (dict(ranking_loss=FCRC("cubed")), "'distance' parameter of FCRC must be one of ['absolute'"),
    (dict(ranking_loss=FCRC(weight_norm="max")), "must be one of ['softmax', 'mean']. Got 'max'"),
    (dict(ranking_loss=InfoNCE("yes")), "must be one of [True, False]. Got 'yes' instead"),
    (dict(shift="height"), "must be a str among {"),
    (dict(max_epochs=-1), "an int in the range [0, inf). Got -1"),
    (dict(max_epochs=1.5), "an int in the range [0, inf). Got 1.5"),
    (dict(batch_size=0), "an int in the range [1, inf). Got 0"),
    (
        dict(lr=-1e-5),
        "must be a str among {'auto'} or a float in the range [0.0, inf). Got -1e-05",
    ),
    (
        dict(lr="fast"),
        "must be a str among {'auto'} or a float in the range [0.0, inf). Got 'fast'",
    ),
    (dict(prompt_lr=float("nan")), "a float in the range [0.0, inf). Got nan"),
    (dict(augment=1), BOOL),
    (dict(augment=NoViews(), fine_tune="full"), "augment must return a uint8 tensor of shape"),
    (dict(augment=NoViews(), fine_tune="none"), "but with fine_tune='none' each image is embedded"),
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
    (dict(checkpoint=A_FILE), "must be a writable folder, or one that can be created"),
    (dict(callbacks=["print"]), "must be a list of skorch callbacks"),
    (dict(accelerator="gpu"), "must be an accelerate.Accelerator or None. Got 'gpu'"),
    (dict(warm_start="yes"), BOOL),
    (dict(random_state="seed"), "must be an int in the range [0, 4294967295]"),
    (dict(verbose=-1), "must be an int in the range [0, inf)"),
]

"""Labels from pandas, polars, Arrow and NumPy: order, descriptions, and advice on conversion."""

import numpy as np
import pandas as pd
import pytest
from factories import TINY_FAST
from sklearn.model_selection import cross_val_score

from sknumclip import NumCLIPClassifier, NumCLIPRegressor
from sknumclip.estimators.labels import rank_labels

STAGES = ["child", "teenager", "adult"]
Y = np.array(["adult", "child", "teenager", "adult"])
RANKS = [2, 0, 1, 2]
FEATURES = np.random.default_rng(0).normal(size=(4, 32))
CATEGORICAL = pd.Categorical(Y, STAGES, ordered=True)


class PolarsEnum:
    """What a Series of polars' dtype Enum has, as polars need not be installed."""

    def __init__(self, values, categories):
        self.values = values
        self.dtype = type("Enum", (), {"categories": pd.Series(categories)})()
        self.dtype.categories.to_list = self.dtype.categories.tolist

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=object)

    def to_list(self):
        return list(self.values)


class PolarsFrame:
    """A polars frame of one column."""

    def __init__(self, column):
        self.column, self.shape = column, (len(column), 1)

    def to_series(self):
        return self.column


def arrow(kind):
    pa = pytest.importorskip("pyarrow")
    codes, words = pa.array(RANKS), pa.array(STAGES)
    array = pa.DictionaryArray.from_arrays(codes, words, ordered=True)
    chunks = pa.chunked_array([array[:1], array[1:]])
    return {
        "array": lambda: array,
        "chunks": lambda: chunks,
        "table": lambda: pa.table({"stage": chunks}),
        "pandas": lambda: pd.Series(pd.arrays.ArrowExtensionArray(chunks), index=list("abcd")),
        "pandas frame": lambda: pd.DataFrame({"y": pd.arrays.ArrowExtensionArray(chunks)}),
    }[kind]()


ORDERED = {
    "Categorical": lambda: CATEGORICAL,
    "CategoricalIndex": lambda: pd.CategoricalIndex(CATEGORICAL),
    "Series": lambda: pd.Series(CATEGORICAL),
    "frame of one column": lambda: pd.DataFrame({"stage": CATEGORICAL}),
    "polars Enum": lambda: PolarsEnum(Y, STAGES),
    "polars frame of one column": lambda: PolarsFrame(PolarsEnum(Y, STAGES)),
    **{f"Arrow {kind}": lambda kind=kind: arrow(kind) for kind in ("array", "chunks", "table")},
    **{f"Arrow in {kind}": lambda kind=kind: arrow(kind) for kind in ("pandas", "pandas frame")},
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("how", ORDERED)
def test_the_order_that_y_carries_is_kept(how):
    ranks, classes = rank_labels(ORDERED[how]())
    assert classes.tolist() == STAGES
    assert ranks.tolist() == RANKS
    clf = NumCLIPClassifier(**TINY_FAST).fit(FEATURES, ORDERED[how]())
    assert clf.bins_.descriptions == tuple(STAGES)
    assert clf.score(FEATURES, ORDERED[how]()) == clf.score(FEATURES, Y)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("how", ["Categorical", "Series", "frame of one column", "Arrow array"])
def test_the_order_survives_cross_validation(how):
    X, y = np.tile(FEATURES, (4, 1)), np.tile(Y, 4)
    ordered = {
        "Categorical": lambda y: y,
        "Series": pd.Series,
        "frame of one column": lambda y: pd.DataFrame({"y": y}),
        "Arrow array": lambda y: pytest.importorskip("pyarrow").array(y),
    }[how](pd.Categorical(y, STAGES, ordered=True))
    clf = NumCLIPClassifier(predict_by="expected_rank", **TINY_FAST)
    cv = [(np.arange(8), np.arange(8, 16)), (np.arange(8, 16), np.arange(8))]
    found = cross_val_score(clf, X, ordered, cv=cv, error_score="raise")
    given = cross_val_score(clf.set_params(classes=STAGES), X, y, cv=cv, error_score="raise")
    np.testing.assert_array_equal(found, given)


def test_a_real_polars_enum_keeps_its_order():
    pl = pytest.importorskip("polars")
    series = pl.Series("stage", Y.tolist(), dtype=pl.Enum(STAGES))
    for y in (series, series.to_frame()):
        assert rank_labels(y)[1].tolist() == STAGES


def test_the_alphabet_is_no_order_without_a_word():
    with pytest.warns(UserWarning, match=r"alphabet: \['adult', 'child', 'teenager'\]") as caught:
        ranks, classes = rank_labels(Y)
    assert classes.tolist() == sorted(STAGES)
    assert ranks.tolist() == [0, 1, 2, 0]
    # both ways out that it names
    assert "classes=[...]" in str(caught[0].message)
    assert rank_labels(Y, STAGES)[0].tolist() == RANKS
    assert "pandas.Categorical(y, categories=[...], ordered=True)" in str(caught[0].message)
    assert rank_labels(pd.Categorical(Y, categories=STAGES, ordered=True))[0].tolist() == RANKS


def test_an_unordered_categorical_is_in_the_order_of_the_alphabet_with_a_word():
    with pytest.warns(UserWarning, match="alphabet"):
        _, classes = rank_labels(pd.Series(pd.Categorical(Y, STAGES)))
    assert classes.tolist() == sorted(STAGES)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("y", [["low", "high"] * 2, [3, 1, 2, 2], [True, False] * 2])
def test_two_words_and_numbers_need_no_order(y):
    assert rank_labels(y)[1].tolist() == sorted(set(y))


AGES = [5, 15, 99, 30]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "form",
    [
        lambda cut: cut,
        pd.Series,
        lambda cut: pd.DataFrame({"y": cut}),
        list,
        lambda cut: pd.IntervalIndex(cut),
    ],
)
def test_intervals_keep_their_order_and_get_words(form):
    cut = pd.cut(AGES, [0, 13, 19, 100])
    ranks, classes = rank_labels(form(cut))
    assert classes.tolist() == ["0 to 13", "13 to 19", "19 to 100"]
    assert ranks.tolist() == [0, 1, 2, 2]
    clf = NumCLIPClassifier(**TINY_FAST).fit(FEATURES, form(cut))
    assert set(clf.predict(FEATURES)) <= set(classes)
    assert clf.score(FEATURES, form(cut)) == clf.score(FEATURES, classes[ranks])


def test_open_intervals_have_words_without_infinity():
    cut = pd.cut(AGES, [-np.inf, 9.5, 20, np.inf])
    assert rank_labels(cut)[1].tolist() == ["up to 9.5", "9.5 to 20", "over 20"]


def test_intervals_may_be_the_classes():
    cut = pd.cut(AGES, [0, 13, 19, 100])
    assert rank_labels(cut, cut.categories)[0].tolist() == [0, 1, 2, 2]
    assert rank_labels(cut, ["0 to 13", "13 to 19", "19 to 100"])[0].tolist() == [0, 1, 2, 2]


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (pd.array([2, 1, 3, 1], dtype="Int64"), ("1", "2", "3")),
        (pd.Series([2, 1, 3, 1], dtype="int64[pyarrow]"), ("1", "2", "3")),
        ([2.0, 1.0, 3.0, 1.0], ("1", "2", "3")),
        (pd.array([True, False, True, True], dtype="boolean"), ("False", "True")),
        (pd.Series([True, False] * 2, dtype="bool[pyarrow]"), ("False", "True")),
        (pd.Series(["b", "a"] * 2, dtype="string[pyarrow]"), ("a", "b")),
    ],
)
def test_columns_that_may_be_empty_have_the_words_of_what_is_in_them(y, words):
    clf = NumCLIPClassifier(**TINY_FAST).fit(FEATURES, y)
    assert clf.bins_.descriptions == words
    assert [str(label).removesuffix(".0") for label in clf.classes_.tolist()] == list(words)


@pytest.mark.parametrize(
    "y",
    [
        pd.array([2, 1, 3, 1], dtype="Int64"),
        pd.DataFrame({"y": pd.array([2, 1, 3, 1], dtype="UInt8")}),
        pd.Series([2, 1, 3, 1], dtype="float[pyarrow]"),
        pd.Categorical([2, 1, 3, 1], [3, 2, 1], ordered=True),
    ],
)
def test_columns_of_numbers_are_numbers(y):
    bins = {"few": (0, 2), "many": (2, 9)}
    reg, same = (NumCLIPRegressor(bins, **TINY_FAST).fit(FEATURES, z) for z in (y, [2, 1, 3, 1]))
    np.testing.assert_array_equal(reg.predict(FEATURES), same.predict(FEATURES))


@pytest.mark.parametrize(
    "form",
    [
        lambda y: np.array(y, dtype=np.float32),
        lambda y: pd.Series(y, dtype="Float32"),
        lambda y: pd.Series(y, dtype="float[pyarrow]"),
    ],
)
def test_float32_labels_train_as_the_numbers_they_print(form):
    y, bins = [0.7, 0.1, 0.3, 0.7], {"low": (0, 0.3), "middle": (0.3, 0.7), "high": (0.7, 1)}
    reg, same = (NumCLIPRegressor(bins, **TINY_FAST).fit(FEATURES, z) for z in (form(y), y))
    np.testing.assert_array_equal(reg.predict(FEATURES), same.predict(FEATURES))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "classes",
    [
        pd.Index(STAGES),
        pd.Series(STAGES),
        [np.str_(stage) for stage in STAGES],
        tuple(STAGES),
        CATEGORICAL.unique(),  # adult first, but in an order of its own
        pd.Series(CATEGORICAL).drop_duplicates(),
        CATEGORICAL.categories,
    ],
)
def test_the_order_of_classes_is_kept_and_saved_for_a_later_fit(classes, tmp_path):
    clf = NumCLIPClassifier(classes, **TINY_FAST).fit(FEATURES, Y)
    assert clf.classes_.tolist() == STAGES
    clf.save(tmp_path)
    loaded = NumCLIPClassifier.load(tmp_path)
    assert loaded.fit(FEATURES, Y).classes_.tolist() == STAGES


@pytest.mark.parametrize("name", ["classes", "descriptions"])
@pytest.mark.parametrize(
    "form",
    [set, iter, dict.fromkeys, lambda stages: "".join(stages)],
    ids=["set", "iter", "dict", "str"],
)
def test_what_has_no_order_is_no_list_of_classes_or_words(name, form):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of NumCLIPClassifier must be a"):
        NumCLIPClassifier(**{**TINY_FAST, name: form(STAGES)}).fit(FEATURES, Y)


MASKED = np.ma.array([1, 2, 3, 4], mask=[0, 1, 0, 0])


@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("y", lambda: NumCLIPRegressor(3, **TINY_FAST).fit(FEATURES, MASKED)),
        ("y", lambda: NumCLIPClassifier(**TINY_FAST).fit(FEATURES, MASKED)),
        (
            "y",
            lambda: (
                NumCLIPClassifier(**TINY_FAST).fit(FEATURES, [1, 2, 3, 4]).score(FEATURES, MASKED)
            ),
        ),
        ("classes", lambda: NumCLIPClassifier(MASKED, **TINY_FAST).fit(FEATURES, [1, 2, 3, 4])),
        (
            "sample_weight",
            lambda: NumCLIPRegressor(3, **TINY_FAST).fit(FEATURES, [1, 2, 3, 4], MASKED),
        ),
        (
            "X",
            lambda: NumCLIPRegressor(3, **TINY_FAST).fit(
                np.ma.array(FEATURES, mask=FEATURES > 1), [1, 2, 3, 4]
            ),
        ),
        (
            "X",
            lambda: NumCLIPRegressor(3, **TINY_FAST).fit(
                np.ma.array(list("abcd"), mask=[0, 1, 0, 0]), [1, 2, 3, 4]
            ),
        ),
        (
            r"X\[1\]",
            lambda: NumCLIPRegressor(3, **TINY_FAST).fit(
                [np.ma.array(np.zeros((8, 8, 3), np.uint8), mask=i == 1) for i in range(4)],
                [1, 2, 3, 4],
            ),
        ),
    ],
)
def test_masked_arrays_are_refused_everywhere(name, fit):
    with pytest.raises(ValueError, match=f"^{name} is a masked array"):
        fit()


def test_an_array_that_masks_nothing_is_an_array():
    NumCLIPRegressor(3, **TINY_FAST).fit(np.ma.array(FEATURES), np.ma.array([1, 2, 3, 4]))

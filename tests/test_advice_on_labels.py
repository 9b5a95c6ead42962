"""Advice on labels that are of another kind than they should be works, whatever holds them."""

import enum
import re

import numpy as np
import pandas as pd
import pytest
from factories import TINY_FAST

from sknumclip import NumCLIPClassifier, NumCLIPRegressor

STAGES = ["child", "teenager", "adult"]
Y = np.array(["adult", "child", "teenager", "adult"])
AGES = [5, 15, 99, 30]
FEATURES = np.random.default_rng(0).normal(size=(4, 32))

DATES = {
    "datetimes": pd.Series(
        pd.to_datetime(["2001-05-01", "2002-01-01", "2004-07-09", "2001-01-01"])
    ),
    "with a zone": pd.date_range("2001", periods=4, freq="YS", tz="Europe/Berlin"),
    "NumPy": np.array(["2001", "2002", "2003", "2001"], dtype="datetime64[Y]"),
    "objects": [pd.Timestamp(year, 1, 1).date() for year in (2001, 2002, 2003, 2001)],
    "periods": pd.period_range("2001", periods=4, freq="Y"),
    "durations": pd.to_timedelta([1, 2, 5, 9], unit="s"),
}


def advised(error):
    """The code at the end of a message."""
    return re.search(r"as in (.*?)\.$", str(error.value)).group(1)


@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize("form", [lambda y: y, lambda y: pd.DataFrame({"y": y})])
@pytest.mark.parametrize("kind", DATES)
def test_advice_on_dates_works(kind, form):
    y = form(DATES[kind])
    for cls in (NumCLIPRegressor, NumCLIPClassifier):
        with pytest.raises(ValueError, match="y must not be dates or times") as error:
            cls(**TINY_FAST).fit(FEATURES, y)
        numbers = eval(advised(error), {"pandas": pd, "numpy": np, "y": y})
        cls(**TINY_FAST).fit(FEATURES, np.asarray(numbers).astype(int))
        assert np.abs(numbers).max() < 3000  # and no nanoseconds


FORMS = {
    "list": list,
    "array": np.array,
    "Series": pd.Series,
    "Categorical": pd.Categorical,
    "column": lambda y: np.array(y)[:, None],
    "frame of one column": lambda y: pd.DataFrame({"y": y}),
    "Arrow array": lambda y: pytest.importorskip("pyarrow").array(y),
    "Arrow table": lambda y: pytest.importorskip("pyarrow").table({"y": y}),
}
in_every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@in_every_form
@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize(
    ("y", "numbers"),
    [
        (["1", "2.5", "3", "4"], [1, 2.5, 3, 4]),
        (["48 %", "5%", "12.5 %", "0 %"], [48, 5, 12.5, 0]),
        (["48 kg", "5 kg", "12.5kg", "-3 kg"], [48, 5, 12.5, -3]),
        (["$3", "$5", "$12.50", "$9"], [3, 5, 12.5, 9]),
        (["2001-05-01", "2002-01-01", "2004-07-09", "2001-01-01"], [2001, 2002, 2004, 2001]),
    ],
)
def test_advice_on_numbers_in_words_works(y, numbers, form):
    y = form(y)
    with pytest.raises(ValueError, match="y must be numbers. Got labels like") as error:
        NumCLIPRegressor(3, **TINY_FAST).fit(FEATURES, y)
    found = eval(advised(error), {"pandas": pd, "numpy": np, "y": y})
    assert np.asarray(found).tolist() == numbers
    NumCLIPRegressor(2, **TINY_FAST).fit(FEATURES, found)


@pytest.mark.parametrize("label", ["−5 kg", "<5", ">5", "~5", "5-6", "(5)", "lot-5", "5 ± 1"])
def test_no_advice_loses_a_sign(label):
    """Of "lot-5" it would make -5, and of a minus of another kind and of "<5" plain 5."""
    with pytest.raises(ValueError, match="y must be numbers. Got labels like") as error:
        NumCLIPRegressor(3, **TINY_FAST).fit(FEATURES, [label, label, "6 kg", "7 kg"])
    assert "extract" not in str(error.value)


@in_every_form
@pytest.mark.filterwarnings("ignore:A column-vector y")
def test_advice_on_commas_works(form):
    y = form(["1,500", "2,250", "3,125", "4,000"])
    with pytest.raises(ValueError, match="y must be numbers") as error:
        NumCLIPRegressor(3, **TINY_FAST).fit(FEATURES, y)
    point, thousands = re.findall(r"pandas\.\S+", str(error.value).replace("', '", "','"))
    names = {"pandas": pd, "numpy": np, "y": y}
    assert eval(point, names).tolist() == [1.5, 2.25, 3.125, 4]
    assert eval(thousands.rstrip("."), names).tolist() == [1500, 2250, 3125, 4000]


@in_every_form
@pytest.mark.filterwarnings("ignore:A column-vector y")
def test_advice_on_single_labels_that_are_no_numbers_works(form):
    y = ["1", "2", "x", "4"]
    with pytest.raises(
        ValueError, match="1 of 4 are not numbers, such as 'x' at position 2"
    ) as error:
        NumCLIPRegressor(3, **TINY_FAST).fit(FEATURES, form(y))
    corrected = form(["1", "2", "3", "4"])
    code = re.search(r"then use (.*)\.$", str(error.value))[1]
    found = eval(code, {"pandas": pd, "numpy": np, "y": corrected})
    NumCLIPRegressor(2, **TINY_FAST).fit(FEATURES, found)


def test_advice_on_words_works():
    with pytest.raises(ValueError, match=r"use NumCLIPClassifier\(classes=\[...\]\)"):
        NumCLIPRegressor(3, **TINY_FAST).fit(FEATURES, Y)
    NumCLIPClassifier(classes=STAGES, **TINY_FAST).fit(FEATURES, Y)


@pytest.mark.parametrize("form", [lambda y: y, pd.Series, lambda y: pd.DataFrame({"y": y})])
def test_advice_on_intervals_as_numbers_works(form):
    y = form(pd.cut(AGES, [0, 13, 19, 100]))
    with pytest.raises(ValueError, match="middle of each, ") as error:
        NumCLIPRegressor(3, **TINY_FAST).fit(FEATURES, y)
    code = re.search(r"of each, (.*\.mid)\.", str(error.value))[1]
    middles = eval(code, {"pandas": pd, "numpy": np, "y": y})
    assert middles.tolist() == [6.5, 16, 59.5, 59.5]
    NumCLIPRegressor(3, **TINY_FAST).fit(FEATURES, middles)


@pytest.mark.parametrize("form", [list, pd.Series, lambda y: pd.DataFrame({"y": y})])
def test_advice_on_numbers_as_classes_works(form):
    y = form([0.5, 10.5, 9.5, 3.2])
    with pytest.raises(ValueError, match="cut them into classes: ") as error:
        NumCLIPClassifier(**TINY_FAST).fit(FEATURES, y)
    code = re.search(r"classes: (.*)\.$", str(error.value))[1]
    cut = eval(code, {"pandas": pd, "numpy": np, "y": y})
    clf = NumCLIPClassifier(**TINY_FAST).fit(FEATURES, cut)
    assert [label.split(" to ")[0] for label in clf.classes_] == ["0.49", "3.833", "7.167"]


class Stage(enum.Enum):
    CHILD = 1
    ADULT = 2


def test_advice_on_labels_of_another_kind_works():
    y = [Stage.ADULT, Stage.CHILD, Stage.ADULT, Stage.CHILD]
    with pytest.raises(ValueError, match="Labels may be str, whole numbers or bool") as error:
        NumCLIPClassifier(**TINY_FAST).fit(FEATURES, y)
    words = eval(re.search(r"as in (.*\]), and pass", str(error.value))[1], {"y": y})
    clf = NumCLIPClassifier([str(stage) for stage in Stage], **TINY_FAST).fit(FEATURES, words)
    assert clf.classes_.tolist() == ["Stage.CHILD", "Stage.ADULT"]

"""Validation of bins: errors name the description, edge, center or label."""

import numpy as np
import pytest
from bins_shared import AGES, made_or_refused
from hypothesis import given, settings
from hypothesis import strategies as st

from sknumclip import LinguisticBins


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({}, "must map"),
        ({"child": (0, 13)}, "At least 2"),
        (
            {"child": (0, 13), "adult": (19, 100)},
            "'child' ends at 13 but 'adult' starts at 19.*gap",
        ),
        ({"child": (0, 20), "adult": (19, 100)}, "overlap"),
        ({"adult": (19, 100), "child": (0, 19)}, "out of order"),
        ({"child": (13, 0), "adult": (13, 100)}, "'child' must be finite with low < high"),
        ({"child": (0, 13), "adult": (13, float("inf"))}, "'adult' must be finite"),
        ({"child": (0, 13, 19), "adult": (13, 100)}, "'child' must be .low, high."),
        ({"child": "young", "adult": (13, 100)}, "'child' must be .low, high."),
        ({"Adult": (0, 13), "adult ": (13, 100)}, "different description.*adult"),
        ({" ": (0, 13), "adult": (13, 100)}, "must not be empty"),
        ({1: (0, 13), "adult": (13, 100)}, "sequence of strings"),
    ],
)
def test_bad_mappings_say_what_is_wrong(mapping, message):
    with pytest.raises(ValueError, match=message):
        LinguisticBins.from_mapping(mapping)


OPEN = {"young": (0, 35), "middle-aged": (35, 65), "old": (65, float("inf"))}


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (dict(centers=(20, 50, 75)), r"'old' must be finite.*centers=.*outside='clip'"),
        (dict(outside="clip"), r"'old' must be finite.*centers=.*outside='clip'"),
        (
            dict(centers=(20, 50, 60), outside="clip"),
            "'old' must lie in its range, above 65. Got 60",
        ),
        (dict(centers=(20, 50), outside="clip"), "centers must have 3 values"),
    ],
)
def test_open_ranges_need_a_center_and_clip(kwargs, message):
    with pytest.raises(ValueError, match=message):
        LinguisticBins.from_mapping(OPEN, **kwargs)
    downward = {"old": (65, 121), "young": (-float("inf"), 65)}
    with pytest.raises(ValueError, match="out of order"):
        LinguisticBins.from_mapping(downward, centers=(80, 30), outside="clip")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (dict(edges=(0, 1)), "edges must have 3 values"),
        (dict(edges=(0, 2, 1)), "strictly increasing"),
        (dict(edges=(0, float("nan"), 1)), "must be finite"),
        (dict(edges=(0, "x", 1)), "sequence of numbers"),
        (dict(centers=(0.5,)), "centers must have 2 values"),
        (dict(centers=(0.5, 9)), r"'high' must lie in its range \[1, 2\]. Got 9"),
        (dict(outside="ignore"), "'raise' or 'clip'. Got outside='ignore'"),
        (dict(descriptions="low"), "from_mapping"),
        (dict(descriptions={"low": (0, 1)}), "from_mapping"),
    ],
)
def test_bad_arguments_say_what_is_wrong(kwargs, message):
    with pytest.raises(ValueError, match=message):
        LinguisticBins(**{"descriptions": ("low", "high"), "edges": (0, 1, 2), **kwargs})


@pytest.mark.parametrize("labels", [[1, np.nan], [np.inf], ["old"], [[1, 2]]])
def test_bad_labels_are_refused(labels):
    with pytest.raises(ValueError, match="Labels must be"):
        LinguisticBins.from_mapping(AGES).assign(labels)


NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-(10**320), 10**320),
    st.sampled_from([0, 1.0, True, None, "1", "x"]),
)


@settings(deadline=None)
@given(st.lists(NUMBERS, max_size=5), st.lists(NUMBERS, max_size=4) | st.none())
def test_any_edges_make_bins_or_an_error_in_words(edges, centers):
    names = tuple(f"bin {i}" for i in range(len(edges) - 1))
    bins, error = made_or_refused(lambda: LinguisticBins(names, edges, centers))
    if error is not None:
        assert "Got" in error
        return
    assert np.isfinite([bins.range, *bins.centers, *bins.widths]).all()
    assert (np.array(bins.widths) > 0).all()
    assert (bins.assign(bins.edges[:-1]) == np.arange(bins.n_bins)).all()
    assert LinguisticBins(**bins.to_dict()) == bins == eval(repr(bins))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abcA \0é"), st.tuples(NUMBERS, NUMBERS) | NUMBERS))
def test_any_mapping_makes_bins_or_an_error_in_words(mapping):
    bins, error = made_or_refused(lambda: LinguisticBins.from_mapping(mapping))
    assert bins.n_bins == len(mapping) if error is None else "Got" in error or "contiguous" in error


def test_messages_print_numbers_as_exactly_as_they_are_compared():
    above = np.nextafter(13, 14)
    with pytest.raises(ValueError, match=r"ends at 13 but 'teen' starts at 13\.000000000000002,"):
        LinguisticBins.from_mapping({"child": (0, 13), "teen": (above, 19)})
    bins = LinguisticBins(("child", "teen"), (0, 5, 13))
    with pytest.raises(
        ValueError, match=r"\[0, 13\]. The worst: 13\.000000000000002 \(at position 1"
    ):
        bins.assign([1, above])


@pytest.mark.parametrize(
    "use",
    [
        lambda y: LinguisticBins.from_preset("age").assign(y),
        lambda y: LinguisticBins.from_quantiles(y, 2),
    ],
)
def test_masked_labels_are_refused(use):
    with pytest.raises(ValueError, match="y is a masked array"):
        use(np.ma.array([1.0, 2, 3], mask=[0, 1, 0]))
    use(np.ma.array([1.0, 2, 3]))


def test_masked_edges_are_refused():
    with pytest.raises(ValueError, match="edges is a masked array"):
        LinguisticBins(("few", "many"), np.ma.array([0, 5, 9], mask=[0, 1, 0]))


def test_dates_are_no_labels_whatever_unit_they_are_counted_in():
    with pytest.raises(ValueError, match="Labels must be numbers"):
        LinguisticBins.from_quantiles(np.array(["2020", "2021"], dtype="datetime64[ns]"))


def test_words_that_differ_in_unicode_form_alone_are_the_same():
    with pytest.raises(ValueError, match="different description"):
        LinguisticBins(("caf\u00e9", "cafe\u0301"), (0, 1, 2))

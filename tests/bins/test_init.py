"""LinguisticBins: constructors, values, and assigning labels."""

import numpy as np
import pytest
from bins_shared import AGES, LABELS
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from sknumclip import LinguisticBins
from sknumclip.bins import resolve_bins


def test_from_mapping():
    bins = LinguisticBins.from_mapping(AGES)
    assert bins.descriptions == ("child", "teenager", "adult")
    assert bins.edges == (0, 13, 19, 101)
    assert bins.centers == (6.5, 16, 60)
    assert bins.widths == (13, 6, 82)
    assert (bins.n_bins, len(bins), bins.range) == (3, 3, 101)


def test_open_ranges_are_as_wide_as_their_center_says():
    mapping = {"cold": (-np.inf, 0), "mild": (0, 20), "hot": (20, np.inf)}
    bins = LinguisticBins.from_mapping(mapping, centers=(-5, 12, 28), outside="clip")
    assert bins.edges == (-10, 0, 20, 36)
    assert bins.centers == (-5, 12, 28)
    np.testing.assert_array_equal(bins.assign([-50, -5, 3, 28, 99]), [0, 0, 1, 2, 2])


def test_bins_are_values():
    bins = LinguisticBins.from_mapping(AGES)
    same = LinguisticBins(["child", "teenager", "adult"], [0, 13, 19, 101])
    assert bins == same
    assert len({bins, same}) == 1
    assert eval(repr(bins)) == bins
    assert LinguisticBins(**bins.to_dict()) == bins
    assert clone(bins, safe=False) == bins
    assert bins != LinguisticBins(bins.descriptions, bins.edges, (6.5, 16, 40))
    with pytest.raises(AttributeError):
        bins.edges = (0, 1)


def test_ranges_are_half_open_and_the_last_is_closed():
    bins = LinguisticBins.from_mapping(AGES)
    labels = [0, 12.5, 12.999, 13, 18.5, 19, 101]
    assert bins.assign(labels).tolist() == [0, 0, 0, 1, 1, 2, 2]


def test_labels_outside_are_counted_and_the_worst_are_named():
    bins = LinguisticBins.from_mapping(AGES)
    with pytest.raises(
        ValueError, match=r"2 of 4 .*\[0, 101\].*500 \(at position 2\), -1 \(at position 1"
    ):
        bins.assign([5, -1, 500, 20])
    clipping = LinguisticBins.from_mapping(AGES, outside="clip")
    assert clipping.assign([5, -1, 500, 20]).tolist() == [0, 0, 2, 2]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_assign_agrees_with_the_ranges(labels):
    bins = LinguisticBins.from_mapping(AGES, outside="clip")
    for label, k in zip(labels, bins.assign(labels), strict=True):
        assert k == 0 or label >= bins.edges[k]
        assert k == 2 or label < bins.edges[k + 1]


@pytest.mark.parametrize("bins", [None, 2.5, True, 1, 8, ["child"]])
def test_resolve_bins_refuses_what_are_no_bins(bins):
    with pytest.raises(ValueError, match="bins"):
        resolve_bins(bins, np.arange(10.0))


def test_resolve_bins_takes_every_form():
    y = np.arange(10.0)
    bins = LinguisticBins.from_mapping(AGES)
    assert resolve_bins(bins, y) is bins
    assert resolve_bins(AGES, y) == bins
    assert resolve_bins("age", y) == LinguisticBins.from_preset("age")
    assert resolve_bins(3, y).edges == (0, 3, 6, 9)


@settings(deadline=None)
@given(LABELS, st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=6, unique=True).map(sorted))
def test_any_label_is_assigned_to_the_range_it_lies_in_or_refused(y, edges):
    names = tuple(f"bin {i}" for i in range(len(edges) - 1))
    assume(edges[-1] - edges[0] > 1e-9)
    bins = LinguisticBins(names, edges)
    inside = [label for label in y if edges[0] <= label <= edges[-1]]
    for label, k in zip(inside, bins.assign(inside), strict=True):
        assert edges[k] <= label
        assert label < edges[k + 1] or (k == bins.n_bins - 1 and label == edges[-1])
    if len(inside) < len(y):
        with pytest.raises(ValueError, match=f"{len(y) - len(inside)} of {len(y)} labels in y lie"):
            bins.assign(y)
    clipped = LinguisticBins(names, edges, outside="clip").assign(y)
    assert (clipped == bins.assign(np.clip(y, edges[0], edges[-1]))).all()


@pytest.mark.parametrize(
    ("mapping", "advice", "mended"),
    [
        (
            {"child": (0, 12), "teen": (13, 19)},
            "end 'child' at 13.",
            {"child": (0, 13), "teen": (13, 19)},
        ),
        (
            {"few": (0, 10), "many": (20, 30)},
            "end 'few' at 20, or add a bin in between.",
            {"few": (0, 20), "many": (20, 30)},
        ),
        (
            {"few": (0, 20), "many": (10, 30)},
            "is an overlap: end 'few' at 10, or let 'many' start at 20.",
            {"few": (0, 20), "many": (20, 30)},
        ),
        (
            {"few": (0, 30), "many": (10, 30)},
            "is an overlap: end 'few' at 10.",
            {"few": (0, 10), "many": (10, 30)},
        ),
        (
            {"few": (0, 10), "many": (0, 30)},
            "is an overlap: let 'many' start at 10.",
            {"few": (0, 10), "many": (10, 30)},
        ),
        (
            {"few": (0, 10), "many": (0, 10), "lots": (10, 20)},
            "is the same range. Remove one of the two.",
            {"few": (0, 10), "lots": (10, 20)},
        ),
        (
            {"many": (10, 30), "few": (0, 10)},
            "List the bins from the lowest range to the highest.",
            {"few": (0, 10), "many": (10, 30)},
        ),
    ],
)
def test_advice_on_ranges_that_do_not_meet_works(mapping, advice, mended):
    with pytest.raises(ValueError, match="contiguous") as raised:
        LinguisticBins.from_mapping(mapping)
    assert str(raised.value).endswith(advice)
    assert LinguisticBins.from_mapping(mended).n_bins == 2


def test_advice_on_whole_numbers_puts_each_where_it_was_meant():
    """Let 'teen' start at 12 would call the twelve-year-olds teens."""
    bins = LinguisticBins.from_mapping({"child": (0, 13), "teen": (13, 20)})
    assert bins.assign([12, 13, 19]).tolist() == [0, 1, 1]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_labels_of_any_precision_on_an_edge_belong_to_the_bin_that_starts_there(dtype):
    edges = np.round(np.arange(1, 100) / 10, 1)
    bins = LinguisticBins([f"bin {i}" for i in range(98)], edges)
    assert bins.assign(edges[:-1].astype(dtype)).tolist() == list(range(98))
    assert LinguisticBins(bins.descriptions, edges.astype(dtype)) == bins
    assert LinguisticBins.from_quantiles(edges.astype(dtype)).edges == (
        LinguisticBins.from_quantiles(edges).edges
    )

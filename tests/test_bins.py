"""LinguisticBins: every way to make them, every way to get them wrong, and assign."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from sknumclip import LinguisticBins
from sknumclip.bins import resolve_bins

AGES = {"child": (0, 13), "teenager": (13, 19), "adult": (19, 101)}


def test_from_mapping():
    bins = LinguisticBins.from_mapping(AGES)
    assert bins.descriptions == ("child", "teenager", "adult")
    assert bins.edges == (0, 13, 19, 101)
    assert bins.centers == (6.5, 16, 60)
    assert bins.widths == (13, 6, 82)
    assert (bins.n_bins, bins.range) == (3, 101)


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
        ValueError, match=r"2 of 4 .*\[0, 101\].*500 \(at index 2\), -1 \(at index 1"
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


def test_age_preset_is_the_papers():
    bins = LinguisticBins.from_preset("age")
    assert bins.descriptions == (
        *("child", "teenager", "young adult"),
        *("middle adult", "older adult"),
    )
    assert bins.centers == (6.5, 16, 27, 50, 83)
    assert bins.assign([0, 12.5, 18.5, 34.5, 64, 65, 120]).tolist() == [0, 0, 1, 2, 3, 4, 4]


def test_other_presets():
    fine = LinguisticBins.from_preset("age_fine")
    assert fine.range == LinguisticBins.from_preset("age").range
    assert fine.descriptions[fine.assign([34])[0]] == "person in their thirties"
    assert LinguisticBins.from_preset("decade").assign([1930, 1979]).tolist() == [0, 4]
    assert LinguisticBins.from_preset("aesthetics").centers == (1, 2, 3, 4, 5)


def test_quantile_bins_hold_equally_many():
    y = np.random.default_rng(0).lognormal(size=1000)
    bins = LinguisticBins.from_quantiles(y, 5)
    assert bins.descriptions == ("very low", "low", "medium", "high", "very high")
    assert np.bincount(bins.assign(y)).tolist() == [200] * 5


@pytest.mark.parametrize("n_bins", range(2, 8))
def test_every_number_of_quantile_bins_has_words(n_bins):
    assert LinguisticBins.from_quantiles(np.arange(100), n_bins).n_bins == n_bins


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


def test_where_quantiles_coincide_those_of_the_different_labels_are_taken():
    bins = LinguisticBins.from_quantiles([0] * 90 + [1, 2, 3, 4, 5, 6], 3)
    assert bins.edges == (0, 2, 4, 6)


def test_few_different_labels_get_a_bin_each():
    with pytest.warns(UserWarning, match="only 3 different values, so there are 3 bins"):
        bins = LinguisticBins.from_quantiles([1, 1, 1, 2, 4, 4], 5)
    assert bins == LinguisticBins(("low", "medium", "high"), (0.5, 1.5, 3, 5), (1, 2, 4))


def test_a_constant_label_makes_no_bins():
    with pytest.raises(ValueError, match="at least two different values"):
        LinguisticBins.from_quantiles([3, 3, 3], 2)


def test_unknown_preset_lists_the_known():
    with pytest.raises(ValueError, match=r"'ages'. Choose from \['age', 'age_fine', 'decade'"):
        LinguisticBins.from_preset("ages")


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


# --------------------------------------------------------------------------- any numbers at all

NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-(10**320), 10**320),
    st.sampled_from([0, 1.0, True, None, "1", "x"]),
)
LABELS = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30)


def made_or_refused(make):
    """Return bins and None, or None and the words of the error; a warning is a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "y has only", UserWarning)
        try:
            return make(), None
        except ValueError as error:
            return None, str(error)


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


@settings(deadline=None)
@given(LABELS | st.lists(st.integers(0, 5).map(float), min_size=1, max_size=30), st.integers(2, 7))
def test_any_labels_make_quantile_bins_that_hold_them_or_an_error_in_words(y, n_bins):
    bins, error = made_or_refused(lambda: LinguisticBins.from_quantiles(y, n_bins))
    if error is not None:
        assert "y must" in error or "too close" in error
        largest = np.abs(y).max()
        assert largest > 1e29 or np.ptp(y) < 1e-12 * largest or np.ptp(y) < 1e-29
        return
    assert bins.n_bins == min(n_bins, len(set(y)))
    assert len(bins.assign(y)) == len(y)


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


def test_messages_print_numbers_as_exactly_as_they_are_compared():
    above = np.nextafter(13, 14)
    with pytest.raises(ValueError, match=r"ends at 13 but 'teen' starts at 13\.000000000000002,"):
        LinguisticBins.from_mapping({"child": (0, 13), "teen": (above, 19)})
    bins = LinguisticBins(("child", "teen"), (0, 5, 13))
    with pytest.raises(ValueError, match=r"\[0, 13\]. The worst: 13\.000000000000002 \(at index 1"):
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


def test_a_label_of_weight_2_counts_as_two_in_quantiles():
    rng = np.random.default_rng(0)
    y, times = rng.normal(size=40), rng.integers(1, 5, size=40)
    weighted = LinguisticBins.from_quantiles(y, 5, sample_weight=times)
    repeated = LinguisticBins.from_quantiles(np.repeat(y, times), 5)
    np.testing.assert_allclose(weighted.edges, repeated.edges, rtol=1e-12)
    assert weighted.edges != LinguisticBins.from_quantiles(y, 5).edges


def test_quantile_bins_hold_all_labels_whatever_their_weights():
    rng = np.random.default_rng(0)
    y, weight = rng.normal(size=40), rng.uniform(0.1, 3, size=40)
    bins = LinguisticBins.from_quantiles(y, 5, sample_weight=weight)
    assert (bins.edges[0], bins.edges[-1]) == (y.min(), y.max())
    assert len(set(bins.assign(y))) == 5

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    LeaveOneGroupOut,
    ShuffleSplit,
    StratifiedKFold,
    cross_validate,
)

from sknumclip.datasets import DistributionShiftSplit, FewShotSplit, few_shot

# 60 images of 12 people; each age has 15.
AGES = np.tile([20, 30, 40, 50], 15)
PEOPLE = np.arange(60) // 5
X = [f"{i}.jpg" for i in range(60)]

BOTH = pytest.mark.parametrize(
    "make",
    [
        lambda **options: FewShotSplit(2, **options),
        lambda **options: DistributionShiftSplit(2, 0.3, **options),
    ],
    ids=["few-shot", "shift"],
)


def as_lists(splits):
    return [(train.tolist(), test.tolist()) for train, test in splits]


def test_few_shots_of_each_training_part():
    splits = list(FewShotSplit(3, cv=5, random_state=0).split(X, AGES))
    assert len(splits) == 5
    for train, _ in splits:
        np.testing.assert_array_equal(np.unique(AGES[train], return_counts=True)[1], [3, 3, 3, 3])


def test_shifted_training_parts():
    y = np.repeat([20, 30, 40], [30, 20, 10])
    cv = StratifiedKFold(5, shuffle=True, random_state=0)
    for train, test in DistributionShiftSplit(1, 0.25, cv=cv, random_state=0).split(y, y):
        np.testing.assert_array_equal(np.unique(y[train], return_counts=True)[1], [6, 16, 8])
        np.testing.assert_array_equal(np.unique(y[test], return_counts=True)[1], [6, 4, 2])


@BOTH
def test_test_parts_are_whole_and_cover_everything_once(make):
    tested = np.concatenate([test for _, test in make(cv=5, random_state=0).split(X, AGES)])
    np.testing.assert_array_equal(np.sort(tested), np.arange(60))


@BOTH
def test_training_samples_come_from_the_training_part(make):
    for train, test in make(cv=5, n_repeats=3, random_state=0).split(X, AGES):
        assert set(train).isdisjoint(test)


@BOTH
def test_repeats_draw_anew_from_the_same_parts(make):
    outer = ShuffleSplit(2, test_size=10)  # itself drawn anew in each call
    (a, test_a), (b, test_b), (c, test_c), (d, test_d) = make(
        cv=outer, n_repeats=2, random_state=0
    ).split(X, AGES)
    np.testing.assert_array_equal(test_a, test_c)
    np.testing.assert_array_equal(test_b, test_d)
    assert not np.array_equal(a, c)
    assert not np.array_equal(b, d)


@BOTH
def test_an_int_seed_makes_the_same_splits_in_every_call(make):
    cv = make(cv=3, n_repeats=2, random_state=7)
    assert as_lists(cv.split(X, AGES)) == as_lists(cv.split(X, AGES))
    other = make(cv=3, n_repeats=2, random_state=8)
    assert as_lists(cv.split(X, AGES)) != as_lists(other.split(X, AGES))


def test_fewer_shots_are_among_more_shots():
    few, more = (FewShotSplit(k, cv=3, n_repeats=2, random_state=0) for k in (1, 4))
    for (train, _), (larger, _) in zip(few.split(X, AGES), more.split(X, AGES), strict=True):
        assert set(train) < set(larger)


@BOTH
@pytest.mark.parametrize("cv", [3, GroupKFold(3), LeaveOneGroupOut()], ids=["int", "folds", "one"])
def test_groups_are_never_on_both_sides(make, cv):
    splitter = make(cv=cv, random_state=0)
    splits = list(splitter.split(X, AGES, PEOPLE))
    assert len(splits) == splitter.get_n_splits(X, AGES, PEOPLE) == (12 if len(splits) > 3 else 3)
    for train, test in splits:
        assert set(PEOPLE[train]).isdisjoint(PEOPLE[test])


@BOTH
def test_published_folds(make):
    folds = PEOPLE % 4
    for wrap in (np.asarray, pd.Series):
        splits = list(make(cv=wrap(folds), random_state=0).split(X, AGES))
        for fold, (train, test) in enumerate(splits):
            np.testing.assert_array_equal(test, np.flatnonzero(folds == fold))
            assert fold not in folds[train]


@BOTH
def test_a_published_split(make):
    parts = np.array(["train"] * 40 + ["valid"] * 8 + ["test"] * 12, dtype=object)
    ((train, test),) = make(cv=parts, random_state=0).split(X, AGES)
    assert train.max() < 40
    np.testing.assert_array_equal(test, np.arange(48, 60))


@BOTH
def test_pairs_of_indices(make):
    pairs = [(list(range(30)), list(range(30, 60))), (np.arange(30, 60), np.arange(30))]
    splitter = make(cv=pairs, n_repeats=2)
    splits = list(splitter.split(X, AGES))
    assert len(splits) == splitter.get_n_splits() == 4
    np.testing.assert_array_equal(splits[1][1], np.arange(30))


@BOTH
def test_in_cross_validation_and_grid_search(make):
    features = AGES[:, None] + np.arange(60)[:, None] % 7
    cv = make(cv=3, n_repeats=2, random_state=0)
    scores = cross_validate(Ridge(), features, AGES, cv=cv, groups=PEOPLE, return_indices=True)
    assert len(scores["test_score"]) == 6
    for train, test in zip(*scores["indices"].values(), strict=True):
        assert set(PEOPLE[train]).isdisjoint(PEOPLE[test])
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 1]}, cv=cv).fit(features, AGES, groups=PEOPLE)
    assert search.n_splits_ == 6


def test_rare_labels_are_named_once_for_each_part():
    y = np.append(AGES[:58], [77, 78])
    with pytest.warns(UserWarning, match=r"labels have fewer than k=2 .*: 77 \(1\)") as caught:
        list(FewShotSplit(2, cv=2, n_repeats=10).split(y, y))
    assert len(caught) == 1


def test_repr_shows_the_parameters():
    assert repr(FewShotSplit(4, cv=3, random_state=0)) == (
        "FewShotSplit(cv=3, k=4, n_repeats=1, random_state=0)"
    )


def test_bad_parameters_are_named():
    def first(splitter, y=AGES):
        return next(splitter.split(X, y))

    with pytest.raises(ValueError, match="k must be an int of at least 1. Got 0"):
        first(FewShotSplit(0))
    with pytest.raises(ValueError, match="n_repeats must be an int of at least 1. Got 0"):
        first(FewShotSplit(1, n_repeats=0))
    with pytest.raises(ValueError, match="scale must be a number"):
        first(DistributionShiftSplit(1, 2))
    with pytest.raises(ValueError, match="FewShotSplit draws by label: pass y"):
        first(FewShotSplit(1), y=None)
    with pytest.raises(ValueError, match="cv has 3 folds, one for each sample, but y has 60"):
        first(FewShotSplit(1, cv=np.array([0, 1, 2])))
    with pytest.raises(ValueError, match="more than once, so make it a list. Got <generator"):
        first(FewShotSplit(1, cv=(pair for pair in [([0], [1])])))
    with pytest.raises(ValueError, match=r"'train' and some 'test'. Got \['dev', 'train'\]"):
        first(FewShotSplit(1, cv=np.array(["train", "dev"] * 30)))


@pytest.mark.parametrize("as_mask", [np.asarray, list, pd.Series])
def test_boolean_masks_are_the_samples_they_mark(as_mask):
    y = np.tile([10, 20], 10)
    first = np.arange(20) < 12
    masks, indices = [
        [(as_mask(first), as_mask(~first))],
        [(np.flatnonzero(first), np.flatnonzero(~first))],
    ]
    for make in (
        FewShotSplit,
        lambda k, cv, **options: DistributionShiftSplit(1, 0.5, cv, **options),
    ):
        found, expected = (list(make(2, cv, random_state=0).split(y, y)) for cv in (masks, indices))
        np.testing.assert_array_equal(found[0][0], expected[0][0])
        np.testing.assert_array_equal(found[0][1], expected[0][1])
    short = FewShotSplit(2, [(first[:5], ~first)])
    with pytest.raises(ValueError, match="one bool for each of the 20 samples"):
        next(short.split(y, y))


def test_one_mask_as_cv_is_asked_what_it_means_and_the_advice_works():
    y, is_test = np.tile([10, 20], 10), np.arange(20) >= 12
    with pytest.raises(ValueError, match=r"it is unclear which .*np.where\(cv, 'test', 'train'\)"):
        next(FewShotSplit(2, is_test).split(y, y))
    _, test = next(FewShotSplit(2, np.where(is_test, "test", "train")).split(y, y))
    np.testing.assert_array_equal(test, np.flatnonzero(is_test))


def test_true_and_false_are_labels_and_groups_like_others():
    y, groups = np.tile([True, False], 10), np.repeat([True, False], 10)
    for train, test in FewShotSplit(2, cv=2).split(y, y, groups):
        assert np.bincount(y[train]).tolist() == [2, 2]
        assert len(set(groups[train])) == 1
        assert set(groups[train]).isdisjoint(groups[test])


def test_masked_labels_are_not_drawn():
    y = np.ma.array([1, 2, 1, 2], mask=[0, 1, 0, 0])
    with pytest.raises(ValueError, match="y is a masked array"):
        next(FewShotSplit(1, cv=2).split(y, y))
    with pytest.raises(ValueError, match="y is a masked array"):
        few_shot(y, 1)

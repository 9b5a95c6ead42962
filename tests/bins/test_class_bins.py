"""Bins for classes: width 1, around whole numbers and ranks."""

import numpy as np
import pytest

from sknumclip.bins.class_bins import bins_of_classes, is_word, unit_bins


def test_each_whole_number_is_the_center_of_its_bin():
    bins = unit_bins(["7", "8", "9"], first=7)
    assert bins.centers == (7, 8, 9)
    assert bins.edges == (6.5, 7.5, 8.5, 9.5)
    assert bins.assign([6.5, 7.49, 7.5, 9.5]).tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("classes", "written"),
    [
        (np.array(["child", "adult"]), ("child", "adult")),
        (np.array([1, 2, 10]), ("1", "2", "10")),
        (np.array([0.5, 1.0]), ("0.5", "1")),
        (np.array([False, True]), ("False", "True")),
    ],
)
def test_classes_are_described_by_themselves_in_their_order(classes, written):
    bins = bins_of_classes(classes)
    assert bins.descriptions == written
    assert bins.centers == tuple(range(len(classes)))
    other = tuple(f"grade {i}" for i in range(len(classes)))
    assert bins_of_classes(classes, other).descriptions == other


def test_each_class_needs_a_description():
    with pytest.raises(ValueError, match=r"each of the 3 classes \[1, 2, 3\]. Got 2: \['a', 'b'\]"):
        bins_of_classes(np.array([1, 2, 3]), ["a", "b"])


@pytest.mark.parametrize("words", ["child", "1930s", "more than 5", "No"])
def test_words_are_told_from_numbers(words):
    assert is_word(words)


@pytest.mark.parametrize("number", ["7", "-2.5", "1e-07", "True", "False"])
def test_numbers_and_truth_are_no_words(number):
    assert not is_word(number)

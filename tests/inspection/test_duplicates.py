"""find_duplicates: finds re-encoded, resized, cropped and mirrored copies, and nothing else."""

import numpy as np
import pytest
from factories import bad_files, save_pictures
from inspection_shared import cropped, jpeg, picture
from PIL import ImageOps
from sklearn.model_selection import GroupKFold

from sknumclip.exceptions import ImageReadError
from sknumclip.inspection import find_duplicates

N = 60


@pytest.fixture(scope="module")
def pictures():
    return [picture(seed) for seed in range(N)]


CHANGES = {
    "exact": (lambda image, i: image.copy(), "identical"),
    "re-encoded": (lambda image, i: jpeg(image), "same"),
    "half the size": (lambda image, i: image.resize((80, 60)), "same"),
    "three times the size": (lambda image, i: image.resize((480, 360)), "same"),
    "mirrored": (lambda image, i: ImageOps.mirror(image), "near"),
    "cropped": (cropped, "near"),
    "cropped, mirrored, re-encoded": (
        lambda image, i: jpeg(ImageOps.mirror(cropped(image, i)), 60),
        "near",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("is_split", [False, True])
def test_copies_are_found_and_named_and_nothing_else_is(pictures, change, is_split):
    make, kind = CHANGES[change]
    copies = [make(image, i) for i, image in enumerate(pictures[:20])]
    X, X_other, offset = (pictures, copies, 0) if is_split else ([*pictures, *copies], None, N)
    found = find_duplicates(X, X_other, verbose=0)
    pairs = found[["position", "duplicate_position"]].to_numpy().tolist()
    assert sorted(pairs) == [[i, i + offset] for i in range(20)]
    named = set(found["kind"])
    assert named == {kind} if kind != "near" else named <= {"near", "same"}
    assert (found["is_mirrored"] == ("mirrored" in change)).all()
    strict = find_duplicates(X, X_other, threshold="same", verbose=0)
    assert len(strict) == (20 if kind != "near" else (found["kind"] == "same").sum())


def test_different_pictures_are_no_duplicates(pictures):
    found = find_duplicates(pictures, verbose=0)
    assert found.empty
    assert "kind" in found
    assert find_duplicates(pictures[:1], verbose=0).empty


def test_paths_labels_and_people(pictures, tmp_path):
    files = save_pictures(
        tmp_path / "a", [*pictures[:6], pictures[2], ImageOps.mirror(pictures[4])]
    )
    y, people = [1, 2, 3, 4, 5, 6, 33, 5], list("abcdefcx")
    found = find_duplicates(files, y=y, groups=people, verbose=0)
    assert found["image"].tolist() == [files[2], files[4]]
    assert found["duplicate"].tolist() == files[6:]
    assert found[["label", "duplicate_label"]].to_numpy().tolist() == [[3, 33], [5, 5]]
    assert found["is_group_leak"].tolist() == [False, True]


def test_leaks_between_folds_are_counted(pictures):
    X = [*pictures[:6], *pictures[:3]]  # 0 and 6, 1 and 7, 2 and 8
    folds = np.array([0, 1, 2, 0, 1, 2, 0, 0, 0])
    found = find_duplicates(X, cv=folds, verbose=0)
    assert found.set_index("position")["n_leaks"].to_dict() == {0: 0, 1: 2, 2: 2}
    people = [0, 1, 2, 3, 4, 5, 0, 1, 2]
    assert not find_duplicates(X, groups=people, cv=GroupKFold(3), verbose=0)["n_leaks"].any()
    split = [(np.arange(6), np.arange(6, 9))]
    assert find_duplicates(X, cv=split, verbose=0)["n_leaks"].tolist() == [1, 1, 1]


def test_a_cluster_is_one_whatever_its_size(pictures):
    copies = [jpeg(pictures[0], quality) for quality in range(30, 80, 2)]
    found = find_duplicates([*pictures[:5], *copies], verbose=0)
    assert found["cluster"].tolist() == [0] * 25
    alone = find_duplicates([pictures[0]] * 300, verbose=0)
    assert alone["duplicate_position"].tolist() == list(range(1, 300))
    assert set(alone["kind"]) == {"identical"}


def test_pictures_of_one_color_are_the_same_only_if_they_are(tmp_path):
    flat = [np.full((8, 8, 3), value, dtype=np.uint8) for value in (0, 100, 200, 100)]
    found = find_duplicates(flat, verbose=0)
    assert found[["position", "duplicate_position"]].to_numpy().tolist() == [[1, 3]]


def test_unreadable_pictures_are_listed_or_left_out(pictures, tmp_path):
    files = save_pictures(tmp_path / "good", pictures[:4])
    bad = [str(file) for file in bad_files(tmp_path)]
    X = [files[0], *bad, *files[1:], files[2]]
    with pytest.raises(ImageReadError, match=f"{len(bad)} of {len(X)} images"):
        find_duplicates(X, verbose=0)
    found = find_duplicates(X, on_error="skip", verbose=0)
    assert found["image"].tolist() == [files[2]]
    assert sorted(found.attrs["unreadable"]) == sorted(bad)
    assert find_duplicates(bad, on_error="skip", verbose=0).empty


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(X=[]), "X is empty: found 0 images"),
        (dict(threshold="close"), "threshold must be 'same', 'near' or a similarity above 0"),
        (dict(threshold=0), "threshold must be 'same', 'near' or a similarity above 0"),
        (dict(threshold=True), "Got threshold=True"),
        (dict(on_error="ignore"), r"on_error must be one of \['raise', 'skip'\]"),
        (dict(y=[1, 2]), "There must be one label for each image. Got 2 for 4 images"),
        (dict(groups=list("abc")), "There must be one group for each image. Got 3 for 4 images"),
        (dict(cv=np.array([0, 1])), "cv has 2 fold numbers for 4 samples"),
        (dict(X_other=np.eye(4)), "X and X_other must both be images or both be embeddings"),
        (dict(X=np.eye(4), X_other=np.eye(5)), "X has 4 features and X_other 5"),
        (dict(X_other=[3.0, 4, 5]), r"Labels are y=: find_duplicates\(X, y=y\)"),
        (dict(X=np.eye(4), X_other=np.eye(4), y=[1] * 4), "Leave out either X_other, or"),
        (dict(X=np.full((4, 2), np.nan)), "Input X contains NaN"),
    ],
)
def test_bad_values_are_named(pictures, change, message):
    with pytest.raises((TypeError, ValueError), match=message):
        find_duplicates(**{"X": pictures[:4], "verbose": 0, **change})

"""find_duplicates: finds re-encoded, resized, cropped and mirrored copies, and nothing else."""

import io
import time

import numpy as np
import pytest
from factories import bad_files, peak_memory, save_pictures
from PIL import Image, ImageFilter, ImageOps
from sklearn.model_selection import GroupKFold

from sknumclip.exceptions import ImageReadError
from sknumclip.inspection import find_duplicates

N = 60


def picture(seed, size=(160, 120)):
    """Draw something with the spectrum of a photograph: soft shapes, edges, fine grain."""
    rng = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (n, n, 3), dtype=np.uint8)).resize(
                size, Image.Resampling.BICUBIC
            ),
            dtype=float,
        )
        for n in (3, 6, 12, 40)
    ]
    mixed = np.average(layers, axis=0, weights=[4, 3, 2, 1])
    return Image.fromarray(mixed.clip(0, 255).astype(np.uint8)).filter(ImageFilter.SHARPEN)


@pytest.fixture(scope="module")
def pictures():
    return [picture(seed) for seed in range(N)]


def jpeg(image, quality=40):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def cropped(image, seed, share=0.05):
    width, height = image.size
    left, right, top, bottom = np.random.default_rng(seed).uniform(0, share, 4)
    box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
    return image.crop(tuple(map(round, box)))


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


def embeddings(n, width=64, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n, width), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("width", [8, 64, 300])
def test_embeddings_agree_with_the_table_of_all_pairs(width):
    rows = embeddings(500, width)
    rows[100:200] = rows[:100] + 0.05 * embeddings(100, width, seed=1)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = find_duplicates(rows, threshold=0.95)
    products = np.triu(rows @ rows.T, 1)
    inside = set(map(tuple, np.argwhere(products > 0.9501)))
    pairs = found[["position", "duplicate_position"]].to_numpy()
    assert {i for pair in inside for i in pair} <= set(pairs.ravel())
    assert (products[tuple(pairs.T)] >= 0.9499).all()
    across = find_duplicates(rows[:300], rows[300:], threshold=0.5 if width == 8 else 0.2)
    best = (rows[:300] @ rows[300:].T).argmax(axis=0)
    assert (best[across["duplicate_position"]] == across["position"]).all()


def test_many_embeddings_take_seconds_and_little_memory():
    rows = embeddings(20_000, 512)
    rows[10_000:10_100] = rows[:100]
    before, start = peak_memory(reset=True), time.perf_counter()
    found = find_duplicates(rows)
    assert len(found) == 100
    assert time.perf_counter() - start < 30
    assert peak_memory() - before < 400e6  # the table of all pairs would take 1.6 GB


def test_a_crowd_of_embeddings_takes_no_quadratic_memory():
    rows = np.ones((3000, 16), dtype=np.float32) + 0.001 * embeddings(3000, 16)
    found = find_duplicates(rows)
    assert len(found) == 2999
    assert set(found["cluster"]) == {0}


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
        (dict(X=np.eye(4), X_other=np.eye(4), y=[1] * 4), "Leave out either X_other, or"),
        (dict(X=np.full((4, 2), np.nan)), "Input X contains NaN"),
    ],
)
def test_bad_values_are_named(pictures, change, message):
    with pytest.raises(ValueError, match=message):
        find_duplicates(**{"X": pictures[:4], "verbose": 0, **change})

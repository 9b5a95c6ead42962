"""find_label_errors: wrong labels come first, also with noisy labels."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories import FACE_CLIP, FACES, counting_files, needs_faces, save_pictures
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit
from sklearn.pipeline import make_pipeline

from sknumclip import CLIPEmbedder, NumCLIPRegressor
from sknumclip.baselines import ZeroShotCLIPRegressor
from sknumclip.datasets import make_counting_images
from sknumclip.exceptions import ImageReadError
from sknumclip.inspection import find_label_errors


def uneven(n=1000, seed=0):
    """Features and labels whose noise grows tenfold from small to large."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 1, (n, 1))
    return X, 100 * X[:, 0] + rng.normal(size=n) * np.where(X[:, 0] < 0.5, 1, 10)


def test_wrong_labels_come_first_where_noise_is_small():
    X, y = uneven()
    wrong = np.flatnonzero(X[:, 0] < 0.45)[::50]
    rng = np.random.default_rng(1)  # less than the noise of large ones
    y[wrong] += rng.choice([-1, 1], len(wrong)) * rng.uniform(10, 18, len(wrong))
    found = find_label_errors(LinearRegression(), X, y)
    by_residual = found.sort_values("residual", key=np.abs, ascending=False)
    assert np.isin(found.index[: len(wrong)], wrong).mean() > 0.7
    assert np.isin(by_residual.index[: len(wrong)], wrong).mean() < 0.3
    assert found["score"].is_monotonic_decreasing
    assert found["score"].between(0, 1).all()
    assert found["score"].iloc[0] > 0.5 > found["score"].median()


def test_each_row_says_why():
    X, y = uneven()
    y[3] = 250
    first = find_label_errors(LinearRegression(), X, y).iloc[0]
    assert first.name == first["image"] == 3
    assert first["reason"].startswith(
        "labeled 250, predicted 1.64 by models that have not seen it; 248.36 more, where 0.99 is"
    )
    assert first["residual"] == first["label"] - first["prediction"]


def test_no_label_is_predicted_by_a_model_that_saw_it():
    X = np.eye(40)
    y = np.arange(40.0)
    found = find_label_errors(Ridge(1e-8), X, y).sort_index()
    assert (found["residual"].abs() > 0.01).all()
    people = np.repeat(np.arange(20), 2)
    twins = find_label_errors(Ridge(1e-8), np.repeat(np.eye(20), 2, axis=0), y, groups=people)
    assert (twins["residual"].abs() > 1).mean() > 0.8
    same = find_label_errors(
        Ridge(1e-8), np.repeat(np.eye(20), 2, axis=0), y, groups=people, cv=GroupKFold(5)
    )
    pd.testing.assert_frame_equal(twins, same)


def test_weights_reach_the_estimator():
    X, y = uneven(200)
    weight = np.where(np.arange(200) % 2, 1.0, 1e-9)
    odd = find_label_errors(LinearRegression(), X, y, sample_weight=weight, cv=KFold(4))
    assert not odd["prediction"].equals(
        find_label_errors(LinearRegression(), X, y, cv=KFold(4))["prediction"]
    )


def test_fold_numbers_and_splits_are_the_same():
    X, y = uneven(100)
    folds = np.arange(100) % 4
    split = [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(4)]
    pd.testing.assert_frame_equal(
        find_label_errors(LinearRegression(), X, y, cv=folds),
        find_label_errors(LinearRegression(), X, y, cv=split),
    )


def test_a_label_far_from_all_others_comes_first_however_many_there_are():
    X, y = uneven(5000)
    y[1001] = 1e9
    assert find_label_errors(LinearRegression(), X, y, cv=2).index[0] == 1001


def test_neighbors_count_where_predictions_do_not_tell():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(300, 512)).astype(np.float32) / 10
    y = rng.choice([20.0, 60.0], 300) + rng.normal(size=300)
    Z[:, 0] += np.where(y < 40, -1, 1)
    wrong = np.arange(0, 300, 30)
    y[wrong] = 80 - y[wrong]
    median = ZeroShotCLIPRegressor({"few": (0, 40), "many": (40, 90)}, model_name="tiny", verbose=0)
    found = find_label_errors(median, Z, y)
    assert set(found.index[:10]) == set(wrong)
    low, high = found["reason"].iloc[0].rsplit("are labeled ")[1].split(" to ")
    assert abs(80 - found["label"].iloc[0] - float(low)) < 5  # of the other kind
    assert abs(float(high) - float(low)) < 5


def test_a_table_with_pictures_for_a_pipeline(tmp_path):
    X, y = make_counting_images(60, random_state=0)
    table = pd.DataFrame({"path": save_pictures(tmp_path, X), "kind": ["a", "b"] * 30})
    reg = NumCLIPRegressor(3, model_name="tiny", fine_tune="none", verbose=0, random_state=0)
    pictures = make_pipeline(make_column_transformer(("passthrough", ["path"])), reg)
    found = find_label_errors(pictures, table, y)
    alone = find_label_errors(reg, table["path"], y)
    pd.testing.assert_frame_equal(found.drop(columns="image"), alone.drop(columns="image"))
    assert found["image"].tolist() == found.index.tolist()


def test_all_pictures_that_cannot_be_read_are_in_one_error(tmp_path):
    X, y = make_counting_images(40, random_state=0)
    files = save_pictures(tmp_path, X)
    bad = [files[i] for i in range(0, 40, 4)]
    for file in bad:
        Path(file).write_text("no image")
    reg = NumCLIPRegressor(3, model_name="tiny", fine_tune="none", verbose=0)
    with pytest.raises(ImageReadError, match="10 of 40 images in X cannot be read") as caught:
        find_label_errors(reg, files, y)
    assert list(caught.value.failures) == bad


def test_pictures_that_cannot_be_read_are_listed(tmp_path):
    files, y = counting_files(tmp_path, 40)
    (tmp_path / "5.png").write_text("no image")
    reg = NumCLIPRegressor(
        3, model_name="tiny", fine_tune="none", max_epochs=1, verbose=0, on_error="skip"
    )
    with pytest.warns(UserWarning, match="1 of 40 images could not be read .* attrs") as caught:
        found = find_label_errors(reg, files, y)
    assert len([w for w in caught if "read" in str(w.message)]) == 1  # not one for each fold
    assert found.attrs["unreadable"] == [files[5]]
    assert sorted(found.index) == [i for i in range(40) if i != 5]
    assert found["image"].tolist() == [files[i] for i in found.index]


def test_labels_that_are_predicted_exactly():
    X = np.arange(50.0)[:, None]
    y = X[:, 0].copy()
    y[7] = 40
    assert find_label_errors(Ridge(1e-12), X, y).index[0] == 7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(y=np.full(20, 5.0)), "Got 20, of 1 different"),
        (dict(X=np.eye(4), y=np.arange(4)), "there must be at least 10"),
        (dict(y=np.arange(19)), "There must be one label for each image. Got 19 for 20 images"),
        (dict(y=[np.nan] * 20), "NaN or infinity in 20 of 20 labels, the first at position 0"),
        (dict(y=list("abcdefghijabcdefghij")), r"y must be numbers: could not .* Got y\[0\]='a'"),
        (dict(y=None), "There must be one label for each image. Got None"),
        (dict(cv=np.arange(4)), "cv has 4 fold numbers for 20 samples"),
        (dict(cv=ShuffleSplit(3)), "cv must test each sample once, as KFold does"),
        (dict(sample_weight=[1.0]), "There must be one weight for each image. Got 1 for 20"),
        (dict(groups=[1, 2]), "There must be one group for each image. Got 2 for 20 images"),
        (dict(estimator=LogisticRegression()), "estimator must be a regressor"),
        (dict(estimator=CLIPEmbedder()), "estimator must be a regressor"),
        (
            dict(estimator=np.eye(20)),
            "are an estimator, X and y: .* Got a ndarray as the estimator",
        ),
    ],
)
def test_bad_values_are_named(change, message):
    given = dict(estimator=LinearRegression(), X=np.eye(20), y=np.arange(20.0)) | change
    with pytest.raises((ValueError, TypeError), match=message):
        find_label_errors(**given)


@needs_faces
def test_swapped_ages_of_faces_are_found():
    table = pd.read_csv(FACES / "labels.csv").sample(1000, random_state=0)
    paths = [str(FACES / file) for file in table["file"]]
    y, n = table["age"].to_numpy(dtype=float), 50
    model = f"local-dir:{FACE_CLIP}"
    X = CLIPEmbedder(model_name=model, verbose=0).fit_transform(paths)
    precision = []
    for seed in range(3):
        chosen = np.random.default_rng(seed).choice(1000, n, replace=False)
        swapped = y.copy()
        swapped[chosen] = y[np.roll(chosen, 1)]
        found = find_label_errors(Ridge(1.0), X, swapped)
        by_residual = found.sort_values("residual", key=np.abs, ascending=False)
        precision.append(
            [(swapped != y)[order[:n]].mean() for order in (found.index, by_residual.index)]
        )
    score, residual = np.mean(precision, axis=0)
    assert score > residual
    assert score > 0.3  # at random it would be 0.05

"""Custom augmentations: reproducible training, and errors for invalid ones."""

import joblib
import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from torchvision.transforms import v2

from sknumclip import NumCLIPRegressor


def turned(canvases):
    """Turn each canvas by a random number of quarters."""
    quarters = torch.randint(4, (len(canvases),)).tolist()
    views = [torch.rot90(canvas, k, (1, 2)) for canvas, k in zip(canvases, quarters, strict=True)]
    return torch.stack(views)


def of_wrong_size(canvases):
    return canvases[:, :, :5, :5]


def failing(canvases):
    raise RuntimeError("no such color")


class Stop(Callback):
    """End training as a kill would, after the checkpoint of the first epoch."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) > 1:
            raise MemoryError("stopped")


V2 = v2.Compose([v2.RandomCrop(32), v2.RandomHorizontalFlip(), v2.ColorJitter(0.4, 0.4)])


@pytest.mark.parametrize("augment", [turned, V2], ids=["callable", "torchvision"])
def test_results_follow_from_the_seed_and_depend_on_the_augmentation(make, data, augment):
    X, y = data
    first, second = (make(augment=augment).fit(X, y).predict(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    for other in (dict(augment=True), dict(augment=False), dict(random_state=1)):
        assert (make(**{"augment": augment, **other}).fit(X, y).predict(X) != first).any()


@pytest.mark.parametrize("augment", [turned, V2], ids=["callable", "torchvision"])
def test_a_fit_that_was_stopped_goes_on_to_the_same_bits(make, data, augment, tmp_path):
    X, y = data
    whole = make(augment=augment, max_epochs=3).fit(X, y).predict(X)
    params = dict(augment=augment, max_epochs=3, checkpoint=tmp_path)
    with pytest.raises(MemoryError):
        make(**params, callbacks=[Stop()]).fit(X, y)
    (file,) = tmp_path.iterdir()
    resumed = make(**params).fit(X, y)
    assert list(tmp_path.iterdir()) == [file]  # it was found again
    np.testing.assert_array_equal(resumed.predict(X), whole)
    make(**params | dict(augment=True)).fit(X, y)
    make(**params | dict(augment=v2.RandomCrop(32))).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 3  # other augmentations, other fits


def test_searches_choose_among_augmentations(make, data):
    X, y = data
    search = GridSearchCV(make(max_epochs=1), {"augment": [True, turned, V2]}, cv=2, n_jobs=2)
    with joblib.parallel_backend("loky"):
        search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_saved_models_predict_without_it(make, data, tmp_path):
    X, y = data
    reg = make(augment=turned).fit(X, y)
    with pytest.warns(UserWarning, match=r"\['augment'\] cannot be saved as JSON"):
        reg.save(tmp_path / "model")
    loaded = NumCLIPRegressor.load(tmp_path / "model")
    assert loaded.augment == "auto"
    np.testing.assert_array_equal(loaded.predict(X), reg.predict(X))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            dict(augment=of_wrong_size),
            r"uint8 tensor of shape \(2, 3, 32, 32\) or \(2, 3, 37, 37\)",
        ),
        (dict(augment=failing), "failed on a batch of black canvases.*RuntimeError: no such color"),
        (dict(augment=turned, fine_tune="none"), "with fine_tune='none' each image is embedded"),
        (dict(augment=lambda x: x, checkpoint="here"), "cannot be pickled .* or checkpoint=None"),
        (dict(augment="flip"), "'augment' parameter .* must be an instance of 'bool'"),
    ],
    ids=["other shape", "failing", "frozen", "not picklable", "a word"],
)
def test_what_cannot_be_used_is_refused_before_any_image_is_read(
    make, params, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        make(**params).fit(["missing.jpg", "gone.jpg"], [1, 2])
    assert not list(tmp_path.rglob("*.safetensors"))

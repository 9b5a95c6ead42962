"""Samples: every sample in one batch, with its own target."""

import numpy as np
import pytest
import torch
from factories import preprocessing
from PIL import Image

from sknumclip.exceptions import ImageReadError
from sknumclip.images.canvases import CanvasStore
from sknumclip.images.reading import Images
from sknumclip.training.batches import Samples
from sknumclip.training.targets import Targets


def targets(n):
    return Targets(torch.arange(n) * 10.0, torch.arange(n), torch.ones(n))


@pytest.mark.parametrize("batch_size", [1, 3, 4, 100])
def test_features(batch_size):
    samples = Samples(torch.arange(9.0)[:, None], targets(9), np.array([8, 2, 5, 6]))
    batches = list(samples.batches(np.array([3, 0, 2, 1]), batch_size, torch.device("cpu")))
    inputs = torch.cat([inputs for inputs, _ in batches])
    y = torch.cat([target.y for _, target in batches])
    assert inputs[:, 0].tolist() == [6, 8, 5, 2]
    assert y.tolist() == [60, 80, 50, 20]
    assert all(len(inputs) == len(target) for inputs, target in batches)


def test_images_are_cut_to_views_if_asked_for():
    images = Images([Image.new("RGB", (30, 30), (i, i, i)) for i in range(5)])
    store = CanvasStore(images, preprocessing("squash"), scale=8 / 7)
    whole = Samples(store, targets(5), np.arange(5))
    views = Samples(store, targets(5), np.arange(5), view_size=(28, 28))
    order, cpu = np.array([4, 1, 0]), torch.device("cpu")
    for samples, size in ((whole, 32), (views, 28)):
        ((inputs, target),) = samples.batches(order, 8, cpu, torch.Generator().manual_seed(0))
        assert inputs.shape == (3, 3, size, size)
        assert inputs[:, 0, 0, 0].tolist() == [4, 1, 0]
        assert target.y.tolist() == [40, 10, 0]


def test_images_that_vanish_stop_training(tmp_path):
    Image.new("RGB", (30, 30)).save(tmp_path / "a.png")
    store = CanvasStore(Images([tmp_path / "a.png"]), preprocessing("squash"))
    (tmp_path / "a.png").unlink()
    with pytest.raises(ImageReadError, match=r"a\.png.*no such file"):
        list(Samples(store, targets(1), np.arange(1)).batches(np.arange(1), 1, torch.device("cpu")))

"""Samples: every sample in one batch, with its own target."""

import numpy as np
import pytest
import torch
from factories import preprocessing
from PIL import Image

from sknumclip.exceptions import ImageReadError
from sknumclip.images.canvases import CanvasStore
from sknumclip.images.reading import Images
from sknumclip.machine.processes import Processes
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


def noise(canvases):
    """Views whose pixels tell which random numbers were drawn."""
    return torch.randint(256, (len(canvases), 3, 28, 28), dtype=torch.uint8)


class Two(Processes):
    """One of two processes that share batches, without the other."""

    def __init__(self, index):
        super().__init__()
        self.n, self.index = 2, index


def augmented(augment, seed=0, **options):
    images = Images([Image.effect_noise((32, 32), 50) for _ in range(4)])
    store = CanvasStore(images, preprocessing("squash"), scale=8 / 7)
    samples = Samples(store, targets(4), np.arange(4), view_size=(28, 28), augment=augment)
    generator = torch.Generator().manual_seed(seed)
    cpu = torch.device("cpu")
    return [x for x, _ in samples.batches(np.arange(4), 2, cpu, generator, **options)]


def test_own_views_follow_from_the_seed_alone():
    torch.manual_seed(5)
    first = augmented(noise)
    state = torch.random.get_rng_state()
    torch.manual_seed(6)
    second = augmented(noise)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], first[1])  # batches differ
    assert not torch.equal(first[0], augmented(noise, seed=1)[0])  # and epochs
    torch.manual_seed(5)
    assert torch.equal(state, torch.random.get_rng_state())  # nothing else is drawn anew


def test_transforms_of_torchvision_draw_for_each_image_whoever_has_it():
    v2 = pytest.importorskip("torchvision.transforms.v2")
    images = [Image.linear_gradient("L").resize((32, 32))] * 4
    store = CanvasStore(Images(images), preprocessing("squash"), scale=8 / 7)
    crop = Samples(store, targets(4), np.arange(4), (28, 28), v2.RandomResizedCrop(28))
    (views,) = (x for x, _ in crop.batches(np.arange(4), 4, torch.device("cpu"), torch.Generator()))
    assert len(torch.unique(views, dim=0)) == 4
    for index in range(2):
        ((own, _),) = crop.batches(
            np.arange(4), 2, torch.device("cpu"), torch.Generator(), Two(index)
        )
        assert torch.equal(own, views[index::2])


@pytest.mark.parametrize(
    ("augment", "got"),
    [
        (lambda x: x.float() / 255, "torch.float32 of shape (2, 3, 32, 32)"),
        (lambda x: x[:, :, :20, :20], "torch.uint8 of shape (2, 3, 20, 20)"),
        (lambda x: x[:1], "torch.uint8 of shape (1, 3, 32, 32)"),
        (lambda x: None, "NoneType"),
    ],
)
def test_what_is_no_view_is_refused(augment, got):
    with pytest.raises(ValueError, match="augment must return a uint8 tensor") as raised:
        augmented(augment)
    assert f"Got {got}. Crop or resize" in str(raised.value)
    assert "(2, 3, 28, 28) or (2, 3, 32, 32)" in str(raised.value)

"""Resizing onto canvases, and training views."""

import numpy as np
import pytest
import torch
from factories import RED, preprocessing
from PIL import Image

from sknumclip.images.resizing import resize_image, training_views


@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [(100, 37), (1, 1), (1, 500), (28, 28), (3, 2000)])
def test_canvases_have_the_size_asked_for(resize_mode, size):
    canvas = resize_image(Image.new("RGB", size), preprocessing(resize_mode), scale=8 / 7)
    assert canvas.shape == (3, 32, 32)
    assert canvas.dtype == np.uint8


@pytest.mark.parametrize("turn", [False, True])
def test_of_a_very_long_image_the_middle_is_shown(turn):
    pixels = np.full((3, 20_000, 3), 255, dtype=np.uint8)
    pixels[:, 9_990:10_010] = RED
    image = Image.fromarray(pixels.transpose(1, 0, 2) if turn else pixels)
    canvas = resize_image(image, preprocessing("shortest"))
    assert (canvas == np.array(RED)[:, None, None]).all()


def test_views_are_crops_of_their_canvas_some_of_them_mirrored():
    canvases = torch.arange(64 * 3 * 6 * 7).remainder(251).to(torch.uint8).reshape(64, 3, 6, 7)
    views = training_views(canvases, (4, 5), torch.Generator().manual_seed(0))
    assert views.shape == (64, 3, 4, 5)
    n_mirrored, positions = 0, set()
    for canvas, view in zip(canvases, views, strict=True):
        found = [
            (mirrored, top, left)
            for mirrored in (False, True)
            for top in range(3)
            for left in range(3)
            if torch.equal(
                canvas[:, top : top + 4, left : left + 5].flip(2 if mirrored else ()), view
            )
        ]
        assert len(found) == 1
        n_mirrored += found[0][0]
        positions.add(found[0][1:])
    assert 16 < n_mirrored < 48
    assert len(positions) == 9


def test_without_mirroring_the_crops_are_the_same():
    canvases = torch.randint(0, 256, (16, 3, 8, 8), dtype=torch.uint8)
    both, crops = (
        training_views(canvases, (6, 6), torch.Generator().manual_seed(0), mirrors=mirrors)
        for mirrors in (True, False)
    )
    unlike = [not torch.equal(*pair) for pair in zip(both, crops, strict=True)]
    assert 2 < sum(unlike) < 14
    mirrored = torch.tensor(unlike)[:, None, None, None]
    assert torch.equal(torch.where(mirrored, both.flip(3), both), crops)


def test_views_are_seeded():
    canvases = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)
    first, same, other = (
        training_views(canvases, (6, 6), torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)

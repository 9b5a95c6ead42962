"""Torch's random numbers: drawn by one thread at a time, and given back."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from factories import BINS, MODELS, VISION, Y, save_clip
from sklearn.base import clone

from sknumclip import NumCLIPRegressor
from sknumclip.machine.generator import drawing_from_torch, seed_torch


@pytest.fixture(scope="module")
def with_dropout(tmp_path_factory):
    vision = {**VISION["vit"], "patch_dropout": 0.5}
    return save_clip(tmp_path_factory.mktemp("dropout"), {**MODELS["clip"], "vision_cfg": vision})


def test_dropout_of_threads_is_that_of_one(with_dropout, pixels):
    reg = NumCLIPRegressor(
        BINS,
        model_name=with_dropout,
        max_epochs=5,
        batch_size=4,
        lr=1e-2,
        random_state=0,
        verbose=0,
    )
    expected = clone(reg).fit(pixels, Y).predict(pixels)
    other = clone(reg).set_params(random_state=1).fit(pixels, Y).predict(pixels)
    assert (expected != other).any()

    def fit(_):
        return clone(reg).fit(pixels, Y).predict(pixels)

    torch.manual_seed(0)
    drawn = torch.rand(1)
    torch.manual_seed(0)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(fit, range(8)):
            np.testing.assert_array_equal(found, expected)
    assert torch.rand(1) == drawn


@pytest.mark.parametrize("fails", [False, True])
def test_the_callers_numbers_continue_where_they_were(fails):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with contextlib.suppress(RuntimeError), drawing_from_torch():
        torch.manual_seed(0)
        torch.rand(10)
        if fails:
            raise RuntimeError("in the middle")
    assert torch.equal(torch.rand(3), expected)


def test_each_thread_draws_its_own_numbers():
    def draw(seed):
        with drawing_from_torch():
            torch.manual_seed(seed)
            drawn = []
            for _ in range(5):
                time.sleep(0.001)  # so that others would get in between
                drawn.append(torch.rand(1).item())
        return drawn

    expected = [draw(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(draw, range(8))) == expected


def test_seeds_give_the_numbers_that_torch_gives():
    torch.manual_seed(5)
    expected = torch.rand(3)
    with drawing_from_torch():
        seed_torch(5)
        assert torch.equal(torch.rand(3), expected)

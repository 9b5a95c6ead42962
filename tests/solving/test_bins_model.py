"""The bins model starts from zero-shot CLIP, and its path is one of lower and lower losses."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.special import softmax

from sknumclip import LinguisticBins
from sknumclip.losses import FCRC
from sknumclip.solving.bins_model import PENALTIES, BinsModel
from sknumclip.solving.samples import Rows

BINS = LinguisticBins(("a", "b", "c"), (10, 20, 40, 100))


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 4))
    y = (20 + 12 * X[:, 0] ** 2).clip(0, 89)
    return Rows(X, y, rng.uniform(0.5, 2, 40), BINS.assign(y + 10))


@pytest.fixture
def model():
    start = np.random.default_rng(1).normal(size=(3, 4))
    return BinsModel(start, BINS, "width", 0.5, partial(FCRC(), beta=4.0))


def test_no_parameters_are_zero_shot_clip(model, rows):
    expected = softmax(rows.X @ model.start.numpy().T, axis=1) @ (np.array(BINS.centers) - 10)
    np.testing.assert_allclose(model.predict(np.zeros(model.n_parameters), rows.X), expected)


def test_the_path_leads_from_near_zero_shot_to_near_the_labels(model, rows):
    path = model.path(rows)
    steps = [np.abs(values[: model.start.numel()]).max() for values in path]
    assert steps[0] < 0.01 < steps[-1]
    errors = [np.abs(model.predict(values, rows.X) - rows.y).mean() for values in path]
    assert errors[-1] < 0.5 * errors[0]


def test_gradients_are_those_of_the_loss(model, rows):
    loss = model._loss(rows)
    values = torch.tensor(np.random.default_rng(2).normal(size=model.n_parameters))
    assert torch.autograd.gradcheck(
        lambda v: loss(v, PENALTIES[4]), values.requires_grad_(True), eps=1e-7, atol=1e-5
    )


@pytest.mark.parametrize("shift", ["width", "relative", "none"])
def test_centers_move_as_the_shift_allows(rows, shift):
    model = BinsModel(np.zeros((3, 4)), BINS, shift, 0.5, partial(FCRC(), beta=4.0))
    _, _, centers = model.parts(torch.from_numpy(model.path(rows)[-1]))
    moved = np.abs(centers.numpy() + 10 - BINS.centers)
    if shift == "none":
        np.testing.assert_allclose(moved, 0, atol=1e-9)
    else:
        assert moved.max() > 1e-3
    if shift == "width":
        assert (moved <= 0.5 * np.array(BINS.widths)).all()

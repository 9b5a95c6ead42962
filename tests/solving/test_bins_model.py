"""The bins model starts from zero-shot CLIP, and its path is one of lower and lower losses."""

from dataclasses import astuple, replace
from functools import partial

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import softmax

from sknumclip import LinguisticBins
from sknumclip.losses import FCRC
from sknumclip.solving.bins_model import PENALTIES, BinsModel
from sknumclip.solving.ranking import ranking_of
from sknumclip.solving.rows import Rows

BINS = LinguisticBins(("a", "b", "c"), (10, 20, 40, 100))
RANKING = partial(ranking_of, partial(FCRC(), beta=4.0), bins=BINS)
SHIFTS = ["width", "relative", "none"]


def rows_of(n, n_features):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_features))
    X = X[np.abs(X[:, 0]).argsort()]
    y = (20 + 12 * X[:, 0] ** 2).clip(0, 89)  # sorted, as rows are
    zero_shot = X @ np.random.default_rng(1).normal(size=(3, n_features)).T
    return Rows(X, y, rng.uniform(0.5, 2, n), BINS.assign(y + 10), zero_shot)


@pytest.fixture
def rows():
    return rows_of(40, 4)


@pytest.fixture
def make_model():
    def make(shift="width", classifies=False):
        return BinsModel(BINS, 4, shift, 0.5, RANKING, classifies)

    return make


def path_of(model, rows):
    solve = model.solver(rows, rows.weight[None])
    return np.array([solve(penalty)[0] for penalty in PENALTIES])


def loss_of(model, rows):
    """The loss and the gradient of one model with all weights of the rows."""
    weight = rows.weight[None]
    arguments = rows, rows.zero_shot.T, weight, model.make_ranking(rows, weight), 3.0

    def loss(parameters):
        value, gradient = model._loss(parameters[None], *arguments)
        return value[0], gradient[0]

    return loss


def test_no_parameters_are_zero_shot_clip(make_model, rows):
    model = make_model()
    expected = softmax(rows.zero_shot, axis=1) @ (np.array(BINS.centers) - 10)
    fitted = model.fitted(np.zeros(model.n_parameters))
    np.testing.assert_allclose(fitted.predict(rows), expected)


def test_the_path_leads_from_near_zero_shot_to_near_the_labels(make_model, rows):
    model = make_model()
    path = path_of(model, rows)
    steps = [np.abs(model.fitted(values).weights).max() for values in path]
    assert steps[0] < 0.01 < steps[-1]
    errors = [np.abs(model.fitted(values).predict(rows) - rows.y).mean() for values in path]
    assert errors[-1] < 0.5 * errors[0]


@pytest.mark.parametrize("classifies", [False, True])
@pytest.mark.parametrize("shift", SHIFTS)
def test_gradients_are_those_of_the_loss(make_model, rows, shift, classifies):
    model = make_model(shift, classifies=classifies)
    loss = loss_of(model, rows)
    parameters = np.random.default_rng(2).normal(size=model.n_parameters)
    error = check_grad(lambda at: loss(at)[0], lambda at: loss(at)[1], parameters)
    assert error < 1e-5 * np.abs(loss(parameters)[1]).max()


@pytest.mark.parametrize("classifies", [False, True])
def test_a_model_of_some_rows_is_the_same_alone_and_beside_others(make_model, rows, classifies):
    model = make_model(classifies=classifies)
    weight = rows.weight * [np.arange(40) % 5 != 0, rows.bin_index != 1, np.arange(40) < 3]
    assert len(np.unique(rows.bin_index[:3])) == 1  # nothing to rank for the last one
    parameters = np.random.default_rng(2).normal(size=(3, model.n_parameters))
    ranking = model.make_ranking(rows, weight)
    values, gradients = model._loss(parameters, rows, rows.zero_shot.T, weight, ranking, 3.0)
    for i, of_model in enumerate(weight):
        some = replace(rows, weight=of_model)[of_model > 0]
        value, gradient = loss_of(model, some)(parameters[i])
        assert values[i] == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(gradients[i], gradient, atol=1e-12)


def test_the_loss_of_a_classifier_is_cross_entropy_and_ranking(make_model, rows):
    model = make_model(classifies=True)
    loss, _ = loss_of(model, rows)(np.zeros(model.n_parameters))
    own = softmax(rows.zero_shot, axis=1)[np.arange(len(rows)), rows.bin_index]
    ranking = model.make_ranking(rows, rows.weight[None])
    ranked = ranking(rows.zero_shot.T[None])[0].item()
    expected = (ranked - rows.weight @ np.log(own)) / rows.weight.sum()
    assert loss == pytest.approx(expected)
    _, errors = model.evaluate(np.zeros(model.n_parameters), rows)
    np.testing.assert_allclose(errors, -np.log(own))


def test_a_step_that_is_far_too_long_is_only_a_bad_one(make_model, rows):
    model = make_model()
    parameters = np.zeros(model.n_parameters)
    parameters[-1] = 1e4  # logarithm of the temperature
    with np.errstate(over="raise", invalid="raise"):
        loss, _ = loss_of(model, rows)(parameters)
    assert 1e6 < loss < np.inf


@pytest.mark.parametrize("shift", SHIFTS)
def test_centers_move_as_the_shift_allows(rows, shift):
    model = BinsModel(BINS, 4, shift, 0.5, RANKING)
    rows = replace(rows, zero_shot=np.zeros((40, 3)))
    centers = model.fitted(path_of(model, rows)[-1]).centers
    moved = np.abs(centers + 10 - BINS.centers)
    if shift == "none":
        np.testing.assert_allclose(moved, 0, atol=1e-9)
    else:
        assert moved.max() > 1e-3
    if shift == "width":
        assert (moved <= 0.5 * np.array(BINS.widths)).all()


def test_an_average_predicts_with_the_mean_and_the_slope_of_its_models(rows):
    rng = np.random.default_rng(1)
    model = BinsModel(BINS, 4, "width", 0.5, None)
    paths = [rng.normal(size=(2, model.n_parameters)) for _ in range(3)]  # of opposite opinions
    shares = np.array([0.3, 0.7])
    y_pred = model.average(paths, shares, rows).predict(rows)
    of_models = [shares @ [model.fitted(values).predict(rows) for values in path] for path in paths]
    off = y_pred - np.mean(of_models, axis=0)
    assert rows.mean(off) == pytest.approx(0, abs=1e-9)
    assert rows.mean(off * y_pred) == pytest.approx(0, abs=1e-9)


def test_an_average_of_one_model_is_that_model(rows):
    model = BinsModel(BINS, 4, "width", 0.5, None)
    parameters = np.random.default_rng(1).normal(size=model.n_parameters)
    found = model.average([parameters[None]], np.ones(1), rows)
    for ours, expected in zip(astuple(found), astuple(model.fitted(parameters)), strict=True):
        np.testing.assert_allclose(ours, expected)

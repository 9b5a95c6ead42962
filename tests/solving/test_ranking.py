"""The closed form of FCRC is the loss of tensors; all other losses go through torch."""

from functools import partial

import numpy as np
import pytest

from sknumclip import LinguisticBins
from sknumclip.losses import FCRC, RANKING_LOSSES, InfoNCE
from sknumclip.solving.ranking import AnyRanking, RangesFCRC, ranking_of
from sknumclip.solving.rows import Rows

BINS = LinguisticBins(("a", "b", "c", "d"), (10, 20, 40, 60, 100))


def rows_of(labels):
    y = np.sort(np.asarray(labels, dtype=float))
    weight = np.random.default_rng(0).uniform(0.5, 3, len(y))
    return Rows(np.zeros((len(y), 2)), y - 10, weight, BINS.assign(y))


LABELS = {
    "all bins": np.random.default_rng(1).uniform(10, 100, 30),
    "an empty bin": [11, 12, 45, 59, 99, 13],
    "one bin": [11, 12, 13],
    "one sample": [50],
}


@pytest.mark.parametrize("scale", [1, 300])
@pytest.mark.parametrize("beta", [0.0, 4.0, 500.0])
@pytest.mark.parametrize("labels", LABELS)
def test_the_closed_form_is_the_loss_of_tensors(labels, beta, scale):
    rows = rows_of(LABELS[labels])
    loss = partial(FCRC(), beta=beta)
    logits = scale * np.random.default_rng(2).normal(size=(len(rows), 4))
    found = ranking_of(loss, rows, BINS)
    assert isinstance(found, RangesFCRC)
    value, gradient = found(logits)
    expected, expected_gradient = AnyRanking(loss, rows, BINS)(logits)
    assert value == pytest.approx(expected, rel=1e-10, abs=1e-10)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-10)


def test_infonce_is_fcrc_without_beta():
    rows, logits = rows_of(LABELS["all bins"]), np.random.default_rng(2).normal(size=(30, 4))
    losses = [partial(InfoNCE(), beta=4.0), partial(FCRC(), beta=0.0)]
    values = [ranking_of(loss, rows, BINS)(logits)[0] for loss in losses]
    assert values[0] == values[1]


@pytest.mark.parametrize(
    "loss", [FCRC(distance="sqrt"), FCRC(mask_same_bin=False), *RANKING_LOSSES.values()]
)
def test_every_ranking_loss_has_the_gradient_of_its_value(loss):
    rows, rng = rows_of(LABELS["all bins"]), np.random.default_rng(2)
    ranking = ranking_of(partial(loss, beta=4.0), rows, BINS)
    logits, step = rng.normal(size=(30, 4)), 1e-6 * rng.normal(size=(30, 4))
    _, gradient = ranking(logits)
    change = ranking(logits + step)[0] - ranking(logits - step)[0]
    assert change == pytest.approx(2 * (gradient * step).sum(), rel=1e-4, abs=1e-11)

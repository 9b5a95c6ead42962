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


def weights_of(rows):
    """For three models: all rows, some of them, and the first one."""
    samples = np.arange(len(rows))
    return rows.weight * [samples >= 0, samples % 3 != 1, samples == 0]


def logits_of(rows, scale=1):
    return scale * np.random.default_rng(2).normal(size=(3, 4, len(rows)))


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
    rows, loss = rows_of(LABELS[labels]), partial(FCRC(), beta=beta)
    weight, logits = weights_of(rows), logits_of(rows, scale)
    found = ranking_of(loss, rows, weight, BINS)
    assert isinstance(found, RangesFCRC)
    value, gradient = found(logits)
    expected, expected_gradient = AnyRanking(loss, rows, weight, BINS)(logits)
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-10)


def test_infonce_is_fcrc_without_beta():
    rows = rows_of(LABELS["all bins"])
    losses = [partial(InfoNCE(), beta=4.0), partial(FCRC(), beta=0.0)]
    values = [ranking_of(loss, rows, weights_of(rows), BINS)(logits_of(rows))[0] for loss in losses]
    np.testing.assert_array_equal(*values)


@pytest.mark.parametrize(
    "loss", [FCRC(distance="sqrt"), FCRC(mask_same_bin=False), *RANKING_LOSSES.values()]
)
def test_every_ranking_loss_has_the_gradient_of_its_value(loss):
    rows = rows_of(LABELS["all bins"])
    ranking = ranking_of(partial(loss, beta=4.0), rows, weights_of(rows), BINS)
    logits, step = logits_of(rows), 1e-6 * np.random.default_rng(3).normal(size=(3, 4, 30))
    _, gradient = ranking(logits)
    change = ranking(logits + step)[0] - ranking(logits - step)[0]
    expected = 2 * (gradient * step).sum(axis=(1, 2))
    np.testing.assert_allclose(change, expected, rtol=1e-4, atol=1e-11)

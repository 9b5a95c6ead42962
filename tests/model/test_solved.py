"""SolvedModule: its prediction is the formula of its parameters, in shares."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import nn

from sknumclip import LinguisticBins
from sknumclip.model.modules import FeatureEncoder
from sknumclip.model.solved import SolvedModule
from sknumclip.solving.coordinates import Coordinates
from sknumclip.solving.solve import Solution

BINS = LinguisticBins(("low", "high", "top"), (10, 20, 40, 110))
RNG = np.random.default_rng(0)
SOLUTION = Solution(
    coordinates=Coordinates(
        start=RNG.normal(size=4),
        unit=RNG.uniform(1, 2, size=4),
        frequencies=RNG.normal(size=(4, 6)).astype(np.float16),
        phases=RNG.normal(size=6),
        of_features=None,
        of_waves=None,
        origin=None,
    ),
    weights=RNG.normal(size=(3, 4)),
    wave_weights=RNG.normal(size=(3, 6)),
    bias=RNG.normal(size=3),
    centers=np.array([6.0, 18, 70]),
    slopes=RNG.normal(size=(3, 3)),
    text_share=0.25,
    coefficients=RNG.normal(size=4),
    wave_coefficients=RNG.normal(size=6),
    intercept=7.0,
    std_scale=1.5,
    is_new_to_clip=False,
    path=[],
)
TEXT_WEIGHTS = RNG.normal(size=(3, 4))
Z = RNG.normal(size=(6, 4)).astype(np.float32)


def solved(text_weights=TEXT_WEIGHTS):
    return SolvedModule.from_solution(FeatureEncoder(4, 4), BINS, SOLUTION, text_weights).eval()


def prediction_by_hand(features, with_text):
    """In float64; numbers are counted from the lower end of the bins."""
    of = SOLUTION.coordinates
    waves = np.cos((features - of.start) / of.unit @ of.frequencies + of.phases)
    logits = features @ SOLUTION.weights.T + waves @ SOLUTION.wave_weights.T + SOLUTION.bias
    proba = softmax(logits, axis=1)
    y_pred = (proba * (SOLUTION.centers + logits @ SOLUTION.slopes.T)).sum(axis=1)
    y_pred += features @ SOLUTION.coefficients + waves @ SOLUTION.wave_coefficients + 7
    zero_shot = np.full((len(features), 3), 1 / 3)
    if with_text:
        zero_shot = softmax(features @ TEXT_WEIGHTS.T, axis=1)
    return proba, y_pred + 0.25 * zero_shot @ [5, 20, 65]


@pytest.mark.parametrize("with_text", [True, False])
def test_the_prediction_is_bins_text_and_a_linear_part(with_text):
    module = solved(TEXT_WEIGHTS if with_text else None)
    features = torch.tensor(Z)
    output = module.from_features(features)
    proba, y_pred = prediction_by_hand(Z.astype(float), with_text)
    np.testing.assert_allclose(output.y_pred, y_pred, rtol=1e-6)
    np.testing.assert_allclose(softmax(output.logits.numpy(), axis=1), proba, rtol=1e-5)
    # The moved centers hold all of it: their mean is the prediction.
    mean = (output.logits.softmax(dim=1) * output.centers).sum(dim=1)
    torch.testing.assert_close(mean, output.y_pred)
    assert module.std_scale == 1.5


def test_embeddings_of_clip_count_by_their_direction_and_other_features_do_not():
    twice = torch.tensor(2 * Z)
    torch.testing.assert_close(solved().encode(twice).norm(dim=1), torch.ones(6))
    torch.testing.assert_close(solved(None).encode(twice), twice)


def test_the_state_brings_the_solution_back_to_the_bit():
    module = solved()
    other = SolvedModule(FeatureEncoder(4, 4), bins=BINS, n_features=4, of_clip=True, n_waves=6)
    other.load_state_dict(module.state_dict())
    features = torch.tensor(Z)
    assert torch.equal(other.from_features(features).y_pred, module.from_features(features).y_pred)
    assert other.weights.dtype == torch.float64
    assert other.std_scale == 1.5


@pytest.mark.parametrize("shift", ["width", "relative", "none"])
def test_with_a_tower_to_train_the_regressor_moves_the_centers_further(shift):
    frozen, encoder = solved(), nn.Linear(4, 4)
    encoder.is_frozen = False
    module = SolvedModule(encoder, bins=BINS, n_features=4, of_clip=True, n_waves=6, shift=shift)
    module.load_solution(frozen)
    features = torch.tensor(Z)
    expected = frozen.from_features(features)
    torch.testing.assert_close(module.from_features(features).y_pred, expected.y_pred)  # no shift
    nn.init.constant_(module.regressor.out.bias, 1.0)
    delta = 0.5 * np.tanh(1.0)
    centers, widths = np.array([5, 20, 65]), np.array([10, 20, 70])
    by = {"width": delta * widths, "relative": (centers + 10) * (1 / (1 + delta) - 1), "none": 0}
    found = module.from_features(features).centers - expected.centers
    expected = torch.tensor(by[shift] + 0 * centers, dtype=torch.float32).expand(6, 3)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    trained = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
    assert {"weights", "wave_weights", "bias", "encoder.weight"} <= trained
    assert ("regressor.out.weight" in trained) == (shift != "none")

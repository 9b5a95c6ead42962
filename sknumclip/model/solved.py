"""SolvedModule: prediction of a solved fit, a mixture of bins, zero-shot CLIP and a linear part."""

import torch
import torch.nn.functional as F
from torch import nn

from . import N_WAVES
from .modules import SHIFTS, CLIPModule, Output, ShiftRegressor

__all__ = ["SolvedModule"]


class SolvedModule(CLIPModule):
    """Predict with parameters from a solved fit.

    The prediction is ``Σ p_k (c_k + s_k · l) + text_share · Σ q_k b_k + u · z + v · w +
    intercept``, where l are the logits of the bins, linear in the features z and in the waves
    w = cos((z - start) / unit · frequencies + phases), p their probabilities, c the moved centers
    and s their slopes, q the probabilities of zero-shot CLIP and b the bin centers. All terms but
    the first count as a shift of the centers too.

    On a frozen tower, everything is constant and in float64. Otherwise the weights and biases of
    the bins are trained with the tower, in float32, and so is a :class:`ShiftRegressor`, which
    moves the bin centers further and starts with no shift.

    Parameters
    ----------
    encoder : FeatureEncoder or ImageEncoder
    bins : LinguisticBins
    n_features : int
    of_clip : bool
        Whether features are CLIP embeddings, which are compared by direction.
    shift, max_shift, generator
        Of the regressor, as in :class:`NumCLIPModule`.
    """

    def __init__(
        self,
        encoder,
        *,
        bins,
        n_features,
        of_clip,
        shift="none",
        max_shift=0.5,
        generator=None,
        n_waves=N_WAVES,
    ):
        super().__init__(encoder, bins=bins)
        self.of_clip = of_clip
        shapes = {
            "start": (n_features,),
            "unit": (n_features,),
            "phases": (n_waves,),
            "weights": (bins.n_bins, n_features),
            "wave_weights": (bins.n_bins, n_waves),
            "bias": (bins.n_bins,),
            "moved_centers": (bins.n_bins,),
            "slopes": (bins.n_bins, bins.n_bins),
            "text_weights": (bins.n_bins, n_features),
            "coefficients": (n_features,),
            "wave_coefficients": (n_waves,),
            "numbers": (3,),  # text_share, intercept, std_scale
        }
        self.register_buffer("widths", torch.tensor(bins.widths, dtype=torch.float32))
        dtype = torch.float64 if self.is_frozen else torch.float32
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape, dtype=dtype))
        self.unit.fill_(1.0)
        frequencies = torch.zeros(n_features, n_waves, dtype=torch.float16)
        self.register_buffer("frequencies", frequencies)
        self.shift, self.regressor = shift, None
        if not self.is_frozen:
            for name in ("weights", "wave_weights", "bias"):
                values = self._buffers.pop(name)
                self.register_parameter(name, nn.Parameter(values))
            self.regressor = ShiftRegressor(bins.n_bins, max_shift, generator=generator)
            self.regressor.requires_grad_(shift != "none")

    @classmethod
    def from_solution(cls, encoder, bins, solution, text_weights):
        """Make the module from a :class:`~sknumclip.solving.solve.Solution`.

        `text_weights`, ndarray of shape (n_bins, n_features), are text embeddings divided by the
        temperature, or None if features are not CLIP embeddings.
        """
        module = cls(
            encoder,
            bins=bins,
            n_features=len(solution.coefficients),
            of_clip=text_weights is not None,
            n_waves=len(solution.coordinates.phases),
        )
        values = {
            "start": solution.coordinates.start,
            "unit": solution.coordinates.unit,
            "frequencies": solution.coordinates.frequencies,
            "phases": solution.coordinates.phases,
            "weights": solution.weights,
            "wave_weights": solution.wave_weights,
            "bias": solution.bias,
            "moved_centers": solution.centers,
            "slopes": solution.slopes,
            "text_weights": module.text_weights if text_weights is None else text_weights,
            "coefficients": solution.coefficients,
            "wave_coefficients": solution.wave_coefficients,
            "numbers": [
                solution.text_share,
                solution.intercept,
                solution.std_scale,
            ],
        }
        with torch.no_grad():
            for name, value in values.items():
                getattr(module, name).copy_(torch.as_tensor(value))
        return module

    def load_solution(self, other):
        """Take over the parameters of another module, which may have no tower to train."""
        self.load_state_dict(other.state_dict(), strict=False)

    @property
    def embed_dim(self):
        """Width of the features."""
        return len(self.coefficients)

    @property
    def text_features(self):
        """Substitute for the text embeddings of the bins: the directions of their weights."""
        return F.normalize(self.weights.detach(), dim=1).float()

    @property
    def std_scale(self):
        """Factor on the standard deviation of the mixture of bins, calibrated out of fold."""
        return self.numbers[2].item()

    def as_embeddings(self, features):
        """Return features in float32; CLIP embeddings ℓ2-normalized."""
        return super().as_embeddings(features) if self.of_clip else features.float()

    def from_features(self, features):
        """Predict; see :class:`~sknumclip.model.modules.Output`."""
        text_share, intercept, _ = self.numbers
        with self._in_float32():
            features = features.to(self.weights.dtype)
            scaled = (features - self.start) / self.unit
            waves = (scaled @ self.frequencies.to(scaled.dtype) + self.phases).cos()
            logits = features @ self.weights.T + waves @ self.wave_weights.T + self.bias
            text_proba = (features @ self.text_weights.T).softmax(dim=1)
            zero_shot = text_proba @ self.centers.to(self.weights.dtype)
            linear = features @ self.coefficients + waves @ self.wave_coefficients
            rest = text_share * zero_shot + linear + intercept
            centers = self.moved_centers + logits @ self.slopes.T + rest[:, None]
            if self.regressor is not None:
                delta = self.regressor(logits)
                moved = SHIFTS[self.shift](self.centers, self.widths, delta, self.origin)
                centers = centers + moved - self.centers
            y_pred = (logits.softmax(dim=1) * centers).sum(dim=1)
        return Output(y_pred.float(), logits.float(), centers.float())

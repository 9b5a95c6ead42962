"""NumCLIPModule and its parts: encoders and shift regressor (Sections 3.1 to 3.3 of the paper)."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from ..machine.cuda_graph import branch
from ..machine.device import copy_on, without_autocast

__all__ = [
    "CLIPModule",
    "FeatureEncoder",
    "ImageEncoder",
    "NumCLIPModule",
    "Output",
    "ShiftRegressor",
    "empty_linear",
]


HIDDEN_WIDTH = 64  # of the shift regressor


class Output(NamedTuple):
    """Output of a :class:`CLIPModule` for n samples."""

    y_pred: torch.Tensor
    """Predictions of shape (n,), in the unit of the label, relative to the lowest bin edge."""
    logits: torch.Tensor
    """Cosine similarities with the prompts over the temperature, of shape (n, n_bins)."""
    centers: torch.Tensor
    """Bin centers after the shift, of shape (n, n_bins), in the same unit as `y_pred`."""


class ImageEncoder(nn.Module):
    """Image tower with its normalization and center crop; takes uint8 pixels.

    Parameters
    ----------
    visual : nn.Module
        The image tower.
    preprocessing : Preprocessing
    canvas_scale : float, default=1.0
        Size of the canvases relative to the tower's image size; the center is cropped. It is the
        same in training and prediction, so that objects have the same size in both.
    mirror : bool or "only", default=False
        Whether to average the embeddings of each image and its mirror image, except in training.
        With "only", the embedding is that of the mirror image.
    """

    is_frozen = False

    def __init__(self, visual, preprocessing, canvas_scale=1.0, mirror=False):
        super().__init__()
        self.visual = visual
        self.preprocessing = preprocessing
        self.canvas_scale = canvas_scale
        self.mirror = mirror
        mean, std = (
            torch.tensor(values).view(1, 3, 1, 1)
            for values in (preprocessing.mean, preprocessing.std)
        )
        self.register_buffer("factor", 1 / (255 * std), persistent=False)
        self.register_buffer("offset", -mean / std, persistent=False)
        self.train(visual.training)

    @property
    def image_encoder(self):
        """The encoder for images: itself."""
        return self

    def on(self, device, dtype=None):
        """Return this encoder on `device` for inference in `dtype`; None is float32.

        That is itself, or an encoder with a copy of the tower, whose weights are cast once.
        """
        if self.factor.device == device and dtype is None:
            return self
        visual = copy_on(self.visual, device, dtype)
        return ImageEncoder(visual, self.preprocessing, self.canvas_scale, self.mirror).to(device)

    def train(self, mode=True):
        """Set the mode, except for batch norms: small batches give poor statistics."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def forward(self, images):
        """Embed uint8 images or canvases of shape (n, 3, height, width) as (n, embed_dim)."""
        height, width = self.preprocessing.size
        if self.mirror == "only":
            images = images.flip(3)
        top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
        images = images[:, :, top : top + height, left : left + width]
        pixels = torch.mul(images, self.factor).add_(self.offset)  # one new array, not two
        pixels = pixels.to(next(self.visual.parameters(), pixels).dtype)
        features = self.visual(pixels)
        if self.training or not self.mirror or self.mirror == "only":
            return features
        both = features, self.visual(pixels.flip(3))
        return sum(F.normalize(one.float(), dim=1) for one in both) / 2


class FeatureEncoder(nn.Module):
    """Encoder for precomputed features: embeddings of a frozen tower, or other features.

    Parameters
    ----------
    n_features : int
        Width of the features. Embeddings of the tower's width are used directly; other features
        go through a learned linear map.
    embed_dim : int
        Width of the joint space of images and texts.
    generator : torch.Generator, default=None
        For the initial weights.
    image_encoder : ImageEncoder, default=None
        Computes the features from images; None if they are given. Other estimators share its
        tower, so it is not a submodule: the module is moved, copied and saved without it.
    """

    is_frozen = True

    def __init__(self, n_features, embed_dim, generator=None, image_encoder=None):
        super().__init__()
        vars(self)["image_encoder"] = image_encoder
        self.projection = nn.Identity()
        if n_features != embed_dim:
            self.projection = _linear(n_features, embed_dim, generator)

    def forward(self, features):
        """Map features of shape (n, n_features) to (n, embed_dim)."""
        return self.projection(features)


class ShiftRegressor(nn.Module):
    """The small regressor that moves the bin centers (δ in Eq. 1 of the paper).

    Parameters
    ----------
    n_bins : int
    max_shift : float
        Bound of δ, below 1 so that ``1 / (1 + δ)`` has no pole.
    generator : torch.Generator, default=None
        For the initial weights.
    """

    def __init__(self, n_bins, max_shift, generator=None):
        super().__init__()
        self.max_shift = max_shift
        self.hidden = _linear(n_bins, HIDDEN_WIDTH, generator)
        self.out = empty_linear(HIDDEN_WIDTH, n_bins)
        # No shift at the start: the untrained model is the zero-shot model.
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, logits):
        """Return δ of shape (n, n_bins), within ±max_shift."""
        # Only differences between logits are meaningful.
        logits = logits - logits.mean(dim=1, keepdim=True)
        return self.max_shift * torch.tanh(self.out(F.gelu(self.hidden(logits))))


def empty_linear(n_in, n_out):
    """Make a linear layer with uninitialized weights, so that no random numbers are drawn."""
    return nn.utils.skip_init(nn.Linear, n_in, n_out, device=torch.empty(0).device)


def _linear(n_in, n_out, generator):
    """Make a linear layer with initial weights from `generator`, not from global state."""
    layer = empty_linear(n_in, n_out)
    generator = torch.Generator() if generator is None else generator
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -(n_in**-0.5), n_in**-0.5, generator=generator)
    return layer


def relative_shift(centers, widths, delta, origin):
    """Shift by Eq. 1 of the paper: b / (1 + δ), in a form that stays precise far from zero."""
    return centers - (centers + origin) * delta / (1 + delta)


def width_shift(centers, widths, delta, origin):
    """Shift by a share of the bin's width: b + δ · width. Independent of the zero of the scale."""
    return centers + delta * widths


def no_shift(centers, widths, delta, origin):
    """Return the centers without a shift."""
    return centers.expand_as(delta)


SHIFTS = {"relative": relative_shift, "width": width_shift, "none": no_shift}


class CLIPModule(nn.Module):
    """Base class: an encoder, plus state handling and autocast; subclasses add `from_features`.

    Parameters
    ----------
    encoder : nn.Module
        Maps a batch of inputs to embeddings of shape (n, embed_dim).
    bins : LinguisticBins

    Notes
    -----
    Towers run in the precision of the caller's ``torch.autocast``, everything after in float32.
    """

    # Name prefixes of state that training does not change.
    not_trained: tuple[str, ...] = ()
    # Factor on the standard deviations of predictions.
    std_scale = 1.0

    def __init__(self, encoder, *, bins):
        super().__init__()
        self.encoder = encoder
        # Labels are relative to this, so that large ones stay precise in float32.
        self.origin = bins.edges[0]
        centers = [center - self.origin for center in bins.centers]
        self.register_buffer("centers", torch.tensor(centers, dtype=torch.float32))

    @property
    def is_frozen(self):
        """Whether it is trained on features (embeddings of a frozen tower, or others)."""
        return self.encoder.is_frozen

    def trained_state(self):
        """Return the state that training can change: no frozen towers, no constants."""
        return {
            name: tensor
            for name, tensor in self.state_dict().items()
            if not name.startswith(self.not_trained)
        }

    def load_trained_state(self, state):
        """Load the result of :meth:`trained_state` of a module of the same kind.

        Raises
        ------
        ValueError
            If it is from another kind of module: names or shapes differ.
        """
        expected = {name: tensor.shape for name, tensor in self.trained_state().items()}
        got = {name: tensor.shape for name, tensor in state.items()}
        if expected != got:
            different = sorted(dict(expected.items() ^ got.items()))
            raise ValueError(f"It belongs to another kind of model: {different[:5]} differ.")
        self.load_state_dict(state, strict=False)

    def encode(self, inputs):
        """Return the ℓ2-normalized image embeddings z, float32 of shape (n, embed_dim)."""
        return self.as_embeddings(self.encoder(inputs))

    def as_embeddings(self, features):
        """ℓ2-normalize the output of the encoder, which may be on another device."""
        with without_autocast(features.device):
            return F.normalize(features.float(), dim=1)

    def forward(self, inputs):
        """Predict from a batch of inputs; see :class:`Output`."""
        return self.from_features(self.encode(inputs))

    def finish(self):
        """Precompute everything that is constant after training."""

    def fitted_state(self):
        """Return the state that predictions need, without a frozen image tower."""
        return self.trained_state()

    def _in_float32(self):
        return without_autocast(self.centers.device)


class NumCLIPModule(CLIPModule):
    """The NumCLIP model: compare images with the bins' prompts, then move the bin centers.

    Parameters
    ----------
    encoder : nn.Module
        Maps a batch of inputs to embeddings of shape (n, embed_dim).
    prompts : nn.Module
        Takes nothing, returns text embeddings of shape (n_bins, embed_dim).
    bins : LinguisticBins
    logit_scale : float
        1 / temperature, from the CLIP model; not trained.
    shift : {"relative", "width", "none"}
    max_shift : float
    generator : torch.Generator, default=None
        For the initial weights of the regressor.
    """

    not_trained = ("prompts.tower.", "text_features")

    def __init__(
        self,
        encoder,
        prompts,
        *,
        bins,
        logit_scale,
        shift,
        max_shift,
        generator=None,
    ):
        super().__init__(encoder, bins=bins)
        self.prompts = prompts
        self.regressor = ShiftRegressor(bins.n_bins, max_shift, generator=generator)
        # Data-parallel training waits for the gradients of all trainable parameters.
        self.regressor.requires_grad_(shift != "none")
        self.logit_scale = logit_scale
        self.shift = shift
        self.register_buffer("widths", torch.tensor(bins.widths, dtype=torch.float32))
        self.register_buffer("text_features", None)

    @property
    def embed_dim(self):
        """Width of the joint space; available after `finish`."""
        return self.text_features.shape[1]

    def finish(self):
        """Store the text embeddings as constants, so that the text tower can be dropped."""
        with torch.no_grad():
            self.text_features = F.normalize(self.prompts().float(), dim=1)
        self.prompts.release()

    def fitted_state(self):
        """Return the state that predictions need, without a frozen image tower."""
        return {**self.trained_state(), "text_features": self.text_features}

    def encode_texts(self):
        """Return the ℓ2-normalized text embeddings w, float32 of shape (n_bins, embed_dim)."""
        if self.text_features is not None:
            return self.text_features
        features = self.prompts()
        with self._in_float32():
            return F.normalize(features.float(), dim=1)

    def forward(self, inputs):
        """Predict from a batch of inputs; see :class:`Output`."""
        with branch(self.centers.device) as join:  # these kernels are too small to fill a GPU
            texts = self.encode_texts()
        features = self.encode(inputs)
        join()
        return self._compare(features, texts)

    def from_features(self, features):
        """Predict from ℓ2-normalized image embeddings (Eq. 1 of the paper)."""
        return self._compare(features, self.encode_texts())

    def _compare(self, features, texts):
        with self._in_float32():
            logits = self.logit_scale * features @ texts.T
            delta = self.regressor(logits)
            shifted = SHIFTS[self.shift](self.centers, self.widths, delta, self.origin)
            y_pred = (logits.softmax(dim=1) * shifted).sum(dim=1)
        return Output(y_pred, logits, shifted)

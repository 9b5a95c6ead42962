"""Backbone and load_backbone(): a pretrained CLIP model and its parts."""

import json
import os
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from torch import nn

from ..exceptions import BackboneError
from ..machine.files import file_identity
from ..machine.fingerprint import fingerprint
from ..machine.settings import own_settings

__all__ = ["Backbone", "Preprocessing", "absolute_name", "load_backbone"]

TINY = Path(__file__).parent / "tiny"


@dataclass(frozen=True)
class Preprocessing:
    """Image preprocessing that the pretrained weights expect.

    Parameters
    ----------
    size : tuple of int
        Height and width in pixels.
    mean, std : tuple of float, length 3
        Mean and standard deviation of the RGB channels, scaled to [0, 1].
    interpolation : {"bicubic", "bilinear"}
        Interpolation for resizing.
    resize_mode : {"shortest", "longest", "squash"}
        Fit the shortest side and crop the rest, fit the longest side and pad the rest, or squeeze
        both sides.
    fill_color : int, default=0
        Gray level of the padding, 0 to 255.
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    resize_mode: str
    fill_color: int = 0

    def to_dict(self):
        """Return a dict of plain lists, strings and numbers."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values):
        """Restore from the dict of :meth:`to_dict`."""
        return cls(
            **{
                key: tuple(value) if isinstance(value, list) else value
                for key, value in values.items()
            }
        )


@dataclass(frozen=True, eq=False)
class Backbone:
    """The parts of a CLIP model. Estimators share it, so never change it in place."""

    visual: nn.Module
    text: nn.Module
    token_embedding: nn.Embedding
    logit_scale: float
    embed_dim: int
    preprocessing: Preprocessing
    model_name: str
    pretrained: str
    known_texts: dict = field(default_factory=dict)
    """Cache of text embeddings: lists of sentences as tuple of str, to their embeddings."""

    @cached_property
    def tokenizer(self):
        """Open_clip's tokenizer for this model."""
        import open_clip  # imported here because it takes as long as torch

        from .loading import logging_left_alone

        with logging_left_alone():
            return open_clip.get_tokenizer(self.model_name)

    @cached_property
    def vision_config(self):
        """Input of :func:`~sknumclip.clip.image_tower.build_image_tower`, a dict for JSON."""
        from .image_tower import vision_config

        return vision_config(self.model_name, self.pretrained)

    @cached_property
    def fingerprint(self):
        """SHA-256 of the image tower (weights, architecture, preprocessing), a hex string."""
        return tower_fingerprint(self.visual, self.vision_config, self.preprocessing)

    @cached_property
    def text_fingerprint(self):
        """SHA-256 of the text tower, its token embeddings and the temperature, a hex string."""
        state = {**self.text.state_dict(), "tokens": self.token_embedding.weight}
        return fingerprint(state, str(self.logit_scale))

    def is_described_by(self, description):
        """Whether its towers are those that a dict has the fingerprints of."""
        return self.fingerprint == description["fingerprint"] and (
            # Not known of what an earlier version has saved.
            description.get("text_fingerprint") in (None, self.text_fingerprint)
        )


@own_settings()
def load_backbone(model_name, pretrained=None):
    """Load a CLIP model with its weights.

    Parameters
    ----------
    model_name : str
        One of open_clip's architectures, ``"local-dir:FOLDER"``, ``"hf-hub:ORG/NAME"``, or
        ``"tiny"``, the model included in the package.
    pretrained : str, default=None
        For an architecture: one of open_clip's weight tags, or a file of weights. Not used for the
        other forms of `model_name`, which bring their own weights.

    Returns
    -------
    Backbone
        On the CPU, in float32 and eval mode. Models are cached: the same call returns the same
        object as long as the files do not change.

    Raises
    ------
    BackboneError
        If the architecture or the tag does not exist, or the weights cannot be loaded. Models are
        never used with random weights.
    """
    if model_name == "tiny":
        model_name = f"local-dir:{TINY}"
    if model_name.startswith(("local-dir:", "hf-hub:")):
        if pretrained not in (None, "", "openai"):  # "openai" is the estimators' default
            raise BackboneError(
                f"model_name={model_name!r} brings its own weights. Leave pretrained out. Got "
                f"pretrained={pretrained!r}."
            )
        pretrained = ""
    from .loading import load  # imports open_clip, which takes as long as torch

    return load(absolute_name(model_name), pretrained, _file_state(model_name, pretrained))


def absolute_name(model_name):
    """Return a model_name with an absolute path, still valid after ``os.chdir``."""
    if not model_name.startswith("local-dir:"):
        return model_name
    return f"local-dir:{os.path.abspath(model_name.removeprefix('local-dir:'))}"


def tower_fingerprint(visual, vision_config, preprocessing):
    """Hash an image tower: weights, architecture and preprocessing; see :func:`fingerprint`."""
    architecture = json.dumps(vision_config, sort_keys=True)
    return fingerprint(visual.state_dict(), architecture, str(preprocessing))


def _file_state(model_name, pretrained):
    """Return the identities of local weights, so that a changed file is loaded again."""
    if model_name.startswith("local-dir:"):
        files = sorted(Path(model_name.removeprefix("local-dir:")).glob("*"))
    else:
        files = [pretrained] if pretrained and os.path.isfile(pretrained) else []
    try:
        return tuple(file_identity(file) for file in files)
    except OSError as error:
        raise BackboneError(
            f"model_name={model_name!r} cannot be loaded: {error.filename} cannot be read "
            f"({error.strerror}). Restore the file, or remove it if it is a broken link."
        ) from error

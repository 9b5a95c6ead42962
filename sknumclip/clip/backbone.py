"""Load pretrained CLIP models through open_clip, and take them apart."""

import contextlib
import difflib
import json
import logging
import os
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import open_clip
from torch import nn

from ..exceptions import BackboneError
from ..machine.fingerprint import fingerprint
from .image_tower import vision_config, without_needless_work
from .text_tower import TextTower

__all__ = ["Backbone", "Preprocessing", "load_backbone"]

TINY = Path(__file__).parent / "tiny"

_NEXT_STEP = (
    "Download the weights on a machine with a network and point at them with "
    "pretrained='/path/to/weights.safetensors' or model_name='local-dir:/path/to/folder', or try "
    "things out with model_name='tiny', the small model inside the package."
)


@dataclass(frozen=True)
class Preprocessing:
    """How a checkpoint wants its images.

    Parameters
    ----------
    size : tuple of int
        Height and width in pixels.
    mean, std : tuple of float, length 3
        Of the RGB channels scaled to [0, 1].
    interpolation : {"bicubic", "bilinear"}
        Used for resizing.
    resize_mode : {"shortest", "longest", "squash"}
        The shortest side fits and the rest is cropped, the longest side fits and the rest is
        padded, or both are squeezed.
    fill_color : int, default=0
        Grey level of the padding.
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
        """Take back what :meth:`to_dict` made."""
        return cls(
            **{
                key: tuple(value) if isinstance(value, list) else value
                for key, value in values.items()
            }
        )


@dataclass(frozen=True, eq=False)
class Backbone:
    """A CLIP model taken apart. Shared between estimators, so nobody may change it in place."""

    visual: nn.Module
    text: "TextTower"
    token_embedding: nn.Embedding
    logit_scale: float
    embed_dim: int
    preprocessing: Preprocessing
    model_name: str
    pretrained: str
    known_texts: dict = field(default_factory=dict)
    """Features of lists of sentences that have been read before, by tuple of str."""

    @cached_property
    def tokenizer(self):
        """Open_clip's tokenizer for this model."""
        with _logging_left_alone():
            return open_clip.get_tokenizer(self.model_name)

    @cached_property
    def vision_config(self):
        """What :func:`~sknumclip.clip.image_tower.build_image_tower` needs, a dict for JSON."""
        return vision_config(self.model_name, self.pretrained)

    @cached_property
    def fingerprint(self):
        """SHA-256 of the image tower: weights, architecture, preprocessing; a hex string."""
        return tower_fingerprint(self.visual, self.vision_config, self.preprocessing)

    @cached_property
    def text_fingerprint(self):
        """SHA-256 of the text tower, its token embeddings and the temperature, a hex string."""
        state = {**self.text.state_dict(), "tokens": self.token_embedding.weight}
        return fingerprint(state, str(self.logit_scale))


def load_backbone(model_name, pretrained=None):
    """Load a CLIP model with its weights, or raise.

    Parameters
    ----------
    model_name : str
        One of open_clip's architectures, ``"local-dir:FOLDER"``, ``"hf-hub:ORG/NAME"``, or
        ``"tiny"``, the model inside the package.
    pretrained : str, default=None
        For an architecture: one of open_clip's tags, or a checkpoint file. Not used for the other
        forms of `model_name`, which bring their own weights.

    Returns
    -------
    Backbone
        On the CPU, in float32 and eval mode. Models are kept and shared: the
        same call returns the same object as long as the files do not change.

    Raises
    ------
    BackboneError
        If the architecture or the tag does not exist, or the weights cannot be had. Models are
        never used with random weights.
    """
    if model_name == "tiny":
        model_name = f"local-dir:{TINY}"
    if model_name.startswith(("local-dir:", "hf-hub:")):
        if pretrained not in (None, "", "openai"):  # the last is the default of estimators
            raise BackboneError(
                f"model_name={model_name!r} brings its own weights. Leave pretrained out. Got "
                f"pretrained={pretrained!r}."
            )
        pretrained = ""
    return _load(model_name, pretrained, _file_state(model_name, pretrained))


def is_published(model_name, pretrained):
    """Return whether a model comes with this package or is on open_clip's own list of weights."""
    if model_name == "tiny":
        return True
    known = model_name in open_clip.list_models()
    return known and pretrained in open_clip.list_pretrained_tags_by_model(model_name)


def tower_fingerprint(visual, vision_config, preprocessing):
    """Hash an image tower: weights, architecture and preprocessing; see :func:`fingerprint`."""
    architecture = json.dumps(vision_config, sort_keys=True)
    return fingerprint(visual.state_dict(), architecture, str(preprocessing))


def _file_state(model_name, pretrained):
    """Names, sizes and times of local weights, so that a changed file is loaded anew."""
    if model_name.startswith("local-dir:"):
        files = sorted(Path(model_name.removeprefix("local-dir:")).glob("*"))
    else:
        files = [Path(pretrained)] if pretrained and os.path.isfile(pretrained) else []
    return tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files)


@lru_cache(maxsize=2)
def _load(model_name, pretrained, file_state):
    model = _create_model(model_name, pretrained)
    if isinstance(model, open_clip.CoCa):
        raise BackboneError(f"CoCa models are not supported. Got model_name={model_name!r}.")
    model.eval().requires_grad_(False)
    # Without this, autocast would cast the weights again for every batch.
    model.visual.requires_grad_(True)
    config = model.visual.preprocess_cfg
    size = config["size"]
    return Backbone(
        visual=without_needless_work(model.visual),
        text=TextTower(model).eval(),
        token_embedding=getattr(model, "text", model).token_embedding,
        logit_scale=model.logit_scale.exp().item(),
        embed_dim=vision_config(model_name, pretrained)["embed_dim"],
        preprocessing=Preprocessing(
            size=(size, size) if isinstance(size, int) else tuple(size),
            mean=tuple(config["mean"]),
            std=tuple(config["std"]),
            interpolation=config["interpolation"],
            resize_mode=config["resize_mode"],
            fill_color=config["fill_color"],
        ),
        model_name=model_name,
        pretrained=pretrained,
    )


def _create_model(model_name, pretrained):
    options = {}
    if not model_name.startswith(("local-dir:", "hf-hub:")):
        options = _options_of_architecture(model_name, pretrained)
    try:
        with _logging_left_alone():
            return open_clip.create_model(
                model_name,
                pretrained or None,
                require_pretrained=True,
                weights_only=True,
                **options,
            )
    except Exception as error:
        # open_clip lets errors of every kind through: of the hub, the network, torch, the files.
        raise BackboneError(
            f"The CLIP model model_name={model_name!r}, pretrained={pretrained!r} cannot be "
            f"loaded: {error} {_NEXT_STEP}"
        ) from error


@contextlib.contextmanager
def _logging_left_alone():
    """open_clip logs by functions that set up logging for the whole process if nobody has."""
    nowhere = logging.NullHandler()
    logging.getLogger().addHandler(nowhere)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(nowhere)


def _options_of_architecture(model_name, pretrained):
    """Check names and decide what open_clip leaves to its caller: QuickGELU and preprocessing."""
    if model_name not in open_clip.list_models():
        close = difflib.get_close_matches(model_name, open_clip.list_models(), n=3)
        raise BackboneError(
            f"open_clip has no architecture {model_name!r}."
            + (f" Did you mean {' or '.join(map(repr, close))}?" if close else "")
            + " model_name may also be 'local-dir:FOLDER', 'hf-hub:ORG/NAME' or 'tiny'."
        )
    tags = open_clip.list_pretrained_tags_by_model(model_name)
    if not pretrained:
        raise BackboneError(
            f"pretrained must be a tag of {model_name!r}, one of {tags}, or a checkpoint file. Got "
            f"pretrained={pretrained!r}."
        )
    if os.path.isfile(pretrained):
        return {"force_preprocess_cfg": _preprocessing_of_file(model_name)}
    tag = open_clip.get_pretrained_cfg(model_name, pretrained)
    if not tag:
        raise BackboneError(
            f"pretrained must be a tag of {model_name!r}, one of {tags}, or an existing checkpoint "
            f"file. Got pretrained={pretrained!r}."
        )
    quick_gelu = open_clip.get_model_config(model_name).get("quick_gelu", False)
    if quick_gelu and not tag.get("quick_gelu", False):
        raise BackboneError(
            f"The weights {pretrained!r} were trained without QuickGELU: use "
            f"model_name={model_name.removesuffix('-quickgelu')!r} with them."
        )
    return {"force_quick_gelu": tag.get("quick_gelu", False)}


def _preprocessing_of_file(model_name):
    """A bare weights file does not say how it was trained; its published relatives do."""
    tags = [
        open_clip.get_pretrained_cfg(model_name, tag)
        for tag in open_clip.list_pretrained_tags_by_model(model_name)
    ]
    quick_gelu = open_clip.get_model_config(model_name).get("quick_gelu", False)
    if not quick_gelu and any(tag.get("quick_gelu", False) for tag in tags):
        raise BackboneError(
            "A weights file alone does not tell whether it was trained with QuickGELU, and the "
            f"published weights of {model_name!r} differ in that. If it was (as OpenAI's, Apple's "
            f"and Meta's were), use model_name='{model_name}-quickgelu'. If not, put the file into "
            "a folder with an open_clip_config.json and use model_name='local-dir:FOLDER'."
        )
    keys = ("mean", "std", "interpolation", "resize_mode")
    known = {tuple(tag.get(key) for key in keys) for tag in tags}
    if len(known) > 1:
        raise BackboneError(
            "A weights file alone does not tell how its images are normalised, and the published "
            f"weights of {model_name!r} differ in that. Put the file into a folder with an "
            "open_clip_config.json and use model_name='local-dir:FOLDER'."
        )
    return dict(zip(keys, known.pop(), strict=True)) if known else {}

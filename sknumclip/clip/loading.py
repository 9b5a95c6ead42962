"""load(): load a CLIP model through open_clip, or raise BackboneError if anything is in doubt."""

import contextlib
import difflib
import logging
import os
from functools import lru_cache

import open_clip

from ..exceptions import BackboneError
from ..machine.generator import drawing_from_torch
from .backbone import Backbone, Preprocessing
from .image_tower import optimize_image_tower, vision_config
from .text_tower import TextTower

__all__ = ["is_published", "load", "logging_left_alone"]

_NEXT_STEP = (
    "Download the weights on a machine with a network and pass their location as "
    "pretrained='/path/to/weights.safetensors' or model_name='local-dir:/path/to/folder'. To try "
    "things out, or to fit features that are not CLIP's, use model_name='tiny', a small model "
    "included in the package."
)


@lru_cache(maxsize=2)
@drawing_from_torch()  # the random weights are overwritten later
def load(model_name, pretrained, file_state):
    model = _create_model(model_name, pretrained)
    if isinstance(model, open_clip.CoCa):
        raise BackboneError(f"CoCa models are not supported. Got model_name={model_name!r}.")
    model.eval().requires_grad_(False)
    # Without this, autocast would cast the weights again for every batch.
    model.visual.requires_grad_(True)
    config = model.visual.preprocess_cfg
    size = config["size"]
    return Backbone(
        visual=optimize_image_tower(model.visual),
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


def is_published(model_name, pretrained):
    """Return whether a model is included in this package or in open_clip's list of weights."""
    if model_name == "tiny":
        return True
    known = model_name in open_clip.list_models()
    return known and pretrained in open_clip.list_pretrained_tags_by_model(model_name)


def _create_model(model_name, pretrained):
    options = {}
    if not model_name.startswith(("local-dir:", "hf-hub:")):
        options = _options_of_architecture(model_name, pretrained)
    try:
        with logging_left_alone(), _offline_if_unreachable(model_name):
            return open_clip.create_model(
                model_name,
                pretrained or None,
                require_pretrained=True,
                weights_only=True,
                **options,
            )
    except Exception as error:
        # open_clip may raise anything: from the hub, the network, torch or the files.
        weights = f", pretrained={pretrained!r}" if pretrained else ""
        raise BackboneError(
            f"The CLIP model model_name={model_name!r}{weights} cannot be loaded: "
            f"{str(error).rstrip('.')}. {_NEXT_STEP}"
        ) from error


@contextlib.contextmanager
def _offline_if_unreachable(model_name):
    """Try the hub once; if it cannot be reached, use only files that are already here.

    The hub's own library would retry for minutes, even for files that it has downloaded before.
    """
    from huggingface_hub import constants

    was_offline = constants.HF_HUB_OFFLINE
    is_local = was_offline or model_name.startswith("local-dir:")
    constants.HF_HUB_OFFLINE = was_offline or not (is_local or _is_reachable(constants.ENDPOINT))
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = was_offline


def _is_reachable(endpoint):
    from huggingface_hub import get_session

    try:
        get_session().head(endpoint, timeout=5)
    except Exception:  # of whichever HTTP library the session uses
        return False
    return True


@contextlib.contextmanager
def logging_left_alone():
    """Keep open_clip's log calls from configuring logging for the whole process."""
    nowhere = logging.NullHandler()
    logging.getLogger().addHandler(nowhere)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(nowhere)


def _options_of_architecture(model_name, pretrained):
    """Check names, and return the options that open_clip leaves open: QuickGELU, preprocessing."""
    if model_name not in open_clip.list_models():
        if os.path.isdir(model_name):
            raise BackboneError(
                f"model_name={model_name!r} is a folder: write model_name='local-dir:{model_name}'."
            )
        close = difflib.get_close_matches(model_name, open_clip.list_models(), n=3)
        raise BackboneError(
            f"open_clip has no architecture {model_name!r}."
            + (f" Did you mean {' or '.join(map(repr, close))}?" if close else "")
            + " model_name may also be 'local-dir:FOLDER', 'hf-hub:ORG/NAME' or 'tiny'."
        )
    tags = open_clip.list_pretrained_tags_by_model(model_name)
    if not pretrained:
        raise BackboneError(
            f"pretrained must be a tag of {model_name!r}, one of {tags}, or a file of weights. Got "
            f"pretrained={pretrained!r}."
        )
    if os.path.isdir(pretrained):
        raise BackboneError(
            f"pretrained={pretrained!r} is a folder: write model_name='local-dir:{pretrained}' and "
            "leave out pretrained."
        )
    if os.path.isfile(pretrained):
        return {"force_preprocess_cfg": _preprocessing_of_file(model_name)}
    tag = open_clip.get_pretrained_cfg(model_name, pretrained)
    if not tag:
        raise BackboneError(
            f"pretrained must be a tag of {model_name!r}, one of {tags}, or an existing file of "
            f"weights. Got pretrained={pretrained!r}."
        )
    quick_gelu = open_clip.get_model_config(model_name).get("quick_gelu", False)
    if quick_gelu and not tag.get("quick_gelu", False):
        raise BackboneError(
            f"The weights {pretrained!r} were trained without QuickGELU: use "
            f"model_name={model_name.removesuffix('-quickgelu')!r} with them."
        )
    return {"force_quick_gelu": tag.get("quick_gelu", False)}


def _preprocessing_of_file(model_name):
    """Return the preprocessing of a bare weights file: that of the published weights, if equal."""
    tags = [
        open_clip.get_pretrained_cfg(model_name, tag)
        for tag in open_clip.list_pretrained_tags_by_model(model_name)
    ]
    quick_gelu = open_clip.get_model_config(model_name).get("quick_gelu", False)
    if not quick_gelu and any(tag.get("quick_gelu", False) for tag in tags):
        raise BackboneError(
            "A weights file does not record whether it was trained with QuickGELU, and the "
            f"published weights of {model_name!r} differ in that. If it was (as OpenAI's, Apple's "
            f"and Meta's were), use model_name='{model_name}-quickgelu'. If not, put the file into "
            "a folder with an open_clip_config.json and use model_name='local-dir:FOLDER'."
        )
    keys = ("mean", "std", "interpolation", "resize_mode")
    known = {tuple(tag.get(key) for key in keys) for tag in tags}
    if len(known) > 1:
        raise BackboneError(
            "A weights file does not record how its images are normalized, and the published "
            f"weights of {model_name!r} differ in that. Put the file into a folder with an "
            "open_clip_config.json and use model_name='local-dir:FOLDER'."
        )
    return dict(zip(keys, known.pop(), strict=True)) if known else {}

"""Image tower of a saved model: built from its JSON, or loaded from where the JSON refers to."""

import json
import math
import re

from ..clip.backbone import Preprocessing, load_backbone
from ..clip.image_tower import build_image_tower
from ..clip.loading import is_published
from ..exceptions import BackboneError, SavedModelError
from ..machine.generator import drawing_from_torch
from .config import CONFIG_FILE

__all__ = ["build_tower", "check_tower_config", "load_referenced_tower"]

_MAX_NUMBER = 2**20  # for any number in the description of a tower
_MAX_SIDE = 4096


def check_tower_config(config, n_tensors, n_bytes):
    """Refuse a tower that would be larger than its file, before building it.

    Parameters
    ----------
    config : dict
        From :func:`~sknumclip.clip.image_tower.vision_config`.
    n_tensors, n_bytes : int
        Contents of the file of weights.

    Raises
    ------
    ValueError
        If the tower would need more.
    """
    vision = config["vision_cfg"]
    # timm also accepts URLs as names; nothing may be downloaded.
    if not re.fullmatch(r"[\w.]*", str(vision.get("timm_model_name") or "")):
        raise ValueError(f"timm_model_name must be a name. Got {vision['timm_model_name']!r:.200}.")
    for name in ("embed_dim", *vision):
        for value in _numbers(vision.get(name, config["embed_dim"])):
            if not 0 <= value <= _MAX_NUMBER:
                raise ValueError(f"{name}={value!r:.50} is not possible for an image tower.")
    sides = _numbers(vision.get("image_size", 224))
    if len(sides) not in (1, 2) or not all(1 <= side <= _MAX_SIDE for side in sides):
        raise ValueError(f"image_size must be from 1 to {_MAX_SIDE} pixels. Got {sides}.")
    if sum(_numbers(vision.get("layers", 12))) > n_tensors:
        raise ValueError(f"layers={vision['layers']} need more weights than the file has.")
    patch = max(1, *_numbers(vision.get("patch_size") or 32), 1)
    n_patches = math.prod(side // patch for side in (sides * 2)[:2])
    # Computed position embeddings are allocated at once, even in the dry run.
    if vision.get("pos_embed_type") == "sin_cos_2d" and (
        4 * n_patches * max(_numbers(vision.get("width", 768))) > n_bytes
    ):
        raise ValueError(f"image_size={sides} and width need more weights than the file has.")


def build_tower(config):
    """Build a tower with random weights; see :func:`~sknumclip.clip.image_tower.build_image_tower`.

    Raises
    ------
    ValueError
        If the description is invalid.
    """
    try:
        with drawing_from_torch():  # the random weights are overwritten later
            return build_image_tower(config)
    except Exception as error:  # open_clip and timm may raise anything
        raise ValueError(
            f"vision_config is not a valid image tower ({type(error).__name__}: {error!s:.200})."
        ) from error


def load_referenced_tower(config, folder, model_name, pretrained, *, trust_paths):
    """Load the frozen tower that a saved model refers to, and check its hash.

    Parameters
    ----------
    config : dict
        From :func:`~sknumclip.saving.config.read_config`.
    folder : Path
        Folder of the saved model, for messages.
    model_name, pretrained : str or None
        Location given by the caller, or None.
    trust_paths : bool
        Whether the saved model may name local folders and files.

    Returns
    -------
    Backbone

    Raises
    ------
    SavedModelError
        If the source is not trusted, or the weights differ from the saved hash.
    BackboneError
        If the tower cannot be loaded.
    """
    reference = config["backbone"]
    if model_name is None:
        model_name, pretrained = reference["model_name"], reference["pretrained"]
        _check_reference(model_name, pretrained, folder, trust_paths)
    try:
        backbone = load_backbone(model_name, pretrained)
    except (BackboneError, OSError, ValueError) as error:
        raise BackboneError(
            f"{folder} refers to the image tower model_name={model_name!r:.200}, "
            f"pretrained={pretrained!r:.200}, which cannot be loaded. If it has moved, use "
            f"load(path, model_name=..., pretrained=...). {error}"
        ) from error
    if backbone.fingerprint != reference["fingerprint"]:
        raise SavedModelError(
            f"The image tower model_name={model_name!r}, pretrained={pretrained!r} has other "
            f"weights now than when {folder} was saved (hash {backbone.fingerprint[:12]}, not "
            f"{reference['fingerprint'][:12]!r}). Restore the old weights, pass their location to "
            "load(path, model_name=..., pretrained=...), or fit again."
        )
    preprocessing = Preprocessing.from_dict(config["encoder"]["preprocessing"])
    if (reference["vision_config"], preprocessing) != (
        _as_json(backbone.vision_config),
        backbone.preprocessing,
    ):
        raise SavedModelError(
            f"{folder / CONFIG_FILE} is damaged: its vision_config or preprocessing differ from "
            f"those of model_name={model_name!r}."
        )
    return backbone


def _check_reference(model_name, pretrained, folder, trust_paths):
    if is_published(model_name, pretrained):
        return
    is_hub = model_name.startswith("hf-hub:")
    is_remote_path = any(
        re.match(r"(local-dir:)?[\\/]{2}", p or "") for p in (model_name, pretrained)
    )
    if trust_paths and not is_hub and not is_remote_path:
        return
    raise SavedModelError(
        f"{folder} refers to the image tower model_name={model_name!r:.200}, "
        f"pretrained={pretrained!r:.200}. Only open_clip's published weights"
        + (" and local folders" if trust_paths else "")
        + " are loaded automatically. If you trust this source, pass "
        + f"model_name={model_name!r:.200}."
    )


def _numbers(value):
    values = value if isinstance(value, (list, tuple)) else [value]
    return [item for item in values if isinstance(item, (int, float))]


def _as_json(value):
    return json.loads(json.dumps(value))

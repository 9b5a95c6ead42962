"""Save and load fitted estimators as JSON and safetensors: readable, and nothing is executed."""

import json
import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import safetensors
import safetensors.torch
import sklearn
import torch
from sklearn.utils.validation import check_is_fitted

from . import __version__
from ._files import write_whole
from ._training import restore_net
from .backbone import Preprocessing, load_backbone
from .bins import LinguisticBins
from .image_tower import build_image_tower
from .modules import FeatureEncoder, ImageEncoder, NumCLIPModule
from .prompts import FeaturePrompts, TokenPrompts

__all__ = ["load", "save", "saved_class"]

FORMAT_VERSION = 1
_CONFIG, _TENSORS = "sknumclip.json", "model.safetensors"


def save(estimator, path):
    """Save a fitted estimator to a folder.

    A fine-tuned image tower is saved with its weights. A frozen one is saved as a reference: its
    name and the hash of its weights, which :func:`load` compares.

    Parameters
    ----------
    estimator : NumCLIPRegressor or NumCLIPClassifier
    path : str or Path
        Folder; made if needed. Files of an earlier save are replaced.

    Warns
    -----
    UserWarning
        If a parameter cannot be written as JSON (callbacks, an accelerator, a RandomState). It
        has its default after loading.
    """
    check_is_fitted(estimator)
    module = estimator.net_.module_
    encoder = module.encoder
    tensors = {**module.trained_state(), "text_features": module.text_features}
    config = {
        "format_version": FORMAT_VERSION,
        "class": type(estimator).__name__,
        "versions": {
            "sknumclip": __version__,
            "torch": torch.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "params": _encode_params(estimator),
        "bins": estimator.bins_.to_dict(),
        "backbone": estimator.backbone_,
        "logit_scale": module.logit_scale,
        "shift": module.shift,
        "max_shift": module.regressor.max_shift,
        "encoder": {
            "n_features": estimator.n_features_in_,
            "embed_dim": len(tensors["text_features"][0]),
        }
        if isinstance(encoder, FeatureEncoder)
        else {
            "preprocessing": encoder.preprocessing.to_dict(),
            "canvas_scale": encoder.canvas_scale,
            "is_shared": encoder.is_shared,
        },
        "feature_names_in": list(getattr(estimator, "feature_names_in_", [])),
        "history": estimator.history_.to_dict(orient="list"),
        "skipped": estimator.skipped_,
    }
    if hasattr(estimator, "classes_"):
        config["classes"] = estimator.classes_.tolist()
    path = Path(path)
    write_whole(
        path / _TENSORS,
        safetensors.torch.save({name: tensor.contiguous() for name, tensor in tensors.items()}),
    )
    write_whole(path / _CONFIG, json.dumps(config, indent=1).encode())


def load(cls, path):
    """Load a fitted estimator from a folder that :func:`save` wrote.

    Parameters
    ----------
    cls : type
        The estimator's class.
    path : str or Path

    Returns
    -------
    estimator of type `cls`

    Raises
    ------
    ValueError
        If the folder does not hold a readable model of this class and format.
    BackboneError
        If the frozen image tower that the model refers to cannot be had.
    """
    path = Path(path)
    config, tensors = _read(path)
    if config["class"] != cls.__name__:
        raise ValueError(
            f"{path} holds a {config['class']}: use {config['class']}.load. Got {cls.__name__}."
        )
    estimator = cls(**_decode_params(config["params"]))
    bins = LinguisticBins(**config["bins"])
    module = NumCLIPModule(
        _restore_encoder(config),
        _restore_prompts(tensors),
        bins=bins,
        logit_scale=config["logit_scale"],
        shift=config["shift"],
        max_shift=config["max_shift"],
    )
    try:
        module.text_features = tensors.pop("text_features")
        module.load_trained_state(tensors)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path / _TENSORS} does not fit {_CONFIG}: {error}") from error
    if "classes" in config:
        estimator.classes_ = np.array(config["classes"])
    estimator.bins_ = bins
    estimator.backbone_ = config["backbone"]
    estimator.history_ = pd.DataFrame(config["history"])
    estimator.n_iter_ = len(estimator.history_)
    estimator.skipped_ = config["skipped"]
    estimator.net_ = restore_net(module, estimator.history_.to_dict(orient="records"))
    estimator.fitted_ = True
    if "n_features" in config["encoder"]:
        estimator.n_features_in_ = config["encoder"]["n_features"]
    if config["feature_names_in"]:
        estimator.feature_names_in_ = np.array(config["feature_names_in"], dtype=object)
    return estimator


def saved_class(path):
    """Return the name of the class of which `path` holds an estimator, str."""
    return _read(Path(path))[0]["class"]


def _restore_encoder(config):
    encoder = config["encoder"]
    if "n_features" in encoder:
        return FeatureEncoder(encoder["n_features"], encoder["embed_dim"])
    preprocessing = Preprocessing.from_dict(encoder["preprocessing"])
    reference = config["backbone"]
    if not encoder["is_shared"]:
        visual = build_image_tower(reference["vision_config"])
    else:
        visual = _load_tower(reference)
    return ImageEncoder(visual, preprocessing, encoder["canvas_scale"], encoder["is_shared"])


def _load_tower(reference):
    name, pretrained = reference["model_name"], reference["pretrained"]
    backbone = load_backbone(name, pretrained)
    if backbone.fingerprint != reference["fingerprint"]:
        raise ValueError(
            f"The image tower model_name={name!r}, pretrained={pretrained!r} has other weights now "
            f"than when this model was saved (hash {backbone.fingerprint[:12]}, not "
            f"{reference['fingerprint'][:12]}). Restore the old weights, or fit again."
        )
    return backbone.visual


def _restore_prompts(tensors):
    if "prompts.step" in tensors:
        return FeaturePrompts(tensors["prompts.fixed_features"])
    names = ("embeddings", "is_word", "position")
    return TokenPrompts(*(tensors[f"prompts.{name}"] for name in names))


def _read(path):
    try:
        config = json.loads((path / _CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(
            f"{path} is not a folder that NumCLIPRegressor.save wrote: it has no {_CONFIG}."
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path / _CONFIG} is damaged: {error}.") from error
    version = config.get("format_version") if isinstance(config, dict) else None
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format {version!r}, but this sknumclip {__version__} reads format "
            f"{FORMAT_VERSION}. Install the version of sknumclip that saved it."
        )
    try:
        return config, safetensors.torch.load_file(path / _TENSORS)
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(f"{path / _TENSORS} cannot be read: {error}.") from error


def _encode_params(estimator):
    defaults = type(estimator)().get_params(deep=False)
    params, lost = {}, []
    for name, value in estimator.get_params(deep=False).items():
        try:
            params[name] = _encode(value)
            json.dumps(params[name])
        except TypeError:
            params[name] = _encode(defaults[name])
            lost.append(name)
    if lost:
        warnings.warn(
            f"The parameters {lost} cannot be saved as JSON; they have their defaults after "
            "loading. Predictions do not depend on them.",
            stacklevel=4,
        )
    return params


def _encode(value):
    if isinstance(value, LinguisticBins):
        return {"LinguisticBins": value.to_dict()}
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "items"):
        return {"mapping": {name: [float(end) for end in ends] for name, ends in value.items()}}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value) if isinstance(value, (os.PathLike, torch.device)) else value


def _decode_params(params):
    return {name: _decode(value) for name, value in params.items()}


def _decode(value):
    if not isinstance(value, dict):
        return value
    if "LinguisticBins" in value:
        return LinguisticBins(**value["LinguisticBins"])
    return {name: tuple(ends) for name, ends in value["mapping"].items()}

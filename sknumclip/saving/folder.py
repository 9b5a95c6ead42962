"""save() and load(): fitted estimators as a folder with JSON and safetensors, no pickle."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import safetensors.torch
import torch
from pandas.api.types import is_list_like
from sklearn.utils.validation import check_is_fitted

from .._typing import StrPath
from .._warnings import warn_user
from ..bins import LinguisticBins
from ..estimators.fitting import fitted_attributes
from ..estimators.labels import in_order
from ..estimators.numclip import BaseNumCLIP
from ..exceptions import SavedModelError
from ..losses import FCRC, AuthorCodeFCRC, InfoNCE
from ..machine.settings import own_settings
from ..training.net import restore_net
from .config import (
    CONFIG_FILE,
    FORMAT_VERSION,
    is_plain,
    library_versions,
    read_config,
    refers_to_tower,
    warn_about_versions,
)
from .files import locked, state_of_files, write_files
from .module import kind_of, restore_module, tower_state

__all__ = ["load", "save", "saved_class"]

NumCLIP = TypeVar("NumCLIP", bound=BaseNumCLIP)
_MAX_TRIES = 20  # retries while another process saves to the same folder
_LOSSES = {cls.__name__: cls for cls in (FCRC, InfoNCE, AuthorCodeFCRC)}


@own_settings()
def save(estimator: BaseNumCLIP, path: StrPath, standalone: bool = False) -> None:
    """Save a fitted estimator to a folder.

    A fine-tuned image tower is saved with its weights. A frozen one is saved as a reference: its
    name and a hash of its weights, which :func:`load` checks.

    Parameters
    ----------
    estimator : NumCLIPRegressor or NumCLIPClassifier
    path : str or Path
        Folder; created if needed. Files of an earlier save are replaced.
    standalone : bool, default=False
        Whether to also save the weights of a frozen image tower, so that the folder loads on a
        machine that has neither the CLIP model nor a network. Only another ``fit`` needs them.

    Raises
    ------
    FileExistsError
        If `path` is a file.

    Warns
    -----
    UserWarning
        If a parameter cannot be written as JSON (callbacks, an accelerator, a RandomState). The
        loaded estimator has the default instead.
    """
    check_is_fitted(estimator)
    if Path(path).is_file():
        raise FileExistsError(f"{path} is a file, but a model is saved as a folder.")
    module = estimator.net_.module_
    encoder = module.encoder.image_encoder
    regressor = getattr(module, "regressor", None)  # heads and solved fits have none
    tensors = module.fitted_state()
    is_shared = encoder is not None and module.is_frozen
    if standalone and is_shared:
        tensors.update(tower_state(encoder))
    content = safetensors.torch.save(
        {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    )
    history, lost = _encode_history(estimator.history_)
    config = {
        "format_version": FORMAT_VERSION,
        "class": type(estimator).__name__,
        "versions": library_versions(),
        "params": _encode_params(estimator, lost),
        "bins": estimator.bins_.to_dict(),
        "classes": estimator.classes_.tolist() if hasattr(estimator, "classes_") else None,
        "backbone": estimator.backbone_,
        "kind": kind_of(module),
        "logit_scale": getattr(module, "logit_scale", 1.0),
        "shift": getattr(module, "shift", "none"),
        "max_shift": float(getattr(regressor, "max_shift", 0.5)),
        "encoder": {
            "n_features": estimator.n_features_in_,
            "embed_dim": module.embed_dim,
        }
        if encoder is None
        else {
            "preprocessing": encoder.preprocessing.to_dict(),
            "canvas_scale": float(encoder.canvas_scale),
            "mirror": bool(encoder.mirror),
            "is_shared": is_shared,
        },
        "standalone": bool(standalone) or not is_shared,
        "tensors_sha256": hashlib.sha256(content).hexdigest(),
        "feature_names_in": list(getattr(estimator, "feature_names_in_", [])),
        "history": history,
        "skipped": estimator.skipped_,
    }
    text = json.dumps(config, indent=1, allow_nan=False)  # may fail, so before writing files
    write_files(Path(path), text.encode(), content, config["tensors_sha256"])


@own_settings()
def load(
    cls: type[NumCLIP],
    path: StrPath,
    *,
    model_name: str | None = None,
    pretrained: str | None = None,
    trust_paths: bool = True,
) -> NumCLIP:
    """Load a fitted estimator from a folder written by :func:`save`.

    Loading never executes code. The JSON and the tensors are validated against each other before
    any memory is allocated. If the model refers to a frozen image tower, the tower is loaded only
    from open_clip's list of published weights or from the local folder that the model names; other
    sources (``"hf-hub:..."``) only if you repeat them as `model_name`. The tower's weights must
    match the saved hash.

    Parameters
    ----------
    cls : type
        The estimator's class, or its base class.
    path : str or Path
        Folder.
    model_name, pretrained : str, default=None
        New location of the frozen image tower, if it has moved since ``fit``, as for the
        estimator. None uses the saved location.
    trust_paths : bool, default=True
        Whether the tower may be read from a local folder or file that the saved model names.

    Returns
    -------
    estimator of type `cls`, or of the subclass that was saved

    Raises
    ------
    SavedModelError
        If the folder does not contain a complete model of this class and format, or refers to a
        source that is not trusted. It is a ValueError.
    BackboneError
        If the frozen image tower cannot be loaded.

    Warns
    -----
    UserWarning
        If it was saved with another version of sknumclip, or another major version of torch,
        scikit-learn or open_clip.
    """
    path = Path(path)
    if not path.is_dir():
        read_config(path)  # raises with an explanation
    for _ in range(_MAX_TRIES):
        before = state_of_files(path)
        try:
            with locked(path, writing=False):
                return _load(cls, path, model_name, pretrained, trust_paths)
        except SavedModelError:
            if state_of_files(path) == before:
                raise
    raise SavedModelError(f"{path} cannot be read: other processes keep writing to it.")


def _load(cls, path, model_name, pretrained, trust_paths):
    config = read_config(path)
    cls = _find_class(cls, config["class"], path)
    if (config["classes"] is None) == hasattr(cls, "predict_proba"):
        raise SavedModelError(
            f"{path / CONFIG_FILE} is damaged: classes are only for classifiers, which need them."
        )
    estimator = _restore_estimator(cls, config, path / CONFIG_FILE)
    _check_place(config, path, model_name, pretrained)
    module = restore_module(config, path, model_name, pretrained, trust_paths=trust_paths)
    if config["classes"] is not None:
        estimator.classes_ = np.array(config["classes"])
    backbone = config["backbone"]
    if model_name is not None:
        estimator.set_params(model_name=model_name, pretrained=pretrained)
        backbone.update(model_name=model_name, pretrained=pretrained)
    epochs = pd.DataFrame(config["history"]).to_dict(orient="records")
    bins = LinguisticBins(**config["bins"])
    vars(estimator).update(fitted_attributes(restore_net(module, epochs), bins, backbone))
    estimator.skipped_ = config["skipped"]
    if "n_features" in config["encoder"]:
        estimator.n_features_in_ = config["encoder"]["n_features"]
    if config["feature_names_in"]:
        estimator.feature_names_in_ = np.array(config["feature_names_in"], dtype=object)
    warn_about_versions(config["versions"], path)
    return estimator


def saved_class(path: StrPath) -> str:
    """Return the class name (str) of the estimator saved in `path`."""
    return read_config(Path(path))["class"]


def _find_class(cls, name, path):
    for found in (cls, *cls.__subclasses__()):
        if found.__name__ == name:
            return found
    raise SavedModelError(
        f"{path} contains the class {name:.50}; load it with {name:.50}.load. Got {cls.__name__}."
    )


def _restore_estimator(cls, config, file):
    params = config["params"]
    known = cls().get_params(deep=False)
    if params.keys() != known.keys():
        different = sorted(params.keys() ^ known.keys())
        raise SavedModelError(
            f"{file} has missing or unknown parameters of {cls.__name__}: {different[:5]!r:.200}."
        )
    try:
        estimator = cls(**_decode_params(params))
        estimator._validate_params()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SavedModelError(f"{file} is damaged, in its params: {error}") from error
    return estimator


def _check_place(config, path, model_name, pretrained):
    if pretrained is not None and model_name is None:
        raise ValueError(f"pretrained needs a model_name. Got pretrained={pretrained!r} alone.")
    if model_name is not None and not refers_to_tower(config):
        raise ValueError(
            f"{path} does not refer to an image tower outside the folder, so model_name has no "
            f"effect. Got model_name={model_name!r}."
        )


def _encode_history(history):
    """Return the columns of plain numbers, and the names of the other columns."""
    columns = history.astype(object).where(history.notna(), None).to_dict(orient="list")
    columns = {
        str(name): [value.item() if isinstance(value, np.generic) else value for value in values]
        for name, values in columns.items()
    }
    plain = {name: values for name, values in columns.items() if all(map(is_plain, values))}
    return plain, [f"history_[{name!r}]" for name in columns if name not in plain]


def _encode_params(estimator, lost):
    """Return the parameters for JSON; warn about those, and the names in `lost`, that are lost."""
    defaults = type(estimator)().get_params(deep=False)
    params, lost = {}, list(lost)
    for name, value in estimator.get_params(deep=False).items():
        if name == "classes" and value is not None:
            value = in_order(value)  # its type may bring the order, which is lost in JSON
        try:
            params[name] = _encode(value)
            json.dumps(params[name], allow_nan=False)
        except (TypeError, ValueError):
            if name == "classes":  # the default would be another order
                params[name] = estimator.classes_.tolist()
                continue
            params[name] = _encode(defaults[name])
            lost.append(name)
    if lost:
        warn_user(
            f"The parameters {lost} cannot be saved as JSON; after loading they have their "
            "defaults. Predictions do not depend on them.",
        )
    return params


def _encode(value):
    if isinstance(value, LinguisticBins):
        return {"LinguisticBins": value.to_dict()}
    if type(value) in _LOSSES.values():
        return {"ranking loss": type(value).__name__, "parameters": value.get_params()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {"mapping": {name: [float(end) for end in ends] for name, ends in value.items()}}
    if is_list_like(value):  # from any library, so the items may need converting, too
        return [_encode(item) for item in (value.tolist() if hasattr(value, "tolist") else value)]
    return str(value) if isinstance(value, (os.PathLike, torch.device)) else value


def _decode_params(params):
    return {name: _decode(value) for name, value in params.items()}


def _decode(value):
    if not isinstance(value, dict):
        return value
    if "LinguisticBins" in value:
        return LinguisticBins(**value["LinguisticBins"])
    if "ranking loss" in value:
        return _LOSSES[value["ranking loss"]](**value["parameters"])
    return {name: tuple(ends) for name, ends in value["mapping"].items()}

"""Save and load fitted estimators as JSON and safetensors: readable, and nothing is executed."""

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
from ..machine.torch_state import own_torch_state
from ..training.net import restore_net
from .config import (
    CONFIG_FILE,
    FORMAT_VERSION,
    is_plain,
    library_versions,
    read_config,
    refers_to_tower,
    warn_of_versions,
)
from .files import locked, state_of_files, write_files
from .module import kind_of, restore_module, tower_state

__all__ = ["load", "save", "saved_class"]

NumCLIP = TypeVar("NumCLIP", bound=BaseNumCLIP)
_MAX_TRIES = 20  # while another process saves to the same folder
_LOSSES = {cls.__name__: cls for cls in (FCRC, InfoNCE, AuthorCodeFCRC)}


@own_torch_state()
def save(estimator: BaseNumCLIP, path: StrPath, standalone: bool = False) -> None:
    """Save a fitted estimator to a folder.

    A fine-tuned image tower is saved with its weights. A frozen one is saved as a reference: its
    name and the hash of its weights, which :func:`load` compares.

    Parameters
    ----------
    estimator : NumCLIPRegressor or NumCLIPClassifier
    path : str or Path
        Folder; made if needed. Files of an earlier save are replaced.
    standalone : bool, default=False
        Whether to save the weights of a frozen image tower too, so that the folder loads on a
        machine that has neither the CLIP model nor a network. Only another ``fit`` needs it then.

    Warns
    -----
    UserWarning
        If a parameter cannot be written as JSON (callbacks, an accelerator, a RandomState). It
        has its default after loading.
    """
    check_is_fitted(estimator)
    module = estimator.net_.module_
    encoder = module.encoder.image_encoder
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
        "max_shift": float(module.regressor.max_shift) if hasattr(module, "regressor") else 0.5,
        "encoder": {
            "n_features": estimator.n_features_in_,
            "embed_dim": module.embed_dim,
        }
        if encoder is None
        else {
            "preprocessing": encoder.preprocessing.to_dict(),
            "canvas_scale": float(encoder.canvas_scale),
            "is_shared": is_shared,
        },
        "standalone": bool(standalone) or not is_shared,
        "tensors_sha256": hashlib.sha256(content).hexdigest(),
        "feature_names_in": list(getattr(estimator, "feature_names_in_", [])),
        "history": history,
        "skipped": estimator.skipped_,
    }
    text = json.dumps(config, indent=1, allow_nan=False)  # may fail, so before anything is written
    write_files(Path(path), text.encode(), content, config["tensors_sha256"])


@own_torch_state()
def load(
    cls: type[NumCLIP],
    path: StrPath,
    *,
    model_name: str | None = None,
    pretrained: str | None = None,
    trust_paths: bool = True,
) -> NumCLIP:
    """Load a fitted estimator from a folder that :func:`save` wrote.

    Nothing in the folder is executed, and nothing is believed: what the files say is checked
    against each other before memory is taken for it. A model that refers to a frozen image tower
    gets it only from open_clip's list of published weights, or from the folder of this machine
    that it names; other addresses (``"hf-hub:..."``) only if `model_name` repeats them. Its hash
    must be the one that was saved.

    Parameters
    ----------
    cls : type
        The estimator's class, or the class it is derived from.
    path : str or Path
        Folder.
    model_name, pretrained : str, default=None
        Where the frozen image tower is, if not where it was in ``fit``; the terms are those of
        the estimator. None follows what was saved.
    trust_paths : bool, default=True
        Whether a tower may be read from a folder or file of this machine that the model names.

    Returns
    -------
    estimator of type `cls`, or of the class derived from it that was saved

    Raises
    ------
    SavedModelError
        A ValueError: the folder does not hold a whole model of this class and format, or refers
        to what may not be followed.
    BackboneError
        If the frozen image tower cannot be loaded.

    Warns
    -----
    UserWarning
        If it was saved with another version of sknumclip, or with another major version of torch,
        scikit-learn or open_clip.
    """
    path = Path(path)
    if not path.is_dir():
        read_config(path)  # which says what is wrong
    for _ in range(_MAX_TRIES):
        before = state_of_files(path)
        try:
            with locked(path, writing=False):
                return _load(cls, path, model_name, pretrained, trust_paths)
        except SavedModelError:
            if state_of_files(path) == before:
                raise
    raise SavedModelError(f"{path} is written to again and again, so it cannot be read.")


def _load(cls, path, model_name, pretrained, trust_paths):
    config = read_config(path)
    cls = _find_class(cls, config["class"], path)
    if (config["classes"] is None) == hasattr(cls, "predict_proba"):
        raise SavedModelError(f"{path / CONFIG_FILE} is damaged: classes do not fit the class.")
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
    warn_of_versions(config["versions"], path)
    return estimator


def saved_class(path: StrPath) -> str:
    """Return the name of the class of which `path` holds an estimator, str."""
    return read_config(Path(path))["class"]


def _find_class(cls, name, path):
    for found in (cls, *cls.__subclasses__()):
        if found.__name__ == name:
            return found
    raise SavedModelError(f"{path} holds a {name:.50}: use {name:.50}.load. Got {cls.__name__}.")


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
            f"{path} needs no image tower from elsewhere, so model_name has no use. Got "
            f"model_name={model_name!r}."
        )


def _encode_history(history):
    """Return columns of plain numbers, and the names of columns that hold anything else."""
    columns = history.astype(object).where(history.notna(), None).to_dict(orient="list")
    columns = {
        str(name): [value.item() if isinstance(value, np.generic) else value for value in values]
        for name, values in columns.items()
    }
    plain = {name: values for name, values in columns.items() if all(map(is_plain, values))}
    return plain, [f"history_[{name!r}]" for name in columns if name not in plain]


def _encode_params(estimator, lost):
    """Return the parameters as JSON holds them; warn of those, and of others, that are lost."""
    defaults = type(estimator)().get_params(deep=False)
    params, lost = {}, list(lost)
    for name, value in estimator.get_params(deep=False).items():
        if name == "classes" and value is not None:
            value = in_order(value)  # its type may bring the order, which is lost in JSON
        try:
            params[name] = _encode(value)
            json.dumps(params[name], allow_nan=False)
        except (TypeError, ValueError):
            if name == "classes":  # whose default would be another order
                params[name] = estimator.classes_.tolist()
                continue
            params[name] = _encode(defaults[name])
            lost.append(name)
    if lost:
        warn_user(
            f"The parameters {lost} cannot be saved as JSON; they have their defaults after "
            "loading. Predictions do not depend on them.",
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
    if is_list_like(value):  # of any library: its own items may be no plain numbers or strings
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

"""read_config(): read and validate the JSON of a saved model."""

import json
import math
from importlib import metadata
from numbers import Integral, Real
from pathlib import Path

from .. import __version__
from .._warnings import warn_user
from ..estimators.checks import Interval, StrOptions, validate_parameter_constraints
from ..exceptions import SavedModelError
from ..model.modules import SHIFTS

__all__ = [
    "FORMAT_VERSION",
    "library_versions",
    "read_config",
    "warn_about_versions",
]

FORMAT_VERSION = 3
CONFIG_FILE, TENSORS_FILE = "sknumclip.json", "model.safetensors"

_MAX_BYTES = 64 * 2**20
_MAX_BINS = 10_000
_MAX_SIDE = 4096  # pixels of an image or canvas

_COUNT = [Interval(Integral, 1, 2**31, closed="left")]

# The allowed keys and values, as constraints for scikit-learn's parameter validation.
_CONFIG = {
    "format_version": _COUNT,
    "class": [str],
    "versions": [dict],
    "params": [dict],
    "bins": [dict],
    "classes": [list, None],
    "backbone": [dict],
    "kind": [StrOptions({"trained", "solved", "solved for other features"})],
    "logit_scale": [Interval(Real, 0, 1e6, closed="neither")],
    "shift": [StrOptions(set(SHIFTS))],
    "max_shift": [Interval(Real, 0, 1, closed="neither")],
    "encoder": [dict],
    "standalone": ["boolean"],
    "tensors_sha256": [str],
    "feature_names_in": [list],
    "history": [dict],
    "skipped": [dict],
}
_BINS = {"descriptions": [list], "edges": [list], "centers": [list], "outside": [str]}
_BACKBONE = {
    "model_name": [str],
    "pretrained": [str, None],
    "fingerprint": [str],
    "vision_config": [dict],
    "text_fingerprint": [str, None],  # of a fit that can be continued
}
_VISION = {"embed_dim": _COUNT, "vision_cfg": [dict], "quick_gelu": ["boolean"]}
_FEATURES = {"n_features": _COUNT, "embed_dim": _COUNT}
_IMAGES = {
    "preprocessing": [dict],
    "canvas_scale": [Interval(Real, 1, None, closed="left")],
    "mirror": ["boolean"],
    "is_shared": ["boolean"],
}
_PREPROCESSING = {
    "size": [list],
    "mean": [list],
    "std": [list],
    "interpolation": [StrOptions({"bicubic", "bilinear"})],
    "resize_mode": [StrOptions({"shortest", "longest", "squash"})],
    "fill_color": [Interval(Integral, 0, 255, closed="both")],
}


def read_config(folder):
    """Read and check the JSON of a saved model.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict
        With known keys, finite numbers, and values of the right types.

    Raises
    ------
    SavedModelError
        If the file is missing or invalid. The message names the file and the problem.
    """
    file = folder / CONFIG_FILE
    if not file.is_file():
        if folder.is_dir():
            problem = f"it has no {CONFIG_FILE}"
        elif folder.is_file():
            problem = "it is a file, but a model is saved as a folder"
        else:
            here = "" if folder.is_absolute() else f" in {Path.cwd()}"
            problem = f"there is no such folder{here}"
        raise SavedModelError(f"{folder} is not a saved model: {problem}.")
    if file.stat().st_size > _MAX_BYTES:
        raise SavedModelError(f"{file} is damaged: it is larger than {_MAX_BYTES >> 20} MB.")
    try:
        config = json.loads(file.read_bytes(), parse_constant=_refuse_constant)
        _check_format(config)
        _check(config)
    except SavedModelError as error:
        raise SavedModelError(f"{file} {error}") from None
    except (OSError, RecursionError, TypeError, ValueError) as error:
        raise SavedModelError(f"{file} is damaged: {error}") from error
    return config


def library_versions():
    """Return the versions of the packages that a saved model depends on, by name."""
    libraries = ("torch", "scikit-learn", "open_clip_torch")
    return {"sknumclip": __version__, **{name: metadata.version(name) for name in libraries}}


def warn_about_versions(saved, folder):
    """Warn if a model was saved by another sknumclip, or another major version of a library.

    Parameters
    ----------
    saved : dict of str to str
        Saved result of :func:`library_versions`.
    folder : Path
        For the message.
    """
    differences = [
        f"{name} {saved[name]} (here {here})"
        for name, here in library_versions().items()
        if name in saved and _differ(name, saved[name], here)
    ]
    if differences:
        warn_user(
            f"{folder} was saved with {', '.join(differences)}. Compare some predictions with "
            "those of the original model, or install the versions it was saved with.",
        )


def _differ(name, saved, here):
    if name == "sknumclip":
        return saved != here
    return saved.split(".")[0] != here.split(".")[0]


def _refuse_constant(name):
    raise ValueError(f"numbers must be finite. Got {name}.")


def _check_format(config):
    if not isinstance(config, dict):
        raise ValueError(f"expected a JSON object, got a {type(config).__name__}.")
    version = config.get("format_version")
    if version == FORMAT_VERSION and not isinstance(version, bool):
        return
    way_out = "Install the version of sknumclip that saved it."
    if isinstance(version, int) and version > FORMAT_VERSION:
        way_out = "Install a newer sknumclip."
    elif isinstance(version, int) and version > 0:
        saved_with = config.get("versions", {})
        known = isinstance(saved_with, dict) and saved_with.get("sknumclip")
        way_out = f"Install sknumclip {known or 'of that format'!s:.30}, or fit again."
    raise SavedModelError(
        f"has format {version!r:.30}, but this sknumclip {__version__} reads format "
        f"{FORMAT_VERSION}. {way_out}"
    )


def _check(config):
    _check_finite(config)
    _check_keys(config, _CONFIG, "The file")
    _check_keys(config["bins"], _BINS, "bins")
    if not 2 <= len(config["bins"]["descriptions"]) <= _MAX_BINS:
        raise ValueError(f"the number of bins must be from 2 to {_MAX_BINS}.")
    _check_keys({"text_fingerprint": None, **config["backbone"]}, _BACKBONE, "backbone")
    _check_keys(config["backbone"]["vision_config"], _VISION, "vision_config")
    encoder = config["encoder"]
    if "n_features" in encoder:
        _check_keys(encoder, _FEATURES, "encoder")
    else:
        _check_keys({"mirror": False, **encoder}, _IMAGES, "encoder")  # older models have none
        _check_preprocessing(encoder["preprocessing"], encoder["canvas_scale"])
    _check_texts("versions", config["versions"].values())
    _check_texts("skipped", config["skipped"].values())
    _check_texts("feature_names_in", config["feature_names_in"])
    if len(config["feature_names_in"]) not in (0, encoder.get("n_features")):
        raise ValueError("feature_names_in must have one name for each feature.")
    _check_classes(config)
    _check_history(config["history"])


def _check_keys(values, constraints, name):
    if values.keys() != constraints.keys():
        different = sorted(values.keys() ^ constraints.keys())
        raise ValueError(f"{name} has missing or unknown keys: {different[:5]!r:.200}.")
    validate_parameter_constraints(constraints, values, caller_name=name)


def _check_finite(value):
    """Refuse numbers that are valid JSON but not valid floats, and keys like 'a' * 10**6."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_finite(item)
            if len(key) > 10_000:
                raise ValueError(f"a name is too long: {key!r:.50}…")
    elif isinstance(value, list):
        for item in value:
            _check_finite(item)
    elif isinstance(value, (int, float)) and not abs(value) < (2**63, 1e300)[type(value) is float]:
        raise ValueError(f"numbers must be finite and fit into 64 bits. Got {value!r:.30}.")


def _check_preprocessing(preprocessing, canvas_scale):
    _check_keys(preprocessing, _PREPROCESSING, "preprocessing")
    size, mean, std = (preprocessing[name] for name in ("size", "mean", "std"))
    _check_numbers("size", size, 2, int)
    _check_numbers("mean", mean, 3)
    _check_numbers("std", std, 3)
    if not all(side >= 1 and side * canvas_scale <= _MAX_SIDE for side in size):
        raise ValueError(
            f"size times canvas_scale must be from 1 to {_MAX_SIDE} pixels. Got {size} and "
            f"{canvas_scale}."
        )
    if not all(1e-6 < abs(value) < 1e6 for value in std) or max(map(abs, mean)) > 1e6:
        raise ValueError(f"mean and std must be in the range of pixels. Got {mean} and {std}.")


def _check_numbers(name, values, length, kind=(int, float)):
    plain = all(isinstance(value, kind) and not isinstance(value, bool) for value in values)
    if not plain or len(values) != length:
        raise ValueError(f"{name} must be {length} numbers. Got {values!r:.100}.")


def _check_texts(name, values):
    if not all(isinstance(value, str) for value in values):
        raise ValueError(f"{name} must be strings.")


def _check_classes(config):
    classes = config["classes"]
    if classes is None:
        return
    kinds = {type(label) for label in classes}
    if not (kinds <= {int, float} or len(kinds) == 1) or not kinds <= {str, bool, int, float}:
        raise ValueError("classes must be all strings or all numbers.")
    if not len(set(classes)) == len(classes) == len(config["bins"]["descriptions"]):
        raise ValueError("classes must be all different, one for each bin.")


def _check_history(history):
    if not all(isinstance(column, list) for column in history.values()):
        raise ValueError("history must be lists of numbers.")
    if len({len(column) for column in history.values()}) > 1:
        raise ValueError("history must be lists of the same length.")
    values = (value for column in history.values() for value in column)
    if not all(map(is_plain, values)):
        raise ValueError("history must be lists of numbers.")


def is_plain(value):
    """Return whether a value may be part of a history: a finite number, a bool or None."""
    return value is None or (isinstance(value, (bool, int, float)) and math.isfinite(value))


def refers_to_tower(config):
    """Return whether a saved model refers to a frozen image tower outside its folder."""
    return config["encoder"].get("is_shared", False) and not config["standalone"]

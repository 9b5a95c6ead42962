"""Predict a number from an image with CLIP: NumCLIP as scikit-learn estimators.

docs/design.md has the map of the package.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0.dev0"

# Estimators import torch, so names are imported on first use.
_MODULE_OF = {
    "NumCLIPClassifier": "classifier",
    "CLIPEmbedder": "embedder",
    "LinguisticBins": "bins",
    "NumCLIPRegressor": "regressor",
    "suggest_bins": "suggest",
}
_MODULES = {
    *("baselines", "bins", "datasets", "inference", "inspection", "losses", "metrics", "plotting"),
}

__all__ = [
    "CLIPEmbedder",
    "LinguisticBins",
    "NumCLIPClassifier",
    "NumCLIPRegressor",
    "baselines",
    "datasets",
    "inference",
    "inspection",
    "losses",
    "metrics",
    "plotting",
    "suggest_bins",
]

if TYPE_CHECKING:  # type checkers do not run __getattr__
    from . import baselines, datasets, inference, inspection, losses, metrics, plotting
    from .bins import LinguisticBins
    from .classifier import NumCLIPClassifier
    from .embedder import CLIPEmbedder
    from .regressor import NumCLIPRegressor
    from .suggest import suggest_bins


def __getattr__(name):
    if name in _MODULE_OF:
        return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})

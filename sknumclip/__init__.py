"""Predict a number from an image with CLIP: NumCLIP as scikit-learn estimators.

The map of the package:

- ``regressor``: :class:`NumCLIPRegressor`, the estimator; ``classifier``:
  :class:`NumCLIPClassifier`, for ordered classes; ``_numclip``: what both share; ``_base``: what
  they share with baselines
- ``embedder``: :class:`CLIPEmbedder`, images to frozen features; ``_inputs``: what X may be
- ``bins``: :class:`LinguisticBins`, ranges of the label named in words;
  ``suggest``: :func:`suggest_bins`, such bins proposed by a language model
- ``backbone``, ``image_tower``: CLIP models (the only importers of open_clip)
- ``prompts``, ``modules``, ``losses``: the method of the paper as torch modules and functions
- ``inference``: predictions for tables too large for one machine, by dask or ray
- ``images``: reading, resizing and augmenting images; ``_urls``: those in object stores;
  ``canvases``: decoding many, once; ``embeddings``: frozen image features; ``_files``: writing
  files whole; ``_samples``: batches of them with their labels
- ``_net``, ``_training``: the net and the training loop (the only importers of skorch);
  ``checkpoint``: resuming it;
  ``_callbacks``: scikit-learn's callbacks, which hear of each epoch;
  ``divergence``: noticing losses that are no numbers;
  ``_processes``: what the processes of a data-parallel run tell each other
- ``explanation``: what predictions rest on, in words; ``_html``: what notebooks show;
  ``_typing``: types that signatures share; ``_validation``: checking parameters, X and y;
  ``_device``: where to compute, and how precisely
- ``baselines``: the door to what it is compared with, estimators in files ``_baseline_...``;
  ``class_prompts``, ``class_losses`` and ``heads``: their parts
- ``persistence``: saving and loading fitted estimators; ``saved_config``, ``saved_tensors``,
  ``saved_tower``, ``saved_module``: how what is loaded is checked
- ``hub``: sharing them on the Hugging Face Hub, with a ``model_card``; ``onnx_export``: ONNX files
- ``datasets``: the door to what follows; ``_drawing``: pictures to try it on; ``_image_folder``,
  ``_face_datasets``, ``_photo_datasets``, ``_morph2``, ``_yearguessr``: loaders of local files
  (``_image_tables``: what they share)
- ``_subsets``, ``splits``: few-shot and shifted training sets, as functions and for ``cv=``
- ``metrics``: the metrics of ordinal regression
- ``plotting``: the door to Displays, each in a file ``_plot_...``; ``_plot_axes``: what they share
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0.dev0"

# Estimators pull in torch, so names are imported when first used.
_MODULE_OF = {
    "NumCLIPClassifier": "classifier",
    "CLIPEmbedder": "embedder",
    "LinguisticBins": "bins",
    "NumCLIPRegressor": "regressor",
    "suggest_bins": "suggest",
}
_MODULES = {
    *("baselines", "bins", "datasets", "inference", "losses", "metrics", "plotting"),
}

__all__ = [
    "CLIPEmbedder",
    "LinguisticBins",
    "NumCLIPClassifier",
    "NumCLIPRegressor",
    "baselines",
    "datasets",
    "inference",
    "losses",
    "metrics",
    "plotting",
    "suggest_bins",
]

if TYPE_CHECKING:  # what type checkers cannot see in __getattr__
    from . import baselines, datasets, inference, losses, metrics, plotting
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

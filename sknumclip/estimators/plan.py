"""plan_of(): what a fit is about to do, in words, for ``verbose=2``."""

import math

import torch

from ..machine.device import resolve_autocast_dtype

__all__ = ["plan_of"]


def plan_of(estimator, checked):
    """Describe a fit before images are read.

    Parameters
    ----------
    estimator : BaseCLIPEstimator
    checked : Checked

    Returns
    -------
    str
        Several lines.
    """
    backbone, n = checked.backbone, len(checked.y)
    dtype = resolve_autocast_dtype(estimator.precision, checked.device)
    machine = f"{checked.device}, {'fp32' if dtype is None else 'bf16'}"
    if checked.device.type == "cpu":
        machine += f", {torch.get_num_threads()} threads"
    lines = {
        "data": f"{n:,} {'images' if checked.X.are_images else 'rows of features'}",
        "bins": f"{len(checked.bins)} bins from {checked.bins.edges[0]:g} to "
        f"{checked.bins.edges[-1]:g}",
        "model": f"{_name_of(backbone)}, {_tower(estimator.fine_tune)}",
        "machine": machine,
        "images": _images(estimator) if checked.X.are_images else "none",
        "training": _training(estimator, checked, n),
    }
    name = type(estimator).__name__
    return "\n".join([f"{name}.fit", *(f"  {key + ':':<10}{text}" for key, text in lines.items())])


def _name_of(backbone):
    return " ".join(filter(None, [backbone.model_name, backbone.pretrained]))


def _tower(fine_tune):
    if fine_tune == "none":
        return "image tower frozen"
    if fine_tune == "full":
        return "whole image tower trained"
    return f"last {fine_tune} blocks of the image tower trained"


def _images(estimator):
    what = "embeddings" if estimator.fine_tune == "none" else "decoded images"
    where = {
        None: "not kept",
        "auto": "kept in memory if they fit, else in a temporary folder",
        "memory": "kept in memory",
    }
    return f"{what} {where.get(estimator.image_cache, f'kept in {estimator.image_cache}')}"


def _training(estimator, checked, n):
    if getattr(estimator, "_is_solved", False):
        return "solved, with the penalty chosen by cross-validation"
    if estimator._stops_early:
        n -= math.ceil(estimator.validation_fraction * n)
    batch_size, _ = estimator._batch_size(n, checked.processes.n)
    steps = math.ceil(n / batch_size / checked.processes.n)
    start = "from a solved fit, " if getattr(estimator, "_solves_first", False) else ""
    return f"{start}up to {estimator._n_epochs} epochs of {steps} steps, batches of {batch_size}"

"""ImageInputMixin: check X, read images and embed them with a frozen tower."""

from __future__ import annotations

import contextlib
import difflib
import functools
import os
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import validate_data

from .._html import EstimatorHTMLMixin
from .._warnings import warn_user
from ..images.cache import Embeddings, NoEmbeddings
from ..images.canvases import CanvasStore
from ..images.embeddings import embed_images
from ..images.features import Features
from ..machine.device import (
    gpu_sharing_advice,
    resolve_autocast_dtype,
    resolve_device,
    worker_kind,
)
from ..machine.processes import Processes
from ..machine.settings import own_settings
from .checks import Described, Interval, StrOptions
from .input_types import as_images, warn_if_flattened

__all__ = ["FOLDER", "INPUT_CONSTRAINTS", "ImageInputMixin", "unchanged_on_failure"]

FOLDER = Described("a str or Path", lambda value: isinstance(value, (str, os.PathLike)))

# Parameters of the image tower and of reading images.
INPUT_CONSTRAINTS = {
    "model_name": [str],
    "pretrained": [str, None],
    "canvas_scale": [Interval(Real, 1, 8, closed="both")],
    "mirror": ["boolean"],
    "device": [str, torch.device],
    "precision": [StrOptions({"auto", "fp32", "bf16"})],
    "image_cache": [FOLDER, None],
    "num_workers": [StrOptions({"auto"}), Interval(Integral, 0, None, closed="left")],
    "on_error": [StrOptions({"raise", "skip"})],
    "verbose": ["verbose"],
}


@contextlib.contextmanager
def unchanged_on_failure(estimator):
    """Restore the attributes of an estimator if fitting it fails."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


class ImageInputMixin(EstimatorHTMLMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Input handling for estimators with the parameters in ``INPUT_CONSTRAINTS``."""

    accelerator = None  # some estimators have it as a parameter
    mirror = False  # CLIPEmbedder has it as a parameter

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []  # the output is always float32
        return tags

    def set_params(self, **params: Any) -> Self:
        """Set parameters; see :meth:`sklearn.base.BaseEstimator.set_params`.

        Parameters
        ----------
        **params
            Parameters by name.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If there is no parameter of this name. The message suggests a similar one.
        """
        known = self.get_params(deep=False)
        for name in {name.partition("__")[0] for name in params} - set(known):
            if name in getattr(self, "_settings", ()):
                raise ValueError(
                    f"{name!r} is not a parameter of {type(self).__name__}: make a subclass with "
                    f"the class attribute {name} = {params.get(name)!r}."
                )
            for likely in difflib.get_close_matches(name, known, n=1):
                raise ValueError(
                    f"Invalid parameter {name!r} for {type(self).__name__}. Did you mean "
                    f"{likely!r}? Valid parameters are: {list(known)}."
                )
        return super().set_params(**params)

    def _check_X(self, X, *, reset):
        """Return X as Images, or as validated float32 Features."""
        images = as_images(X)
        if images is None:
            if reset:
                warn_if_flattened(X)
            return Features(validate_data(self, X, dtype=np.float32, reset=reset))
        if reset:
            vars(self).pop("n_features_in_", None)
            vars(self).pop("feature_names_in_", None)
        return images

    def _resolve_device(self):
        if self.accelerator is not None:
            return resolve_device(self.accelerator.device)  # with its index
        device = resolve_device(self.device)
        environment = os.environ.get("CUDA_VISIBLE_DEVICES")
        if advice := gpu_sharing_advice(device.type, worker_kind(), environment):
            warn_user(advice)
        return device

    def _store(self, images, encoder, cache=None):
        return CanvasStore(
            images,
            encoder.preprocessing,
            scale=encoder.canvas_scale,
            cache=cache,
            num_workers=self.num_workers,
            n_sharing=Processes(self.accelerator).n_local,
        )

    @own_settings()
    def _embed(self, images, encoder, fingerprint, verbose=0, store=None):
        """Compute ℓ2-normalized embeddings with a frozen tower, once per image and process.

        The processes of one accelerator share the work, and each gets all embeddings.
        """
        device = self._resolve_device()
        if advice := self._advice_on_workers(device.type):
            warn_user(advice)
        dtype = resolve_autocast_dtype(self.precision, device)
        # Only if something is not cached.
        moved = functools.cache(lambda: encoder.on(device, dtype))
        processes = Processes(self.accelerator)
        key = f"{fingerprint} {encoder.canvas_scale} {encoder.mirror} {dtype} {device.type}"
        keeps = self.image_cache is not None
        return embed_images(
            lambda pixels: torch.nn.functional.normalize(moved()(pixels).float(), dim=1),
            self._store(images, encoder) if store is None else store,
            device=device,
            on_error=self.on_error,
            autocast_dtype=dtype,
            cache=Embeddings(key, self._cache_folder()) if keeps else NoEmbeddings(),
            verbose=verbose and processes.is_main,
            processes=processes,
        )

    def _advice_on_workers(self, device_type):
        """Return what to do if this is a worker process that embeds what others embed too."""
        shares = self.image_cache not in ("auto", "memory") or self.accelerator is not None
        if device_type != "cpu" or shares or worker_kind() != "joblib":
            return None
        return (
            "This is one of several worker processes, and each of them embeds the images itself. "
            "Use n_jobs=1, which embeds each image once for all folds and candidates and computes "
            "with all cores, or image_cache='some/folder', which the workers share."
        )

    def _cache_folder(self):
        is_folder = self.image_cache not in ("auto", "memory", None)
        return Path(self.image_cache) if is_folder else None

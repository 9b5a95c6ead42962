"""Predict: map images or features to outputs, in batches."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from .._typing import FloatArray, ImagesOrFeatures
from ..images.embeddings import embed_images
from ..machine.device import resolve_autocast_dtype
from ..machine.processes import Processes
from ..model.modules import ImageEncoder
from .inputs import ImageInputMixin, on_device

__all__ = ["PredictMixin"]


class PredictMixin(ImageInputMixin):
    """The outputs of a fitted estimator, and its embeddings."""

    def transform(self, X: ImagesOrFeatures) -> FloatArray:
        """Embed images.

        Parameters
        ----------
        X : as in :meth:`fit`

        Returns
        -------
        float32 ndarray of shape (n_samples, embed_dim)
            ℓ2-normalized features of the trained image tower.
        """
        return self._map(X, lambda features: features)

    def _outputs(self, X):
        """Return y_pred (n,), logits (n, n_classes) and moved centers (n, n_bins)."""
        check_is_fitted(self)
        module = self.net_.module_

        def compute(features):
            output = module.from_features(features)
            return torch.cat([output.y_pred[:, None], output.logits, output.centers], dim=1)

        values = self._map(X, compute).astype(np.float64)
        y_pred, logits, centers = np.split(values, [1, values.shape[1] - self.bins_.n_bins], axis=1)
        return y_pred[:, 0] + module.origin, logits, centers + module.origin

    def _map(self, X, compute):
        """Apply `compute` to the image features of X, in batches.

        Returns
        -------
        float32 ndarray of shape (n_samples, width of what `compute` returns)
            NaN for images that could not be read, if on_error="skip".
        """
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        device = self._resolve_device()
        module = self._module_on(device)
        reads_images = isinstance(module.encoder, ImageEncoder)
        if not isinstance(X, np.ndarray):
            if not reads_images:
                raise ValueError(
                    "This estimator was fitted on features, so it can only predict from features "
                    "like them. Pass the features of these images, or fit on images."
                )
            if not module.is_frozen:
                return self._map_images(X, module, compute)
            X, _ = self._embed(X, module.encoder, self.backbone_["fingerprint"])
        if reads_images and X.shape[1] != module.embed_dim:
            raise ValueError(
                f"X has {X.shape[1]} features, but the embeddings of the image tower, which "
                f"this estimator was fitted on, have {module.embed_dim}."
            )
        encode = partial(torch.nn.functional.normalize, dim=1) if reads_images else module.encode
        with torch.no_grad():
            rows = [
                compute(encode(batch.to(device))).cpu() for batch in torch.tensor(X).split(4096)
            ]
        return torch.cat(rows).numpy()

    def _map_images(self, images, module, compute):
        values, _ = embed_images(
            lambda pixels: compute(module.encode(pixels)),
            self._store(images, module.encoder),
            device=module.centers.device,
            on_error=self.on_error,
            autocast_dtype=module.autocast_dtype,
            processes=Processes(self.accelerator),
        )
        return values

    def _module_on(self, device):
        module = self.net_.module_
        module.autocast_dtype = resolve_autocast_dtype(self.precision, device)
        if module.centers.device != device:
            # The tower of a frozen model is shared, and .to() would move it for everyone.
            if module.is_frozen and isinstance(module.encoder, ImageEncoder):
                module.encoder = on_device(module.encoder, device)
            module.to(device)
        return module

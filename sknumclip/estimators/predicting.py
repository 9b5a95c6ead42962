"""PredictMixin: outputs and embeddings of a fitted estimator, in batches."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from .._typing import FloatArray, ImagesOrFeatures
from ..images.embeddings import embed_images
from ..machine.device import autocast, resolve_autocast_dtype
from ..machine.processes import Processes
from ..machine.settings import own_settings
from .inputs import ImageInputMixin

__all__ = ["PredictMixin"]


def _all_outputs(module):
    def compute(features):
        output = module.from_features(features)
        return torch.cat([output.y_pred[:, None], output.logits, output.centers], dim=1)

    return compute


class PredictMixin(ImageInputMixin):
    """Prediction for fitted estimators: model outputs, and embeddings by ``transform``."""

    def transform(self, X: ImagesOrFeatures) -> FloatArray:
        """Embed images.

        Parameters
        ----------
        X : as in :meth:`fit`

        Returns
        -------
        float32 ndarray of shape (n_samples, embed_dim)
            ℓ2-normalized embeddings by the trained image tower; NaN for unreadable images, if
            ``on_error="skip"``.
        """
        return self._map(X, lambda module: lambda features: features)

    def _outputs(self, X):
        """Return y_pred (n,), logits (n, n_classes) and moved centers (n, n_bins)."""
        check_is_fitted(self)
        origin = self.net_.module_.origin
        values = self._map(X, _all_outputs).astype(np.float64)
        y_pred, logits, centers = np.split(values, [1, values.shape[1] - self.bins_.n_bins], axis=1)
        return y_pred[:, 0] + origin, logits, centers + origin

    @own_settings()
    def _map(self, X, make_compute):
        """Compute something from the image embeddings of X, in batches.

        Parameters
        ----------
        X : as in :meth:`fit`
        make_compute : callable
            Takes the fitted module and returns a function of embeddings.

        Returns
        -------
        float32 ndarray of shape (n_samples, output width of that function)
            NaN for unreadable images, if on_error="skip".
        """
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        module = self.net_.module_
        if module.is_frozen:
            features, to_embeddings = self._features_for(X), module.encode
        else:
            features, to_embeddings = self._by_own_tower(X), module.as_embeddings
        # The layers after the tower are too small to need a GPU.
        compute, place = make_compute(module), module.centers.device
        with torch.no_grad(), autocast(place, resolve_autocast_dtype(self.precision, place)):
            rows = [
                compute(to_embeddings(batch.to(place))).cpu()
                for batch in torch.tensor(features).split(4096)
            ]
        return torch.cat(rows).numpy()

    def _by_own_tower(self, images):
        """Return the output of the fine-tuned tower for images."""
        device = self._resolve_device()
        dtype = resolve_autocast_dtype(self.precision, device)
        features, _ = embed_images(
            self.net_.module_.encoder.on(device, dtype),
            self._store(images, self.net_.module_.encoder),
            device=device,
            on_error=self.on_error,
            autocast_dtype=dtype,
            processes=Processes(self.accelerator),
        )
        return features

    def _features_for(self, X):
        """Return the features given, or the embeddings of images by the frozen tower."""
        module = self.net_.module_
        encoder = module.encoder.image_encoder
        if X.are_images and encoder is None:
            raise ValueError(
                "This estimator was fitted on features, so it can only predict from features "
                "like them. Pass the features of these images, or fit on images."
            )
        features, _ = X.embeddings(
            partial(self._embed, encoder=encoder, fingerprint=self.backbone_["fingerprint"])
        )
        if encoder is not None and features.shape[1] != module.embed_dim:
            raise ValueError(
                f"X has {features.shape[1]} features, but this estimator was fitted on embeddings "
                f"of the image tower, which have {module.embed_dim}."
            )
        return features

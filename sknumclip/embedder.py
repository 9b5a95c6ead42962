"""CLIPEmbedder: images to the embeddings of a frozen CLIP model."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ._typing import Device, FloatArray, ImagesOrFeatures, IntOrAuto, OnError, Precision, StrPath
from .clip.backbone import absolute_name, load_backbone
from .estimators.inputs import INPUT_CONSTRAINTS, ImageInputMixin, unchanged_on_failure
from .exceptions import BackboneError
from .machine.settings import own_settings
from .model.modules import ImageEncoder

__all__ = ["CLIPEmbedder"]


class CLIPEmbedder(ImageInputMixin, BaseEstimator):
    """Compute the ℓ2-normalized embeddings of images with a frozen CLIP image tower.

    Nothing is learned. Each image is embedded once per process, no matter how many pipelines,
    folds and candidates of a search use it.

    Parameters
    ----------
    model_name : str, default="ViT-B-16"
    pretrained : str or None, default="openai"
        As in :class:`NumCLIPRegressor`.
    canvas_scale : float, default=8/7
        Images are resized to a canvas of this many times the tower's image size, 1 to 8, and
        the center is embedded. 1 shows the whole image, at the size the weights expect.
    mirror : bool, default=False
        Whether to average the embeddings of each image and its mirror image. The tower takes twice
        as long; the error of regressions on our tasks changed by -6 to +2 %. Leave it off where
        left and right have a meaning, as in pictures of dials or text.
    device : str, default="auto"
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
    precision : {"auto", "fp32", "bf16"}, default="auto"
        Precision of the tower; ``"auto"`` is bf16 if the hardware multiplies it natively.
    image_cache : {"auto", "memory"}, str, Path or None, default="auto"
        Where to keep embeddings, identified by the content of the images, the weights and the
        preprocessing: up to 512 MB in memory, and, if this is a folder, all of them also there, for
        other processes. None keeps nothing.
    num_workers : "auto" or int, default="auto"
        Threads that decode images; ``"auto"`` is one per core.
    on_error : {"raise", "skip"}, default="raise"
        What to do with unreadable images: raise one error that lists all of them, or return rows
        of NaN for them.
    verbose : int, default=1
        0 is silent; 1 shows a progress bar.

    Attributes
    ----------
    backbone_ : dict
        Name and SHA-256 of the image tower that computes the embeddings.
    n_features_in_ : int
        Number of features, if X was an array of features.

    See Also
    --------
    NumCLIPRegressor : Embeds images itself; with ``fine_tune="none"`` the result is the same as
        with a pipeline of this class and a NumCLIPRegressor on features.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from sknumclip import CLIPEmbedder
    >>> from sknumclip.datasets import make_counting_images
    >>> X, y = make_counting_images(60, random_state=0)
    >>> model = make_pipeline(CLIPEmbedder(model_name="tiny", verbose=0), Ridge())
    >>> model.fit(X[:50], y[:50]).predict(X[50:]).shape
    (10,)
    """

    _parameter_constraints = INPUT_CONSTRAINTS

    def __init__(
        self,
        *,
        model_name: str = "ViT-B-16",
        pretrained: str | None = "openai",
        canvas_scale: float = 8 / 7,
        mirror: bool = False,
        device: Device = "auto",
        precision: Precision = "auto",
        image_cache: StrPath | None = "auto",
        num_workers: IntOrAuto = "auto",
        on_error: OnError = "raise",
        verbose: int = 1,
    ) -> None:
        self.model_name = model_name
        self.pretrained = pretrained
        self.canvas_scale = canvas_scale
        self.mirror = mirror
        self.device = device
        self.precision = precision
        self.image_cache = image_cache
        self.num_workers = num_workers
        self.on_error = on_error
        self.verbose = verbose

    @property
    def _n_features_out(self):
        return getattr(self, "n_features_in_", self.backbone_["embed_dim"])

    def fit(self, X: ImagesOrFeatures, y: Any = None) -> Self:
        """Load the model and check that X is images, without reading them.

        Parameters
        ----------
        X : sequence of paths or PIL images, one-column DataFrame of paths, uint8 array of shape \
                (n_samples, height, width, 3), or array of shape (n_samples, n_features)
            Images. Features are passed through unchanged, so that a pipeline can be fitted on
            precomputed embeddings.
        y : ignored

        Returns
        -------
        self : CLIPEmbedder

        Raises
        ------
        BackboneError
            If the CLIP model cannot be loaded.
        """
        self._validate_params()
        with unchanged_on_failure(self):
            self._check_X(X, reset=True)
            backbone = load_backbone(self.model_name, self.pretrained)
            self.backbone_ = {
                "model_name": absolute_name(self.model_name),
                "pretrained": backbone.pretrained,
                "fingerprint": backbone.fingerprint,
                "embed_dim": backbone.embed_dim,
            }
        return self

    @own_settings()
    def transform(self, X: ImagesOrFeatures) -> FloatArray:
        """Embed images.

        Parameters
        ----------
        X : as in :meth:`fit`

        Returns
        -------
        float32 ndarray of shape (n_samples, embed_dim)
            Rows have length 1; NaN for unreadable images, if ``on_error="skip"``.

        Raises
        ------
        ImageReadError
            If images cannot be read and ``on_error="raise"``. It lists all of them.
        BackboneError
            If the weights have changed since ``fit``.
        """
        check_is_fitted(self)
        checked = self._check_X(X, reset=False)
        if not checked.are_images:
            if checked.items.shape[1] != self._n_features_out:
                raise ValueError(
                    f"X has {checked.items.shape[1]} features, but the embeddings of this "
                    f"CLIPEmbedder have {self._n_features_out}."
                )
            return checked.items
        if hasattr(self, "n_features_in_"):
            raise ValueError(
                "This CLIPEmbedder was fitted on features, so it only passes features through. Fit "
                "it on images to embed images."
            )
        backbone = load_backbone(self.backbone_["model_name"], self.backbone_["pretrained"])
        if backbone.fingerprint != self.backbone_["fingerprint"]:
            raise BackboneError(
                f"The weights of model_name={self.model_name!r} have changed since fit, so the "
                "embeddings would be different. Fit again."
            )
        encoder = ImageEncoder(
            backbone.visual, backbone.preprocessing, self.canvas_scale, self.mirror
        )
        return self._embed(checked, encoder, backbone.fingerprint, self.verbose)[0]

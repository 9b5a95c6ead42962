"""BaseNumCLIP: prompts, module, losses and saving for the regressor and the classifier."""

from __future__ import annotations

import inspect
from functools import partial
from numbers import Integral, Real
from typing import Any, Self

import torch
from scipy.special import softmax

from .._typing import LrSchedule, StrPath
from .._warnings import warn_user
from ..losses import FCRC, RANKING_LOSSES, resolve_ranking_loss
from ..model.modules import SHIFTS, NumCLIPModule
from ..model.prompts import (
    PROMPT_INITS,
    FeaturePrompts,
    TokenPrompts,
    check_prompts,
    prompt_texts,
    tokenize,
)
from ..solving.rows import weighted_quantile
from .base import TRAINING_CONSTRAINTS, BaseCLIPEstimator
from .checks import Described, Interval, StrOptions
from .explanation import explain_outputs
from .input_types import as_images
from .inputs import FOLDER
from .solving import SolveMixin

__all__ = ["NUMCLIP_CONSTRAINTS", "BaseNumCLIP"]


def _are_callbacks(values):
    callbacks = [value[-1] if isinstance(value, tuple) else value for value in values]
    return all(hasattr(callback, "on_train_begin") for callback in callbacks)


NUMCLIP_CONSTRAINTS = {
    **TRAINING_CONSTRAINTS,
    "max_epochs": [StrOptions({"auto"}), Interval(Integral, 0, None, closed="left")],
    "augment": ["boolean", StrOptions({"auto", "crop"}), callable],
    "template": [str],
    "prompt_init": [StrOptions(set(PROMPT_INITS))],
    "ranking_loss": [StrOptions(set(RANKING_LOSSES)), callable],
    "beta": [Interval(Real, 0, 1e6, closed="both")],
    "shift": [StrOptions(set(SHIFTS))],
    "max_shift": [Interval(Real, 0, 1, closed="neither")],
    "lr": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
    "prompt_lr": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
    "regressor_lr": [Interval(Real, 0, None, closed="left")],
    "compile": ["boolean"],
    "grad_checkpointing": ["boolean"],
    "accumulate_steps": [Interval(Integral, 1, None, closed="left")],
    "checkpoint": [FOLDER, None],
    "callbacks": [
        Described(
            "a list of skorch callbacks, or of pairs of a name and a callback",
            lambda value: isinstance(value, list) and _are_callbacks(value),
        ),
        None,
    ],
    "accelerator": [
        Described(
            "an accelerate.Accelerator",
            lambda value: hasattr(value, "prepare") and hasattr(value, "backward"),
        ),
        None,
    ],
    "gather_batches": ["boolean"],
    "solve_first": ["boolean"],
    "warm_start": ["boolean"],
}


class BaseNumCLIP(SolveMixin, BaseCLIPEstimator):
    """Shared implementation of the regressor and the classifier; subclasses define the label.

    Attributes
    ----------
    max_shift : float
        Bound of \\|δ\\|, between 0 and 1, both excluded.
    solve_first : bool
        Whether to fine-tune the tower starting from the solved fit on its frozen embeddings, or
        from zero-shot CLIP, as the paper does.
    regressor_lr : float
        Learning rate of the regressor, and of the linear map from features of another width.
    lr_schedule : {"cosine", "constant"}
        Whether learning rates decay to 0 along half a cosine, or stay constant.
    mirror : bool
        Whether to average the embeddings of each image and its mirror image, as
        ``CLIPEmbedder(mirror=True)`` does, in all predictions and in fits of a frozen tower.
    gather_batches : bool
        With an accelerator: whether the ranking loss compares the images of all processes, so
        that 2 processes with 16 images each train like one with 32. Otherwise each process
        compares only its own images.
    """

    # Rarely changed settings: class attributes that a subclass may set, not parameters.
    max_shift: float = 0.5
    solve_first: bool = True
    regressor_lr: float = 1e-3
    lr_schedule: LrSchedule = "cosine"
    gather_batches = True
    _settings = (
        *BaseCLIPEstimator._settings,
        "gather_batches",
        "lr_schedule",
        "max_shift",
        "regressor_lr",
        "shift",
        "solve_first",
    )

    def _prompts(self, prompts_class, backbone, bins, generator):
        return prompts_class.from_texts(
            backbone,
            prompt_texts(bins, self.template, self.prompt_init),
            random=self.prompt_init == "random",
            generator=generator,
        )

    def _check_prompts(self, backbone, bins):
        texts = prompt_texts(bins, self.template, self.prompt_init)
        if self.prompt_init == "random":
            tokenize(backbone, texts)  # only checks the number of tokens
            return
        numbers = prompt_texts(bins, "{}", "numbers") if self.prompt_init == "numbers" else []
        check_prompts(backbone, texts, numbers)

    def _assemble(self, encoder, backbone, bins, generator):
        prompts_class = FeaturePrompts if encoder.is_frozen else TokenPrompts
        prompts = self._prompts(prompts_class, backbone, bins, generator)
        prompts.own_tower()
        return NumCLIPModule(
            encoder,
            prompts,
            bins=bins,
            logit_scale=backbone.logit_scale,
            shift=self.shift,
            max_shift=self.max_shift,
            generator=generator,
        )

    def _ranking_loss(self, backbone, bins):
        default = inspect.signature(type(self)).parameters["beta"].default
        loss = resolve_ranking_loss(self.ranking_loss)
        cancels = isinstance(loss, FCRC) and loss.weight_norm == "mean"
        if cancels and self.beta != default:
            warn_user(
                f"beta={self.beta} has no effect with weight_norm='mean', where it cancels out. "
                "Use weight_norm='softmax' to weight negatives by beta.",
            )
        return partial(loss, beta=self.beta)

    def _are_named(self, bins):
        """Return whether the bins have meaningful descriptions, not generic ones or numbers."""
        raise NotImplementedError

    def _learning_rates(self, checked, prepared):
        prompt_lr, backbone = self.prompt_lr, checked.backbone
        if self._trains_solution(checked):  # weights: text embeddings over the temperature
            rate = backbone.logit_scale * (1e-4 if prompt_lr == "auto" else prompt_lr)
            words = {"weights": rate, "bias": rate}
        else:
            if prompt_lr == "auto":
                is_named = self.prompt_init == "words" and self._are_named(checked.bins)
                helps = is_named and self._words_help(backbone, checked.bins, prepared.training)
                prompt_lr = 1e-4 if helps else 3e-3
            words = {"prompts": prompt_lr}
        return {
            "encoder": self.regressor_lr,  # a linear map of features, if there is no tower
            **words,
            "regressor": self.regressor_lr,
        }

    def _words_help(self, backbone, bins, training):
        """Whether zero-shot predictions are better than the median; True if unknown."""
        features, targets = training.inputs, training.targets
        if self.fine_tune != "none" or features.shape[1] != backbone.embed_dim:
            return True
        prompts = self._prompts(FeaturePrompts, backbone, bins, None)
        features, y = features[training.indices], targets.y[training.indices]
        weight = targets.weight[training.indices]
        with torch.no_grad():
            features = torch.nn.functional.normalize(features, dim=1)
            proba = (backbone.logit_scale * features @ prompts().T).softmax(dim=1)
            centers = torch.tensor(bins.centers, dtype=torch.float64) - bins.edges[0]
            zero_shot = proba @ centers.float()
        median = weighted_quantile(y.numpy(), 0.5, weight.numpy())
        return weight @ (zero_shot - y).abs() < weight @ (median - y).abs()

    def _explain(self, X, y_pred, logits, centers):
        proba = softmax(logits, axis=1)
        return explain_outputs(X, as_images(X), self.bins_, y_pred, proba, centers)

    def save(self, path: StrPath, standalone: bool = False) -> None:
        """Save to a folder, as JSON and safetensors; see :func:`sknumclip.saving.save`.

        Parameters
        ----------
        path : str or Path
            Folder; created if needed.
        standalone : bool, default=False
            Whether to also save the weights of a frozen image tower, so that the folder loads
            without the CLIP model. Otherwise the folder refers to the CLIP model and is small.
        """
        from .. import saving  # imported here because it imports the estimators

        saving.save(self, path, standalone)

    @classmethod
    def load(
        cls, path: StrPath, *, model_name: str | None = None, pretrained: str | None = None
    ) -> Self:
        """Load a model saved with :meth:`save`; see :func:`sknumclip.saving.load`.

        Parameters
        ----------
        path : str or Path
            Folder.
        model_name, pretrained : str, default=None
            New location of the frozen image tower that the model refers to, if it has moved since
            ``fit``. Its weights must be the same.

        Returns
        -------
        estimator of this class
            Fitted.

        Raises
        ------
        SavedModelError
            If the folder does not contain a complete model of this class and format. It is a
            ValueError.
        BackboneError
            If the frozen image tower cannot be loaded.
        """
        from .. import saving

        return saving.load(cls, path, model_name=model_name, pretrained=pretrained)

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Upload to the Hugging Face Hub, with a model card.

        Parameters
        ----------
        repo_id : str
            ``"user/name"``; created if needed.
        **options
            Options of :func:`sknumclip.saving.hub.push_to_hub`: `standalone`, `metrics`,
            `description` and `license` for the model card, `private`, `token`, `revision`,
            `commit_message`.

        Returns
        -------
        str
            Address of the commit.
        """
        from ..saving import hub

        return hub.push_to_hub(self, repo_id, **options)

    @classmethod
    def from_pretrained(cls, repo_id_or_folder: StrPath, **options: Any) -> Self:
        """Load from the Hugging Face Hub, or from a folder.

        Parameters
        ----------
        repo_id_or_folder : str or Path
        **options
            Options of :func:`sknumclip.saving.hub.from_pretrained`: `revision`, `token`,
            `cache_dir`, `force_download`, `local_files_only`, and `model_name` and `pretrained` as
            in :meth:`load`.

        Returns
        -------
        estimator of this class
            Fitted.
        """
        from ..saving import hub

        return hub.from_pretrained(cls, repo_id_or_folder, **options)

    def to_onnx(self, path: StrPath) -> None:
        """Export to an ONNX file, from pixels to predictions.

        Inputs and outputs are documented in :func:`sknumclip.saving.onnx.to_onnx`.

        Parameters
        ----------
        path : str or Path
            The file.
        """
        from ..saving import onnx

        onnx.to_onnx(self, path)

"""What NumCLIP's regressor and classifier share: prompts, module, losses, saving."""

import inspect
import warnings
from functools import partial
from numbers import Integral, Real

from . import persistence
from ._base import TRAINING_CONSTRAINTS, BaseCLIPEstimator
from ._validation import HasMethods, Interval, StrOptions
from .losses import DISTANCES, RANKING_LOSSES
from .modules import SHIFTS, FeatureEncoder, NumCLIPModule
from .prompts import PROMPT_INITS, FeaturePrompts, TokenPrompts, prompt_texts, tokenize

__all__ = ["NUMCLIP_CONSTRAINTS", "BaseNumCLIP"]

NUMCLIP_CONSTRAINTS = {
    **TRAINING_CONSTRAINTS,
    "template": [str],
    "prompt_init": [StrOptions(set(PROMPT_INITS))],
    "ranking_loss": [StrOptions(set(RANKING_LOSSES))],
    "beta": [Interval(Real, 0, None, closed="left")],
    "distance": [StrOptions(set(DISTANCES))],
    "weight_norm": [StrOptions({"softmax", "mean"})],
    "mask_same_bin": ["boolean"],
    "shift": [StrOptions(set(SHIFTS))],
    "max_shift": [Interval(Real, 0, 1, closed="neither")],
    "prompt_lr": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
    "regressor_lr": [Interval(Real, 0, None, closed="left")],
    "compile": ["boolean"],
    "grad_checkpointing": ["boolean"],
    "accumulate_steps": [Interval(Integral, 1, None, closed="left")],
    "checkpoint": [str, HasMethods(["__fspath__"]), None],
    "callbacks": [list, None],
    "accelerator": [HasMethods(["prepare", "backward"]), None],
    "gather_batches": ["boolean"],
    "warm_start": ["boolean"],
}


class BaseNumCLIP(BaseCLIPEstimator):
    """NumCLIP, but for what y is; for estimators with the parameters of NumCLIP."""

    def _check_prompts(self, backbone, bins):
        tokenize(backbone, prompt_texts(bins, self.template, self.prompt_init))

    def _assemble(self, encoder, backbone, bins, generator):
        prompts_class = FeaturePrompts if isinstance(encoder, FeatureEncoder) else TokenPrompts
        prompts = prompts_class.from_texts(
            backbone,
            prompt_texts(bins, self.template, self.prompt_init),
            random=self.prompt_init == "random",
            generator=generator,
        )
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
        if self.weight_norm == "mean" and self.ranking_loss == "fcrc" and self.beta != default:
            warnings.warn(
                f"beta={self.beta} has no effect with weight_norm='mean', where it cancels out. "
                "Use weight_norm='softmax' to weight negatives by beta.",
                stacklevel=5,
            )
        names = ("beta", "distance", "weight_norm", "mask_same_bin")
        options = {name: getattr(self, name) for name in names}
        return partial(RANKING_LOSSES[self.ranking_loss], **options)

    def _are_named(self):
        """Return whether the bins have words of their own, which say something to CLIP."""
        raise NotImplementedError

    def _learning_rates(self):
        prompt_lr = self.prompt_lr
        if prompt_lr == "auto":
            prompt_lr = 1e-4 if self.prompt_init == "words" and self._are_named() else 3e-3
        return {
            "encoder": self.regressor_lr,  # of a linear map in the place of the tower
            "prompts": prompt_lr,
            "regressor": self.regressor_lr,
        }

    def save(self, path):
        """Save to a folder, as JSON and safetensors; see :func:`sknumclip.persistence.save`.

        Parameters
        ----------
        path : str or Path
            Folder; made if needed.
        """
        persistence.save(self, path)

    @classmethod
    def load(cls, path):
        """Load what :meth:`save` saved.

        Parameters
        ----------
        path : str or Path
            Folder.

        Returns
        -------
        estimator of this class
            Fitted.
        """
        return persistence.load(cls, path)

"""BaseCLIPEstimator: base class of the regressor, the classifier and the baselines."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator

from .._typing import AugmentOrAuto, StrPath
from ..bins import LinguisticBins
from ..training.callbacks import CallbackSupportMixin
from ..training.loop import LR_SCHEDULES, check_callbacks
from .checks import Described, Interval, StrOptions, validate_parameter_constraints
from .fitting import FitMixin
from .inputs import INPUT_CONSTRAINTS
from .predicting import PredictMixin

TRAINING_CONSTRAINTS = {
    **INPUT_CONSTRAINTS,
    "fine_tune": [
        Described(
            "'none' for a frozen tower, 'full', or the number of its last blocks to train, an int "
            "of at least 1",
            lambda value: (
                (isinstance(value, str) and value in {"none", "full"})
                or Interval(Integral, 1, None, closed="left").is_satisfied_by(value)
            ),
        )
    ],
    "max_epochs": [Interval(Integral, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "lr": [Interval(Real, 0, None, closed="left")],
    "lr_schedule": [StrOptions(set(LR_SCHEDULES))],
    "augment": ["boolean", StrOptions({"crop"}), callable],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
}


class BaseCLIPEstimator(CallbackSupportMixin, FitMixin, PredictMixin, BaseEstimator):
    """Base class: fit and predict around a skorch net.

    Subclasses define and document the parameters, and override the hooks ``_resolve_bins``,
    ``_assemble``, ``_ranking_loss`` and ``_learning_rates``. The class attributes here are the
    values of parameters that a subclass does not have.
    """

    callbacks: list[Any] | None = None
    checkpoint: StrPath | None = None
    gather_batches = True
    # Class attributes that affect results and are checked, like parameters.
    _settings: tuple[str, ...] = ("mirror",)
    augment: AugmentOrAuto = False
    compile = early_stopping = grad_checkpointing = warm_start = False
    validation_fraction = 0.1
    accumulate_steps = 1
    _loss_name = "ranking_loss"
    _l1_weight = 1.0

    # Set by fit.
    bins_: LinguisticBins
    history_: pd.DataFrame
    n_iter_: int
    net_: Any
    skipped_: dict[str, str]

    def __sklearn_is_fitted__(self):
        return hasattr(self, "net_")

    def _validate_params(self):
        super()._validate_params()
        validate_parameter_constraints(
            {name: self._parameter_constraints[name] for name in self._settings},
            {name: getattr(self, name) for name in self._settings},
            caller_name=type(self).__name__,
        )

    def _check_callbacks(self):
        check_callbacks(self.callbacks, self.lr_schedule)

    @property
    def _n_features_out(self):
        return self.net_.module_.embed_dim

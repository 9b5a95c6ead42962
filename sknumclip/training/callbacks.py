"""Support for scikit-learn's callbacks (``set_callbacks``); epochs are subtasks of ``fit``.

They need scikit-learn 1.9. The parameter `callbacks` is for skorch's callbacks.
"""

from typing import NoReturn

import numpy as np

try:
    from sklearn.callback import CallbackSupportMixin, ProgressBar, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class ProgressBar:  # type: ignore[no-redef]
        """Placeholder for isinstance checks."""

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Placeholder for the class of newer versions."""

        def set_callbacks(self, *callbacks: object) -> NoReturn:
            """Raise ImportError."""
            raise ImportError(
                "set_callbacks needs scikit-learn 1.9: pip install -U scikit-learn. The parameter "
                "callbacks= takes skorch callbacks with any version."
            )

        def _init_callback_context(self, **kwargs):
            return _NoContext()

    class _NoContext:
        """Null callback context."""

        def subcontext(self, **kwargs):
            return self

        def call_on_fit_task_begin(self, **kwargs):
            return self

        def call_on_fit_task_end(self, **kwargs):
            return False

    def with_callbacks(method):
        """Return the method unchanged."""
        return method


__all__ = ["CallbackSupportMixin", "FitTasks", "shows_progress", "with_callbacks"]


def shows_progress(estimator):
    """Return whether this estimator, or one around it, has scikit-learn's progress bar."""
    parent = getattr(estimator, "_parent_callback_ctx", None)
    watching = [*getattr(estimator, "_skl_callbacks", []), *getattr(parent, "_callbacks", [])]
    return any(isinstance(callback, ProgressBar) for callback in watching)


class FitTasks:
    """Notify scikit-learn's callbacks of the begin and end of a fit and its epochs.

    Parameters
    ----------
    estimator : BaseCLIPEstimator
    X, y, sample_weight
        As passed to ``fit``.
    """

    def __init__(self, estimator, X, y, sample_weight):
        self.data = X, y, sample_weight
        self.attributes_of = None  # function from a net to the fitted attributes; set by fit
        self.estimator = estimator
        self.context = estimator._init_callback_context(max_subtasks=estimator._n_epochs)
        self.context.call_on_fit_task_begin(**self._task())

    def _task(self, **more):
        X, y, weight = self.data
        metadata = None if weight is None else {"sample_weight": weight}
        return {"estimator": self.estimator, "X": X, "y": y, "metadata": metadata, **more}

    def leave_out(self, images, failures):
        """Pass only readable images on to callbacks.

        Parameters
        ----------
        images : Images
        failures : container of int
        """
        if not failures:
            return
        kept = [i for i in range(len(images)) if i not in failures]
        X, (_, y, weight) = images.items, self.data
        self.data = (
            [X[i] for i in kept],
            np.asarray(y)[kept],
            None if weight is None else np.asarray(weight)[kept],
        )

    def begin_epoch(self, copy_net):
        """Announce the start of an epoch.

        Parameters
        ----------
        copy_net : callable
            Copies the net as if training had ended here. This takes time, so it is called only for
            callbacks that ask for a fitted estimator.
        """
        self.epoch = self.context.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(**self._task_with(copy_net))

    def end_epoch(self, copy_net):
        """Announce the end of an epoch; return whether a callback wants training to stop."""
        return self.epoch.call_on_fit_task_end(**self._task_with(copy_net))

    def _task_with(self, copy_net):
        return self._task(reconstruction_attributes=lambda: self.attributes_of(copy_net()))

    def end(self):
        """Announce the end of the fit."""
        self.context.call_on_fit_task_end(**self._task(reconstruction_attributes={}))

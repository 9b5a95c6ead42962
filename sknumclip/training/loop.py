"""train(): all epochs, with checkpoints, early stopping, interruption and lack of memory."""

import contextlib
import copy
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from skorch.callbacks import Callback, EarlyStopping, EpochScoring, LRScheduler
from skorch.helper import predefined_split

from .._warnings import warn_user
from ..machine.generator import drawing_from_torch, seed_torch
from ..machine.progress import progress_bar
from ..machine.threads import torch_threads
from .checkpoint import load_optimizer_tensors, optimizer_tensors, read_checkpoint, write_checkpoint
from .divergence import check_weights
from .estimate import TimeEstimate
from .net import NumCLIPNet, draws_from_torch, epochs_of, snapshot

__all__ = ["LR_SCHEDULES", "Schedule", "check_callbacks", "train"]

LR_SCHEDULES = {
    "cosine": lambda epoch, max_epochs: (1 + math.cos(math.pi * epoch / max_epochs)) / 2,
    "constant": None,  # callbacks may change the learning rates
}


# Parameters of the image tower. For one with 150,000, the model in the package, a second thread
# gains nothing; for one with 2.7 million, it saves 40 %.
SMALL = 1_000_000


class _ProgressBar(Callback):
    def on_train_begin(self, net, **kwargs):
        self.bar = progress_bar(
            net.max_epochs, "epoch", initial=len(net.history), leave=True, desc="training"
        )

    def on_epoch_end(self, net, **kwargs):
        last = net.history[-1]
        shown = [name for name in last if name.endswith("_mae")]
        self.bar.set_postfix({name: f"{last[name]:.3g}" for name in shown}, refresh=False)
        self.bar.update()

    def on_train_end(self, net, **kwargs):
        self.bar.close()


class _Watch(Callback):
    """Notify scikit-learn's callbacks of each epoch, before other callbacks can end training."""

    def __init__(self, tasks):
        self.tasks = tasks
        self.stop = False

    def on_epoch_begin(self, net, **kwargs):
        if self.stop:
            raise KeyboardInterrupt  # skorch then ends training
        self.tasks.begin_epoch(lambda: snapshot(net))

    def on_epoch_end(self, net, **kwargs):
        self.stop = self.tasks.end_epoch(lambda: snapshot(net))


class _Checkpoint(Callback):
    """Save and restore the state that the next epoch depends on.

    The order of batches, the views and dropout follow from seed and epoch, so the state of random
    number generators is not needed.
    """

    def __init__(self, file):
        self.file = file

    def on_epoch_end(self, net, **kwargs):
        stopper = _early_stopping(net)
        best = getattr(stopper, "best_model_weights_", None) or {}
        module = net.module_.trained_state()
        check_weights(module, net)
        if not net.processes.is_main:
            return
        write_checkpoint(
            self.file,
            {
                **{f"module.{name}": tensor for name, tensor in module.items()},
                **{f"best.{name}": best[name] for name in module if best},
                **optimizer_tensors(net.optimizer_),
            },
            {
                "history": epochs_of(net),
                "stopper": {
                    name: getattr(stopper, name)
                    for name in ("misses_", "dynamic_threshold_", "best_epoch_")
                    if stopper is not None
                },
            },
        )

    def resume(self, net):
        """Continue a killed fit, if there is one."""
        saved = net.processes.from_main(
            lambda: read_checkpoint(self.file) if self.file.exists() else None
        )
        if saved is None:
            return
        tensors, state = saved
        net.module_.load_trained_state(_with_prefix(tensors, "module."))
        load_optimizer_tensors(net.optimizer_, tensors)
        for row in state["history"]:
            net.history.new_epoch()
            for name, value in row.items():
                net.history.record(name, value)
        self.stopper_state = state["stopper"], _with_prefix(tensors, "best.")

    def on_train_begin(self, net, **kwargs):
        # skorch's early stopping resets its state when training begins; this runs after it.
        stopper = _early_stopping(net)
        if stopper is None or not hasattr(self, "stopper_state"):
            return
        values, best = self.stopper_state
        vars(stopper).update(values)
        if best:
            stopper.best_model_weights_ = {**copy.deepcopy(net.module_.state_dict()), **best}


@dataclass(frozen=True)
class Schedule:
    """Length of training, callbacks, checkpoints and verbosity."""

    max_epochs: int
    n_iter_no_change: int
    """Number of epochs without a lower validation loss after which training ends."""
    callbacks: list | None
    """skorch callbacks of the user."""
    checkpoint_file: Path | None
    verbose: int


def check_callbacks(callbacks, lr_schedule):
    """Raise ValueError for skorch callbacks that would have no effect.

    Parameters
    ----------
    callbacks : list or None
        As in ``NumCLIPRegressor``.
    lr_schedule : str
        A key of LR_SCHEDULES.
    """
    for name, callback in _named(callbacks):
        if isinstance(callback, LRScheduler) and LR_SCHEDULES[lr_schedule] is not None:
            raise ValueError(
                f"callbacks: {name} is an LRScheduler, whose learning rates the {lr_schedule} "
                "schedule would replace. Use a subclass of the estimator with lr_schedule = "
                "'constant'."
            )
        if isinstance(callback, EpochScoring):
            raise ValueError(
                f"callbacks: {name} is an EpochScoring, which needs a skorch dataset with labels. "
                "Errors of each epoch are in history_; set early_stopping=True for those on "
                "held-out images."
            )


def train(make_module, training, validation, schedule, tasks, **net_options):
    """Train a module.

    Parameters
    ----------
    make_module : callable
        Makes the :class:`~sknumclip.model.modules.NumCLIPModule`.
    training : Samples
    validation : Samples or None
        For early stopping.
    schedule : Schedule
    tasks : FitTasks
        Notifies scikit-learn's callbacks.
    **net_options
        Options of :class:`NumCLIPNet`.

    Returns
    -------
    NumCLIPNet
        Trained, still on its device; see :func:`~sknumclip.training.net.detach_for_prediction`.
    """
    used = [("watch", _Watch(tasks))]
    used += [(name, copy.deepcopy(callback)) for name, callback in _named(schedule.callbacks)]
    processes = net_options["processes"]
    if schedule.verbose and schedule.max_epochs and processes.is_main:
        used.append(("progress_bar", _ProgressBar()))
        batch_size = net_options["batch_size"] * processes.n
        n_steps = math.ceil(len(training) / batch_size)
        used.append(("estimate", TimeEstimate(n_steps, always=schedule.verbose > 1)))
    if validation is not None and schedule.max_epochs:
        used.append(
            (
                "early_stopping",
                EarlyStopping("valid_mae", schedule.n_iter_no_change, load_best=True),
            )
        )
    if schedule.checkpoint_file is not None:
        used.append(("checkpoint", _Checkpoint(schedule.checkpoint_file)))
    net = NumCLIPNet(
        make_module,
        max_epochs=schedule.max_epochs,
        callbacks=used,
        train_split=None if validation is None else predefined_split(validation),
        verbose=0,
        callbacks__train_loss=None,
        callbacks__valid_loss=None,
        callbacks__print_log=None,
        **net_options,
    )
    with drawing_from_torch(net.device):  # custom modules may have layers that draw
        seed_torch(net.seed, net.device)
        net.initialize()
    with contextlib.ExitStack() as stack:
        if draws_from_torch(net.module_):
            stack.enter_context(drawing_from_torch(net.device))
        if torch.device(net.device).type == "cpu" and _has_small_steps(net.module_):
            stack.enter_context(torch_threads(1))
        if schedule.checkpoint_file is not None:
            dict(net.callbacks_)["checkpoint"].resume(net)
        try:
            net.partial_fit(training, epochs=max(0, schedule.max_epochs - len(net.history)))
            out_of_memory = None
        except torch.OutOfMemoryError as error:
            if processes.n > 1:
                raise  # the other processes wait for this one, so no batch size can be tried
            out_of_memory = str(error)  # the error object would keep memory in use
        if out_of_memory is not None:
            _raise_out_of_memory(net, training, out_of_memory)
    check_weights(net.module_.trained_state(), net)
    _warn_if_interrupted(net)
    return net


def _raise_out_of_memory(net, samples, reason):
    fitting = _batch_size_that_fits(net, samples)
    advice = (
        f"batch_size={fitting} fits: use it, with accumulate_steps="
        f"{net.accumulate_steps * (net.batch_size // fitting)} to "
        "add up the gradients of as many images as before, or keep batch_size and use "
        "grad_checkpointing=True, which takes less memory per image."
        if fitting
        else "Not even one image fits: use grad_checkpointing=True, train fewer blocks, as in "
        "fine_tune=2, or choose a smaller model_name."
    )
    raise torch.OutOfMemoryError(
        f"Training ran out of memory on {net.device} with batch_size={net.batch_size}. {advice} "
        f"({reason})"
    )


def _batch_size_that_fits(net, samples):
    """Halve the batch until a whole step fits; 0 if none does. The module is unusable after."""
    size = min(net.batch_size, len(samples)) // 2
    net.step_graph = None
    while size:
        net.optimizer_.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        net._n_steps_left = 1  # include the memory of Adam's step
        batches = samples.batches(np.arange(size), size, net.device, torch.Generator())
        try:
            net.train_step(next(batches))
        except torch.OutOfMemoryError:
            size //= 2
        else:
            break
    return size


def _warn_if_interrupted(net):
    """Warn if Ctrl-C ended training; the estimator keeps what it has learned."""
    if net.history and "train_loss" not in net.history[-1]:
        net.history.pop()
    stopped_early = dict(net.callbacks_)["watch"].stop or any(
        isinstance(callback, EarlyStopping) and callback.misses_ >= callback.patience
        for _, callback in net.callbacks_
    )
    if len(net.history) < net.max_epochs and not stopped_early:
        warn_user(
            f"Training was interrupted after {len(net.history)} of {net.max_epochs} epochs. The "
            "estimator can be used; to continue from here, fit again with warm_start=True.",
        )


def _with_prefix(tensors, prefix):
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _named(callbacks):
    return [
        callback if isinstance(callback, tuple) else (f"user_{i}", callback)
        for i, callback in enumerate(callbacks or [])
    ]


def _early_stopping(net):
    return dict(net.callbacks_).get("early_stopping")


def _has_small_steps(module):
    """Whether a step is so small that threads would wait for each other more than compute."""
    return module.is_frozen or sum(p.numel() for p in module.encoder.parameters()) < SMALL

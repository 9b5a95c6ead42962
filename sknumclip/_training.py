"""The training loop. The only module that imports skorch."""

import contextlib
import copy
import math
import warnings

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping
from skorch.helper import predefined_split
from skorch.history import History
from tqdm.auto import tqdm

from ._processes import ONE_PROCESS
from .checkpoint import (
    load_optimizer_tensors,
    optimizer_tensors,
    read_checkpoint,
    write_checkpoint,
)
from .divergence import check_losses, check_weights
from .losses import regression_loss

__all__ = ["epochs_of", "release", "restore_net", "snapshot", "train"]

LR_SCHEDULES = {
    "cosine": lambda epoch, max_epochs: (1 + math.cos(math.pi * epoch / max_epochs)) / 2,
    "constant": None,  # rates are left to the optimizer, and to callbacks that change them
}

_LOSSES = ("loss", "ranking_loss", "l1_loss")


class _Batches:
    """Re-iterable batches. Order and views depend on the seed and the epoch alone."""

    def __init__(self, net, samples, training):
        self.net, self.samples, self.training = net, samples, training

    def __len__(self):
        """Return the number of batches."""
        return math.ceil(len(self.samples) / (self.net.batch_size * self.net.processes.n))

    def __iter__(self):
        generator = torch.Generator().manual_seed(self._epoch_seed())
        net = self.net
        yield from self.samples.batches(
            self._order(), net.batch_size, net.device, generator, net.processes
        )

    def _epoch_seed(self):
        return self.net.seed + len(self.net.history)

    def _order(self):
        if not self.training:
            return np.arange(len(self.samples))
        return np.random.default_rng(self._epoch_seed()).permutation(len(self.samples))


class NumCLIPNet(NeuralNet):
    """skorch's net with two losses, one of logits and one of predictions.

    Parameters
    ----------
    module : callable
        Makes the module.
    ranking_loss : callable
        Called as the values of ``RANKING_LOSSES`` are, but without options of their own.
    l1_weight : float
        Factor of the absolute error, which is recorded even if it is 0.
    label_range : float
        Width of all bins together.
    param_groups : dict of str to float
        Learning rate by the first part of the parameter's name.
    seed : int
    lr_factor : callable or None
        From the epoch, counted from 0, and `max_epochs` to the factor on all learning rates.
    accumulate_steps : int, default=1
    processes : Processes, default=ONE_PROCESS
    gather_batches : bool, default=True
        Whether the ranking loss compares the images of all processes, or only of each.
    """

    def __init__(
        self,
        module,
        *,
        ranking_loss,
        l1_weight,
        label_range,
        param_groups,
        seed,
        lr_factor,
        accumulate_steps=1,
        processes=ONE_PROCESS,
        gather_batches=True,
        **kwargs,
    ):
        self.ranking_loss = ranking_loss
        self.l1_weight = l1_weight
        self.label_range = label_range
        self.param_groups = param_groups
        self.seed = seed
        self.lr_factor = lr_factor
        self.accumulate_steps = accumulate_steps
        self.processes = processes
        self.gather_batches = gather_batches
        super().__init__(module, criterion=torch.nn.Identity, **kwargs)

    def initialize_module(self):
        """Make the module from the factory."""
        self.module_ = self.module()
        return self

    def initialize_optimizer(self, triggered_directly=None):
        """Adam, with a learning rate for each part of the module."""
        groups = [
            {"params": parameters, "lr": lr, "base_lr": lr}
            for name, lr in self.param_groups.items()
            if (parameters := list(_trainable(getattr(self.module_, name))))
        ]
        fused = torch.device(self.device).type in ("cpu", "cuda")
        self.optimizer_ = torch.optim.Adam(groups, fused=fused)
        # With hooks that average gradients. skorch, checkpoints and callbacks see the bare module.
        accelerator = self.processes.accelerator
        wrapped = self.module_ if accelerator is None else accelerator.prepare(self.module_)
        vars(self)["parallel_module"] = wrapped  # skorch would take it for one more module
        return self

    def get_iterator(self, dataset, training=False):
        """Cut samples into batches."""
        return _Batches(self, dataset, training)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """As skorch does it, but losses leave the device once an epoch, not once a batch."""
        if iterator is None:
            return
        losses, sizes = [], []
        if training:
            _seed_dropout(self.seed + len(self.history), self.device)
            self._set_learning_rates()
            self._n_steps_left = len(iterator)
        self._set_training(training)  # once, as it visits every part of the tower
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            losses.append(step["losses"])
            sizes.append(len(batch[1]))
            self.notify("on_batch_end", batch=batch, training=training, **step)
        losses = self.processes.mean(torch.stack(losses)).cpu().double().numpy()
        check_losses(losses, iterator.samples.inputs, self, training=training)
        means = np.average(losses, axis=0, weights=sizes)
        for name, value in zip(_LOSSES, means.tolist(), strict=True):
            self.history.record(f"{prefix}_{name}", value)

    def _set_learning_rates(self):
        if self.lr_factor is not None:
            factor = self.lr_factor(len(self.history) - 1, self.max_epochs)
            for group in self.optimizer_.param_groups:
                group["lr"] = group["base_lr"] * factor

    def train_step(self, batch, **fit_params):
        """Compute gradients, and step every `accumulate_steps` batches and at the epoch's end."""
        inputs, targets = batch
        self._n_steps_left -= 1
        is_step = self._n_steps_left % self.accumulate_steps == 0
        with self._gradients_averaged(is_step):
            output = self.parallel_module(inputs)
            losses = self.losses(output, targets)
            # Each process knows the loss of all and the gradients of its own images. Their sum is
            # wanted, but the hooks take the mean.
            (losses[0] * (self.processes.n / self.accumulate_steps)).backward()
        if is_step:
            self.notify(
                "on_grad_computed", named_parameters=self.module_.named_parameters(), batch=batch
            )
            self.optimizer_.step()
            self.optimizer_.zero_grad(set_to_none=True)
        losses = losses.detach()
        return {"loss": losses[0], "losses": losses, "y_pred": output.y_pred.detach()}

    def _gradients_averaged(self, is_step):
        if is_step or self.processes.n == 1:
            return contextlib.nullcontext()
        return self.processes.accelerator.no_sync(self.parallel_module)  # gradients only add up

    def validation_step(self, batch, **fit_params):
        """Compute the losses without gradients."""
        inputs, targets = batch
        with torch.no_grad():
            output = self.module_(inputs)
            losses = self.losses(output, targets)
        return {"loss": losses[0], "losses": losses, "y_pred": output.y_pred}

    def losses(self, output, targets):
        """Return the total, the ranking loss and L1 (Section 3.5), Tensor of shape (3,).

        `targets` are those of all processes, and so are the losses.
        """
        rows = torch.cat([output.y_pred[:, None], output.logits], dim=1)
        rows = self.processes.all_rows(rows, len(targets))
        y_pred, logits = rows[:, 0], rows[:, 1:]
        n_parts = 1 if self.gather_batches else min(self.processes.n, len(targets))
        ranking = sum(
            self._ranking_loss_of(logits[part::n_parts], targets[part::n_parts], len(targets))
            for part in range(n_parts)
        )
        l1 = regression_loss(
            y_pred, targets.y, label_range=self.label_range, sample_weight=targets.weight
        )
        return torch.stack([ranking + self.l1_weight * l1, ranking, l1])

    def _ranking_loss_of(self, logits, targets, n_all):
        share = len(targets) / n_all
        return share * self.ranking_loss(
            logits,
            targets.bin_index,
            targets.y,
            label_range=self.label_range,
            sample_weight=targets.weight,
            bins_are_ranges=True,
        )


class _ProgressBar(Callback):
    def on_train_begin(self, net, **kwargs):
        self.bar = tqdm(total=net.max_epochs, initial=len(net.history), unit="epoch")

    def on_epoch_end(self, net, **kwargs):
        last = net.history[-1]
        shown = [name for name in last if name.endswith("_loss") and name.count("_") > 1]
        self.bar.set_postfix({name.removesuffix("_loss"): f"{last[name]:.3f}" for name in shown})
        self.bar.update()

    def on_train_end(self, net, **kwargs):
        self.bar.close()


class _Watch(Callback):
    """Tell scikit-learn's callbacks of each epoch, before other callbacks can end training."""

    def __init__(self, tasks, fitted_attributes):
        self.tasks = tasks
        self.fitted_attributes = fitted_attributes
        self.stop = False

    def on_epoch_begin(self, net, **kwargs):
        if self.stop:
            raise KeyboardInterrupt  # which skorch takes as the end of training
        self.tasks.begin_epoch(lambda: self.fitted_attributes(snapshot(net)))

    def on_epoch_end(self, net, **kwargs):
        self.stop = self.tasks.end_epoch(lambda: self.fitted_attributes(snapshot(net)))


class _Checkpoint(Callback):
    """Write all that the next epoch depends on, and read it back.

    Order of batches, views and dropout follow from seed and epoch, so no state of a random number
    generator is needed.
    """

    def __init__(self, file):
        self.file = file

    def on_epoch_end(self, net, **kwargs):
        if not net.processes.is_main:
            return
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
        # skorch's early stopping forgets everything when training begins; this runs after it.
        stopper = _early_stopping(net)
        if stopper is None or not hasattr(self, "stopper_state"):
            return
        values, best = self.stopper_state
        vars(stopper).update(values)
        if best:
            stopper.best_model_weights_ = {**copy.deepcopy(net.module_.state_dict()), **best}


def train(
    make_module,
    training,
    validation,
    *,
    max_epochs,
    n_iter_no_change,
    callbacks,
    checkpoint_file,
    tasks,
    fitted_attributes,
    verbose,
    **net_options,
):
    """Train a module.

    Parameters
    ----------
    make_module : callable
        Makes the :class:`~sknumclip.modules.NumCLIPModule`.
    training : Samples
    validation : Samples or None
        For early stopping.
    max_epochs, n_iter_no_change : int
    callbacks : list of skorch callbacks or None
    checkpoint_file : Path or None
    tasks : FitTasks
        Hears of each epoch.
    fitted_attributes : callable
        From a net as :func:`snapshot` makes them to what `tasks` passes on.
    verbose : int
    **net_options
        Of :class:`NumCLIPNet`.

    Returns
    -------
    NumCLIPNet
        Trained, and still on its device; see :func:`release`.
    """
    used = [("watch", _Watch(tasks, fitted_attributes))]
    used += [_named(copy.deepcopy(callback), i) for i, callback in enumerate(callbacks or [])]
    processes = net_options["processes"]
    if verbose and max_epochs and processes.is_main:
        used.append(("progress_bar", _ProgressBar()))
    if validation is not None and max_epochs:
        used.append(
            (
                "early_stopping",
                EarlyStopping("valid_l1_loss", n_iter_no_change, load_best=True),
            )
        )
    if checkpoint_file is not None:
        used.append(("checkpoint", _Checkpoint(checkpoint_file)))
    net = NumCLIPNet(
        make_module,
        max_epochs=max_epochs,
        callbacks=used,
        train_split=None if validation is None else predefined_split(validation),
        verbose=0,
        callbacks__train_loss=None,
        callbacks__valid_loss=None,
        callbacks__print_log=None,
        **net_options,
    )
    with torch.random.fork_rng(devices=_cuda_devices(net.device)):
        torch.manual_seed(net.seed)
        net.initialize()
        if checkpoint_file is not None:
            dict(net.callbacks_)["checkpoint"].resume(net)
        try:
            net.partial_fit(training, epochs=max(0, max_epochs - len(net.history)))
            out_of_memory = None
        except torch.OutOfMemoryError as error:
            if processes.n > 1:
                raise  # the others wait for this one, so nothing can be tried out
            out_of_memory = str(error)  # the error itself holds on to the memory
        if out_of_memory is not None:
            _raise_out_of_memory(net, training, out_of_memory)
    check_weights(net.module_.trained_state(), net)
    _warn_if_interrupted(net)
    return net


def _raise_out_of_memory(net, samples, reason):
    fitting = _batch_size_that_fits(net, samples)
    advice = (
        f"batch_size={fitting} fits: use it, with accumulate_steps={net.batch_size // fitting} to "
        "step on the gradients of as many images as before, or keep batch_size and use "
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
    """Halve the batch until a whole step fits; 0 if none does. The module is not used after."""
    size = min(net.batch_size, len(samples)) // 2
    while size:
        net.optimizer_.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        net._n_steps_left = 1  # so that Adam's memory counts too
        batches = samples.batches(np.arange(size), size, net.device, torch.Generator())
        try:
            net.train_step(next(batches))
        except torch.OutOfMemoryError:
            size //= 2
        else:
            break
    return size


def _warn_if_interrupted(net):
    """Ctrl-C ends training as early stopping does: quietly, with what has been learned."""
    if net.history and "train_loss" not in net.history[-1]:
        net.history.pop()
    stopped_early = dict(net.callbacks_)["watch"].stop or any(
        isinstance(callback, EarlyStopping) and callback.misses_ >= callback.patience
        for _, callback in net.callbacks_
    )
    if len(net.history) < net.max_epochs and not stopped_early:
        warnings.warn(
            f"Training was interrupted after {len(net.history)} of {net.max_epochs} epochs. The "
            "estimator is usable as it is; warm_start=True goes on from here.",
            stacklevel=7,
        )


def release(net):
    """Keep what predictions need: the module, unwrapped, on the CPU, and the history."""
    module = net.module_
    history = copy.copy(net.history)
    accelerator = net.processes.accelerator
    net.parallel_module = net.lr_factor = net.ranking_loss = None
    net.processes = ONE_PROCESS
    if accelerator is not None:
        accelerator.free_memory()  # or it would keep all that it ever prepared
    net.trim_for_prediction()  # clears the history too
    net.history = history
    net.module = type(module)
    net.module_ = module.cpu().eval()
    net.device = "cpu"
    return net


def snapshot(net):
    """Copy a net in training, the way :func:`release` would leave it."""
    # Prompts let go of their text tower when they are finished, so it need not be copied.
    tower = getattr(getattr(net.module_, "prompts", None), "tower", None)
    module = copy.deepcopy(net.module_, {id(tower): tower})
    return restore_net(module.eval(), epochs_of(net))


def restore_net(module, history):
    """Wrap a loaded module the way :func:`train` and :func:`release` leave it.

    Parameters
    ----------
    module : NumCLIPModule
    history : list of dict
        One per epoch, from :func:`epochs_of`.

    Returns
    -------
    NumCLIPNet
    """
    names = ("ranking_loss", "l1_weight", "label_range", "param_groups", "seed", "lr_factor")
    net = NumCLIPNet(type(module), **dict.fromkeys(names))
    with net._current_init_context("module"):
        net.module_ = module
    net.history = History({"batches": [], **row} for row in history)
    net.initialized_ = True
    return net


def epochs_of(net):
    """Return the history of a net, list of dict of numbers, one per epoch."""
    return [{k: v for k, v in row.items() if k != "batches"} for row in net.history]


def _trainable(module):
    return (parameter for parameter in module.parameters() if parameter.requires_grad)


def _with_prefix(tensors, prefix):
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _seed_dropout(seed, device):
    """As torch.manual_seed does, which takes a millisecond to look for devices not in use."""
    torch.default_generator.manual_seed(seed)
    if torch.device(device).type == "cuda":
        torch.cuda.manual_seed(seed)


def _named(callback, i):
    return callback if isinstance(callback, tuple) else (f"user_{i}", callback)


def _early_stopping(net):
    return dict(net.callbacks_).get("early_stopping")


def _cuda_devices(device):
    return [torch.device(device)] if torch.device(device).type == "cuda" else []

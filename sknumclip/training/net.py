"""NumCLIPNet: one epoch, one step, its losses; on skorch's NeuralNet, in one process or more."""

import contextlib
import copy
import math

import numpy as np
import torch
from skorch import NeuralNet
from skorch.history import History

from ..losses.functions import regression_loss
from ..machine.cuda_graph import StepGraph
from ..machine.device import autocast
from ..machine.generator import seed_torch
from ..machine.processes import ONE_PROCESS
from .divergence import check_losses
from .targets import Targets

__all__ = ["NumCLIPNet", "detach_for_prediction", "epochs_of", "restore_net", "snapshot"]


class _Batches:
    """Re-iterable batches. Order and views depend only on the seed and the epoch."""

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
    """skorch's net with two losses, one of the logits and one of the predictions.

    Parameters
    ----------
    module : callable
        Makes the module.
    ranking_loss : callable
        Called like the values of ``RANKING_LOSSES``, but without options.
    l1_weight : float
        Factor of the absolute error, which is recorded even if this is 0.
    label_range : float
        Total width of all bins, in the unit of the label.
    param_groups : dict of str to float
        Learning rate by the first part of the parameter's name.
    seed : int
    lr_factor : callable or None
        Takes the epoch, counted from 0, and `max_epochs`; returns the factor on all learning
        rates.
    accumulate_steps : int, default=1
    processes : Processes, default=ONE_PROCESS
    gather_batches : bool, default=True
        Whether the ranking loss compares the images of all processes, or only of each one.
    graph_steps : bool, default=False
        Whether steps may run as a CUDA graph on a GPU: nothing outside the module may change
        what they do, and every batch must be a step.
    loss_name : {"ranking_loss", "class_loss"}, default="ranking_loss"
        Name in the history for the loss of the logits.
    autocast_dtype : torch.dtype or None, default=None
        Precision of the towers; None is float32.
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
        graph_steps=False,
        loss_name="ranking_loss",
        autocast_dtype=None,
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
        self.graph_steps = graph_steps
        self.loss_name = loss_name
        self.autocast_dtype = autocast_dtype
        super().__init__(module, criterion=torch.nn.Identity, **kwargs)

    def initialize_module(self):
        """Make the module from the factory."""
        self.module_ = self.module()
        return self

    def initialize_optimizer(self, triggered_directly=None):
        """Make Adam, with a learning rate for each part of the module."""
        groups = [
            {"params": parameters, "lr": lr, "base_lr": lr}
            for name, lr in self.param_groups.items()
            if (parameters := list(_trainable(getattr(self.module_, name))))
        ]
        fused = torch.device(self.device).type in ("cpu", "cuda")
        self.optimizer_ = torch.optim.Adam(groups, fused=fused)
        # The wrapper averages gradients; skorch, checkpoints and callbacks use the bare module.
        accelerator = self.processes.accelerator
        wrapped = self.module_ if accelerator is None else accelerator.prepare(self.module_)
        vars(self)["parallel_module"] = wrapped  # as an attribute, skorch would add it as a module
        self.step_graph = None
        if self.graph_steps and torch.device(self.device).type == "cuda":
            self.step_graph = StepGraph(self._compute_gradients, self.module_.parameters())
        return self

    def get_iterator(self, dataset, training=False):
        """Return the batches of `dataset`."""
        return _Batches(self, dataset, training)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run an epoch like skorch, but fetch losses from the device once per epoch."""
        if iterator is None:
            return
        losses, sizes = [], []
        if training:
            if draws_from_torch(self.module_):
                seed_torch(self.seed + len(self.history), self.device)
            self._set_learning_rates()
            self._n_steps_left = len(iterator)
        self._set_training(training)  # once per epoch, since it visits every part of the tower
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            losses.append(step["losses"])
            sizes.append(len(batch[1]))
            self.notify("on_batch_end", batch=batch, training=training, **step)
        losses = self.processes.mean(torch.stack(losses)).cpu().double().numpy()
        check_losses(losses, iterator.samples.inputs, self, training=training)
        means = np.average(losses, axis=0, weights=sizes)
        names = ("loss", self.loss_name, "l1_loss", "mae")
        values = [*means.tolist(), means[2] * self.label_range / 100]  # in the unit of the label
        for name, value in zip(names, values, strict=True):
            self.history.record(f"{prefix}_{name}", value)

    def _set_learning_rates(self):
        if self.lr_factor is not None:
            factor = self.lr_factor(len(self.history) - 1, self.max_epochs)
            for group in self.optimizer_.param_groups:
                group["lr"] = group["base_lr"] * factor

    def train_step(self, batch, **fit_params):
        """Compute gradients; step every `accumulate_steps` batches and at the end of the epoch."""
        inputs, targets = batch
        self._n_steps_left -= 1
        is_step = self._n_steps_left % self.accumulate_steps == 0
        compute = self.step_graph or self._compute_gradients
        with self._gradients_averaged(is_step):
            losses, y_pred = compute(inputs, targets.y, targets.bin_index, targets.weight)
        if is_step:
            self.notify(
                "on_grad_computed", named_parameters=self.module_.named_parameters(), batch=batch
            )
            self.optimizer_.step()
            self.optimizer_.zero_grad(set_to_none=True)
        return {"loss": losses[0], "losses": losses, "y_pred": y_pred}

    def _compute_gradients(self, inputs, y, bin_index, weight):
        """Add gradients to the parameters; return the three losses and the predictions."""
        with autocast(torch.device(self.device), self.autocast_dtype):
            output = self.parallel_module(inputs)
        losses = self.losses(output, Targets(y, bin_index, weight))
        # Each process has the loss of all images but the gradients of its own. We need the sum,
        # but the wrapper computes the mean.
        (losses[0] * (self.processes.n / self.accumulate_steps)).backward()
        return losses.detach(), output.y_pred.detach()

    def _gradients_averaged(self, is_step):
        if is_step or self.processes.n == 1:
            return contextlib.nullcontext()
        return self.processes.accelerator.no_sync(self.parallel_module)  # only add up gradients

    def validation_step(self, batch, **fit_params):
        """Compute the losses without gradients."""
        inputs, targets = batch
        with torch.no_grad():
            with autocast(torch.device(self.device), self.autocast_dtype):
                output = self.module_(inputs)
            losses = self.losses(output, targets)
        return {"loss": losses[0], "losses": losses, "y_pred": output.y_pred}

    def losses(self, output, targets):
        """Return the total, ranking and L1 loss (Section 3.5), Tensor of shape (3,).

        Both `targets` and the losses are those of all processes.
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


def detach_for_prediction(net):
    """Reduce a net to what predictions need: the bare module on the CPU, and the history."""
    module = net.module_
    history = copy.copy(net.history)
    accelerator = net.processes.accelerator
    net.parallel_module = net.lr_factor = net.ranking_loss = net.step_graph = None
    net.processes = ONE_PROCESS
    if accelerator is not None:
        accelerator.free_memory()  # else it keeps references to everything it prepared
    net.trim_for_prediction()  # clears the history, too
    net.history = history
    net.module = type(module)
    net.module_ = module.cpu().eval()
    net.device = "cpu"
    return net


def snapshot(net):
    """Copy a net during training, in the state after :func:`detach_for_prediction`."""
    # Prompts drop their text tower when finished, and a frozen image tower is shared.
    shared = (
        getattr(getattr(net.module_, "prompts", None), "tower", None),
        net.module_.encoder.image_encoder if net.module_.is_frozen else None,
    )
    module = copy.deepcopy(net.module_, {id(part): part for part in shared})
    return restore_net(module.eval(), epochs_of(net))


def restore_net(module, history):
    """Wrap a loaded module in a net, in the state after :func:`detach_for_prediction`.

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
    """Return the history of a net, a list with one dict of numbers per epoch."""
    return [{k: v for k, v in row.items() if k != "batches"} for row in net.history]


def draws_from_torch(module):
    """Whether training the module draws from torch's global generator, as dropout does."""
    names = ("p", "prob", "drop_prob", "dropout", "attention_dropout")
    rates = (getattr(part, name, 0) for part in module.modules() for name in names)
    return any(isinstance(rate, float) and rate > 0 for rate in rates)


def _trainable(part):
    parameters = [part] if isinstance(part, torch.nn.Parameter) else part.parameters()
    return (parameter for parameter in parameters if parameter.requires_grad)

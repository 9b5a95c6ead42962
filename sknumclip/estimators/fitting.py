"""FitMixin: the steps of fit (check, prepare, train, keep)."""

from __future__ import annotations

import copy
import hashlib
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from .._warnings import warn_user
from ..bins import LinguisticBins
from ..clip.backbone import Backbone, absolute_name, load_backbone
from ..images.features import Features
from ..images.reading import Images
from ..machine.device import resolve_autocast_dtype
from ..machine.processes import Processes
from ..machine.settings import own_settings
from ..model.modules import FeatureEncoder, ImageEncoder
from ..training.batches import Samples
from ..training.callbacks import FitTasks, shows_progress, with_callbacks
from ..training.loop import LR_SCHEDULES, Schedule, train
from ..training.net import detach_for_prediction, epochs_of
from ..training.targets import Targets
from .augmenting import check_augment
from .checkpoint_name import checkpoint_file
from .checks import check_y_and_weight, warn_if_in_one_bin
from .inputs import unchanged_on_failure
from .plan import plan_of

__all__ = ["FitMixin", "Prepared", "fitted_attributes"]


@dataclass(frozen=True)
class Checked:
    """The validated inputs of a fit, before any image is read."""

    X: Images | Features
    y: np.ndarray
    weight: np.ndarray
    classes: np.ndarray | None
    """The classes that the numbers are ranks of; None for a regressor."""
    bins: LinguisticBins
    bin_index: np.ndarray
    device: torch.device
    processes: Processes
    backbone: Backbone
    tower: torch.nn.Module | None
    """The image tower to train; None if it stays frozen."""
    continued: torch.nn.Module | None
    """The module of the last fit, for warm_start."""
    seed: int
    ranking_loss: Any
    checkpoint_file: Path | None


@dataclass(frozen=True)
class Prepared:
    """The data that a net is trained on."""

    inputs: Any
    """CanvasStore, or Tensor of features of shape (n, n_features)."""
    training: Samples
    validation: Samples | None
    failures: dict[int, str]
    """The reason for each image that was left out, by index."""
    start: torch.nn.Module | None = None
    """The solved module from which fine-tuning starts."""
    is_new_to_clip: bool = False
    """Whether the solved fit found that embeddings tell the label, but words do not."""


def fitted_attributes(net, bins, backbone):
    """Return the fitted attributes, as a dict by name.

    Parameters
    ----------
    net : NumCLIPNet
        Released, with a finished module.
    bins : LinguisticBins
    backbone : dict
        Name, weights and fingerprint of the CLIP model.
    """
    return {
        "net_": net,
        "bins_": bins,
        "history_": pd.DataFrame(epochs_of(net)),
        "n_iter_": len(net.history),
        "backbone_": backbone,
        "fitted_": True,  # some libraries look for any attribute that ends in _
    }


class FitMixin:
    """The steps of fit; see :class:`~sknumclip.estimators.base.BaseCLIPEstimator`."""

    def _fit(self, X, y, sample_weight):
        with own_settings(), unchanged_on_failure(self):
            return self._fit_with_callbacks(X, y, sample_weight)

    @with_callbacks
    def _fit_with_callbacks(self, X, y, sample_weight):
        self._validate_params()
        tasks = FitTasks(self, X, y, sample_weight)
        checked = self._check(X, y, sample_weight)
        if self.verbose > 1 and checked.processes.is_main:
            print(plan_of(self, checked))
        prepared = self._prepare(checked)
        tasks.leave_out(checked.X, prepared.failures)
        tasks.attributes_of = partial(self._fitted_attributes, checked)
        net = self._train(checked, prepared, tasks)
        self._keep(checked, prepared, net)
        tasks.end()
        return self

    # ----------------------------------------------------------------------------------- check

    def _check(self, X, y, sample_weight):
        """Check everything that can be checked before images are read."""
        self._check_callbacks()
        processes = Processes(self.accelerator)
        X = self._check_X(X, reset=True)
        y, classes = self._as_numbers(y)
        y, weight = check_y_and_weight(X, y, sample_weight)
        processes.check_same(hashlib.sha256(y.tobytes() + weight.tobytes()).digest(), "Labels")
        bins = self._resolve_bins(y[weight > 0], weight[weight > 0], classes)
        # Samples of weight 0 are left out, so their labels need not be valid.
        bin_index = np.zeros(len(y), dtype=np.int64)
        bin_index[weight > 0] = bins.assign(y[weight > 0])
        warn_if_in_one_bin(y[weight > 0], bin_index[weight > 0], bins)
        device = self._resolve_device()
        with processes.main_first():
            backbone = load_backbone(self.model_name, self.pretrained)
        self._check_prompts(backbone, bins)
        if callable(self.augment):
            check_augment(self, backbone.preprocessing)
        tower = None if self.fine_tune == "none" else self._trainable_tower(backbone)
        continued = self.net_.module_ if self._continues() else None
        seed = processes.from_main(self._draw_seed)
        checkpoint_file = processes.from_main(
            lambda: self._checkpoint_file(X, y, weight, bins, backbone, seed, continued)
        )
        self._check_split(np.count_nonzero(weight))
        return Checked(
            X=X,
            y=y,
            weight=weight,
            classes=classes,
            bins=bins,
            bin_index=bin_index,
            device=device,
            processes=processes,
            backbone=backbone,
            tower=tower,
            continued=continued,
            seed=seed,
            ranking_loss=self._ranking_loss(backbone, bins),
            checkpoint_file=checkpoint_file,
        )

    def _as_numbers(self, y):
        """Convert labels to numbers; return them and their classes, if any."""
        return y, None

    def _check_prompts(self, backbone, bins):
        """Raise ValueError for prompts that the text tower cannot read."""

    def _check_split(self, n_samples):
        n_valid = math.ceil(self.validation_fraction * n_samples)  # as train_test_split does
        if self._stops_early and n_samples - n_valid < 2:
            raise ValueError(
                f"validation_fraction={self.validation_fraction} leaves {n_samples - n_valid} of "
                f"{n_samples} samples for training. Use a smaller one, or early_stopping=False."
            )

    @property
    def _n_epochs(self):
        return self.max_epochs

    @property
    def _stops_early(self):
        return self.early_stopping

    def _continues(self):
        return self.warm_start and self.__sklearn_is_fitted__()

    def _draw_seed(self):
        if self.random_state is None and self.checkpoint is not None:
            return 0  # a resumed fit needs the same seed
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _check_X(self, X, *, reset):
        X = super()._check_X(X, reset=reset)
        trains_tower = self.fine_tune != "none" if reset else not self.net_.module_.is_frozen
        if trains_tower and not X.are_images:
            raise ValueError(
                "X is a 2-D array of features, but with a fine-tuned image tower X must be images. "
                "Use fine_tune='none' to fit on features."
            )
        return X

    def _trainable_tower(self, backbone):
        # Imported here because it takes as long as torch, and frozen towers do not need it.
        from ..clip.image_tower import checkpoint_gradients, lock_image_tower

        visual = copy.deepcopy(backbone.visual).requires_grad_(True)
        if self.fine_tune != "full":
            lock_image_tower(visual, self.fine_tune)
        if self.grad_checkpointing:
            checkpoint_gradients(visual)
        if self.compile:
            visual.compile()
        return visual

    def _checkpoint_file(self, *result_depends_on):
        return None if self.checkpoint is None else checkpoint_file(self, *result_depends_on)

    # --------------------------------------------------------------------------------- prepare

    def _prepare(self, checked):
        """Read or embed the images; return the samples to train on."""
        verbose = 0 if shows_progress(self) else self.verbose
        inputs, failures = self._prepare_inputs(checked.X, checked.backbone, verbose)
        kept = np.setdiff1d(np.flatnonzero(checked.weight), list(failures))
        if len(kept) < 2:
            some = "".join(f": {checked.X.name(i)}: {why}" for i, why in [*failures.items()][:1])
            raise ValueError(
                "At least 2 readable images of weight above 0 are needed to fit. Got "
                f"{len(kept)} of {len(checked.y)}; {len(failures)} cannot be read{some}."
            )
        targets = Targets(
            torch.tensor(checked.y - checked.bins.edges[0], dtype=torch.float32),
            torch.from_numpy(checked.bin_index),
            torch.tensor(checked.weight / checked.weight[kept].mean(), dtype=torch.float32),
        )
        training, validation = self._split(inputs, targets, kept, checked)
        return Prepared(inputs, training, validation, failures)

    def _prepare_inputs(self, X, backbone, verbose):
        """Read every image once; return the inputs for training and the failures."""
        encoder = self._image_encoder(backbone)
        if self.fine_tune != "none":
            store = self._store(X, encoder, self.image_cache)
            processes = Processes(self.accelerator)
            shown = verbose and processes.is_main
            return store, store.read_all(self.on_error, verbose=shown, processes=processes)
        features, failures = X.embeddings(
            lambda images: self._embed(images, encoder, backbone.fingerprint, verbose)
        )
        return torch.tensor(features), failures

    def _split(self, inputs, targets, kept, checked):
        own = self.augment if callable(self.augment) else None
        cuts_views = own is not None or self.augment
        size = tuple(checked.backbone.preprocessing.size) if cuts_views else None
        how = size, own, self.augment != "crop"
        if not self._stops_early:
            return Samples(inputs, targets, kept, *how), None
        training, validation = train_test_split(
            kept, test_size=self.validation_fraction, random_state=checked.seed
        )
        return Samples(inputs, targets, training, *how), Samples(inputs, targets, validation)

    # ----------------------------------------------------------------------------------- train

    def _train(self, checked, prepared, tasks):
        """Train a net; return it reduced to what predictions need."""
        training, processes = prepared.training, checked.processes
        batch_size, lr_scale = self._batch_size(len(training), processes.n)
        per_step = batch_size * processes.n * self.accumulate_steps
        n_steps = self._n_epochs * math.ceil(len(training) / per_step)
        schedule = Schedule(
            max_epochs=self._n_epochs,
            n_iter_no_change=self.n_iter_no_change,
            callbacks=self.callbacks,
            checkpoint_file=checked.checkpoint_file,
            verbose=0 if shows_progress(self) else self.verbose,
        )
        net = train(
            partial(self._make_module, checked, prepared),
            training,
            prepared.validation,
            schedule,
            tasks,
            ranking_loss=checked.ranking_loss,
            loss_name=self._loss_name,
            l1_weight=self._l1_weight,
            label_range=checked.bins.range,
            param_groups=self._param_groups(lr_scale, checked, prepared, n_steps),
            seed=checked.seed,
            batch_size=batch_size,
            lr_factor=LR_SCHEDULES[self.lr_schedule],
            accumulate_steps=self.accumulate_steps,
            processes=processes,
            gather_batches=self.gather_batches,
            graph_steps=self._graphs_steps(processes),
            device=checked.device,
            autocast_dtype=resolve_autocast_dtype(self.precision, checked.device),
        )
        return detach_for_prediction(net)

    def _batch_size(self, n_samples, n_processes):
        """Return the batch size per process, and its factor on the learning rates."""
        if self.batch_size != "auto":
            return self.batch_size, 1.0
        if self.fine_tune != "none":
            return 32, 1.0
        # A step on features takes as long for 1000 images as for 100. With learning rates in
        # proportion, a few large batches learn as much per epoch as many batches of 256.
        batch_size = math.ceil(n_samples / math.ceil(n_samples / 1024))
        return math.ceil(batch_size / n_processes), max(1.0, batch_size / 256)

    def _param_groups(self, lr_scale, checked, prepared, n_steps):
        """Return the learning rate of each part of the module."""
        groups = self._learning_rates(checked, prepared)
        groups = {name: lr * lr_scale for name, lr in groups.items()}
        if self.fine_tune != "none":
            groups["encoder"] = self._tower_lr(prepared, n_steps)
        return groups

    def _tower_lr(self, prepared, n_steps):
        return self.lr

    def _graphs_steps(self, processes):
        """Whether all steps run the same operations, so that they can run as a CUDA graph."""
        every_batch_is_a_step = self.accumulate_steps == 1 and processes.n == 1
        loss = getattr(self, "ranking_loss", "none")
        # A custom loss might run different operations in each step.
        is_our_loss = isinstance(loss, str) or type(loss).__module__ == "sknumclip.losses"
        may_vary = self.grad_checkpointing or self.callbacks or not is_our_loss
        return every_batch_is_a_step and not may_vary

    def _make_module(self, checked, prepared):
        generator = torch.Generator().manual_seed(checked.seed)
        backbone = checked.backbone
        encoder = self._image_encoder(backbone, checked.tower)
        if checked.tower is None:
            n_features, source = prepared.inputs.shape[1], encoder if checked.X.are_images else None
            encoder = FeatureEncoder(n_features, backbone.embed_dim, generator, source)
        module = self._assemble(encoder, backbone, checked.bins, generator)
        if checked.continued is not None:
            self._continue(module, checked)
        return module

    def _image_encoder(self, backbone, tower=None):
        tower = backbone.visual if tower is None else tower
        return ImageEncoder(tower, backbone.preprocessing, self.canvas_scale, self.mirror)

    def _continue(self, module, checked):
        """Start from the fitted module, for warm_start."""
        if not checked.backbone.is_described_by(self.backbone_):
            raise ValueError(
                "warm_start=True cannot continue from the last fit: model_name="
                f"{self.model_name!r} has other weights than the model of the last fit, "
                f"{self.backbone_['model_name']!r}. Use warm_start=False, or the same model."
            )
        try:
            module.load_trained_state(checked.continued.trained_state())
        except ValueError as error:
            raise ValueError(
                f"warm_start=True cannot continue from the last fit. {error} Use warm_start=False, "
                "or the same parameters and type of X as in the last fit."
            ) from error

    # ------------------------------------------------------------------------------------ keep

    def _keep(self, checked, prepared, net):
        """Set the fitted attributes."""
        self._warn_about_skipped(checked.X, prepared.failures)
        vars(self).update(self._fitted_attributes(checked, net))

    def _fitted_attributes(self, checked, net):
        """Make a released net ready for predictions; return the fitted attributes."""
        net.module_.finish()
        backbone = {
            "model_name": absolute_name(self.model_name),
            "pretrained": checked.backbone.pretrained,
            "fingerprint": checked.backbone.fingerprint,
            "vision_config": checked.backbone.vision_config,
        }
        classes = {} if checked.classes is None else {"classes_": checked.classes}
        return {**fitted_attributes(net, checked.bins, backbone), **classes}

    def _warn_about_skipped(self, X, failures):
        self.skipped_ = {X.name(i): reason for i, reason in sorted(failures.items())}
        if failures:
            warn_user(
                f"{len(failures)} of {len(X)} images could not be read and were left out; see the "
                "skipped_ attribute.",
            )

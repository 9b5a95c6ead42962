"""What the estimators share: from X to samples, the fit skeleton, outputs in batches."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from contextlib import contextmanager
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._typing import FloatArray, ImagesOrFeatures, StrPath
from .._warnings import warn_user
from ..bins import LinguisticBins
from ..clip.backbone import load_backbone
from ..images.embeddings import embed_images
from ..machine.device import resolve_autocast_dtype
from ..machine.fingerprint import fingerprint
from ..machine.processes import Processes
from ..model.modules import FeatureEncoder, ImageEncoder
from ..training.batches import Samples
from ..training.callbacks import CallbackSupportMixin, FitTasks, shows_progress, with_callbacks
from ..training.checkpoint import open_folder
from ..training.loop import LR_SCHEDULES, train
from ..training.net import epochs_of, release
from ..training.targets import Targets
from .checks import Interval, StrOptions, check_y_and_weight
from .inputs import INPUT_CONSTRAINTS, ImageInputMixin, on_device

# What does not change the result of a fit, and so may differ when a killed one is resumed. The
# random state is there as the seed drawn from it; what callbacks do is beyond us.
_NOT_IN_CHECKPOINTS = (
    *("accelerator", "callbacks", "checkpoint", "device", "image_cache", "num_workers"),
    *("on_error", "random_state", "verbose"),
)

TRAINING_CONSTRAINTS = {
    **INPUT_CONSTRAINTS,
    "fine_tune": [StrOptions({"full", "none"}), Interval(Integral, 1, None, closed="left")],
    "max_epochs": [Interval(Integral, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "lr": [Interval(Real, 0, None, closed="left")],
    "lr_schedule": [StrOptions(set(LR_SCHEDULES))],
    "augment": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
}


@contextmanager
def _unchanged_on_failure(estimator):
    """Leave an estimator as it was if fitting it fails."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


class BaseCLIPEstimator(CallbackSupportMixin, ImageInputMixin, BaseEstimator):
    """Fit skeleton around the composed skorch net.

    Subclasses list and document parameters, and say what is compared with what: by
    ``_resolve_bins``, ``_assemble``, ``_ranking_loss``, ``_learning_rates``. Here are the values
    of parameters that a subclass does not offer.
    """

    callbacks: list[Any] | None = None
    checkpoint: StrPath | None = None
    gather_batches = True
    compile = grad_checkpointing = warm_start = False
    accumulate_steps = 1
    _l1_weight = 1.0

    # What fit sets.
    bins_: LinguisticBins
    history_: pd.DataFrame
    n_iter_: int
    net_: Any
    skipped_: dict[str, str]

    def __sklearn_is_fitted__(self):
        return hasattr(self, "net_")

    @property
    def _n_features_out(self):
        return self.net_.module_.embed_dim

    # ------------------------------------------------------------------------------------- fit

    def _fit(self, X, y, sample_weight):
        with _unchanged_on_failure(self):
            return self._check_and_train(X, y, sample_weight)

    @with_callbacks
    def _check_and_train(self, X, y, sample_weight):
        """Check all that can be checked, then read the images, then train."""
        self._validate_params()
        tasks = FitTasks(self, X, y, sample_weight)
        processes = Processes(self.accelerator)
        X = self._check_X(X, reset=True)
        y, weight = check_y_and_weight(X, self._as_numbers(y), sample_weight)
        processes.check_same(hashlib.sha256(y.tobytes() + weight.tobytes()).digest(), "Labels")
        continued = self.net_.module_ if self._continues() else None
        bins = self._resolve_bins(y[weight > 0])
        # Samples of no weight are left out, so their labels may be anything.
        bin_index = np.zeros(len(y), dtype=np.int64)
        bin_index[weight > 0] = bins.assign(y[weight > 0])
        device = self._resolve_device()
        with processes.main_first():
            backbone = load_backbone(self.model_name, self.pretrained)
        self._check_prompts(backbone, bins)
        tower = None if self.fine_tune == "none" else self._trainable_tower(backbone)
        seed = processes.from_main(self._draw_seed)
        checkpoint_file = processes.from_main(
            lambda: self._checkpoint_file(X, y, weight, bins, backbone, seed, continued)
        )
        self._check_split(np.count_nonzero(weight))
        ranking_loss = self._ranking_loss(backbone, bins)

        verbose = 0 if shows_progress(self) else self.verbose
        inputs, failures = self._prepare_inputs(X, backbone, verbose)
        tasks.leave_out(X, failures)
        kept = np.setdiff1d(np.flatnonzero(weight), list(failures))
        if len(kept) < 2:
            some = "".join(f": {X.name(i)}: {why}" for i, why in list(failures.items())[:1])
            raise ValueError(
                "At least 2 readable images of weight above 0 are needed to fit. Got "
                f"{len(kept)} of {len(y)}; {len(failures)} cannot be read{some}."
            )
        targets = Targets(
            torch.tensor(y - bins.edges[0], dtype=torch.float32),
            torch.from_numpy(bin_index),
            torch.tensor(weight / weight[kept].mean(), dtype=torch.float32),
        )
        training, validation = self._split(inputs, targets, kept, backbone, seed)
        batch_size, lr_scale = self._batch_size(len(training), processes.n)
        net = train(
            partial(self._make_module, backbone, bins, inputs, tower, seed, continued),
            training,
            validation,
            ranking_loss=ranking_loss,
            l1_weight=self._l1_weight,
            label_range=bins.range,
            param_groups=self._param_groups(lr_scale, backbone, bins, training),
            seed=seed,
            max_epochs=self.max_epochs,
            n_iter_no_change=self.n_iter_no_change,
            batch_size=batch_size,
            lr_factor=LR_SCHEDULES[self.lr_schedule],
            accumulate_steps=self.accumulate_steps,
            processes=processes,
            gather_batches=self.gather_batches,
            graph_steps=self._graphs_steps(processes),
            device=device,
            callbacks=self.callbacks,
            checkpoint_file=checkpoint_file,
            tasks=tasks,
            fitted_attributes=partial(self._fitted_attributes, backbone, bins, X),
            verbose=verbose,
        )
        self._warn_of_skipped(X, failures)
        vars(self).update(self._fitted_attributes(backbone, bins, X, release(net)))
        tasks.end()
        return self

    def _as_numbers(self, y):
        """Turn labels of another kind into numbers."""
        return y

    def _check_prompts(self, backbone, bins):
        """Raise ValueError for prompts that the text tower cannot read."""

    def _check_split(self, n_samples):
        n_valid = math.ceil(self.validation_fraction * n_samples)  # as train_test_split does
        if self.early_stopping and n_samples - n_valid < 2:
            raise ValueError(
                f"validation_fraction={self.validation_fraction} leaves {n_samples - n_valid} of "
                f"{n_samples} samples for training. Use a smaller one, or early_stopping=False."
            )

    def _continues(self):
        return self.warm_start and self.__sklearn_is_fitted__()

    def _batch_size(self, n_samples, n_processes):
        """Return the batch size per process, and the factor on learning rates for it."""
        if self.batch_size != "auto":
            return self.batch_size, 1.0
        if self.fine_tune != "none":
            return 32, 1.0
        # A step on features takes as long for 1000 as for 100. With the rates in proportion, few
        # large batches learn as much per epoch as many of 256.
        batch_size = math.ceil(n_samples / math.ceil(n_samples / 1024))
        return math.ceil(batch_size / n_processes), max(1.0, batch_size / 256)

    def _param_groups(self, lr_scale, backbone, bins, training):
        """Return the learning rate of each part of the module."""
        rates = self._learning_rates(backbone, bins, training)
        groups = {name: lr * lr_scale for name, lr in rates.items()}
        return groups if self.fine_tune == "none" else {**groups, "encoder": self.lr}

    def _graphs_steps(self, processes):
        """Whether the steps of a fit are all alike, so that they may run as a CUDA graph."""
        every_batch_is_a_step = self.accumulate_steps == 1 and processes.n == 1
        return every_batch_is_a_step and not (self.grad_checkpointing or self.callbacks)

    def _draw_seed(self):
        if self.random_state is None and self.checkpoint is not None:
            return 0  # a killed fit must find the same one again
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _check_X(self, X, *, reset):
        X = super()._check_X(X, reset=reset)
        trains_tower = self.fine_tune != "none" if reset else not self.net_.module_.is_frozen
        if trains_tower and isinstance(X, np.ndarray):
            raise ValueError(
                "X is a 2-D array of features, but with a fine-tuned image tower X must be images. "
                "Use fine_tune='none' to fit on features."
            )
        return X

    def _prepare_inputs(self, X, backbone, verbose):
        """Read every image once; return what training takes and what could not be read."""
        if isinstance(X, np.ndarray):
            return torch.tensor(X), {}
        encoder = ImageEncoder(backbone.visual, backbone.preprocessing, self.canvas_scale)
        if self.fine_tune != "none":
            store = self._store(X, encoder, self.image_cache)
            processes = Processes(self.accelerator)
            shown = verbose and processes.is_main
            return store, store.read_all(self.on_error, verbose=shown, processes=processes)
        features, failures = self._embed(X, encoder, backbone.fingerprint, verbose)
        return torch.from_numpy(features), failures

    def _split(self, inputs, targets, kept, backbone, seed):
        size = backbone.preprocessing.size if self.augment else None
        if not self.early_stopping:
            return Samples(inputs, targets, kept, size), None
        training, validation = train_test_split(
            kept, test_size=self.validation_fraction, random_state=seed
        )
        return Samples(inputs, targets, training, size), Samples(inputs, targets, validation)

    def _make_module(self, backbone, bins, inputs, tower, seed, continued):
        generator = torch.Generator().manual_seed(seed)
        if tower is None:
            encoder = FeatureEncoder(inputs.shape[1], backbone.embed_dim, generator)
        else:
            encoder = ImageEncoder(tower, backbone.preprocessing, self.canvas_scale)
        module = self._assemble(encoder, backbone, bins, generator)
        module.autocast_dtype = resolve_autocast_dtype(self.precision, self._resolve_device())
        if continued is not None:
            self._continue(module, continued)
        return module

    def _continue(self, module, fitted):
        """Start from the fitted module, for warm_start."""
        try:
            module.load_trained_state(fitted.trained_state())
        except ValueError as error:
            raise ValueError(
                f"warm_start=True cannot go on from the last fit. {error} Use warm_start=False, or "
                "the parameters and the kind of X of the last fit."
            ) from error

    def _trainable_tower(self, backbone):
        # Imported here as it takes as long as torch, and frozen towers need nothing of it.
        from ..clip.image_tower import checkpoint_gradients, lock_image_tower

        visual = copy.deepcopy(backbone.visual).requires_grad_(True)
        if self.fine_tune != "full":
            lock_image_tower(visual, self.fine_tune)
        if self.grad_checkpointing:
            checkpoint_gradients(visual)
        if self.compile:
            visual.compile()
        return visual

    def _checkpoint_file(self, X, y, weight, bins, backbone, seed, continued):
        """Name the checkpoint after everything that the result depends on."""
        if self.checkpoint is None:
            return None
        folder = open_folder(self.checkpoint)
        params = {
            name: repr(value)
            for name, value in sorted(self.get_params(deep=False).items())
            if name not in _NOT_IN_CHECKPOINTS
        }
        digest = hashlib.sha256(
            json.dumps([type(self).__name__, params, repr(bins), seed]).encode()
        )
        digest.update((backbone.fingerprint + backbone.text_fingerprint).encode())
        if continued is not None:
            digest.update(fingerprint(continued.trained_state()).encode())
        if (n_processes := Processes(self.accelerator).n) > 1:
            digest.update(f"{n_processes} processes".encode())  # each has its batch
        digest.update(y.tobytes() + weight.tobytes())
        if isinstance(X, np.ndarray):
            digest.update(X.tobytes())
        else:
            for i, identity in enumerate(X.identities(range(len(X)))):
                # That an image is unreadable is found out later.
                digest.update((identity or X.name(i)).encode("utf-8", "surrogateescape"))
        return folder / f"{digest.hexdigest()[:32]}.safetensors"

    def _fitted_attributes(self, backbone, bins, X, net):
        """Make a released net ready for predictions; return all attributes that say fitted."""
        module = net.module_
        module.finish()
        if module.is_frozen and not isinstance(X, np.ndarray):
            # Shared with every other estimator on this backbone, so never moved or changed.
            module.encoder = ImageEncoder(
                backbone.visual, backbone.preprocessing, self.canvas_scale, is_shared=True
            )
        return {
            "net_": net,
            "bins_": bins,
            "history_": pd.DataFrame(epochs_of(net)),
            "n_iter_": len(net.history),
            "backbone_": {
                "model_name": self.model_name,
                "pretrained": backbone.pretrained,
                "fingerprint": backbone.fingerprint,
                "vision_config": backbone.vision_config,
            },
            "fitted_": True,  # some libraries look for any attribute like this
        }

    def _warn_of_skipped(self, X, failures):
        self.skipped_ = {X.name(i): reason for i, reason in sorted(failures.items())}
        if failures:
            warn_user(
                f"{len(failures)} of {len(X)} images could not be read and were left out; see the "
                "skipped_ attribute.",
            )

    # --------------------------------------------------------------------------------- outputs

    def transform(self, X: ImagesOrFeatures) -> FloatArray:
        """Embed images.

        Parameters
        ----------
        X : as in :meth:`fit`

        Returns
        -------
        float32 ndarray of shape (n_samples, embed_dim)
            ℓ2-normalised features of the trained image tower.
        """
        return self._map(X, lambda features: features)

    def _outputs(self, X):
        """Return y_pred (n,), logits (n, n_classes) and moved centres (n, n_bins)."""
        check_is_fitted(self)
        module = self.net_.module_

        def compute(features):
            output = module.from_features(features)
            return torch.cat([output.y_pred[:, None], output.logits, output.centers], dim=1)

        values = self._map(X, compute).astype(np.float64)
        y_pred, logits, centers = np.split(values, [1, values.shape[1] - self.bins_.n_bins], axis=1)
        return y_pred[:, 0] + module.origin, logits, centers + module.origin

    def _map(self, X, compute):
        """Apply `compute` to the image features of X, in batches.

        Returns
        -------
        float32 ndarray of shape (n_samples, width of what `compute` returns)
            NaN for images that could not be read, if on_error="skip".
        """
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        device = self._resolve_device()
        module = self._module_on(device)
        reads_images = isinstance(module.encoder, ImageEncoder)
        if not isinstance(X, np.ndarray):
            if not reads_images:
                raise ValueError(
                    "This estimator was fitted on features, so it can only predict from features "
                    "like them. Pass the features of these images, or fit on images."
                )
            if not module.is_frozen:
                return self._map_images(X, module, compute)
            X, _ = self._embed(X, module.encoder, self.backbone_["fingerprint"])
        if reads_images and X.shape[1] != module.embed_dim:
            raise ValueError(
                f"X has {X.shape[1]} features, but the embeddings of the image tower, which "
                f"this estimator was fitted on, have {module.embed_dim}."
            )
        encode = partial(torch.nn.functional.normalize, dim=1) if reads_images else module.encode
        with torch.no_grad():
            rows = [
                compute(encode(batch.to(device))).cpu() for batch in torch.tensor(X).split(4096)
            ]
        return torch.cat(rows).numpy()

    def _map_images(self, images, module, compute):
        values, _ = embed_images(
            lambda pixels: compute(module.encode(pixels)),
            self._store(images, module.encoder),
            device=module.centers.device,
            on_error=self.on_error,
            autocast_dtype=module.autocast_dtype,
            processes=Processes(self.accelerator),
        )
        return values

    def _module_on(self, device):
        module = self.net_.module_
        module.autocast_dtype = resolve_autocast_dtype(self.precision, device)
        if module.centers.device != device:
            # The tower of a frozen model is shared, and .to() would move it for everyone.
            if module.is_frozen and isinstance(module.encoder, ImageEncoder):
                module.encoder = on_device(module.encoder, device)
            module.to(device)
        return module

"""SolveMixin: fits that are solved, and fine-tuning that starts from a solved fit."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import torch

from .._warnings import warn_user
from ..machine.progress import progress_bar
from ..machine.threads import one_thread
from ..model.modules import FeatureEncoder
from ..model.prompts import FeaturePrompts
from ..model.solved import SolvedModule
from ..solving.rows import Rows
from ..solving.solve import Problem, n_steps, solve
from ..training.callbacks import shows_progress
from ..training.net import restore_net
from .mirroring import ENOUGH_IMAGES, can_be_tested, error_of_mirroring

__all__ = ["SolveMixin"]

# Parameters without effect in a solved fit, which has no epochs.
_EPOCH_PARAMETERS = (
    *("batch_size", "lr", "prompt_lr", "early_stopping", "warm_start", "checkpoint", "callbacks"),
    *("accumulate_steps", "grad_checkpointing", "compile"),
)


class SolveMixin:
    """With a frozen tower, solve the fit; before fine-tuning, solve for where to start.

    For BaseNumCLIP, which has the prompts and the parameters.
    """

    @property
    def _has_own_module(self):
        """Whether a subclass makes a module of its own, which must be trained."""
        return type(self)._assemble.__module__.partition(".")[0] != __package__.partition(".")[0]

    @property
    def _is_solved(self):
        is_default = self.fine_tune == "none" and self.max_epochs == "auto"
        return is_default and not self._has_own_module

    @property
    def _solves_first(self):
        is_trained = self.fine_tune != "none" and self.max_epochs != 0
        starts_anew = not self._continues() and not self._has_own_module
        return self.solve_first and is_trained and starts_anew

    def _trains_solution(self, checked):
        """Whether the module to be trained is a solved one, of this fit or of the last."""
        continues = self.fine_tune != "none" and isinstance(checked.continued, SolvedModule)
        return self._solves_first or continues

    @property
    def _n_epochs(self):
        if self.max_epochs == "auto":
            return 0 if self._is_solved else 100
        return self.max_epochs

    @property
    def _stops_early(self):
        return self.early_stopping and not self._is_solved

    def _continues(self):
        return super()._continues() and not self._is_solved

    def _check(self, X, y, sample_weight):
        if self._is_solved:
            self._warn_about_epoch_parameters()
        return super()._check(X, y, sample_weight)

    def _check_callbacks(self):
        if not self._is_solved:
            super()._check_callbacks()

    def _warn_about_epoch_parameters(self):
        """Warn about training parameters, which have no effect in a solved fit."""
        defaults = inspect.signature(type(self)).parameters
        changed = [
            name
            for name in _EPOCH_PARAMETERS
            if name in defaults and getattr(self, name) != defaults[name].default
        ]
        if changed:
            them = "it" if len(changed) == 1 else "them"
            warn_user(
                f"{', '.join(changed)}: no effect with fine_tune='none' and max_epochs='auto', "
                f"since the fit is solved, not trained in epochs. Remove {them}, or set max_epochs "
                "to a number."
            )

    def _checkpoint_file(self, *args):
        return None if self._is_solved else super()._checkpoint_file(*args)

    def _fitted_attributes(self, checked, net):
        attributes = super()._fitted_attributes(checked, net)
        if not self._is_solved:  # and so may be continued by warm_start
            attributes["backbone_"]["text_fingerprint"] = checked.backbone.text_fingerprint
        return attributes

    def _train(self, checked, prepared, tasks):
        if self._is_solved:
            module, solution = self._solve(checked, prepared)
            return restore_net(module.eval(), solution.path)
        if self._tests_mirroring:
            prepared = self._without_wrong_mirror_images(checked, prepared)
        if self._solves_first:
            frozen = self._embed_frozen(checked, prepared.inputs, self.mirror)
            module, solution = self._solve(checked, replace(prepared, inputs=frozen))
            prepared = replace(prepared, start=module, is_new_to_clip=solution.is_new_to_clip)
        return super()._train(checked, prepared, tasks)

    @property
    def _tests_mirroring(self):
        is_trained = self.fine_tune != "none" and self.max_epochs != 0
        return is_trained and self.augment == "auto" and not self.mirror

    def _without_wrong_mirror_images(self, checked, prepared):
        """Return `prepared` without mirroring if training on mirror images does harm."""
        indices = prepared.training.indices
        some = np.random.default_rng(checked.seed).permutation(indices)[:ENOUGH_IMAGES]
        if not can_be_tested(checked.y[some]):
            return prepared
        features, mirrored = (
            self._embed_frozen(checked, prepared.inputs.wanting(some), mirror)[some].numpy()
            for mirror in (False, "only")
        )
        ratio = error_of_mirroring(features, mirrored, checked.y[some])
        if ratio is None:
            return prepared
        warn_user(
            "augment='auto': the error for mirror images of held-out training images is "
            f"{ratio:.2g} times that for the images themselves, so left and right seem to matter. "
            "The tower is trained on random crops only. Use augment='crop' to choose that, or "
            "augment=True to train on mirror images nonetheless."
        )
        return replace(prepared, training=replace(prepared.training, mirrors=False))

    def _solve(self, checked, prepared):
        """Solve for all parameters; return the module and the Solution."""
        backbone, bins, texts = checked.backbone, checked.bins, None
        n_features = prepared.inputs.shape[1]
        if n_features == backbone.embed_dim:
            generator = torch.Generator().manual_seed(checked.seed)
            prompts = self._prompts(FeaturePrompts, backbone, bins, generator)
            texts = backbone.logit_scale * prompts().detach().double().numpy()
        problem = Problem(
            bins,
            texts,
            self.shift,
            self.max_shift,
            checked.ranking_loss,
            checked.seed,
            classifies=checked.classes is not None,
        )
        shown = self.verbose and checked.processes.is_main and not shows_progress(self)
        total = n_steps(problem.classifies)
        bar = progress_bar(total, "step", verbose=shown, desc="solving")
        # The operations are so small that threads would spend more time waiting than computing.
        with bar, one_thread():
            # No name for the rows, so that `solve` can free them once it has merged equal ones.
            solution = solve(
                _rows(checked, prepared, are_embeddings=texts is not None), problem, bar.update
            )
        source = self._image_encoder(backbone) if checked.X.are_images else None
        encoder = FeatureEncoder(n_features, n_features, image_encoder=source)
        return SolvedModule.from_solution(encoder, bins, solution, texts), solution

    def _embed_frozen(self, checked, store, mirror):
        """Return embeddings of the frozen tower; for `mirror` see ImageEncoder."""
        encoder = self._image_encoder(checked.backbone)
        encoder.mirror = mirror
        features, _ = self._embed(
            checked.X,
            encoder,
            checked.backbone.fingerprint,
            0 if shows_progress(self) else self.verbose,
            store=store,
        )
        return torch.from_numpy(features)

    def _tower_lr(self, prepared, n_steps):
        if self.lr != "auto":
            return self.lr
        if not prepared.is_new_to_clip:
            return 1e-5
        # Adam moves a weight by about the rate per step, so few steps need a higher one.
        return min(max(0.01 / max(n_steps, 1), 3e-5), 2e-4)

    def _make_module(self, checked, prepared):
        if not self._trains_solution(checked):
            return super()._make_module(checked, prepared)
        encoder = self._image_encoder(checked.backbone, checked.tower)
        module = SolvedModule(
            encoder,
            bins=checked.bins,
            n_features=checked.backbone.embed_dim,
            of_clip=True,
            shift=self.shift,
            max_shift=self.max_shift,
            generator=torch.Generator().manual_seed(checked.seed),
        )
        if checked.continued is None:
            module.load_solution(prepared.start)
        else:
            self._continue(module, checked)
        return module


def _rows(checked, prepared, *, are_embeddings):
    """Return the training samples in float64, labels counted from the lower end of the bins."""
    indices = prepared.training.indices
    features = prepared.inputs[indices].double()
    if are_embeddings:
        features = torch.nn.functional.normalize(features, dim=1)
    return Rows(
        features.numpy(),
        checked.y[indices] - checked.bins.edges[0],
        checked.weight[indices].astype(float),
        checked.bin_index[indices],
    )

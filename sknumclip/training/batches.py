"""Samples: training batches of images or features with their targets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ..images.resizing import own_views, training_views
from ..machine.device import to_device
from ..machine.processes import ONE_PROCESS
from .targets import Targets

__all__ = ["Samples"]


@dataclass
class Samples(Dataset):
    """Inputs and targets of samples, cut into batches.

    Parameters
    ----------
    inputs : CanvasStore or Tensor of shape (n, n_features)
    targets : Targets
        Targets of all inputs.
    indices : ndarray of int
        Positions of these samples in `inputs`.
    view_size : tuple of int or None, default=None
        Size of the random crops of the canvases; None uses whole canvases.
    augment : callable or None, default=None
        Makes views of that size, or of the canvases' size, instead of random crops.
    mirrors : bool, default=True
        Whether half of the random crops are mirrored.
    """

    inputs: object
    targets: Targets
    indices: np.ndarray
    view_size: tuple[int, int] | None = None
    augment: Callable[..., Any] | None = None
    mirrors: bool = True

    def __len__(self):
        return len(self.indices)

    def batches(self, order, batch_size, device, generator=None, processes=ONE_PROCESS):
        """Yield (inputs, Targets) on `device`; `order` contains positions in `indices`.

        Several processes share a batch: each gets `batch_size` inputs, and the targets of all.
        """
        step = batch_size * processes.n
        chunks = [self.indices[order[start : start + step]] for start in range(0, len(order), step)]
        own = [processes.equal_part(chunk) for chunk in chunks]
        if isinstance(self.inputs, torch.Tensor):
            for chunk, mine in zip(chunks, own, strict=True):
                yield to_device(self.inputs[mine], device), self.targets[chunk].to(device)
            return
        read = self.inputs.batches(own, pinned=device.type == "cuda")
        for chunk, (_, canvases, failures) in zip(chunks, read, strict=True):
            self.inputs.raise_failures(failures, "raise")  # were readable when fit began
            canvases = to_device(canvases, device)
            if self.view_size is not None:
                places = processes.equal_part(np.arange(len(chunk)))
                canvases = self._views(canvases, generator, places, len(chunk))
            yield canvases, self.targets[chunk].to(device)

    def _views(self, canvases, generator, places, n_all):
        """Make views of the canvases at `places` in a batch of `n_all`, however it is split."""
        if self.augment is None:
            return training_views(canvases, self.view_size, generator, places, n_all, self.mirrors)
        seeds = torch.randint(2**62, (n_all,), generator=generator)[places].tolist()
        sizes = {self.view_size, tuple(canvases.shape[2:])}
        return own_views(canvases, self.augment, seeds, sizes)

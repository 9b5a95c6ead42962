"""Training batches: images with their targets."""

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
    """Inputs and targets of samples, and how to cut them into batches.

    Parameters
    ----------
    inputs : CanvasStore or Tensor of shape (n, n_features)
    targets : Targets
        Of all inputs.
    indices : ndarray of int
        The inputs that these samples are.
    view_size : tuple of int or None, default=None
        Size of the random views cut from the canvases; None takes the canvases as they are.
    augment : callable or None, default=None
        What makes views of that size, or of the canvases', in the place of random crops.
    """

    inputs: object
    targets: Targets
    indices: np.ndarray
    view_size: tuple[int, int] | None = None
    augment: Callable[..., Any] | None = None

    def __len__(self):
        return len(self.indices)

    def batches(self, order, batch_size, device, generator=None, processes=ONE_PROCESS):
        """Yield (inputs, Targets) on `device`, `order` being positions in `indices`.

        Several processes share a batch: `batch_size` inputs for each, the targets of all.
        """
        step = batch_size * processes.n
        chunks = [self.indices[order[start : start + step]] for start in range(0, len(order), step)]
        own = [processes.equal_part(chunk) for chunk in chunks]
        if isinstance(self.inputs, torch.Tensor):
            for chunk, mine in zip(chunks, own, strict=True):
                yield to_device(self.inputs[mine], device), self.targets[chunk].to(device)
            return
        for chunk, (_, canvases, failures) in zip(chunks, self.inputs.batches(own), strict=True):
            self.inputs.raise_failures(failures, "raise")  # readable when fit began, but no more
            canvases = to_device(torch.from_numpy(canvases), device)
            if self.view_size is not None:
                places = processes.equal_part(np.arange(len(chunk)))
                canvases = self._views(canvases, generator, places, len(chunk))
            yield canvases, self.targets[chunk].to(device)

    def _views(self, canvases, generator, places, n_all):
        """Views of the canvases at `places` of a batch of `n_all`, the same whoever has them."""
        if self.augment is None:
            return training_views(canvases, self.view_size, generator, places, n_all)
        seeds = torch.randint(2**62, (n_all,), generator=generator)[places].tolist()
        sizes = {self.view_size, tuple(canvases.shape[2:])}
        return own_views(canvases, self.augment, seeds, sizes)

"""Targets: labels, bins and weights of samples as tensors."""

from dataclasses import dataclass

import torch

from ..machine.device import to_device

__all__ = ["Targets"]


@dataclass
class Targets:
    """Labels, bins and weights of samples, tensors of shape (n,)."""

    y: torch.Tensor
    bin_index: torch.Tensor
    weight: torch.Tensor

    def __len__(self):
        return len(self.y)

    def __getitem__(self, indices):
        return Targets(self.y[indices], self.bin_index[indices], self.weight[indices])

    def to(self, device):
        """Copy to `device`."""
        return Targets(*(to_device(t, device) for t in (self.y, self.bin_index, self.weight)))

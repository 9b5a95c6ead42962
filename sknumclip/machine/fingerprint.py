"""Hashes of tensors by content."""

import hashlib

import torch

__all__ = ["fingerprint"]


def fingerprint(state_dict, *more):
    """Hash tensors by content.

    Parameters
    ----------
    state_dict : dict of str to Tensor
    *more : str
        Further text to include.

    Returns
    -------
    str
        SHA-256 as a hex string.
    """
    digest = hashlib.sha256("\0".join(more).encode())
    for name in sorted(state_dict):
        tensor = state_dict[name].detach().cpu().contiguous()
        digest.update(f"\0{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()

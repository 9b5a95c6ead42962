"""Torch's global random generator: drawn from by one thread at a time, and given back."""

import contextlib
import threading

import torch

__all__ = ["drawing_from_torch"]

_GENERATOR = threading.RLock()


@contextlib.contextmanager
def drawing_from_torch(device="cpu"):
    """Context in which torch's global generator may be seeded and drawn from.

    One thread at a time can be in it, so that its numbers are its own, and the caller's generator
    is as before afterwards.

    Parameters
    ----------
    device : str or torch.device, default="cpu"
        Whose generator is kept besides the CPU's.
    """
    device = torch.device(device)
    with _GENERATOR, torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield

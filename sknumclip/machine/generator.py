"""drawing_from_torch(): use torch's global random generator, and then restore it."""

import contextlib
import threading

import torch

__all__ = ["drawing_from_torch"]

_GENERATOR = threading.RLock()


@contextlib.contextmanager
def drawing_from_torch(device="cpu"):
    """Context in which torch's global generator may be seeded and drawn from.

    Only one thread at a time can enter it, and the caller's generator is restored afterwards.

    Parameters
    ----------
    device : str or torch.device, default="cpu"
        Device to restore the generator of, besides the CPU's.
    """
    device = torch.device(device)
    with _GENERATOR, torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield

"""drawing_from_torch(): use torch's global random generators, and then restore them."""

import contextlib
import threading

import torch

__all__ = ["drawing_from_torch", "seed_torch"]

_GENERATOR = threading.RLock()


@contextlib.contextmanager
def drawing_from_torch(device="cpu"):
    """Context in which torch's global generators may be seeded and drawn from.

    Only one thread at a time can enter it, and the caller's generators are restored afterwards.

    Parameters
    ----------
    device : str or torch.device, default="cpu"
        Device to restore the generator of, besides the CPU's.
    """
    with _GENERATOR:
        generators = _generators(device)
        states = [generator.get_state() for generator in generators]
        try:
            yield
        finally:
            for generator, state in zip(generators, states, strict=True):
                generator.set_state(state)


def seed_torch(seed, device="cpu"):
    """Seed torch's global generators of the CPU and of one device.

    Unlike ``torch.manual_seed``, this leaves those of other devices alone.

    Parameters
    ----------
    seed : int
    device : str or torch.device, default="cpu"
    """
    for generator in _generators(device):
        generator.manual_seed(seed)


def _generators(device):
    """Return the global generators that operations on tensors of `device` draw from."""
    device = torch.device(device)
    if device.type == "cuda":
        torch.cuda.init()  # makes the generators
        index = torch.cuda.current_device() if device.index is None else device.index
        return [torch.default_generator, torch.cuda.default_generators[index]]
    if device.type == "mps":
        return [torch.default_generator, torch.mps._get_default_mps_generator()]
    return [torch.default_generator]

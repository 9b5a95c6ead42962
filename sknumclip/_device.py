"""Where to compute and how precisely."""

import torch

__all__ = ["resolve_autocast_dtype", "resolve_device", "to_device"]


def resolve_device(device):
    """Turn the `device` parameter into a torch.device; "auto" is cuda, else mps, else cpu."""
    if device == "auto":
        device = "mps" if torch.backends.mps.is_available() else "cpu"
        device = "cuda" if torch.cuda.is_available() else device
    try:
        probe = torch.empty(1, device=device)
        probe.tolist()  # a "meta" device has no values
        return probe.device  # with its index, so that devices compare
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"device={device!r} cannot be used here: {str(error).splitlines()[0]} Use 'auto', "
            "'cpu', 'cuda', 'cuda:1' or 'mps'."
        ) from error


def to_device(tensor, device):
    """Copy a tensor from the CPU without waiting for what the device is still doing."""
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def resolve_autocast_dtype(precision, device):
    """Turn the `precision` parameter into the dtype of autocast, None for float32.

    "auto" is bfloat16 wherever the hardware multiplies it natively.
    """
    native = {
        "cuda": lambda: torch.cuda.is_bf16_supported(including_emulation=False),
        "cpu": _cpu_has_bf16,
    }
    if precision == "auto":
        precision = "bf16" if native.get(device.type, lambda: False)() else "fp32"
    return torch.bfloat16 if precision == "bf16" else None


def _cpu_has_bf16():
    return any(
        getattr(torch.cpu, f"_is_{feature}_supported", lambda: False)()
        for feature in ("avx512_bf16", "amx_tile")
    )

"""Device and precision: resolve_device(), autocast, and advice on sharing a GPU."""

import contextlib
import copy
import multiprocessing
import sys
import weakref

import torch

__all__ = [
    "autocast",
    "copy_on",
    "gpu_sharing_advice",
    "resolve_autocast_dtype",
    "resolve_device",
    "to_device",
    "without_autocast",
    "worker_kind",
]


def resolve_device(device):
    """Convert the `device` parameter to a torch.device; "auto" is cuda, else mps, else cpu."""
    if device == "auto":
        device = "mps" if torch.backends.mps.is_available() else "cpu"
        device = "cuda" if torch.cuda.is_available() else device
    try:
        probe = torch.empty(1, device=device)
        probe.tolist()  # a "meta" device has no values
        return probe.device  # with its index, so that devices can be compared
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(
            f"device={device!r} cannot be used here: {reason}. Use 'auto', 'cpu', 'cuda', "
            "'cuda:1' or 'mps'."
        ) from error


def to_device(tensor, device):
    """Copy a tensor from the CPU to a device without waiting for the device."""
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


_COPIES: weakref.WeakKeyDictionary[torch.nn.Module, tuple] = weakref.WeakKeyDictionary()


def copy_on(module, device, dtype=None):
    """Return a copy of a module for another device, cached until the module's tensors change.

    Parameters
    ----------
    module : torch.nn.Module
    device : torch.device
    dtype : torch.dtype or None, default=None
        Precision of the copy; None keeps it. Batch norms keep theirs, since their statistics need
        it.

    Returns
    -------
    torch.nn.Module
    """
    state = device, dtype, [tensor._version for tensor in module.state_dict().values()]
    known_state, known = _COPIES.get(module, (None, None))
    if known_state != state:
        known = copy.deepcopy(module, _tensors_on(module, device, dtype))
        _COPIES[module] = state, known
    return known


def _tensors_on(module, device, dtype):
    """Return copies of all tensors by the id of the original, as deepcopy's memo."""
    copies = {}
    for part in module.modules():
        is_norm = isinstance(part, torch.nn.modules.batchnorm._BatchNorm)
        for tensor in [*part.parameters(recurse=False), *part.buffers(recurse=False)]:
            to = dtype if tensor.is_floating_point() and not is_norm else None
            copied = tensor.detach().to(device=device, dtype=to, copy=True)
            if isinstance(tensor, torch.nn.Parameter):
                copied = torch.nn.Parameter(copied, tensor.requires_grad)
            copies[id(tensor)] = copied
    return copies


def autocast(device, dtype):
    """Return a context in which towers compute in `dtype`; None is float32."""
    return torch.autocast(device.type, dtype=dtype, enabled=dtype is not None)


def without_autocast(device):
    """Return a context in which operations keep the precision of their inputs."""
    if device.type == "meta":  # has no autocast
        return contextlib.nullcontext()
    return torch.autocast(device.type, enabled=False)


def resolve_autocast_dtype(precision, device):
    """Convert the `precision` parameter to the dtype of autocast, None for float32.

    "auto" is bfloat16 if the hardware multiplies it natively.
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


def gpu_sharing_advice(device_type, worker, visible_devices):
    """Return a warning if several worker processes share a GPU.

    Parameters
    ----------
    device_type : str
    worker : {"joblib", "dask", "ray"} or None
        From :func:`worker_kind`.
    visible_devices : str or None
        The environment variable ``CUDA_VISIBLE_DEVICES``.

    Returns
    -------
    str or None
        None if there is no problem.
    """
    if device_type != "cuda" or worker is None:
        return None
    problem = (
        "This is one of several worker processes that share a GPU: each keeps its own model in "
        "the GPU's memory, which may run out, and together they are hardly faster than one. "
    )
    if worker == "joblib":
        return problem + (
            "Use n_jobs=1; with fine_tune='none' images are embedded once for all candidates. For "
            "several GPUs use joblib's dask or ray backend with one worker per GPU."
        )
    if visible_devices and "," not in visible_devices:
        return None
    return problem + (
        f"Start one {worker} worker per GPU, each with its own CUDA_VISIBLE_DEVICES. Got "
        f"CUDA_VISIBLE_DEVICES={visible_devices!r}."
    )


def worker_kind():
    """Return which library started this worker process: "joblib", "dask", "ray" or None."""
    name = multiprocessing.current_process().name
    if name.startswith("LokyProcess") or "PoolWorker" in name:
        return "joblib"
    if name.startswith("Dask Worker"):
        return "dask"
    ray = sys.modules.get("ray")
    is_worker = ray is not None and ray.is_initialized() and _ray_mode(ray) == ray.WORKER_MODE
    return "ray" if is_worker else None


def _ray_mode(ray):
    return ray.get_runtime_context().worker.mode

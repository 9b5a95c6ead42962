"""own_settings(): isolate our computations from the caller's settings of torch and numpy."""

import contextlib
import os
import threading

import numpy as np
import torch

from .._warnings import warn_user
from .threads import within_quota

__all__ = ["own_settings"]


class _SettingOfAllThreads:
    """Give one of torch's settings that all threads share our value while any of our calls runs."""

    def __init__(self, get, set_, value):
        self._get, self._set, self._value = get, set_, value
        self._lock = threading.Lock()
        self._n_calls = 0

    def __enter__(self):
        with self._lock:
            if not self._n_calls:
                self._of_caller = self._get()
                self._set(self._value)
            self._n_calls += 1

    def __exit__(self, *unused):
        with self._lock:
            self._n_calls -= 1
            if not self._n_calls:
                self._set(self._of_caller)


def _matmul_precision():
    """Return how to get and set the precision of float32 products, and the highest one."""
    backends = [getattr(torch.backends, name, None) for name in ("mkldnn", "cuda")]
    products = [getattr(backend, "matmul", None) for backend in backends]
    if not all(hasattr(product, "fp32_precision") for product in products):  # before PyTorch 2.9
        return torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"

    def set_(values):
        for product, value in zip(products, values, strict=True):
            product.fp32_precision = value

    # The older function to get it fails once a caller has used this newer interface.
    return lambda: [product.fp32_precision for product in products], set_, ["ieee"] * 2


_DEFAULT_DTYPE = _SettingOfAllThreads(
    torch.get_default_dtype, torch.set_default_dtype, torch.float32
)
# Else float32 products may be computed in tf32 or bf16, even on CPUs.
_MATMUL_PRECISION = _SettingOfAllThreads(*_matmul_precision())


@contextlib.contextmanager
def own_settings():
    """Context or decorator with the settings that we need; afterwards the caller's are restored.

    Gradients on, no inference mode, no autocast, float32 and the CPU by default, float32 products
    in float32, no more threads than this process may use cores, and numpy's default reaction to
    overflow and the like.
    """
    _FORKS.check()
    with contextlib.ExitStack() as stack:
        stack.enter_context(within_quota())
        stack.enter_context(_DEFAULT_DTYPE)
        stack.enter_context(_MATMUL_PRECISION)
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(_out_of_autocast())
        stack.enter_context(_on_cpu_by_default())
        stack.enter_context(np.errstate(all="warn", under="ignore"))
        yield


@contextlib.contextmanager
def _on_cpu_by_default():
    device = torch.empty(0).device
    if device.type == "cpu":
        yield
        return
    torch.set_default_device(None)
    is_within_context = torch.empty(0).device.type != "cpu"  # inside `with torch.device(...)`
    try:
        with torch.device("cpu") if is_within_context else contextlib.nullcontext():
            yield
    finally:
        if not is_within_context:
            torch.set_default_device(device)


@contextlib.contextmanager
def _out_of_autocast():
    enabled = [device for device in ("cpu", "cuda", "mps") if torch.is_autocast_enabled(device)]
    # Inside autocast, even a disabled one, torch caches weights that were cast once and would use
    # them after a step has changed them. So leave it completely.
    depth = torch.autocast_increment_nesting() - 1
    for _ in range(depth + 1):
        torch.autocast_decrement_nesting()
    for device in enabled:
        torch.set_autocast_enabled(device, False)
    torch.clear_autocast_cache()
    try:
        yield
    finally:
        torch.clear_autocast_cache()
        for device in enabled:
            torch.set_autocast_enabled(device, True)
        for _ in range(depth):
            torch.autocast_increment_nesting()


class _Forks:
    """Detect that this process was forked from one that had computed with several threads.

    OpenMP's threads do not survive a fork, and waiting for them never ends.
    """

    def __init__(self):
        self.has_computed = self.was_forked = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self):
        self.was_forked = self.has_computed

    def check(self):
        """In such a process, compute with one thread, since more would hang; warn about it."""
        self.has_computed |= torch.get_num_threads() > 1
        if self.was_forked and torch.get_num_threads() > 1:
            torch.set_num_threads(1)
            warn_user(
                "This process was forked from one that had already predicted or fitted. The "
                "parent's threads do not work here, so torch now computes with one thread. "
                "Start workers with 'spawn' or 'forkserver', or use the model in the parent only "
                "after the workers have started (gunicorn: without preload, or load the model in "
                "post_fork). torch.set_num_threads(1) in the worker silences this warning.",
            )


_FORKS = _Forks()

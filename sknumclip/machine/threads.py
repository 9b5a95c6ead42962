"""How many threads torch computes with."""

import contextlib
import threading

import joblib
import torch

__all__ = ["torch_threads", "within_quota"]


class _TorchThreads:
    """Torch's number of threads, which is partly one for all threads of Python."""

    def __init__(self):
        self._lock = threading.Lock()
        self._n_users = 0

    @contextlib.contextmanager
    def __call__(self, n):
        """Context in which torch computes with `n` threads; the caller's number is back after."""
        with self._lock:
            if not self._n_users:
                self._of_caller = torch.get_num_threads()
            self._n_users += 1
        torch.set_num_threads(n)
        try:
            yield
        finally:
            with self._lock:
                self._n_users -= 1
            torch.set_num_threads(self._of_caller)


torch_threads = _TorchThreads()


def within_quota():
    """Context in which torch takes no more threads than this process may have cores.

    Torch starts as many as the host has cores; a container may be allowed fewer.
    """
    n_cores = joblib.cpu_count()
    return torch_threads(n_cores) if torch.get_num_threads() > n_cores else contextlib.nullcontext()

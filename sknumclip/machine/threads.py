"""Number of threads that torch computes with."""

import contextlib
import threading

import joblib
import torch

__all__ = ["torch_threads", "within_quota"]


class _TorchThreads:
    """Set torch's number of threads, part of which is shared by all Python threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._n_users = 0

    @contextlib.contextmanager
    def __call__(self, n):
        """Context in which torch computes with `n` threads; then restores the caller's number."""
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
    """Context in which torch computes with no more threads than this process may use cores.

    By default torch starts one thread per core of the host, but a container may be allowed fewer.
    """
    n_cores = joblib.cpu_count()
    return torch_threads(n_cores) if torch.get_num_threads() > n_cores else contextlib.nullcontext()

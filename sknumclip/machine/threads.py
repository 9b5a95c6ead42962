"""Numbers of threads that torch, NumPy and SciPy compute with."""

import contextlib
import threading

import joblib
import torch
from threadpoolctl import ThreadpoolController

__all__ = ["one_thread", "torch_threads", "within_quota"]


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


class _OneBlasThread:
    """Limit BLAS, whose number of threads is shared by all Python threads, during our calls."""

    def __init__(self):
        self._lock = threading.Lock()
        self._n_calls = 0

    def __enter__(self):
        with self._lock:
            if not self._n_calls:
                self._limits = _one_thread_of("blas")
            self._n_calls += 1

    def __exit__(self, *unused):
        with self._lock:
            self._n_calls -= 1
            if not self._n_calls:
                with self._limits:  # leaving it restores the limits
                    pass


def _one_thread_of(kind):
    """Limit libraries of a kind, "blas" or "openmp"; return the context that undoes it."""
    return ThreadpoolController().select(user_api=kind).limit(limits=1)


_ONE_BLAS_THREAD = _OneBlasThread()


@contextlib.contextmanager
def one_thread():
    """Context in which operations of NumPy and SciPy take one thread each.

    Any number of Python threads may enter it; when the last one leaves, the caller's limits are
    restored.
    """
    with _ONE_BLAS_THREAD, _one_thread_of("openmp"):  # OpenMP's limits belong to this thread only
        yield


def within_quota():
    """Context in which torch computes with no more threads than this process may use cores.

    By default torch starts one thread per core of the host, but a container may be allowed fewer.
    """
    n_cores = joblib.cpu_count()
    return torch_threads(n_cores) if torch.get_num_threads() > n_cores else contextlib.nullcontext()

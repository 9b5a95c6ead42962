"""Free memory and the number of threads of this process."""

import contextlib
import multiprocessing
import threading
from pathlib import Path, PurePosixPath

import joblib
import torch
from threadpoolctl import ThreadpoolController

__all__ = ["free_memory", "one_thread", "usual_threads"]

_CGROUP_FILES = {
    # Limit, usage, and the part of the usage that gives way: files that Linux keeps.
    "v2": ("memory.max", "memory.current", "inactive_file"),
    "v1": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def usual_threads():
    """Return how many threads this process should start, its share of the cores."""
    # joblib tells its workers their share of the cores through the variables that torch reads.
    is_worker = multiprocessing.parent_process() is not None
    return min(joblib.cpu_count(), torch.get_num_threads()) if is_worker else joblib.cpu_count()


class _OneBlasThread:
    """One thread for BLAS, whose number is one for all threads, while any of our calls runs."""

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
                with self._limits:  # threadpoolctl lets go of what a thread leaves, not of calls
                    pass


def _one_thread_of(kind):
    """Limit libraries of a kind, "blas" or "openmp"; return the context that takes it back."""
    return ThreadpoolController().select(user_api=kind).limit(limits=1)


_ONE_BLAS_THREAD = _OneBlasThread()


@contextlib.contextmanager
def one_thread():
    """Context in which the operations of NumPy, SciPy and torch take one thread each.

    Any number of threads may be in it; when the last one leaves, all is as before.
    """
    with _ONE_BLAS_THREAD, _one_thread_of("openmp"):  # whose limits are those of this thread
        yield


def free_memory(root="/"):
    """Return how many bytes this process may still take: its share of what is free.

    The least of what the machine, the container (cgroup v1 or v2) and ``ulimit -v`` leave, divided
    by the number of workers beside this one, if it is a worker process of joblib.

    Parameters
    ----------
    root : str or Path, default="/"
        Where the system tells about itself.
    """
    root = Path(root)
    free = [_free_of_machine(root), *_free_of_cgroups(root), _free_of_limit(root)]
    n_workers = max(1, joblib.cpu_count() // usual_threads())
    return max(0, min(n for n in free if n is not None) // n_workers)


def _free_of_machine(root):
    try:
        text = (root / "proc/meminfo").read_text()
        lines = dict(line.split(":") for line in text.splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024  # files that Linux keeps can give way
    except (OSError, LookupError, ValueError):  # not known on this system
        return 4 * 2**30


def _free_of_limit(root):
    """What the limit of this process's address space leaves, None if there is no limit."""
    try:
        import resource
    except ImportError:  # on Windows
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        pages = int((root / "proc/self/statm").read_text().split()[0])
    except (OSError, LookupError, ValueError):
        return limit
    return limit - pages * resource.getpagesize()


def _free_of_cgroups(root):
    """Yield what the limit of each control group leaves that this process is in."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            kind, top = "v2", root / "sys/fs/cgroup"
        elif "memory" in controllers.split(","):
            kind, top = "v1", root / "sys/fs/cgroup/memory"
        else:
            continue
        # In a container the path may be that of the host, and only the top is there.
        inner = PurePosixPath(path.lstrip("/"))
        for group in (inner, *inner.parents):
            free = _free_of_group(top / group, *_CGROUP_FILES[kind])
            if free is not None:
                yield free


def _free_of_group(folder, limit, usage, gives_way):
    try:
        limit = int((folder / limit).read_text())
        usage = int((folder / usage).read_text())
    except (OSError, ValueError):  # not there, or "max"
        return None
    try:
        text = (folder / "memory.stat").read_text()
        stat = dict(line.split() for line in text.splitlines())
        usage -= int(stat[gives_way])
    except (OSError, LookupError, ValueError):
        pass
    return limit - usage

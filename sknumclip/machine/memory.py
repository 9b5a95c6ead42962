"""Free memory and default number of threads of this process."""

import multiprocessing
from pathlib import Path, PurePosixPath

import joblib
import torch

__all__ = ["free_memory", "usual_threads"]

_CGROUP_FILES = {
    # Limits, usage, and the reclaimable part of the usage: files that Linux caches. Above
    # memory.high a process is slowed down until it hardly moves.
    "v2": (("memory.max", "memory.high"), "memory.current", "inactive_file"),
    "v1": (("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file"),
}


def usual_threads():
    """Return how many threads this process should start: its share of the cores."""
    # joblib sets the share of its workers in the environment variables that torch reads.
    is_worker = multiprocessing.parent_process() is not None
    return min(joblib.cpu_count(), torch.get_num_threads()) if is_worker else joblib.cpu_count()


def free_memory(root="/"):
    """Return how many more bytes this process may use: its share of the free memory.

    This is the minimum of the free memory of the machine, of the container (cgroup v1 or v2) and of
    ``ulimit -v`` and ``-d``, divided by the number of workers in a joblib worker process.

    Parameters
    ----------
    root : str or Path, default="/"
        Root of the file system with ``proc`` and ``sys``.
    """
    root = Path(root)
    free = [_free_of_machine(root), *_free_of_cgroups(root), *_free_of_limits(root)]
    n_workers = max(1, joblib.cpu_count() // usual_threads())
    return max(0, min(free) // n_workers)


def _free_of_machine(root):
    try:
        text = (root / "proc/meminfo").read_text()
        lines = dict(line.split(":") for line in text.splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024  # includes reclaimable file caches
    except (OSError, LookupError, ValueError):  # not available on this system
        return 4 * 2**30


def _free_of_limits(root):
    """Yield the rest of this process's limits on address space and on data, if there are any."""
    try:
        import resource
    except ImportError:  # on Windows
        return
    for kind, column in (resource.RLIMIT_AS, 0), (resource.RLIMIT_DATA, 5):
        limit, _ = resource.getrlimit(kind)
        if limit == resource.RLIM_INFINITY:
            continue
        try:
            pages = int((root / "proc/self/statm").read_text().split()[column])
        except (OSError, LookupError, ValueError):
            pages = 0
        yield limit - pages * resource.getpagesize()


def _free_of_cgroups(root):
    """Yield the free memory of each control group that this process is in."""
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
        # In a container the path may be the host's, and only the top-level folder exists.
        inner = PurePosixPath(path.lstrip("/"))
        for group in (inner, *inner.parents):
            free = _free_of_group(top / group, *_CGROUP_FILES[kind])
            if free is not None:
                yield free


def _free_of_group(folder, limits, usage, reclaimable):
    numbers = [_number_in(folder / limit) for limit in limits]
    numbers = [number for number in numbers if number is not None]
    used = _number_in(folder / usage)
    if not numbers or used is None:
        return None
    try:
        text = (folder / "memory.stat").read_text()
        stat = dict(line.split() for line in text.splitlines())
        used -= int(stat[reclaimable])
    except (OSError, LookupError, ValueError):
        pass
    return min(numbers) - used


def _number_in(file):
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # not there, or "max"
        return None

"""Free memory and the usual number of threads of this process."""

import multiprocessing
from pathlib import Path

import joblib
import torch

__all__ = ["free_memory", "usual_threads"]


def usual_threads():
    """Return how many threads this process should start, its share of the cores."""
    # joblib tells its workers their share of the cores through the variables that torch reads.
    is_worker = multiprocessing.parent_process() is not None
    return min(joblib.cpu_count(), torch.get_num_threads()) if is_worker else joblib.cpu_count()


def free_memory():
    """Return how many bytes of memory are free."""
    try:
        lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024  # files that Linux keeps can give way
    except (OSError, LookupError, ValueError):  # not known on this system
        return 4 * 2**30

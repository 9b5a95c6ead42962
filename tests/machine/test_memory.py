"""Free memory of this process: of its container, its limit, and its share among workers."""

import subprocess
import sys

import numpy as np
import pytest
from joblib import Parallel, delayed

from sknumclip.images.cache import CanvasFolder, CanvasMemory, canvas_cache
from sknumclip.images.reading import Images
from sknumclip.machine.memory import free_memory

MB = 2**20


def system(tmp_path, files):
    """A system that tells about itself in these files."""
    files = {"proc/meminfo": "MemTotal: 9999999 kB\nMemAvailable: 4194304 kB\n", **files}
    for name, content in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return tmp_path


V2 = {
    "proc/self/cgroup": "0::/user/job\n",
    "sys/fs/cgroup/user/job/memory.max": f"{500 * MB}\n",
    "sys/fs/cgroup/user/job/memory.current": f"{300 * MB}\n",
    "sys/fs/cgroup/user/job/memory.stat": f"anon 1\ninactive_file {100 * MB}\n",
}
V1 = {
    "proc/self/cgroup": "5:cpu,cpuacct:/\n4:memory:/docker/abc\n1:name=systemd:/x\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{800 * MB}",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{600 * MB}",
    "sys/fs/cgroup/memory/memory.stat": f"total_inactive_file {50 * MB}\n",
}
UNLIMITED = {
    "proc/self/cgroup": "0::/\n",
    "sys/fs/cgroup/memory.max": "max\n",
    "sys/fs/cgroup/memory.current": f"{300 * MB}\n",
}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 4096),
        (V2, 300),
        # The group around it has less.
        (
            {
                **V2,
                "sys/fs/cgroup/user/memory.max": f"{310 * MB}",
                "sys/fs/cgroup/user/memory.current": f"{300 * MB}",
            },
            10,
        ),
        (V1, 250),
        (UNLIMITED, 4096),
        ({**V2, "sys/fs/cgroup/user/job/memory.current": f"{700 * MB}"}, 0),
        ({**V2, "sys/fs/cgroup/user/job/memory.high": f"{250 * MB}"}, 50),
        ({**UNLIMITED, "sys/fs/cgroup/memory.high": f"{450 * MB}"}, 150),
    ],
    ids=[
        *("machine", "cgroup v2", "outer cgroup", "cgroup v1", "no limit", "over the limit"),
        *("slowed down earlier", "only slowed down"),
    ],
)
def test_free_memory_is_the_containers(tmp_path, files, expected):
    assert free_memory(system(tmp_path, files)) == expected * MB


@pytest.mark.parametrize(("limit", "column"), [("AS", 0), ("DATA", 5)])
def test_free_memory_is_that_of_ulimit(limit, column):
    code = f"""
import resource
from sknumclip.machine.memory import free_memory
taken = int(open("/proc/self/statm").read().split()[{column}]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_{limit}, (taken + 200 * 2**20, resource.RLIM_INFINITY))
print(free_memory() // 2**20)
"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert 100 < int(printed) <= 200


def test_workers_share_it(tmp_path):
    root = system(tmp_path, {})
    shares = Parallel(n_jobs=2)(delayed(free_memory)(root) for _ in range(2))
    assert all(share <= 4096 * MB // 2 for share in shares)


def test_what_does_not_fit_goes_to_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("sknumclip.images.cache.free_memory", lambda: 10 * MB)
    # 2.3 MB, of 5 that are half of what is free.
    args = "auto", Images(list("abcd")), np.arange(4), (3, 1024, 200), "", 1
    first, second, third = (canvas_cache(*args) for _ in range(3))
    assert [type(c) for c in (first, second, third)] == [CanvasMemory, CanvasMemory, CanvasFolder]
    del first  # and its room is free again
    assert isinstance(canvas_cache(*args), CanvasMemory)

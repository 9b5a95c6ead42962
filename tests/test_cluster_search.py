"""Grid searches on the workers of dask and ray: the scores of a search in one process."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "search_on_cluster.py"


def search(folder, *options, timeout):
    """Run the script; kill it and all that it started when the time is up."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, output
    return output, json.loads(output.strip().splitlines()[-1])


@pytest.mark.parametrize("kind", ["paths", pytest.param("arrays", marks=pytest.mark.slow)])
def test_dask_ends_right_though_a_worker_is_killed_amid_the_search(tmp_path, kind):
    pytest.importorskip("distributed")
    output, result = search(tmp_path, "dask", kind, "kill", timeout=240)
    assert re.search(r"killed \d+", output)
    assert result["found"] == pytest.approx(result["alone"], rel=1e-6)
    assert result["kept"] == 150  # embeddings, for both workers and the one that took over


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["paths", "arrays"])
def test_ray(tmp_path, kind):
    pytest.importorskip("ray")
    _, result = search(tmp_path, "ray", kind, "live", timeout=400)
    assert result["found"] == pytest.approx(result["alone"], rel=1e-6)
    assert result["kept"] == 150

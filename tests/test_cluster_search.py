"""Grid searches on the workers of dask and ray: the scores of a search in one process."""

import json
import re
from pathlib import Path

import pytest
from factories import run_python

SCRIPT = Path(__file__).parent / "search_on_cluster.py"


def search(folder, *options, timeout):
    """Return all that the script prints, and its result."""
    output = run_python([SCRIPT, folder, *options], timeout)
    return output, json.loads(re.search(r"^{.*}$", output, re.MULTILINE).group())


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

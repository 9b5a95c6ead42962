"""Many predictions and fits in one process leave nothing behind."""

from pathlib import Path

import pandas as pd
from factories import run_python

SCRIPT = Path(__file__).parent.parent / "examples" / "benchmark_soak.py"


def test_no_files_or_threads_are_left_over(tmp_path):
    work = ["--predictions", "1000", "--fits", "10", "--rounds", "10", "--images", "50"]
    run_python([SCRIPT, *work, "--results", tmp_path / "soak"], timeout=300)
    rows = pd.read_csv(tmp_path / "soak.csv")
    assert rows["done"].tolist() == [*range(100, 1001, 100), *range(1, 11)]
    for name in ("files", "threads"):
        assert rows[name].iloc[-1] == rows[name].iloc[0]
    assert "| 1,000 predictions | memory (MB) |" in (tmp_path / "soak.md").read_text()
    assert (tmp_path / "soak.png").stat().st_size > 5000

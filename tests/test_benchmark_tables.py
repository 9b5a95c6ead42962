"""benchmark_tables: resumes after a kill."""

import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from sknumclip.datasets import make_counting_images

SCRIPT = Path(__file__).parent.parent / "examples" / "benchmark_tables.py"


def command(results):
    options = ["--methods", "zero-shot, words", "NumCLIP", "--shots", "1", "--seeds", "2"]
    return [sys.executable, "-u", str(SCRIPT), *options, "--results", str(results)]


def table(results):
    text = Path(f"{results.with_suffix('')}-counting-none-few_shot.md").read_text()
    assert str(results) in text  # the command, with the name of the file
    return text[text.index("|") :]


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_table(tmp_path):
    whole, killed = tmp_path / "whole.csv", tmp_path / "killed.csv"
    subprocess.run(command(whole), check=True, capture_output=True)
    with subprocess.Popen(command(killed), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("[1/4]")
        assert process.stdout.readline().startswith("[2/4]")
        process.send_signal(signal.SIGKILL)
    # As if the kill had come while the second line was written.
    killed.write_bytes(killed.read_bytes()[:-7])
    done = subprocess.run(command(killed), check=True, capture_output=True, text=True)
    assert "[1/4]" not in done.stdout
    assert "[2/4]" in done.stdout
    assert table(killed) == table(whole)
    assert len(pd.read_csv(whole)) == 4
    assert whole.with_name("whole-counting-none-few_shot.png").stat().st_size > 10_000
    again = subprocess.run(command(killed), check=True, capture_output=True, text=True)
    assert "[" not in again.stdout.split("few_shot")[0]


@pytest.mark.slow
def test_another_folder_in_the_same_file_is_computed_anew(tmp_path):
    X, y = make_counting_images(20, random_state=0)
    tables = []
    for name, numbers in (("a", y), ("b", y[::-1])):
        folder = tmp_path / name
        folder.mkdir()
        for i, picture in enumerate(X):
            Image.fromarray(picture).save(folder / f"{i:02}.png")
        labels = {"file": [f"{i:02}.png" for i in range(20)], "count": numbers}
        pd.DataFrame(labels).to_csv(folder / "labels.csv", index=False)
        options = ["--dataset", "folder", "--data", str(folder), "--label", "count"]
        options += ["--model", "tiny", "--table", "full", "--methods", "RidgeCV on embeddings"]
        options += ["--seeds", "1", "--results", str(tmp_path / "results.csv")]
        done = subprocess.run(
            [sys.executable, str(SCRIPT), *options], check=True, capture_output=True, text=True
        )
        assert "[1/1]" in done.stdout
        tables.append((tmp_path / "results-folder-none-full.md").read_text())
    assert tables[0] != tables[1]
    assert len(pd.read_csv(tmp_path / "results.csv")) == 2


@pytest.mark.slow
def test_a_method_that_does_not_exist_is_refused():
    options = ["--table", "samples", "--methods", "NumCLIP", "ridge"]
    done = subprocess.run([sys.executable, str(SCRIPT), *options], capture_output=True, text=True)
    assert done.returncode == 2
    assert "invalid choice: 'ridge'" in done.stderr
    assert "RidgeCV on embeddings" in done.stderr

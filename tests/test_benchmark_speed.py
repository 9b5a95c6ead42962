"""The speed benchmark runs, row by row, with a tower so small that nothing is measured."""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import open_clip
import pandas as pd
import pytest
from factories import MODELS

SCRIPT = Path(__file__).parent.parent / "examples" / "benchmark_speed.py"


@pytest.fixture
def benchmark(tmp_path, monkeypatch):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "micro.json").write_text(json.dumps(MODELS["clip"]))
    open_clip.add_model_config(tmp_path / "configs")
    spec = spec_from_file_location("benchmark_speed", SCRIPT)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)

    def run(*rows):
        arguments = ["--model", "micro", "--quick", "--batch-size", "4", "--rows", *rows]
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *arguments])
        module.main()
        return pd.read_csv("speed.csv").set_index("what")

    return run


def test_rows_of_a_training_step_and_of_prediction(benchmark):
    rows = ["one training step", "the paper's training step"]
    rows += ["the paper's training step, and the released code", "predict, uint8 in memory"]
    products = ["one training step, its FLOPs", "prediction, its FLOPs"]
    table = benchmark(*rows, *products, "clone", "save, frozen (GB)")
    assert (table["ratio"] > 0).all()
    assert table["share"].notna().tolist() == [False] * 4 + [True] * 2 + [False] * 2
    assert (table["min"] <= table["max"]).all()


def test_an_unknown_row_is_named(benchmark, capsys):
    with pytest.raises(SystemExit):
        benchmark("speed of light")
    assert "no rows ['speed of light']" in capsys.readouterr().err

"""What the documentation says is true: README, docstrings, defaults, examples."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc

import sknumclip
from sknumclip import (
    CLIPEmbedder,
    LinguisticBins,
    NumCLIPClassifier,
    NumCLIPRegressor,
    baselines,
    datasets,
    inference,
    inspection,
    metrics,
    plotting,
    suggest_bins,
)
from sknumclip.saving import folder as persistence
from sknumclip.saving import hub, model_card
from sknumclip.saving import onnx as onnx_export

ROOT = Path(__file__).parent.parent


PUBLIC = [model_card.model_card, onnx_export.to_onnx, persistence.load, persistence.save]
PUBLIC += [CLIPEmbedder, LinguisticBins, NumCLIPClassifier, NumCLIPRegressor, suggest_bins] + [
    getattr(module, name)
    for module in (baselines, datasets, hub, inference, inspection, metrics, plotting)
    for name in module.__all__
]
PUBLIC += [
    method
    for name in plotting.__all__
    for _, method in inspect.getmembers(getattr(plotting, name), inspect.isroutine)
    if method.__name__.startswith("from_")
]


@pytest.mark.parametrize("object_", PUBLIC, ids=lambda object_: object_.__qualname__)
def test_docstring_lists_the_parameters_with_their_defaults(object_):
    doc = (ClassDoc if inspect.isclass(object_) else FunctionDoc)(object_)
    documented = {}
    for parameter in doc["Parameters"]:
        for name in parameter.name.split(", "):
            documented[name.lstrip("*")] = parameter.type  # numpydoc may keep the stars
    signature = inspect.signature(object_).parameters
    assert list(documented) == list(signature)
    for name, parameter in signature.items():
        default = re.search(r"default=(.*)$", documented[name])
        if parameter.default is inspect.Parameter.empty:
            assert default is None, name
        elif "," not in documented[name].split("default=")[-1]:
            assert eval(default.group(1)) == parameter.default, name


def test_examples_in_the_readme_name_real_things():
    readme = (ROOT / "README.md").read_text()
    for block in re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL):
        compile(block, "README.md", "exec")
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", readme):
        assert (ROOT / link).exists(), link
    for name in re.findall(r"`(\w+)=", readme):
        assert name in {*inspect.signature(NumCLIPRegressor).parameters, "n_jobs", "scoring"}, name


def test_the_workflow_runs_the_commands_of_the_readme():
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    readme = (ROOT / "README.md").read_text()
    commands = "\n".join(re.findall(r"```bash\n(.*?)```", readme, flags=re.DOTALL)).split("\n")
    for command in filter(None, commands):
        assert f"run: {command}\n" in workflow, command


@pytest.mark.slow
def test_the_quickstart_runs(tmp_path):
    script = ROOT / "examples" / "plot_01_quickstart.py"
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    errors = dict(re.findall(r"(zero-shot|fitted): +([\d.]+)", done.stdout))
    assert float(errors["fitted"]) < 0.8 * float(errors["zero-shot"])
    assert (tmp_path / "quickstart.png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["plot_02_choosing_words", "plot_03_search", "plot_04_reading_errors"]
)
def test_the_gallery_runs_and_leaves_no_files(name, tmp_path):
    script = ROOT / "examples" / f"{name}.py"
    headless = {**os.environ, "MPLBACKEND": "Agg"}
    subprocess.run([sys.executable, script], cwd=tmp_path, env=headless, check=True)
    assert not list(tmp_path.iterdir())
    assert len(script.read_text().splitlines()) <= 100


@pytest.mark.slow
def test_the_table_beside_the_picture_beats_both_alone(tmp_path):
    script = ROOT / "examples" / "plot_06_table_beside_the_picture.py"
    headless = {**os.environ, "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env=headless,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not list(tmp_path.iterdir())
    found = re.findall(r"^(.+): off by ([\d.]+)$", done.stdout, flags=re.MULTILINE)
    errors = {name: float(error) for name, error in found}
    alone = min(errors["images alone"], errors["table alone"])
    assert errors["both, stacked"] < 0.8 * alone
    assert errors["both, as features"] < alone


@pytest.mark.slow
def test_the_optuna_example_runs(tmp_path):
    pytest.importorskip("optuna")
    command = [sys.executable, ROOT / "examples" / "search_optuna.py", "--trials=3", "--images=60"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300
    )
    first, best = map(float, re.findall(r": ([\d.]+) shapes off", done.stdout))
    assert best <= first


@pytest.mark.parametrize(
    "page", ["README.md", "docs/results.md", "docs/method.md", "docs/trust.md", "docs/cluster.md"]
)
def test_pages_have_no_gaps(page):
    text = (ROOT / page).read_text()
    assert len(text) > 1000
    assert not re.search(r"@[A-Z]+@|TODO|FIXME|XXX", text)


def test_changelog_and_version():
    assert "[Unreleased]" in (ROOT / "CHANGELOG.md").read_text()
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+)?", sknumclip.__version__)


def test_the_hooks_are_documented_with_their_true_signatures():
    rows = re.findall(r"^\| `(_\w+)\((.*)\)` \|", (ROOT / "docs/extending.md").read_text(), re.M)
    assert len(rows) == 4
    for name, parameters in rows:
        signature = inspect.signature(getattr(NumCLIPRegressor, name))
        assert list(signature.parameters)[1:] == parameters.split(", "), name

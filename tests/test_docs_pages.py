"""What the pages of the documentation say is true: code, output, links, and the reference.

The code blocks of a page run one after the other, as a reader would run them, in a folder with
pictures; where they name a CLIP model that would be downloaded, they get the model inside the
package. A block of ``text`` right after the code is what the code prints. Blocks of ``py`` need
what a test has not (a cluster, a network): they are only compiled.
"""

import ast
import contextlib
import importlib
import io
import os
import re
import sys
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import sknumclip
from sknumclip import datasets
from sknumclip.clip import backbone, loading
from sknumclip.machine import device

DOCS = Path(__file__).parent.parent / "docs"
README = DOCS.parent / "README.md"
PAGES = sorted(
    page
    for page in [README, *DOCS.rglob("*.md")]
    if not {"_build", "auto_examples", "generated"} & set(page.relative_to(DOCS.parent).parts)
)
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"-?\b\d+(?:\.\d+)?")

every_page = pytest.mark.parametrize(
    "page", PAGES, ids=[page.relative_to(DOCS.parent).as_posix() for page in PAGES]
)


def blocks(page):
    """Code, and what it prints or None, of each block of Python."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    for (kind, code), (next_kind, output) in pairwise([*found, ("", "")]):
        if kind == "python":
            yield code, output if next_kind == "text" else None


def check_output(expected, printed):
    """Words must be the same; numbers about the same, as processors round differently.

    A shift of a center was seen to differ by 0.4 between processors, where bins cover 1 to 101.
    """
    assert NUMBER.sub("#", expected).split() == NUMBER.sub("#", printed).split(), printed
    numbers = [[float(number) for number in NUMBER.findall(text)] for text in (printed, expected)]
    np.testing.assert_allclose(*numbers, rtol=0.05, atol=0.7, err_msg=printed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of pictures, with what tables of images have: numbers, people, parts."""
    folder = tmp_path_factory.mktemp("photos")
    X, y = datasets.make_counting_images(60, random_state=0)
    files = [f"{i:03}.png" for i in range(len(X))]
    for file, image in zip(files, X, strict=True):
        Image.fromarray(image).save(folder / file)
    part = np.where(np.arange(60) % 3, "train", "test")
    grades = np.array(["poor", "fair", "good"])[np.digitize(y, [20, 60])]
    table = {"file": files, "age": y, "person": np.arange(60) // 2, "split": part, "grade": grades}
    pd.DataFrame(table).to_csv(folder / "labels.csv", index=False)
    return folder


@pytest.fixture
def reader(folder, tmp_path, monkeypatch):
    """Where a reader of the pages is: beside the folder ``photos``, with a CLIP at hand.

    The processor is one without bfloat16, which moves a printed shift by a unit.
    """
    monkeypatch.chdir(tmp_path)
    os.symlink(folder, "photos")
    load, tiny = loading.load, f"local-dir:{backbone.TINY}"
    monkeypatch.setattr(
        loading,
        "load",
        lambda name, pretrained, state: load(
            *((name, pretrained, state) if name.startswith("local-dir:") else (tiny, "", ()))
        ),
    )
    monkeypatch.setattr(device, "_cpu_has_bf16", lambda: False)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    mpl.use("Agg")


@pytest.mark.filterwarnings("ignore:.*labels have fewer than k")
@every_page
def test_code_runs_and_prints_what_the_page_says(page, reader):
    namespace = {"__name__": "__main__"}
    for code, output in blocks(page):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(page), "exec"), namespace)
        if output is not None:
            check_output(output, printed.getvalue())


@every_page
def test_names_imported_from_the_package_are_public(page):
    for code, _ in blocks(page):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("sknumclip"):
                module = importlib.import_module(node.module)
                assert {alias.name for alias in node.names} <= set(module.__all__), node.module


@every_page
def test_code_that_cannot_run_here_compiles(page):
    for kind, code in FENCE.findall(page.read_text(encoding="utf-8")):
        if kind == "py":
            compile(code, str(page), "exec")


def anchors(page):
    """The anchors of a page's headings, as MyST and GitHub make them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for heading in re.findall(r"^#+ +(.+)$", text, flags=re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@every_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text(encoding="utf-8"))):
        if target.startswith("http"):
            continue
        file, _, anchor = target.partition("#")
        if file.startswith(("auto_examples/", "../auto_examples/")):  # made from examples/
            name = re.sub(r"sphx_glr_(.+)_\d+$", r"\1", Path(file).stem)
            script = DOCS.parent / "examples" / f"{name}.py"
            assert script.exists() or Path(file).stem == "index", target
            continue
        if Path(file).name == "api.rst":  # made from the __all__ lists, tested below
            continue
        linked = (page.parent / file).resolve() if file else page
        assert linked.exists(), target
        if anchor:
            assert anchor in set(anchors(linked)), target


@pytest.mark.parametrize("page", ["../README.md", "your_task.md", "faq.md", "guide/evaluation.md"])
def test_quoted_results_are_in_the_results(page):
    """Errors in years and ratios of times, which are given with two decimals."""
    sources = ["results.md", "speed.md"] + ["../pyproject.toml"] * (page == "../README.md")
    quoted, *measured = (
        set(re.findall(r"\d+\.\d\d\b", FENCE.sub("", (DOCS / file).read_text(encoding="utf-8"))))
        for file in [page, *sources]
    )
    assert quoted <= set.union(*measured)


def test_every_page_is_in_the_navigation():
    listed = set()
    for page in PAGES:
        for kind, content in FENCE.findall(page.read_text(encoding="utf-8")):
            if kind == "{toctree}":
                lines = [line for line in content.splitlines() if line and line[0] != ":"]
                names = [line.split("<")[-1].strip(">") for line in lines]
                for name in names:
                    listed |= {found.resolve() for found in page.parent.glob(f"{name}.md")}
    assert set(PAGES) - {README, DOCS / "index.md"} <= listed


def test_the_reference_has_every_public_name(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    api_page = importlib.import_module("api_page")
    api_page.write_api_pages(tmp_path)
    pages = {f"api/{page.stem}": page.read_text() for page in (tmp_path / "api").iterdir()}
    index = (tmp_path / "api.rst").read_text().split()
    assert all(page in index for page in pages)
    text = "".join(pages.values())
    listed = {}
    for section in text.split(".. currentmodule:: ")[1:]:
        module, *lines = section.splitlines()
        listed.setdefault(module, set()).update(line[3:] for line in lines if line[:3] == "   ")
    is_module = {name: f"sknumclip.{name}" in sys.modules for name in sknumclip.__all__}
    assert {name for name in sknumclip.__all__ if not is_module[name]} <= listed["sknumclip"]
    for name in sknumclip.__all__:
        if is_module[name]:
            public = importlib.import_module(f"sknumclip.{name}").__all__
            assert set(public) <= listed[f"sknumclip.{name}"], name

"""Lazy import of matplotlib, checks of data and axes, number formats."""

import ast
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from plot_shared import X, Y

from sknumclip import plotting
from sknumclip.plotting import BinErrorDisplay, EmbeddingDisplay
from sknumclip.plotting._axes import n_decimals


def test_without_matplotlib_it_can_be_imported_and_says_how_to_get_it(monkeypatch):
    for file in Path(plotting.__file__).parent.glob("*.py"):
        top_level = ast.parse(file.read_text()).body
        imports = [ast.unparse(node) for node in top_level if isinstance(node, ast.Import)]
        imports += [node.module for node in top_level if isinstance(node, ast.ImportFrom)]
        assert not any("matplotlib" in (name or "") for name in imports), file
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"^EmbeddingDisplay.plot needs matplotlib: pip install"):
        EmbeddingDisplay(positions=[[0, 0]], y=[0]).plot()


@pytest.mark.parametrize(
    ("name", "plot"),
    [
        ("y_true", lambda m: BinErrorDisplay.from_predictions(m, [1, 2, 3], 2)),
        ("y_pred", lambda m: BinErrorDisplay.from_predictions([1, 2, 3], m, 2)),
        ("y", lambda m: EmbeddingDisplay.from_features(np.eye(3), m)),
        ("y", lambda m: EmbeddingDisplay.from_features(np.eye(3), m, classes=[1, 2, 3])),
    ],
)
def test_masked_arrays_are_not_plotted(name, plot):
    with pytest.raises(ValueError, match=f"^{name} is a masked array"):
        plot(np.ma.array([1, 2, 3], mask=[0, 1, 0]))


def test_panels_need_axes_that_can_be_divided(reg):
    free = plt.figure().add_axes((0.1, 0.1, 0.8, 0.8))
    with pytest.raises(ValueError, match=r"ax must be made by plt.subplots.* at a free position"):
        BinErrorDisplay.from_estimator(reg, X, Y, ax=free)


@pytest.mark.parametrize(
    ("scale", "written"), [(250, "250"), (40, "40.0"), (7, "7.00"), (0.03, "0.0300"), (0, "0")]
)
def test_numbers_have_three_digits_that_count(scale, written):
    assert f"{scale:.{n_decimals(scale)}f}" == written

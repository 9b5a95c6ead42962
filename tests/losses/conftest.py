"""A batch for the tests of losses."""

import numpy as np
import pytest


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 100, size=9)
    bins = np.digitize(y, [20, 40, 60])
    return rng.normal(size=(9, 4)) * 3, bins, y

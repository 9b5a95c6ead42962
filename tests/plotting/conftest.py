"""Estimators and a search, fitted once for all tests of displays."""

import pytest
from plot_shared import finished_search, fitted_classifier, fitted_regressor


@pytest.fixture
def reg():
    return fitted_regressor()


@pytest.fixture
def clf():
    return fitted_classifier()


@pytest.fixture
def search():
    return finished_search()

"""Problems are solved as SciPy solves them, each as if it were alone."""

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from sknumclip.solving.lbfgs import LONGEST, minimize_each

ONE = np.ones((2, 1))


def rosenbrock(x):
    return np.array([rosen(row) for row in x]), np.array([rosen_der(row) for row in x])


def quadratics(x):
    """One with axes of very different curvature, one that is flat, one that is narrow."""
    curvature = np.array([[1.0, 100.0, 1e4], [0.0, 0.0, 0.0], [1e6, 1e6, 1e6]])
    off = x - [1.0, -2.0, 3.0]
    return (curvature * off**2).sum(axis=1) / 2, curvature * off


def test_minima_are_found():
    start = np.random.default_rng(0).normal(size=(5, 6))
    found = minimize_each(rosenbrock, start, 200)
    expected = [minimize(rosen, row, jac=rosen_der, method="L-BFGS-B").x for row in start]
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_each_problem_is_solved_as_if_it_were_alone():
    start = np.random.default_rng(0).normal(size=(3, 3))
    together = minimize_each(quadratics, start, 30)
    for i, alone in enumerate(start):

        def one(x, i=i):
            values, gradients = quadratics(np.repeat(x, 3, axis=0))
            return values[[i]], gradients[[i]]

        np.testing.assert_allclose(together[i], minimize_each(one, alone[None], 30)[0])
    np.testing.assert_array_equal(together[1], start[1])
    np.testing.assert_allclose(together[[0, 2]], [[1, -2, 3]] * 2, atol=1e-3)


def test_no_iterations_leave_everything_where_it_is():
    start = np.random.default_rng(0).normal(size=(3, 3))
    np.testing.assert_array_equal(minimize_each(quadratics, start, 0), start)


def test_an_iteration_moves_no_parameter_far_and_never_uphill():
    values = []

    def recorded(x):
        value, gradient = rosenbrock(x)
        values.append(value)
        return value, gradient

    start = np.random.default_rng(0).normal(size=(5, 6))
    at = start
    for n in range(1, 12):
        previous, at = at, minimize_each(recorded, start, n)
        assert (rosenbrock(at)[0] <= rosenbrock(previous)[0]).all()
        assert np.abs(at - previous).max() <= LONGEST
    assert max(map(len, values)) == 5  # all together


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_step_to_where_there_is_no_value_is_shortened(bad):
    def logarithm(x):
        inside = np.where(x > 0, x, 1.0)
        value = np.where(x > 0, inside - 0.05 * np.log(inside), bad)
        seen.append(value.max())
        return value[:, 0], np.where(x > 0, 1 - 0.05 / inside, bad)

    seen = []
    found = minimize_each(logarithm, np.array([[0.01], [3.0]]), 30)
    np.testing.assert_allclose(found, 0.05, atol=1e-4)
    assert not np.isfinite(seen).all()


def test_a_step_of_any_size_gives_no_warning(recwarn):
    for unit in (1e-200, 1e-20, 1e20, 1e150):
        found = minimize_each(lambda x, unit=unit: (unit * x[:, 0] ** 2, 2 * unit * x), ONE, 9)
        assert np.abs(found).max() <= 1
    assert not recwarn.list

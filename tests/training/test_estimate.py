"""A long fit says early how long it will take; a short one says nothing."""

import re

import numpy as np
import pytest
from factories import FAST, Y

from sknumclip import NumCLIPRegressor
from sknumclip.training import estimate
from sknumclip.training.estimate import expected


@pytest.mark.parametrize(
    ("per_step", "time"),
    [(3.75, "3 h 20 min"), (0.2, "11 min"), (0.02, "64 s"), (100.0, "88 h 53 min")],
)
def test_time_is_that_of_all_steps(per_step, time):
    message = expected(per_step, n_steps=32, n_epochs=100, device="cpu")
    assert f"about {time} on cpu: 100 epochs of 32 steps" in message


def fit(pixels, **params):
    reg = NumCLIPRegressor(**{**FAST, "batch_size": 2, "verbose": 1, **params}, model_name="tiny")
    return reg.fit(pixels, Y)


def test_a_long_fit_says_so_once(pixels, monkeypatch, capsys):
    monkeypatch.setattr(estimate, "LONG", 0.0)
    fit(pixels, max_epochs=3, device="cpu")
    printed = capsys.readouterr().out
    assert (
        len(re.findall(r"Training will take about \d+ s on cpu: 2 epochs of 4 steps", printed)) == 1
    )
    assert "Faster ways: fine_tune='none'" in printed


def test_short_or_silent_fits_say_nothing(pixels, monkeypatch, capsys):
    fit(pixels)
    monkeypatch.setattr(estimate, "LONG", 0.0)
    fit(pixels, verbose=0)
    assert capsys.readouterr().out == ""


def test_verbose_2_says_what_is_done_and_how_long_it_takes(pixels, capsys):
    fit(pixels, max_epochs=3, verbose=2)
    printed = capsys.readouterr().out
    assert printed.index("NumCLIPRegressor.fit\n") < printed.index("Training will take about")
    assert "Faster ways" not in printed  # it is short


def test_a_frozen_fit_is_never_long(monkeypatch, capsys):
    monkeypatch.setattr(estimate, "LONG", 0.0)
    X = np.random.default_rng(0).normal(size=(len(Y), 6))
    fit(X, fine_tune="none")
    assert "fine_tune" not in capsys.readouterr().out

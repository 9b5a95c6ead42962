"""Progress bars of terminals, notebooks and logs."""

import io
import sys
import types

import pytest

from sknumclip.machine import progress
from sknumclip.machine.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """The time that bars read, in seconds; a list of one number."""
    now = [1000.0]
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    return now


def work(bar, clock, seconds_per_step):
    with bar:
        for _ in range(10):
            clock[0] += seconds_per_step
            bar.update()


@pytest.mark.parametrize("leave", [True, False])
@pytest.mark.parametrize("file", [Terminal, io.StringIO])
def test_short_work_shows_nothing(file, leave, clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", file())
    work(progress_bar(10, "image", leave=leave), clock, 0.1)
    assert sys.stderr.getvalue() == ""


def test_a_terminal_sees_each_step_in_one_line(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    work(progress_bar(10, "image", desc="embedding", leave=True), clock, 1.0)
    shown = sys.stderr.getvalue()
    assert shown.count("\r") >= 8
    assert shown.count("\n") == 1
    assert "embedding: 100%" in shown
    assert "0/10" not in shown.replace("10/10", "")


def test_a_log_gets_a_line_a_minute(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    work(progress_bar(10, "epoch", leave=True), clock, 30.0)
    lines = sys.stderr.getvalue().splitlines()
    assert len(lines) == 5  # of five minutes
    assert all("\r" not in line and "epoch" in line for line in lines)
    assert "10/10" in lines[-1]


def test_silence(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    work(progress_bar(10, "image", verbose=False), clock, 10.0)
    assert sys.stderr.getvalue() == ""


def test_a_notebook_without_ipywidgets_has_a_bar_of_text_and_no_warning(
    clock, monkeypatch, recwarn
):
    kernel = types.SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: kernel))
    monkeypatch.setattr(progress, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    work(progress_bar(10, "image", leave=True), clock, 1.0)
    assert sys.stderr.getvalue().count("\r") >= 8
    assert not recwarn.list

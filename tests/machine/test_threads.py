"""Torch computes with no more threads than the process may have cores; the caller's stay."""

import os
import threading

import numpy as np
import pytest
import torch
from factories import FromZeroShot, run_python

from sknumclip import CLIPEmbedder
from sknumclip.machine.threads import torch_threads
from sknumclip.training import loop


def test_threads_are_the_callers_again_afterwards():
    before = torch.get_num_threads()
    with torch_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_threads_that_overlap_leave_the_callers_number():
    before, inside = torch.get_num_threads(), threading.Barrier(2)
    torch.set_num_threads(3)

    def work():
        with torch_threads(1):
            inside.wait()
            assert torch.get_num_threads() == 1
            inside.wait()

    try:
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("asked", "used"), [(1, 1), (2, 2), (4, 2)])
def test_a_container_of_two_cores_gets_no_more_threads(monkeypatch, asked, used):
    normalize, seen = torch.nn.functional.normalize, set()

    def watch(*args, **kwargs):
        seen.add(torch.get_num_threads())
        return normalize(*args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "normalize", watch)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    before = torch.get_num_threads()
    torch.set_num_threads(asked)
    try:
        embedder = CLIPEmbedder(model_name="tiny", image_cache=None, verbose=0)
        embedder.fit_transform(np.zeros((3, 40, 40, 3), np.uint8))
        assert torch.get_num_threads() == asked
    finally:
        torch.set_num_threads(before)
    assert seen == {used}


def threads_of_steps(X, y, **params):
    """The numbers of threads that steps take if the caller allows two."""
    seen = set()

    def loss(logits, bin_index, y, **options):
        seen.add(torch.get_num_threads())
        return logits.sum() * 0

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        # A solved start would compute the loss as well.
        reg = FromZeroShot(3, model_name="tiny", max_epochs=1, verbose=0)
        reg.set_params(ranking_loss=loss, **params).fit(X, y)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    return seen


def test_steps_too_small_for_threads_take_one(monkeypatch):
    rng, y = np.random.default_rng(0), np.arange(8.0)
    features, images = (
        rng.normal(size=(8, 8)),
        rng.integers(256, size=(8, 64, 64, 3), dtype=np.uint8),
    )
    assert threads_of_steps(features, y, fine_tune="none") == {1}
    assert threads_of_steps(images, y, fine_tune="full") == {1}  # of a tower this small
    monkeypatch.setattr(loop, "SMALL", 1000)
    assert threads_of_steps(images, y, fine_tune="full") == {2}


THREADS = """
import threading
from concurrent.futures import ThreadPoolExecutor
import numpy, scipy.linalg, torch
from threadpoolctl import threadpool_info
from sknumclip.machine.threads import one_thread

both_are_in, first_has_left = threading.Barrier(2), threading.Event()

def limits():
    return sorted((pool["user_api"], pool["num_threads"]) for pool in threadpool_info())

def first():
    with one_thread():
        both_are_in.wait(60)
    first_has_left.set()

def second():
    with one_thread():
        both_are_in.wait(60)
        first_has_left.wait(60)
        inside = limits()
    return inside

before = limits()
for _ in range(2):
    with ThreadPoolExecutor(2) as threads:
        jobs = threads.submit(first), threads.submit(second)
    print(set(jobs[1].result()) == {("blas", 1), ("openmp", 1)}, limits() == before)
    both_are_in.reset()
    first_has_left.clear()
"""


def test_numbers_of_threads_are_the_callers_again_after_calls_in_threads():
    """Those of BLAS are one for all threads, so calls that overlap have to agree."""
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    assert run_python(["-c", THREADS], timeout=120, env=environment).split() == 4 * ["True"]

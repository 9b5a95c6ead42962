"""Fingerprints: equal for equal tensors, and different for anything else."""

import pytest
import torch

from sknumclip.machine.fingerprint import fingerprint

STATE = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(True)}


@pytest.mark.parametrize(
    "same",
    [
        dict(reversed(STATE.items())),
        {**STATE, "a": torch.arange(6.0).reshape(2, 3).T.contiguous().T},
        {**STATE, "a": torch.nn.Parameter(STATE["a"])},
    ],
    ids=["another order", "another layout in memory", "a parameter"],
)
def test_equal_tensors_have_the_same_fingerprint(same):
    assert fingerprint(same) == fingerprint(STATE)


@pytest.mark.parametrize(
    "other",
    [
        {**STATE, "a": STATE["a"].nextafter(torch.tensor(9.0))},
        {**STATE, "a": STATE["a"].reshape(3, 2)},
        {**STATE, "a": STATE["a"].view(torch.int32)},
        {"a": STATE["a"], "c": STATE["b"]},
        {"a": STATE["a"]},
        {**STATE, "c": torch.zeros(0)},
    ],
    ids=["the last digit", "shape", "dtype of the same bytes", "name", "one less", "an empty one"],
)
def test_any_difference_changes_the_fingerprint(other):
    assert fingerprint(other) != fingerprint(STATE)


def test_further_text_is_part_of_it_word_by_word():
    prints = [fingerprint(STATE, *more) for more in ((), ("ab",), ("a", "b"), ("b", "a"))]
    assert len(set(prints)) == 4


def test_bf16_and_nan_have_a_fingerprint_too():
    state = {"a": torch.tensor([1.0, float("nan")], dtype=torch.bfloat16)}
    assert fingerprint(state) == fingerprint({"a": state["a"].clone()})

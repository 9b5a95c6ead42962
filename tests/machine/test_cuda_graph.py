"""Which fits run their steps as a CUDA graph; that they learn the same is in test_gpu."""

import pytest
import torch
from skorch.callbacks import Callback

from sknumclip import NumCLIPRegressor
from sknumclip.machine.cuda_graph import branch
from sknumclip.machine.processes import ONE_PROCESS


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, True),
        ({"fine_tune": "none"}, True),
        ({"compile": True}, True),
        ({"accumulate_steps": 2}, False),  # gradients add up, a graph would write them anew
        ({"callbacks": [Callback()]}, False),  # which may change what a step does
        ({"grad_checkpointing": True}, False),  # it saves the state of random numbers
    ],
)
def test_only_steps_that_are_all_alike_are_captured(params, expected):
    assert NumCLIPRegressor(**params)._graphs_steps(ONE_PROCESS) == expected


def test_on_a_cpu_a_branch_is_what_stands_in_it():
    with branch(torch.device("cpu")) as join:
        value = torch.ones(1)
    join()
    assert value == 1

"""Processes: distributing and gathering samples; test_distributed uses real processes."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sknumclip import NumCLIPRegressor
from sknumclip.machine.processes import ONE_PROCESS, Processes


def processes(n, index=0, **attributes):
    """One of `n` processes, as far as dealing out goes."""
    return Processes(
        SimpleNamespace(
            num_processes=n,
            process_index=index,
            mixed_precision="no",
            gradient_accumulation_steps=1,
            distributed_type="MULTI_CPU",
            **attributes,
        )
    )


@pytest.mark.parametrize("n_samples", [1, 2, 7, 12])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_every_sample_is_dealt_out_once_and_comes_back_in_its_place(n, n_samples):
    order = np.random.default_rng(0).permutation(n_samples)
    parts = [processes(n, index).part(order) for index in range(n)]
    assert sorted(np.concatenate(parts)) == list(range(n_samples))
    dealt = [processes(n, index).equal_part(order) for index in range(n)]
    assert {len(part) for part in dealt} == {-(-n_samples // n)}
    everything = torch.from_numpy(np.concatenate(dealt))[:, None] * 1.0
    for index in range(n):
        one = processes(n, index, gather=lambda rows: everything.clone())
        own = torch.from_numpy(dealt[index])[:, None] * 1.0
        rows = one.all_rows(own.requires_grad_(), n_samples)
        assert rows[:, 0].tolist() == order.tolist()
        rows.sum().backward()
        filler = n_samples < len(own) * n and index >= n_samples % n
        assert own.grad.sum() == len(own) - filler


def test_one_process_does_nothing_special():
    rows = torch.ones(3, 2)
    assert ONE_PROCESS.all_rows(rows, 3) is rows
    assert ONE_PROCESS.all_objects("a") == ["a"]
    assert ONE_PROCESS.from_main(lambda: 7) == 7
    assert ONE_PROCESS.is_main
    ONE_PROCESS.check_same("digest", "Labels")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(mixed_precision="bf16"), "mixed_precision='bf16'; .* Use .* and precision='bf16'"),
        (dict(gradient_accumulation_steps=4), "=4. Use the estimator's accumulate_steps"),
    ],
)
def test_accelerators_that_want_what_parameters_say(pixels, options, message):
    accelerate = pytest.importorskip("accelerate")
    accelerate.state.AcceleratorState._reset_state(True)
    accelerator = accelerate.Accelerator(cpu=True, **options)
    try:
        with pytest.raises(ValueError, match=message):
            NumCLIPRegressor(2, model_name="tiny", accelerator=accelerator).fit(pixels, range(8))
    finally:
        accelerate.state.AcceleratorState._reset_state(True)


def test_models_in_pieces_are_refused():
    accelerator = processes(2).accelerator
    accelerator.distributed_type = "FSDP"
    with pytest.raises(ValueError, match="set up for FSDP, which splits the model"):
        Processes(accelerator)

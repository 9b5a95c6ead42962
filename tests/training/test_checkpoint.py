"""Checkpoint files are whole or refused. Resuming is tested with the estimator."""

import numpy as np
import pytest
import torch

from sknumclip.training.checkpoint import (
    load_optimizer_tensors,
    optimizer_tensors,
    read_checkpoint,
    write_checkpoint,
)

TENSORS = {"a": torch.arange(6.0).reshape(2, 3).T, "b": torch.tensor(True)}


def test_round_trip(tmp_path):
    file = tmp_path / "new" / "folder" / "state.safetensors"
    write_checkpoint(file, TENSORS, {"epoch": 3, "loss": [0.5, None]})
    tensors, state = read_checkpoint(file)
    assert state == {"epoch": 3, "loss": [0.5, None]}
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert [f.name for f in file.parent.iterdir()] == [file.name]


def test_files_cut_off_anywhere_are_refused(tmp_path):
    file = tmp_path / "state.safetensors"
    write_checkpoint(file, TENSORS, {"epoch": 3})
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="damaged.*Delete it"):
            read_checkpoint(file)


def test_a_changed_byte_anywhere_is_never_read_as_something_else(tmp_path):
    file = tmp_path / "state.safetensors"
    state = {"epoch": 3, "loss": [0.5]}
    write_checkpoint(file, TENSORS, state)
    whole = file.read_bytes()
    n_refused = 0
    for i in range(len(whole)):
        file.write_bytes(whole[:i] + bytes([whole[i] ^ (1 + i % 255)]) + whole[i + 1 :])
        try:
            tensors, read = read_checkpoint(file)
        except ValueError:
            n_refused += 1
        else:  # white space in the header, say
            assert read == state
            assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert n_refused > 0.9 * len(whole)


def test_a_file_of_another_version_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "state.safetensors"
    with monkeypatch.context() as context:
        context.setattr("sknumclip.training.checkpoint._WRITER", "sknumclip 9.9 and torch 9.9")
        write_checkpoint(file, TENSORS, {})
    with pytest.raises(ValueError, match="written by sknumclip 9.9 .*, and this is .*delete it"):
        read_checkpoint(file)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "state.safetensors"
    write_checkpoint(file, TENSORS, {"epoch": 1})

    def full_disk(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(file, TENSORS, {"epoch": 2})
    assert read_checkpoint(file)[1] == {"epoch": 1}
    assert len(list(tmp_path.iterdir())) == 1


def test_an_optimizer_goes_on_as_if_never_stopped():
    def make():
        torch.manual_seed(0)
        layer = torch.nn.Linear(2, 2)
        return layer, torch.optim.Adam(layer.parameters(), lr=0.1)

    def step(layer, optimizer):
        layer(torch.ones(1, 2)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    straight, resumed = make(), make()
    step(*straight)
    step(*straight)
    step(*resumed)
    tensors = optimizer_tensors(resumed[1])
    resumed = resumed[0], torch.optim.Adam(resumed[0].parameters(), lr=0.1)
    load_optimizer_tensors(resumed[1], tensors)
    step(*resumed)
    assert torch.equal(straight[0].weight, resumed[0].weight)


def test_numbers_of_numpy_and_torch_are_kept_and_other_things_named(tmp_path):
    file = tmp_path / "state.safetensors"
    write_checkpoint(file, TENSORS, {"score": np.float32(0.5), "best": torch.tensor(3)})
    assert read_checkpoint(file)[1] == {"score": 0.5, "best": 3}
    with pytest.raises(TypeError, match="recorded <object .*fit without checkpoint"):
        write_checkpoint(file, TENSORS, {"score": object()})

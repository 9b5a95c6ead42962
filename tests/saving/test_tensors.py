"""Tensors are compared with what is expected before they are read."""

import hashlib

import pytest
import safetensors.torch
import torch

from sknumclip.exceptions import SavedModelError
from sknumclip.saving.tensors import TensorFile

EXPECTED = {"a": torch.zeros(2, 3), "b": torch.zeros(2, dtype=torch.int64)}


def open_saved(folder, **tensors):
    content = safetensors.torch.save(tensors)
    (folder / "model.safetensors").write_bytes(content)
    return TensorFile(folder, hashlib.sha256(content).hexdigest())


def test_what_fits_is_read(tmp_path):
    tensors = {"a": torch.ones(2, 3), "b": torch.tensor([1, 2])}
    read = open_saved(tmp_path, **tensors).read(EXPECTED)
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"a": torch.zeros(3, 2)}, r"'a' is torch.float32 of shape \(3, 2\) instead of .*\(2, 3\)"),
        ({"a": torch.zeros(2, 3).bfloat16()}, "'a' is None of shape"),
        ({"b": torch.zeros(2)}, "'b' is torch.float32"),
        ({"c": torch.zeros(1)}, "'c' is torch.float32 .* instead of missing"),
        ({"a": torch.full((2, 3), float("nan"))}, "'a' has NaN or infinity"),
        ({"a": torch.full((2, 3), float("inf"))}, "'a' has NaN or infinity"),
    ],
)
def test_what_does_not_is_named(tmp_path, changes, message):
    tensors = {**{name: tensor.clone() for name, tensor in EXPECTED.items()}, **changes}
    with pytest.raises(SavedModelError, match=message):
        open_saved(tmp_path, **tensors).read(EXPECTED)


def test_another_file_is_refused(tmp_path):
    open_saved(tmp_path, **EXPECTED)
    with pytest.raises(SavedModelError, match="damaged, or belongs to another model"):
        TensorFile(tmp_path, "0" * 64)


def test_a_folder_in_its_place_is_refused(tmp_path):
    (tmp_path / "model.safetensors").mkdir()
    with pytest.raises(SavedModelError, match="there is no such file"):
        TensorFile(tmp_path, "0" * 64)

"""Where to compute and how precisely."""

import pytest
import torch

from sknumclip._device import resolve_autocast_dtype, resolve_device


def test_auto_finds_a_device_that_works():
    assert torch.ones(1, device=resolve_device("auto")).item() == 1


def test_named_devices():
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", ""])
def test_devices_that_are_not_there_are_named(device):
    with pytest.raises(ValueError, match=f"device='{device}' cannot be used here.*'auto'"):
        resolve_device(device)


def test_precision():
    cpu = torch.device("cpu")
    assert resolve_autocast_dtype("fp32", cpu) is None
    assert resolve_autocast_dtype("bf16", cpu) is torch.bfloat16
    assert resolve_autocast_dtype("auto", cpu) in (None, torch.bfloat16)
    assert resolve_autocast_dtype("auto", torch.device("mps")) is None

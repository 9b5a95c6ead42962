"""Device and precision."""

import joblib
import pytest
import torch

from sknumclip.machine.device import (
    copy_on,
    gpu_sharing_advice,
    resolve_autocast_dtype,
    resolve_device,
    worker_kind,
)


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


@pytest.mark.parametrize(
    ("device", "worker", "visible", "shared"),
    [
        ("cuda", None, None, False),
        ("cpu", "joblib", None, False),
        ("cuda", "joblib", None, True),
        ("cuda", "joblib", "0", True),  # n_jobs of them see that one
        ("cuda", "dask", None, True),
        ("cuda", "dask", "0,1", True),
        ("cuda", "dask", "1", False),
        ("cuda", "ray", "0", False),
    ],
)
def test_workers_that_share_a_gpu(device, worker, visible, shared):
    advice = gpu_sharing_advice(device, worker, visible)
    assert (advice is not None) == shared
    assert not shared or ("n_jobs=1" if worker == "joblib" else "CUDA_VISIBLE_DEVICES") in advice


def test_joblibs_workers_know_what_they_are():
    assert worker_kind() is None
    with joblib.parallel_config(backend="loky"):
        assert joblib.Parallel(n_jobs=2)([joblib.delayed(worker_kind)()] * 2) == ["joblib"] * 2


def test_copies_are_made_again_when_weights_change():
    cpu, layer = torch.device("cpu"), torch.nn.Sequential(torch.nn.Linear(2, 3))
    copied = copy_on(layer, cpu, torch.bfloat16)
    assert copied is copy_on(layer, cpu, torch.bfloat16) is not layer
    assert copied[0].weight.dtype == torch.bfloat16 != layer[0].weight.dtype
    with torch.no_grad():
        layer[0].weight.add_(1)
    again = copy_on(layer, cpu, torch.bfloat16)
    assert again is not copied
    assert torch.equal(again[0].weight, layer[0].weight.bfloat16())


def test_batch_norms_of_a_copy_keep_float32():
    tower = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
    copied = copy_on(tower, torch.device("cpu"), torch.bfloat16)
    assert copied[0].weight.dtype == torch.bfloat16
    assert {tensor.dtype for tensor in copied[1].parameters()} == {torch.float32}
    assert copied[1].running_mean.dtype == torch.float32

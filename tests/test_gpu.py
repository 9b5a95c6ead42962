"""What can only be seen on a GPU."""

import pickle

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from sknumclip import CLIPEmbedder, NumCLIPRegressor
from sknumclip.baselines import ImageHeadRegressor
from sknumclip.heads import HEAD_LOSSES

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

TINY = dict(model_name="tiny", device="cuda", random_state=0, verbose=0)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, size=(200, 64, 64, 3), dtype=np.uint8), rng.uniform(0, 100, 200)


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_memory_is_given_back_after_fit(data, fine_tune):
    reg = NumCLIPRegressor(5, fine_tune=fine_tune, max_epochs=2, **TINY)
    reg.fit(*data)  # libraries take memory for themselves the first time
    before = torch.cuda.memory_allocated()
    reg.fit(*data)
    assert torch.cuda.memory_allocated() == before


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_a_pickle_from_a_gpu_predicts_the_same_on_a_cpu(data, fine_tune):
    reg = NumCLIPRegressor(5, fine_tune=fine_tune, max_epochs=2, precision="fp32", **TINY)
    expected = reg.fit(*data).predict(data[0])
    copied = pickle.loads(pickle.dumps(reg)).set_params(device="cpu")
    np.testing.assert_allclose(copied.predict(data[0]), expected, atol=1e-2)


def test_gpu_and_cpu_learn_the_same(data):
    y_pred = [
        NumCLIPRegressor(5, max_epochs=2, precision="fp32", **{**TINY, "device": device})
        .fit(*data)
        .predict(data[0])
        for device in ("cpu", "cuda")
    ]
    np.testing.assert_allclose(*y_pred, atol=0.05)


def test_bf16_predicts_like_fp32(data):
    reg = NumCLIPRegressor(5, max_epochs=5, **TINY).fit(*data)
    bf16, fp32 = (reg.set_params(precision=p).predict(data[0]) for p in ("bf16", "fp32"))
    assert 0 < np.abs(bf16 - fp32).max() < 0.005 * reg.bins_.range


def test_embeddings_equal_those_of_a_cpu(data):
    gpu, cpu = (
        CLIPEmbedder(model_name="tiny", device=device, precision="fp32", verbose=0)
        for device in ("cuda", "cpu")
    )
    np.testing.assert_allclose(gpu.fit_transform(data[0]), cpu.fit_transform(data[0]), atol=1e-4)


def test_features_are_enough(data):
    X = np.random.default_rng(0).normal(size=(200, 64)).astype(np.float32)
    reg = NumCLIPRegressor(5, fine_tune="none", max_epochs=2, **TINY).fit(X, data[1])
    assert np.isfinite(reg.predict(X)).all()


@pytest.mark.parametrize("loss", HEAD_LOSSES)
def test_every_head_fits(data, loss):
    if loss not in ("l1", "cross_entropy"):
        pytest.importorskip("dlordinal")
    reg = ImageHeadRegressor(loss=loss, fine_tune="none", max_epochs=2, **TINY).fit(*data)
    assert np.isfinite(reg.predict(data[0])).all()


def synchronizations(job):
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        job()
    waits = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")
    return sum(event.count for event in profiler.key_averages() if event.key in waits)


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_steps_do_not_wait_for_the_gpu(data, fine_tune):
    def fit(batch_size):
        NumCLIPRegressor(5, fine_tune=fine_tune, max_epochs=3, batch_size=batch_size, **TINY).fit(
            *data
        )

    fit(100)
    # Three epochs of 2 and of 10 steps: what the fit and each epoch wait for is the same.
    few, many = (synchronizations(lambda size=size: fit(size)) for size in (100, 20))
    assert many == few


def test_out_of_memory_says_which_batch_size_fits(data):
    torch.cuda.set_per_process_memory_fraction(0.4e9 / torch.cuda.mem_get_info()[1])
    X, y = np.repeat(data[0], 10, axis=0), np.repeat(data[1], 10)
    try:
        with pytest.raises(torch.OutOfMemoryError, match=r"batch_size=\d+ fits"):
            NumCLIPRegressor(5, max_epochs=1, batch_size=2000, **TINY).fit(X, y)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)

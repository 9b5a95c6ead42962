"""Tests that need a GPU."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from factories import FromZeroShot
from sklearn.base import clone
from skorch.callbacks import Callback
from torch.profiler import ProfilerActivity, profile

from sknumclip import CLIPEmbedder, NumCLIPClassifier, NumCLIPRegressor
from sknumclip.baselines import (
    CoOpRegressor,
    ImageHeadRegressor,
    L2RCLIPRegressor,
    OrdinalCLIPRegressor,
    ZeroShotCLIPRegressor,
)
from sknumclip.baselines.heads import HEAD_LOSSES
from sknumclip.datasets import make_counting_images
from sknumclip.inference import BatchPredictor

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


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_what_is_saved_on_a_gpu_loads_on_a_cpu(data, fine_tune, tmp_path):
    reg = NumCLIPRegressor(5, fine_tune=fine_tune, max_epochs=2, precision="fp32", **TINY)
    expected = reg.fit(*data).predict(data[0])
    reg.save(tmp_path)
    loaded = NumCLIPRegressor.load(tmp_path)
    assert next(iter(loaded.net_.module_.state_dict().values())).device.type == "cpu"
    np.testing.assert_allclose(
        loaded.set_params(device="cpu").predict(data[0]), expected, atol=1e-2
    )


@pytest.mark.parametrize(
    ("cls", "fine_tune", "atol"),
    # The solver chooses among penalties of nearly equal errors, so a rounded embedding matters.
    [(FromZeroShot, "full", 0.05), (NumCLIPRegressor, "full", 1), (NumCLIPRegressor, "none", 1)],
)
def test_gpu_and_cpu_learn_the_same(cls, fine_tune, atol):
    X, y = make_counting_images(200, random_state=0)
    params = dict(bins=5, fine_tune=fine_tune, precision="fp32", **TINY)
    if fine_tune == "full":
        params["max_epochs"] = 2
    y_pred = [
        cls(**{**params, "device": device}).fit(X, y).predict(X) for device in ("cpu", "cuda")
    ]
    np.testing.assert_allclose(*y_pred, atol=atol)


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


@pytest.mark.parametrize(
    "estimator",
    [
        ZeroShotCLIPRegressor(5, **{k: v for k, v in TINY.items() if k != "random_state"}),
        CoOpRegressor(max_epochs=2, **TINY),
        OrdinalCLIPRegressor(max_epochs=2, **TINY),
        L2RCLIPRegressor(max_epochs=2, **TINY),
        CoOpRegressor(max_epochs=2, fine_tune="none", **TINY),
    ],
    ids=lambda estimator: f"{type(estimator).__name__}-{getattr(estimator, 'fine_tune', '')}",
)
def test_every_baseline_predicts_on_a_gpu_what_it_does_on_a_cpu(data, estimator):
    fitted = clone(estimator).set_params(precision="fp32").fit(data[0], data[1].round())
    gpu = fitted.predict(data[0])
    cpu = fitted.set_params(device="cpu").predict(data[0])
    np.testing.assert_allclose(gpu, cpu, atol=0.05)


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_classifier(data, fine_tune):
    labels = np.where(data[1] < 50, "few", "many")
    clf = NumCLIPClassifier(["few", "many"], fine_tune=fine_tune, max_epochs=2, **TINY)
    proba = clf.fit(data[0], labels).predict_proba(data[0])
    assert proba.shape == (200, 2)
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_batch_predictor(data, fine_tune, tmp_path):
    reg = NumCLIPRegressor(5, fine_tune=fine_tune, max_epochs=1, **TINY).fit(*data)
    reg.save(tmp_path)
    table = pd.DataFrame({"image": list(data[0][:10])})
    predicted = BatchPredictor(tmp_path, column="image")(table)
    np.testing.assert_allclose(predicted["prediction"], reg.predict(data[0][:10]), atol=0.5)


def test_compiled_tower_learns_the_same(data):
    plain, compiled = (
        NumCLIPRegressor(5, max_epochs=2, precision="fp32", compile=compile, **TINY)
        .fit(*data)
        .predict(data[0])
        for compile in (False, True)
    )
    np.testing.assert_allclose(compiled, plain, atol=0.05)


def test_the_same_seed_gives_almost_the_same_fit(data):
    first, second = (
        NumCLIPRegressor(5, max_epochs=3, **TINY).fit(*data).predict(data[0]) for _ in range(2)
    )
    assert np.abs(first - second).max() < 0.005 * 100


def test_steps_as_a_graph_learn_what_single_kernels_do(data):
    class Nothing(Callback):
        """With which every step may be another, so that none is captured."""

    shared = dict(bins=5, max_epochs=3, batch_size=32, precision="fp32", **TINY)
    graph, kernels = (
        NumCLIPRegressor(callbacks=callbacks, **shared).fit(*data)
        for callbacks in (None, [Nothing()])
    )
    np.testing.assert_allclose(graph.predict(data[0]), kernels.predict(data[0]), atol=0.05)
    losses = [reg.history_["train_loss"] for reg in (graph, kernels)]
    np.testing.assert_allclose(*losses, rtol=1e-3)


def test_a_loss_that_cannot_be_captured_trains_all_the_same(data):
    class Waiting(NumCLIPRegressor):
        def _ranking_loss(self, backbone, bins):
            loss = super()._ranking_loss(backbone, bins)

            def waiting_loss(*args, **options):
                value = loss(*args, **options)
                assert np.isfinite(value.item())
                return value

            return waiting_loss

    shared = dict(bins=5, max_epochs=3, batch_size=32, precision="fp32", **TINY)
    waiting, plain = (
        cls(**shared).fit(*data).predict(data[0]) for cls in (Waiting, NumCLIPRegressor)
    )
    np.testing.assert_allclose(waiting, plain, atol=0.05)


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

"""own_settings: results do not depend on the caller's torch settings, which are restored."""

import contextlib
import multiprocessing
import os
import warnings

import numpy as np
import pytest
import torch
from factories import BINS, GRADES, Y
from processes_shared import SERVER

from sknumclip import CLIPEmbedder, NumCLIPClassifier, NumCLIPRegressor
from sknumclip.baselines import ImageHeadRegressor, ZeroShotCLIPRegressor
from sknumclip.clip import loading
from sknumclip.datasets import make_counting_images
from sknumclip.images.embeddings import clear_embedding_cache
from sknumclip.machine.settings import own_settings


@contextlib.contextmanager
def float64():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextlib.contextmanager
def a_device_by_default():
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextlib.contextmanager
def imprecise_products():
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


SETTINGS = {
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "no gradients": torch.no_grad,
    "inference mode": torch.inference_mode,
    "float64": float64,
    "another device": a_device_by_default,
    "imprecise products": imprecise_products,
    "numpy's errors": lambda: np.errstate(all="raise"),
}


@pytest.fixture
def anew():
    """Nothing is loaded or embedded yet, and nothing stays that a test has spoiled."""

    def forget():
        loading.load.cache_clear()
        clear_embedding_cache()

    forget()
    yield forget
    forget()


def estimators(model):
    shared = dict(model_name=model, verbose=0)
    trained = dict(**shared, batch_size=4, max_epochs=2, random_state=0, precision="fp32")
    return [
        (NumCLIPRegressor(BINS, fine_tune="none", **trained), Y),
        (NumCLIPRegressor(BINS, fine_tune="none", random_state=0, precision="fp32", **shared), Y),
        (NumCLIPRegressor(BINS, lr=1e-3, **trained), Y),
        (NumCLIPClassifier(fine_tune="none", **trained), GRADES),
        (ImageHeadRegressor(fine_tune="none", **trained), Y),
        (ZeroShotCLIPRegressor(BINS, precision="fp32", **shared), Y),
    ]


@pytest.mark.filterwarnings("ignore:y are words")
@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_results_do_not_depend_on_the_callers_torch(anew, clip_models, pixels, setting):
    X = pixels.copy()

    def results():
        return [est.fit(X, y).predict(X).tolist() for est, y in estimators(clip_models["clip"])] + [
            CLIPEmbedder(model_name=clip_models["clip"], verbose=0).fit_transform(X).tolist()
        ]

    expected = results()
    anew()
    with setting():
        inside = results()
    assert inside == expected
    assert results() == expected  # what the process has kept is not spoiled


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("fine_tune", ["none", "full"])
def test_models_are_saved_and_loaded_under_any_setting(
    anew, make, pixels, tmp_path, setting, fine_tune
):
    reg = make(fine_tune=fine_tune).fit(pixels, Y)
    with setting():
        reg.save(tmp_path, standalone=True)
        inside = NumCLIPRegressor.load(tmp_path)
    loaded = NumCLIPRegressor.load(tmp_path)
    for model in (inside, loaded):
        state = model.net_.module_.state_dict()
        state.pop("frequencies", None)  # float16, always
        assert {t.dtype for t in state.values()} <= {
            torch.float32,
            torch.int64,
            torch.bool,
        }
        np.testing.assert_array_equal(model.predict(pixels), reg.predict(pixels))


def test_the_callers_settings_are_back_afterwards(make, pixels):
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad(), float64(), imprecise_products():
        make().fit(pixels, Y).predict(pixels)
        with pytest.raises(ValueError, match="bins"):
            make(bins="none").fit(pixels, Y)
        assert torch.is_autocast_enabled("cpu")
        assert not torch.is_grad_enabled()
        assert torch.get_default_dtype() == torch.float64
        assert torch.get_float32_matmul_precision() == "medium"
        # And its autocast still works as one.
        ones = torch.ones(2, 2, dtype=torch.float32)
        assert (ones @ ones).dtype == torch.bfloat16
    assert not torch.is_autocast_enabled("cpu")


def test_a_step_is_seen_by_the_next_one_within_an_autocast_of_the_caller():
    """Autocast keeps weights that it has cast, which training changes."""
    weight = torch.nn.Parameter(torch.ones(4, 4))
    with torch.autocast("cpu", torch.bfloat16):
        before = torch.ones(1, 4) @ weight
        with own_settings():
            for _ in range(2):
                with torch.autocast("cpu", torch.bfloat16):
                    inside = torch.ones(1, 4) @ weight
                with torch.no_grad():
                    weight += 1
        after = torch.ones(1, 4) @ weight
    assert [x.mean().item() for x in (before, inside, after)] == [4, 8, 12]


def test_the_callers_random_numbers_are_as_without_us(anew, clip_models, pixels, tmp_path):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    for reg, y in estimators(clip_models["clip"]):
        reg.fit(pixels, y).predict(pixels)
        if not isinstance(reg, ImageHeadRegressor):
            reg.save(tmp_path / type(reg).__name__, standalone=True)
            type(reg).load(tmp_path / type(reg).__name__)
    np.testing.assert_array_equal(torch.rand(3), expected)


def fit_and_predict_in_a_fork(results):
    torch.set_num_threads(2)
    X, y = make_counting_images(40, random_state=0)
    reg = NumCLIPRegressor(3, model_name="tiny", max_epochs=0, random_state=0, verbose=0).fit(X, y)
    expected = reg.predict(X)

    def predict():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            error = np.abs(reg.predict(X) - expected).max()
        results.put((error, [str(warning.message) for warning in caught]))

    fork = multiprocessing.get_context("fork").Process(target=predict)
    fork.start()
    fork.join(60)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_forked_worker_predicts_and_is_told_why_on_one_thread():
    results = SERVER.Queue()
    process = SERVER.Process(target=fit_and_predict_in_a_fork, args=(results,))
    process.start()
    error, (message,) = results.get(timeout=120)
    process.join()
    assert error < 0.5
    assert message.startswith("This process was forked")
    assert "'spawn' or 'forkserver'" in message

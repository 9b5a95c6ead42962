"""NumCLIPRegressor as users call it: small random CLIP models, real training."""

import pickle
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from conftest import BINS, Y, small_pictures
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from test_images import bad_files

from sknumclip import LinguisticBins, NumCLIPRegressor
from sknumclip.datasets import make_counting_images
from sknumclip.embeddings import clear_embedding_cache


@pytest.fixture(scope="module")
def fitted(make):
    return make().fit(small_pictures(), Y)


# ------------------------------------------------------------------------------- the main job


@pytest.mark.parametrize("kind", ["clip", "quickgelu", "resnet", "custom", "siglip"])
@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_every_kind_of_clip_fits_and_predicts(make, data, kind, fine_tune):
    X, y = data
    reg = make(kind, fine_tune=fine_tune).fit(X, y)
    assert reg.predict(X).shape == (8,)
    assert np.isfinite(reg.predict(X)).all()
    assert reg.n_iter_ == len(reg.history_) == 2
    assert isinstance(reg.score(X, y), float)


def test_it_learns(tmp_path):
    X, y = make_counting_images(260, random_state=0)
    bins = {"a few": (1, 6), "several": (6, 16), "many": (16, 40), "dozens of": (40, 101)}
    params = dict(bins=bins, template="a picture of {} shapes.", model_name="tiny", canvas_scale=1)
    params |= dict(random_state=0, verbose=0)
    zero_shot = NumCLIPRegressor(**params, max_epochs=0).fit(X[:200], y[:200])
    fitted = NumCLIPRegressor(**params, max_epochs=5, lr=1e-4).fit(X[:200], y[:200])

    def error(reg):
        return np.abs(reg.predict(X[200:]) - y[200:]).mean()

    assert error(fitted) < 0.9 * error(zero_shot)
    assert error(zero_shot) < 0.5 * np.abs(y[200:] - np.median(y)).mean()
    assert (fitted.history_["train_l1_loss"].diff().dropna() < 0).sum() >= 3


@pytest.mark.parametrize("fine_tune", ["full", "none"])
@pytest.mark.parametrize("prompt_init", ["words", "numbers"])
def test_untrained_is_the_zero_shot_expectation(make, data, fine_tune, prompt_init):
    """Against open_clip itself, from its preprocessing to its logits."""
    import open_clip

    X, y = data
    reg = make(
        fine_tune=fine_tune,
        prompt_init=prompt_init,
        max_epochs=0,
        canvas_scale=1,
        precision="fp32",
        template="about {} things",
    ).fit(X, y)
    model, preprocess = open_clip.create_model_from_pretrained(reg.model_name)
    model.eval()
    words = list(BINS) if prompt_init == "words" else ["5", "20", "65"]
    tokens = open_clip.get_tokenizer(reg.model_name)([f"about {word} things" for word in words])
    with torch.no_grad():
        z = model.encode_image(
            torch.stack([preprocess(Image.fromarray(x)) for x in X]), normalize=True
        )
        w = model.encode_text(tokens, normalize=True)
        proba = (model.logit_scale.exp() * z @ w.T).softmax(dim=1).double().numpy()
    np.testing.assert_allclose(reg.predict_bin_proba(X), proba, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(reg.predict(X), proba @ [5, 20, 65], rtol=1e-5)
    np.testing.assert_allclose(reg.transform(X), z.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fine_tune", ["full", 1, "none"])
def test_same_random_state_same_bits(make, data, fine_tune):
    X, y = data
    first, same, other = (
        make(fine_tune=fine_tune, random_state=seed).fit(X, y).predict(X) for seed in (0, 0, 1)
    )
    assert (first == same).all()
    assert (first != other).any()


@pytest.mark.parametrize("num_workers", [0, 3])
@pytest.mark.parametrize("image_cache", [None, "memory", "folder"])
def test_threads_and_caches_change_nothing(
    make, fitted, data, files, tmp_path, num_workers, image_cache
):
    image_cache = str(tmp_path / "cache") if image_cache == "folder" else image_cache
    X, y = data
    reg = make(num_workers=num_workers, image_cache=image_cache).fit(files, y)
    assert (reg.predict(files) == fitted.predict(X)).all()


def test_the_callers_random_numbers_are_left_alone(make, data):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    make().fit(*data)
    assert torch.equal(torch.rand(3), expected)


# ------------------------------------------------------------------------------- what X may be


def test_every_form_of_x_gives_the_same(make, data, files):
    X, y = data
    reg = make().fit(X, y)
    expected = reg.predict(X)
    paths = [Path(file) for file in files]
    forms = {
        "list of str": files,
        "tuple": tuple(files),
        "list of Path": paths,
        "str array": np.array(files),
        "object array": np.array(paths, dtype=object),
        "column of strings": np.array(files)[:, None],
        "Series": pd.Series(files, index=range(100, 108)),
        "Series of Path": pd.Series(paths),
        "DataFrame": pd.DataFrame({"path": files}),
        "PIL": [Image.fromarray(x) for x in X],
        "list of arrays": list(X),
        "Index": pd.Index(files),
        "dict values": dict(enumerate(files)).values(),
    }
    for name, form in forms.items():
        assert (reg.predict(form) == expected).all(), name
        assert (make().fit(form, y).predict(X) == expected).all(), name


NEARLY_IMAGES = [  # `fit` with such is in test_bad_input
    ("a.jpg", r"put it in a list: \[X\]"),
    (Image.new("RGB", (4, 4)), r"put it in a list"),
    (iter(["a.jpg"]), r"list\(X\)"),
    (["a.jpg", 3.5], r"X\[1\] is not an image: 3.5"),
    (["a.jpg", None], r"X\[1\] is not an image: None"),
    (pd.DataFrame({"a": ["a.jpg"], "b": ["b.jpg"]}), r"\['a', 'b'\]: select one"),
    (np.zeros((2, 8, 8, 3)), r"uint8 .0 to 255.*Got float64 of shape \(2, 8, 8, 3\)"),
    (np.zeros((2, 3, 8, 8), dtype=np.uint8), r"shape \(2, 3, 8, 8\)"),
    ([["a.jpg"], ["b.jpg"]], "neither images nor features. X must be a list"),
]
ALSO_NEARLY_IMAGES = [
    (np.zeros((8, 8, 3), dtype=np.uint8), r"shape \(8, 8, 3\)"),
    (torch.zeros(2, 3, 8, 8), "the channels must be last"),
    ([np.zeros((8, 8)), np.zeros((8, 8))], "if these are grey images"),
]


@pytest.mark.parametrize(("X", "message"), ALSO_NEARLY_IMAGES)
def test_what_is_nearly_images_cannot_be_fitted(make, X, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make().fit(X, [1, 2])


@pytest.mark.parametrize(("X", "message"), NEARLY_IMAGES + ALSO_NEARLY_IMAGES)
def test_what_is_nearly_images_is_explained(fitted, X, message):
    with pytest.raises((TypeError, ValueError), match=message):
        fitted.predict(X)


@pytest.mark.parametrize("X", [(), np.array([]), pd.Series([], dtype=str)])
def test_empty_x_is_an_error(make, X):
    with pytest.raises(ValueError, match="X is empty"):
        make().fit(X, [])


# --------------------------------------------------------------------------------- frozen mode


def test_frozen_mode_embeds_each_image_once(make, data, monkeypatch):
    import sknumclip._base as base

    seen = []
    original = base.ImageEncoder.forward
    monkeypatch.setattr(
        base.ImageEncoder,
        "forward",
        lambda self, images: seen.append(len(images)) or original(self, images),
    )
    clear_embedding_cache()
    X = np.random.default_rng(0).integers(0, 256, size=(32, 40, 48, 3), dtype=np.uint8)
    y = np.tile(data[1], 4)
    search = GridSearchCV(
        make(fine_tune="none"), {"beta": [0, 1, 2, 4], "lr": [1, 2]}, cv=2, error_score="raise"
    )
    search.fit(list(X), y).predict(list(X))
    assert sum(seen) == len(X)


def test_embeddings_as_x_equal_images_as_x(make, data):
    X, y = data
    from_images = make(fine_tune="none").fit(X, y)
    embeddings = from_images.transform(X)
    from_embeddings = make(fine_tune="none").fit(embeddings, y)
    np.testing.assert_allclose(
        from_embeddings.predict(embeddings), from_images.predict(X), rtol=1e-5
    )
    np.testing.assert_allclose(from_images.predict(embeddings), from_images.predict(X), rtol=1e-5)
    assert from_embeddings.n_features_in_ == 16
    with pytest.raises(ValueError, match="fitted on features, so it can only predict from"):
        from_embeddings.predict(X)


def test_features_of_any_width_can_be_learned_from(make):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    y = 50 + 20 * np.tanh(X[:, 0])
    reg = make(fine_tune="none", max_epochs=60, regressor_lr=1e-2, prompt_lr=1e-2).fit(X, y)
    assert reg.score(X, y) > 0.8
    frame = pd.DataFrame(X, columns=list("abcde"))
    fitted = make(fine_tune="none").fit(frame, y)
    assert fitted.feature_names_in_.tolist() == list("abcde")
    with pytest.raises(ValueError, match="X has 4 features, but NumCLIPRegressor is expecting 5"):
        reg.predict(X[:, :4])


def test_features_need_frozen_mode(make):
    with pytest.raises(ValueError, match="Use fine_tune='none' to fit on features"):
        make().fit(np.zeros((4, 16)), [1, 2, 3, 4])


# ----------------------------------------------------------------------- every other parameter


def trained_parameters(make, data, **kwargs):
    X, y = data
    before = make(max_epochs=0, **kwargs).fit(X, y).net_.module_.state_dict()
    after = make(**kwargs).fit(X, y).net_.module_.state_dict()
    return {name for name in after if not torch.equal(before[name], after[name])}


def test_what_is_trained(make, data):
    full = trained_parameters(make, data)
    assert {"encoder.visual.conv1.weight", "prompts.embeddings", "regressor.out.weight"} <= full
    last = trained_parameters(make, data, fine_tune=1)
    assert "encoder.visual.transformer.resblocks.1.ln_1.weight" in last
    assert not any("resblocks.0" in name or "conv1" in name for name in last)
    frozen = trained_parameters(make, data, fine_tune="none")
    assert {name.split(".")[0] for name in frozen} == {"prompts", "regressor", "text_features"}


@pytest.fixture(scope="module")
def predictions_in_fp32(make):
    X = small_pictures()
    return make(precision="fp32").fit(X, Y).predict(X)


@pytest.mark.parametrize(
    "change",
    [
        dict(beta=50),
        dict(ranking_loss="infonce"),
        dict(ranking_loss="released"),
        dict(ranking_loss="none"),
        dict(distance="squared"),
        dict(weight_norm="mean"),
        dict(mask_same_bin=False),
        dict(shift="relative"),
        dict(max_shift=0.9),
        dict(prompt_init="random"),
        dict(template="there are {}"),
        dict(batch_size=3),
        dict(lr=1e-4),
        dict(prompt_lr=1e-2),
        dict(regressor_lr=1e-2),
        dict(lr_schedule="constant"),
        dict(augment=False),
        dict(canvas_scale=1.5),
        dict(accumulate_steps=2),
        dict(bins=3),
        dict(max_epochs=3),
        dict(precision="bf16"),
    ],
    ids=str,
)
def test_every_parameter_matters(make, data, predictions_in_fp32, change):
    X, y = data
    changed = make(**{"precision": "fp32", **change}).fit(X, y).predict(X)
    assert np.isfinite(changed).all()
    assert (changed != predictions_in_fp32).any()


def test_beta_without_effect_is_a_warning(make, data):
    with pytest.warns(UserWarning, match="beta=2 has no effect with weight_norm='mean'"):
        make(weight_norm="mean", beta=2).fit(*data)


def test_parameters_set_after_fit_change_nothing_that_was_fitted(make, data, tmp_path):
    X, y = data
    for before, after in (("full", "none"), ("none", "full")):
        clear_embedding_cache()
        reg = make(fine_tune=before).fit(X, y)
        expected = reg.predict(X)
        reg.set_params(fine_tune=after, shift="relative", max_shift=0.9, canvas_scale=2, bins=2)
        assert (reg.predict(X) == expected).all()
        reg.save(tmp_path / before)
        loaded = NumCLIPRegressor.load(tmp_path / before)
        assert (loaded.predict(X) == expected).all()
        assert loaded.fine_tune == after
    clean = make(fine_tune="none").fit(X, y).predict(X)
    clear_embedding_cache()
    assert (make(fine_tune="none").fit(X, y).predict(X) == clean).all()


@pytest.mark.parametrize("shift", ["width", "relative"])
def test_numbers_far_from_zero_keep_their_digits(make, data, shift):
    X, y = data
    bins = {"few": (0, 10), "many": (10, 30), "very many": (30, 100)}
    far = {name: (low + 1e9, high + 1e9) for name, (low, high) in bins.items()}
    kwargs = dict(shift=shift, ranking_loss="none", max_epochs=0 if shift == "relative" else 2)
    near = make(bins=bins, **kwargs).fit(X, y).predict(X, return_std=True)
    moved = make(bins=far, **kwargs).fit(X, y + 1e9).predict(X, return_std=True)
    np.testing.assert_allclose(moved[0] - 1e9, near[0], atol=1e-3)
    np.testing.assert_allclose(moved[1], near[1], rtol=1e-3)


def test_weights_count_in_batches_of_one(make, data):
    X, y = data
    kwargs = dict(batch_size=1, ranking_loss="none")
    plain = make(**kwargs).fit(X, y).predict(X)
    weighted = make(**kwargs).fit(X, y, sample_weight=[100, *[1] * 7]).predict(X)
    assert (plain != weighted).any()


def test_samples_of_no_weight_are_left_out(make, data):
    X, y = data
    kept = np.arange(8) != 3
    y_nonsense = np.where(kept, y, 1e6)
    reg = make(fine_tune="none", bins=3).fit(X, y_nonsense, sample_weight=kept.astype(float))
    without = make(fine_tune="none", bins=3).fit(X[kept], y[kept])
    assert reg.bins_ == without.bins_
    np.testing.assert_allclose(reg.predict(X), without.predict(X), rtol=1e-5)


def test_fits_in_threads_do_not_disturb_each_other(make, data):
    X, y = data
    expected = make(fine_tune="none", max_epochs=10).fit(X, y).predict(X)
    fits = joblib.Parallel(n_jobs=4, backend="threading")(
        joblib.delayed(make(fine_tune="none", max_epochs=10).fit)(X, y) for _ in range(8)
    )
    for reg in fits:
        np.testing.assert_allclose(reg.predict(X), expected, rtol=1e-4)


def test_infonce_is_beta_zero(make, data):
    X, y = data
    assert (
        make(ranking_loss="infonce").fit(X, y).predict(X) == make(beta=0.0).fit(X, y).predict(X)
    ).all()


@pytest.mark.parametrize("change", [dict(grad_checkpointing=True), dict(compile=True)], ids=str)
def test_what_should_not_matter_does_not(make, data, change):
    X, y = data
    np.testing.assert_allclose(
        make(precision="fp32", **change).fit(X, y).predict(X),
        make(precision="fp32").fit(X, y).predict(X),
        rtol=1e-3,
    )


def test_bf16_predicts_like_fp32(make, data):
    X, y = data
    reg = make(precision="fp32").fit(X, y)
    expected = reg.predict(X)
    difference = np.abs(reg.set_params(precision="bf16").predict(X) - expected).max()
    assert 0 < difference < 0.005 * 100


def test_accumulated_gradients_are_those_of_one_step(make, data):
    """Without a ranking loss, four batches of 2 are one batch of 8."""
    X, y = data
    kwargs = dict(ranking_loss="none", augment=False, precision="fp32", max_epochs=3)
    np.testing.assert_allclose(
        make(batch_size=2, accumulate_steps=4, **kwargs).fit(X, y).predict(X),
        make(batch_size=8, **kwargs).fit(X, y).predict(X),
        rtol=1e-4,
    )


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_sample_weight(make, data, fine_tune):
    X, y = data
    plain, ones, weighted = (
        make(fine_tune=fine_tune).fit(X, y, sample_weight=w).predict(X)
        for w in (None, np.full(8, 2.0), [9, 1, 1, 1, 1, 1, 1, 9])
    )
    np.testing.assert_allclose(plain, ones, rtol=1e-6)
    assert (plain != weighted).any()
    with pytest.raises(ValueError, match="Negative values"):
        make().fit(X, y, sample_weight=-np.ones(8))


def test_early_stopping(make, data):
    X, y = data
    reg = make(
        early_stopping=True, validation_fraction=0.25, n_iter_no_change=2, max_epochs=50, lr=1e-2
    ).fit(X, y)
    valid = reg.history_["valid_l1_loss"]
    assert reg.n_iter_ < 50
    assert valid.idxmin() <= reg.n_iter_ - 3
    same = make(
        early_stopping=True, validation_fraction=0.25, n_iter_no_change=2, max_epochs=50, lr=1e-2
    ).fit(X, y)
    assert (same.predict(X) == reg.predict(X)).all()


@pytest.mark.parametrize("fine_tune", ["full", 1, "none"])
def test_warm_start_goes_on_from_the_last_result(make, data, fine_tune):
    X, y = data
    reg = make(fine_tune=fine_tune, bins=3).fit(X, y)
    before, bins = reg.predict(X), reg.bins_
    reg = pickle.loads(pickle.dumps(reg)).set_params(warm_start=True, max_epochs=0)
    assert (reg.fit(X, y).predict(X) == before).all()
    assert (reg.set_params(max_epochs=1).fit(X, 0.9 * y + 1).predict(X) != before).any()
    assert reg.bins_ == bins
    with pytest.raises(ValueError, match="cannot go on with other bins"):
        reg.set_params(bins=BINS).fit(X, y)
    reg.set_params(bins=3)
    anew = reg.set_params(warm_start=False, max_epochs=0).fit(X, y)
    assert (anew.predict(X) != before).any()


@pytest.mark.parametrize("change", [dict(fine_tune="full"), dict(model_name="tiny")], ids=str)
def test_warm_start_from_another_kind_of_model_is_an_error(make, data, change):
    reg = make(fine_tune="none", warm_start=True).fit(*data)
    with pytest.raises(ValueError, match="warm_start=True cannot go on"):
        reg.set_params(**change).fit(*data)


EPOCHS_SEEN = []


class Watch(Callback):
    """Note epochs; interrupt one, as Ctrl-C would."""

    def __init__(self, interrupt_at=None):
        self.interrupt_at = interrupt_at

    def on_epoch_end(self, net, **kwargs):
        EPOCHS_SEEN.append(len(net.history))

    def on_batch_end(self, net, **kwargs):
        if len(net.history) == self.interrupt_at:
            raise KeyboardInterrupt


def test_skorch_callbacks_are_passed_on_and_not_changed(make, data):
    EPOCHS_SEEN.clear()
    callback = Watch()
    before = dict(vars(callback))
    make(callbacks=[callback]).fit(*data)
    assert EPOCHS_SEEN == [1, 2]
    assert vars(callback) == before


def test_named_callbacks_and_schedules_of_skorch_work(make, data):
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.5)
    reg = make(callbacks=[("schedule", schedule)], lr_schedule="constant", max_epochs=3).fit(*data)
    np.testing.assert_allclose(reg.history_["event_lr"], [1e-3, 5e-4, 2.5e-4])


def test_the_users_own_early_stopping_is_no_interruption(make, data):
    stop = EarlyStopping("train_loss", patience=1, threshold=1e9, threshold_mode="abs")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert make(callbacks=[stop], max_epochs=9).fit(*data).n_iter_ == 2


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("epoch", [1, 4])
def test_ctrl_c_leaves_a_usable_estimator_and_says_so(make, data, epoch, early_stopping):
    callbacks = [Watch(interrupt_at=epoch)]
    reg = make(max_epochs=50, callbacks=callbacks, early_stopping=early_stopping)
    with pytest.warns(UserWarning, match=f"interrupted after {epoch - 1} of 50 epochs"):
        reg.fit(*data)
    assert np.isfinite(reg.predict(data[0])).all()
    assert reg.n_iter_ == len(reg.history_) == epoch - 1


def test_a_loss_that_is_no_number_stops_with_advice(make, data):
    with pytest.raises(FloatingPointError, match=r"loss became (nan|inf).*lower lr"):
        make(lr=1e30, prompt_lr=1e30, regressor_lr=1e30, max_epochs=5).fit(*data)


def test_accelerator(make, data):
    accelerate = pytest.importorskip("accelerate")
    X, y = data
    reg = make(accelerator=accelerate.Accelerator(cpu=True)).fit(X, y)
    assert (reg.predict(X) == make().fit(X, y).predict(X)).all()
    assert (pickle.loads(pickle.dumps(reg)).predict(X) == reg.predict(X)).all()


def test_verbose_shows_the_losses(make, data, capfd):
    make(verbose=1).fit(*data)
    shown = capfd.readouterr().err
    assert "2/2" in shown
    assert "train_ranking=" in shown
    assert "train_l1=" in shown
    make(verbose=0).fit(*data)
    assert capfd.readouterr().err == ""


# ------------------------------------------------------------------------------------ checkpoint


RUN = """
import sys, time, torch
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
torch.set_num_threads(1)
import numpy as np
from sknumclip import NumCLIPRegressor
pixels = np.random.default_rng(0).integers(0, 256, size=(8, 40, 48, 3), dtype=np.uint8)
y = np.array([1.0, 5, 9, 12, 28, 40, 77, 99])
class Slow(Callback):
    def on_epoch_end(self, net, **kwargs):
        time.sleep(0.05)
NumCLIPRegressor(**{params!r}, checkpoint={folder!r}, callbacks=[Slow()]).fit(pixels, y)
"""


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_killed_fit_goes_on_to_the_same_bits(make, data, tmp_path, early_stopping):
    X, y = data
    params = make(
        max_epochs=40, n_iter_no_change=40, early_stopping=early_stopping, validation_fraction=0.25
    ).get_params()
    for name in ("accelerator", "callbacks", "checkpoint"):
        del params[name]
    folder = tmp_path / "checkpoints"
    code = RUN.format(params=params, folder=str(folder))
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while not list(folder.glob("*.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it finished before it could be killed"

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        straight = NumCLIPRegressor(**params).fit(X, y)
        resumed = NumCLIPRegressor(**{**params, "checkpoint": folder}).fit(X, y)
    finally:
        torch.set_num_threads(threads)
    columns = [name for name in straight.history_ if name != "dur"]
    pd.testing.assert_frame_equal(straight.history_[columns], resumed.history_[columns])
    for name, value in straight.net_.module_.state_dict().items():
        assert torch.equal(value, resumed.net_.module_.state_dict()[name]), name


def test_fits_do_not_share_checkpoints(make, data, tmp_path):
    X, y = data
    for change in ({}, dict(beta=1), dict(random_state=1), dict(bins=3)):
        expected = make(**change).fit(X, y).predict(X)
        assert (make(checkpoint=tmp_path, **change).fit(X, y).predict(X) == expected).all()
    make(checkpoint=tmp_path).fit(X, y + 0.5)
    make(checkpoint=tmp_path).fit(X[::-1].copy(), y)
    assert len(list(tmp_path.iterdir())) == 6


def test_checkpoints_know_where_a_fit_started(make, data, tmp_path):
    X, y = data
    reg = make(checkpoint=tmp_path, warm_start=True).fit(X, y)
    first = reg.predict(X)
    assert (reg.fit(X, y).predict(X) != first).any()
    state = np.random.RandomState(0)
    first, second = (
        make(checkpoint=tmp_path, random_state=state).fit(X, y).predict(X) for _ in range(2)
    )
    assert (first != second).any()


def test_a_checkpoint_that_is_no_folder_is_found_early(make, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="checkpoint=.*must be a folder"):
        make(checkpoint=tmp_path / "file").fit(["missing.jpg"] * 2, [1, 2])


def test_a_finished_fit_is_not_repeated(make, data, tmp_path):
    X, y = data
    first = make(checkpoint=tmp_path, random_state=None).fit(X, y)
    again = make(checkpoint=tmp_path, random_state=None).fit(X, y)
    assert (first.predict(X) == again.predict(X)).all()
    assert again.history_["dur"].tolist() == first.history_["dur"].tolist()


# ---------------------------------------------------------------------------- what it tells


def test_bin_probabilities(make, data):
    X, y = data
    proba = make().fit(X, y).predict_bin_proba(X)
    assert proba.shape == (8, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)


def test_explain_adds_up(make, data, files):
    _, y = data
    reg = make(max_epochs=5).fit(files, y)
    table = reg.explain(files)
    proba = reg.predict_bin_proba(files)
    assert table.index.tolist() == files
    assert list(table) == ["concept", "low", "high", "probability", "shift", "prediction"]
    winner = proba.argmax(axis=1)
    assert table["concept"].tolist() == [list(BINS)[k] for k in winner]
    assert table["low"].tolist() == [list(BINS.values())[k][0] for k in winner]
    np.testing.assert_array_equal(table["probability"], proba.max(axis=1))
    np.testing.assert_array_equal(table["prediction"], reg.predict(files))
    assert (table["shift"].abs() <= 0.5 * (table["high"] - table["low"])).all()
    assert table["shift"].abs().max() > 0


def test_std_is_that_of_the_mixture_of_bins(make, data):
    X, y = data
    reg = make(max_epochs=0).fit(X, y)
    y_pred, y_std = reg.predict(X, return_std=True)
    rng = np.random.default_rng(0)
    edges = np.array(reg.bins_.edges)
    for proba, mean, std in zip(reg.predict_bin_proba(X)[:2], y_pred, y_std, strict=False):
        k = rng.choice(3, p=proba / proba.sum(), size=200_000)
        sample = rng.uniform(edges[k], edges[k + 1])
        assert mean == pytest.approx(sample.mean(), rel=0.01)
        assert std == pytest.approx(sample.std(), rel=0.01)


def test_transform_gives_unit_vectors(make, data):
    X, y = data
    embeddings = make().fit(X, y).transform(X)
    assert embeddings.shape == (8, 16)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-5)


def test_not_fitted(make):
    for method in ("predict", "transform", "predict_bin_proba", "explain"):
        with pytest.raises(NotFittedError):
            getattr(make(), method)(["a.jpg"])


# --------------------------------------------------------------------------- in scikit-learn


def test_clone_and_params(make):
    reg = make(bins=LinguisticBins.from_preset("age"))
    copy = clone(reg)
    assert copy.get_params() == reg.get_params()
    assert copy.set_params(beta=7).beta == 7
    with pytest.raises(ValueError, match="Invalid parameter 'betta'"):
        reg.set_params(betta=1)
    start = time.perf_counter()
    for _ in range(100):
        clone(reg)
    assert len(pickle.dumps(reg)) < 10_000
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_grid_search_over_beta_and_bins(make, data, files, fine_tune):
    _, y = data
    bins = [BINS, LinguisticBins(("few", "many"), (0, 20, 100)), 2]
    search = GridSearchCV(
        make(fine_tune=fine_tune),
        {"beta": [0, 4], "bins": bins},
        scoring="neg_mean_absolute_error",
        cv=2,
        error_score="raise",
    ).fit(files, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    scores = {
        (params["beta"], repr(params["bins"])): score
        for params, score in zip(
            search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
        )
    }
    assert scores[0, repr(BINS)] != scores[4, repr(BINS)]
    assert len({score for (beta, _), score in scores.items() if beta == 0}) == 3
    assert search.predict(files).shape == (8,)


def test_parallel_workers_give_the_same(make, data):
    X, y = data
    one, two = (
        cross_val_score(make(fine_tune="none"), X, y, cv=2, n_jobs=n_jobs) for n_jobs in (1, 2)
    )
    np.testing.assert_allclose(one, two, rtol=1e-4)


@pytest.mark.parametrize("through", ["pickle", "joblib"])
def test_pickles_predict_the_same_bits(make, data, tmp_path, through):
    X, y = data
    reg = make().fit(X, y)
    if through == "pickle":
        copy = pickle.loads(pickle.dumps(reg))
    else:
        joblib.dump(reg, tmp_path / "model.joblib")
        copy = joblib.load(tmp_path / "model.joblib")
    assert (copy.predict(X) == reg.predict(X)).all()
    pd.testing.assert_frame_equal(copy.history_, reg.history_)


# ------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, 2, np.nan, 4, 5, 6, 7, np.nan], "NaN in 2 of 8 labels, at index 2, 7"),
        ([1, 2, np.inf, 4, 5, 6, 7, 8], "index 2"),
        (list("abcdefgh"), "labels like 'a' .str.*to_numeric"),
        ([1, 2, None, 4, 5, 6, 7, 8], "NaN in 1 of 8|labels like None"),
        ([1, 2, 3], "8 images or rows in X and 3 labels in y"),
        ([1, 2, 3, 4, 5, 6, 7, 300], r"1 of 8 labels.*\[0, 100\].*300 \(at index 7\)"),
        (None, "requires y to be passed"),
        (np.ones((8, 2)), "1d array"),
    ],
)
def test_bad_labels_are_refused_before_any_image_is_read(make, y, message):
    missing = [f"missing-{i}.jpg" for i in range(8)]
    with pytest.raises(ValueError, match=message):
        make().fit(missing, y)


def test_one_sample_is_an_error(make, data):
    with pytest.raises(ValueError, match="At least 2 samples"):
        make().fit(data[0][:1], [5])


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_skipping_bad_files_keeps_everything_else_in_place(make, data, files, tmp_path, fine_tune):
    (tmp_path / "bad").mkdir()
    bad = list(map(str, bad_files(tmp_path / "bad")))
    _, y = data
    X, labels = [*bad[:3], *files, *bad[3:]], np.array([50.0] * 3 + [*y] + [50.0] * 2)
    expected = make(fine_tune=fine_tune).fit(files, y).predict(files)
    reg = make(fine_tune=fine_tune, on_error="skip")
    with pytest.warns(UserWarning, match="5 of 13 images could not be read and were left out"):
        reg.fit(X, labels)
    assert list(reg.skipped_) == bad
    y_pred, y_std = reg.predict(X, return_std=True)
    unread = [0, 1, 2, 11, 12]
    assert np.flatnonzero(np.isnan(y_pred)).tolist() == unread
    assert np.isnan(y_std[unread]).all()
    assert reg.explain(X)["concept"].isna().to_numpy().nonzero()[0].tolist() == unread
    np.testing.assert_allclose(reg.predict(files), y_pred[3:11])
    assert np.isnan(reg.predict(bad[:1])).all()
    if fine_tune == "none":
        np.testing.assert_allclose(y_pred[3:11], expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(template="{} " + "very " * 20), "more tokens than the 20"),
        (dict(fine_tune=9), "fine_tune=9, but this image tower has 2 blocks"),
        (dict(early_stopping=True, validation_fraction=0.9), "validation_fraction=0.9 leaves 0"),
        (dict(device="cuda:99"), "device='cuda:99' cannot be used"),
        (dict(callbacks="all"), "'callbacks' parameter"),
    ],
    ids=str,
)
def test_what_can_be_known_early_is_found_before_images_are_read(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**change).fit([f"missing-{i}.jpg" for i in range(8)], np.arange(8.0))


def test_a_full_disk_is_not_taken_for_bad_images(make, data, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="image cache .* cannot be written.*No space left"):
        make(image_cache=tmp_path, on_error="skip").fit(*data)


def test_without_epochs_there_is_nothing_to_stop(make, data):
    zero_shot = make(max_epochs=0).fit(*data)
    stopped = make(max_epochs=0, early_stopping=True).fit(*data)
    np.testing.assert_array_equal(stopped.predict(data[0]), zero_shot.predict(data[0]))


def test_no_warnings_in_the_ordinary_case(make, data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make().fit(*data).predict(data[0])


def test_the_papers_settings_are_one_call_away(make, data):
    reg = NumCLIPRegressor.paper(BINS, model_name=make().model_name, max_epochs=1, verbose=0)
    assert (reg.shift, reg.prompt_lr, reg.regressor_lr, reg.lr) == ("relative", 1e-5, 1e-5, 1e-5)
    assert (reg.batch_size, reg.lr_schedule) == (32, "constant")
    assert np.isfinite(reg.fit(*data).predict(data[0])).all()
    assert NumCLIPRegressor.paper("age", shift="width").shift == "width"


def test_prompts_that_say_nothing_learn_faster(make):
    def rate(**params):
        return make(**params)._learning_rates()["prompts"]

    assert rate() == 1e-4
    assert rate(bins=3) == rate(prompt_init="numbers") == rate(prompt_init="random") == 3e-3
    assert rate(bins=3, prompt_lr=0.5) == 0.5


def test_unnamed_bins_are_no_worse_than_a_ridge_on_the_embeddings():
    X, y = make_counting_images(400, random_state=0)
    params = dict(model_name="tiny", canvas_scale=1, fine_tune="none", random_state=0, verbose=0)
    for n in (50, 200):
        reg = NumCLIPRegressor(5, **params).fit(X[:n], y[:n])
        Z = reg.transform(X)
        ridge = RidgeCV(np.logspace(-3, 3, 13)).fit(Z[:n], y[:n])
        errors = [
            np.abs(y_pred - y[200:]).mean()
            for y_pred in (reg.predict(X[200:]), ridge.predict(Z[200:]))
        ]
        assert errors[0] < errors[1]

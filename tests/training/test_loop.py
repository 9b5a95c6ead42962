"""train(): stopping, callbacks, checkpoints and resuming."""

import pickle
import signal
import time
import warnings

import joblib
import numpy as np
import pytest
import torch
from factories import FromZeroShot, with_settings
from processes_shared import SERVER
from skorch.callbacks import Callback, EarlyStopping, EpochScoring, LRScheduler
from training_shared import EPOCHS_SEEN, Watch, assert_same_fit

from sknumclip import NumCLIPRegressor
from sknumclip.clip.backbone import load_backbone
from sknumclip.machine import progress


def test_early_stopping(make, data):
    X, y = data
    stops = dict(early_stopping=True, validation_fraction=0.25, n_iter_no_change=2)
    stops |= dict(cls=FromZeroShot, max_epochs=50, lr=1e-2)
    reg = make(**stops).fit(X, y)
    valid = reg.history_["valid_mae"]
    assert reg.n_iter_ < 50
    assert valid.idxmin() <= reg.n_iter_ - 3
    same = make(**stops).fit(X, y)
    assert (same.predict(X) == reg.predict(X)).all()


def test_without_epochs_there_is_nothing_to_stop(make, data):
    zero_shot = make(max_epochs=0).fit(*data)
    stopped = make(max_epochs=0, early_stopping=True).fit(*data)
    np.testing.assert_array_equal(stopped.predict(data[0]), zero_shot.predict(data[0]))


def test_accumulated_gradients_are_those_of_one_step(make, data):
    """Without a ranking loss, four batches of 2 are one batch of 8."""
    X, y = data
    kwargs = dict(ranking_loss="none", augment=False, precision="fp32", max_epochs=3)
    np.testing.assert_allclose(
        make(batch_size=2, accumulate_steps=4, **kwargs).fit(X, y).predict(X),
        make(batch_size=8, **kwargs).fit(X, y).predict(X),
        rtol=1e-4,
    )


@pytest.mark.parametrize("change", [dict(grad_checkpointing=True), dict(compile=True)], ids=str)
def test_what_should_not_matter_does_not(make, data, change):
    X, y = data
    np.testing.assert_allclose(
        make(precision="fp32", **change).fit(X, y).predict(X),
        make(precision="fp32").fit(X, y).predict(X),
        rtol=1e-3,
    )


def test_fits_in_threads_do_not_disturb_each_other(make, data):
    X, y = data
    expected = make(fine_tune="none", max_epochs=10).fit(X, y).predict(X)
    fits = joblib.Parallel(n_jobs=4, backend="threading")(
        joblib.delayed(make(fine_tune="none", max_epochs=10).fit)(X, y) for _ in range(8)
    )
    for reg in fits:
        np.testing.assert_allclose(reg.predict(X), expected, rtol=1e-4)


def test_the_callers_random_numbers_are_left_alone(make, data):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    make().fit(*data)
    assert torch.equal(torch.rand(3), expected)


def test_accelerator(make, data):
    accelerate = pytest.importorskip("accelerate")
    X, y = data
    reg = make(accelerator=accelerate.Accelerator(cpu=True)).fit(X, y)
    assert (reg.predict(X) == make(device="cpu").fit(X, y).predict(X)).all()
    assert (pickle.loads(pickle.dumps(reg)).predict(X) == reg.predict(X)).all()


def test_verbose_shows_epochs_and_errors(make, data, capfd, monkeypatch):
    make(verbose=1).fit(*data)
    assert capfd.readouterr().err == ""  # it took less than two seconds
    monkeypatch.setattr(progress, "DELAY", 0)
    reg = make(verbose=1).fit(*data)
    shown = capfd.readouterr().err
    assert "training: 100%" in shown
    assert "2/2" in shown
    assert f"train_mae={reg.history_['train_mae'].iloc[-1]:.3g}" in shown
    make(verbose=0).fit(*data)
    assert capfd.readouterr().err == ""


def test_a_loss_that_is_no_number_stops_with_advice(make, data):
    with pytest.raises(FloatingPointError, match=r"loss became (nan|inf).*lower lr"):
        make(
            cls=with_settings(NumCLIPRegressor, regressor_lr=1e30),
            lr=1e30,
            prompt_lr=1e30,
            max_epochs=5,
        ).fit(*data)


@pytest.mark.parametrize(
    ("room", "advice"),
    [
        (3, "batch_size=2 fits: use it, with accumulate_steps=4 .* grad_checkpointing=True"),
        (0, "Not even one image fits: use grad_checkpointing=True"),
    ],
)
def test_out_of_memory_says_which_batch_size_fits(clip_models, pixels, room, advice):
    def fill_memory(visual, args):
        if len(args[0]) > room:
            raise torch.OutOfMemoryError("Tried to allocate 20.00 GiB.")

    # The tower that is trained is a copy, and copies take hooks along.
    hook = load_backbone(clip_models["clip"]).visual.register_forward_pre_hook(fill_memory)
    reg = NumCLIPRegressor(2, model_name=clip_models["clip"], batch_size=8, verbose=0)
    with pytest.raises(torch.OutOfMemoryError, match=f"with batch_size=8. {advice}.*20.00 GiB"):
        reg.fit(pixels, range(8))
    hook.remove()


# ------------------------------------------------------------------------------ callbacks of skorch


def test_skorch_callbacks_are_passed_on_and_not_changed(make, data):
    EPOCHS_SEEN.clear()
    callback = Watch()
    before = dict(vars(callback))
    make(callbacks=[callback]).fit(*data)
    assert EPOCHS_SEEN == [1, 2]
    assert vars(callback) == before


def test_named_callbacks_and_schedules_of_skorch_work(make, data):
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.5)
    Steady = with_settings(NumCLIPRegressor, lr_schedule="constant")
    reg = make(cls=Steady, callbacks=[("schedule", schedule)], max_epochs=3).fit(*data)
    np.testing.assert_allclose(reg.history_["event_lr"], [1e-3, 5e-4, 2.5e-4])


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (LRScheduler("StepLR", step_size=1), "user_0 is an LRScheduler, whose learning rates"),
        (("score", EpochScoring("r2")), "score is an EpochScoring, which needs a skorch dataset"),
    ],
)
def test_callbacks_without_effect_are_refused_before_images_are_read(make, callback, message):
    with pytest.raises(ValueError, match=message):
        make(callbacks=[callback]).fit([f"missing-{i}.jpg" for i in range(8)], np.arange(8.0))


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


# -------------------------------------------------------------------------------------- checkpoints


class Slow(Callback):
    def on_epoch_end(self, net, **kwargs):
        time.sleep(0.05)


def fit_slowly(params, X, y):
    torch.set_num_threads(1)
    NumCLIPRegressor(**params, callbacks=[Slow()]).fit(X, y)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_killed_fit_goes_on_to_the_same_bits(make, data, tmp_path, early_stopping):
    X, y = data
    params = make(
        max_epochs=25, n_iter_no_change=25, early_stopping=early_stopping, validation_fraction=0.25
    ).get_params()
    for name in ("accelerator", "callbacks", "checkpoint"):
        del params[name]
    folder = tmp_path / "checkpoints"
    process = SERVER.Process(target=fit_slowly, args=({**params, "checkpoint": folder}, X, y))
    process.start()
    deadline = time.monotonic() + 60
    while not list(folder.glob("*.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL, "it finished before it could be killed"

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        straight = NumCLIPRegressor(**params).fit(X, y)
        resumed = NumCLIPRegressor(**{**params, "checkpoint": folder}).fit(X, y)
    finally:
        torch.set_num_threads(threads)
    assert_same_fit(straight, resumed)


def test_a_checkpoint_that_is_no_folder_is_found_early(make, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="checkpoint=.*must be a writable folder"):
        make(checkpoint=tmp_path / "file").fit(["missing.jpg"] * 2, [1, 2])


def test_a_finished_fit_is_not_repeated(make, data, tmp_path):
    X, y = data
    first = make(checkpoint=tmp_path, random_state=None).fit(X, y)
    again = make(checkpoint=tmp_path, random_state=None).fit(X, y)
    assert (first.predict(X) == again.predict(X)).all()
    assert again.history_["dur"].tolist() == first.history_["dur"].tolist()

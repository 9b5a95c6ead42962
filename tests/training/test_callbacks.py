"""scikit-learn's callbacks: each epoch is a sub-task of fit, and watching changes nothing."""

import importlib.util
import pickle
import re
import sys
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from factories import THREE_COUNTS, TINY_FROZEN, save_pictures, with_settings
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from skorch.callbacks import EarlyStopping
from training_shared import EPOCHS_SEEN, Watch

from sknumclip import NumCLIPClassifier, NumCLIPRegressor, baselines
from sknumclip.datasets import make_counting_images
from sknumclip.machine import progress
from sknumclip.training import callbacks as _callbacks

MAE = "neg_mean_absolute_error"


class Steady(NumCLIPRegressor):
    lr_schedule = "constant"


def tiny_estimator(Estimator=NumCLIPRegressor, **params):
    fast = dict(**TINY_FROZEN, max_epochs=3)
    bins = dict(bins=THREE_COUNTS) if issubclass(Estimator, NumCLIPRegressor) else {}
    return Estimator(**fast | bins | params)


@pytest.fixture(scope="module")
def data():
    return make_counting_images(16, random_state=0)


@pytest.fixture
def callback():
    """scikit-learn's module of callbacks."""
    return pytest.importorskip("sklearn.callback")


class Recorder:
    """Notes each task, and asks fit to stop after some epochs."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.begun, self.ended = [], []

    def setup(self, estimator, context):
        self.begun.append("setup")

    def teardown(self, estimator, context):
        self.ended.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.begun.append((context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context):
        self.ended.append((context.task_name, context.task_id))
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after


def epoch_scores(monitor, name=MAE):
    log = monitor.get_logs().data_as_pandas
    return log.loc[log["task_name"] == "epoch", name].tolist()


def test_epochs_are_subtasks_of_fit(callback, data):
    recorder = Recorder()
    tiny_estimator().set_callbacks(recorder).fit(*data)
    epochs = [("epoch", 0), ("epoch", 1), ("epoch", 2)]
    assert recorder.begun == ["setup", ("fit", 0), *epochs]
    assert recorder.ended == [*epochs, ("fit", 0), "teardown"]


@pytest.mark.parametrize("fine_tune", ["none", "full"])
def test_scores_are_those_of_the_estimator_after_each_epoch(callback, data, fine_tune):
    X, y = data
    reg = tiny_estimator(Steady, fine_tune=fine_tune, batch_size=4, device="cpu")
    monitor = callback.ScoringMonitor(scoring=MAE)
    watched = clone(reg).set_callbacks(monitor).fit(X, y)
    expected = [
        -mean_absolute_error(y, clone(reg).set_params(max_epochs=n).fit(X, y).predict(X))
        for n in (1, 2, 3)
    ]
    np.testing.assert_array_equal(epoch_scores(monitor), expected)
    assert (watched.predict(X) == reg.fit(X, y).predict(X)).all()  # to the bit


def test_watching_does_not_change_early_stopping(callback, data):
    X, y = make_counting_images(40, random_state=1)
    Quick = with_settings(NumCLIPRegressor, regressor_lr=0.1)
    reg = tiny_estimator(Quick, early_stopping=True, max_epochs=6, n_iter_no_change=1)
    monitor = callback.ScoringMonitor(scoring=MAE)
    watched = clone(reg).set_callbacks(monitor).fit(X, y)
    reg.fit(X, y)
    assert (watched.predict(X) == reg.predict(X)).all()
    assert len(epoch_scores(monitor)) == reg.n_iter_


def test_models_are_copied_only_for_who_asks(callback, data, monkeypatch):
    copies = []
    reg = tiny_estimator().set_callbacks(Recorder())
    fitted_attributes = type(reg)._fitted_attributes
    monkeypatch.setattr(
        type(reg), "_fitted_attributes", lambda *args: copies.append(1) or fitted_attributes(*args)
    )
    reg.fit(*data)
    assert len(copies) == 1  # at the end
    reg.set_callbacks(callback.ScoringMonitor(scoring=MAE)).fit(*data)
    assert len(copies) == 1 + 3 + 1


def test_classes_and_weights_reach_the_scores(callback, data):
    X, y = data
    labels = np.where(y < np.median(y), "few", "many")
    weight = np.linspace(0.1, 1, len(y))
    monitor = callback.ScoringMonitor(scoring="accuracy")
    clf = (
        tiny_estimator(NumCLIPClassifier)
        .set_callbacks(monitor)
        .fit(X, labels, sample_weight=weight)
    )
    log = monitor.get_logs().data_as_pandas
    assert log["accuracy"].iloc[-1] == clf.score(X, labels, sample_weight=weight)


def test_images_that_cannot_be_read_are_left_out_of_the_scores(callback, data, tmp_path):
    X, y = data
    files = save_pictures(tmp_path, X)
    (tmp_path / "0.png").unlink()
    monitor = callback.ScoringMonitor(scoring=MAE)
    reg = tiny_estimator(on_error="skip", device="cpu").set_callbacks(monitor)
    with pytest.warns(UserWarning, match="1 of 16 images"):
        reg.fit(files, y, sample_weight=np.ones(16))
    assert epoch_scores(monitor)[-1] == -mean_absolute_error(y[1:], reg.predict(files)[1:])


@pytest.mark.parametrize("n", [1, 3])
def test_a_callback_can_stop_training(callback, data, n):
    X, y = data
    reg = tiny_estimator(Steady).set_callbacks(Recorder(stop_after=n))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reg.fit(X, y)
    assert reg.n_iter_ == len(reg.history_) == n
    unwatched = tiny_estimator(Steady, max_epochs=n).fit(X, y)
    assert (reg.predict(X) == unwatched.predict(X)).all()
    assert (pickle.loads(pickle.dumps(reg)).predict(X) == reg.predict(X)).all()


def test_they_work_beside_callbacks_of_skorch(callback, data):
    EPOCHS_SEEN.clear()
    stop = EarlyStopping("train_loss", patience=1, threshold=1e9, threshold_mode="abs")
    recorder = Recorder()
    tiny_estimator(callbacks=[Watch(), stop]).set_callbacks(recorder).fit(*data)
    assert EPOCHS_SEEN == [1, 2]
    assert recorder.ended == [("epoch", 0), ("epoch", 1), ("fit", 0), "teardown"]


def test_set_callbacks_takes_none_of_skorch(callback):
    with pytest.raises(TypeError, match="FitCallback protocol"):
        tiny_estimator().set_callbacks(Watch())


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_inside_a_search(callback, data, n_jobs):
    monitor = callback.ScoringMonitor(scoring=MAE)
    reg = tiny_estimator().set_callbacks(monitor)
    search = GridSearchCV(reg, {"beta": [0, 4]}, cv=2, n_jobs=n_jobs, error_score="raise")
    search.fit(*data)
    assert len(epoch_scores(monitor)) == (2 * 2 + 1) * 3  # candidates, folds, refit; epochs


def test_progress_bars_show_epochs_in_place_of_our_own(callback, data, capfd, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0)
    pytest.importorskip("rich")
    search = GridSearchCV(tiny_estimator(verbose=1), {"beta": [0, 4]}, cv=2, scoring=MAE)
    search.set_callbacks(callback.ProgressBar()).fit(*data)
    out, err = capfd.readouterr()
    assert re.search(r"GridSearchCV - [\w-]+ \| NumCLIPRegressor - fit", " ".join(out.split()))
    assert "training:" not in err
    tiny_estimator(verbose=1).fit(*data)
    assert "training:" in capfd.readouterr().err


def test_the_bar_of_a_pipeline_counts_too(callback, data, capfd, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0)
    pytest.importorskip("rich")
    model = make_pipeline("passthrough", tiny_estimator(verbose=1))
    model.set_callbacks(callback.ProgressBar(max_propagation_depth=0)).fit(*data)
    assert "training:" not in capfd.readouterr().err


def test_without_epochs_there_is_the_fit(callback, data):
    X, y = data
    monitor, recorder = callback.ScoringMonitor(scoring=MAE), Recorder()
    reg = baselines.ZeroShotCLIPRegressor(THREE_COUNTS, model_name="tiny", verbose=0)
    reg.set_callbacks(monitor, recorder).fit(X, y)
    assert recorder.ended == [("fit", 0), "teardown"]
    score = monitor.get_logs().data_as_pandas[MAE].tolist()
    assert score == [-mean_absolute_error(y, reg.predict(X))]


def test_a_failed_fit_takes_its_callbacks_down(callback, data):
    recorder = Recorder()
    with pytest.raises(ValueError, match="same length"):
        tiny_estimator().set_callbacks(recorder).fit(data[0], data[1][:3])
    assert recorder.ended == ["teardown"]


@contextmanager
def older_scikit_learn(monkeypatch):
    """The module as it is where scikit-learn has no callbacks."""
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "sklearn.callback", None)
        spec = importlib.util.spec_from_file_location("older", _callbacks.__file__)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


def test_with_an_older_scikit_learn_nobody_watches(monkeypatch, data):
    with older_scikit_learn(monkeypatch) as older:

        class Estimator(older.CallbackSupportMixin):
            _n_epochs = 2

            @older.with_callbacks
            def fit(self, X, y):
                tasks = older.FitTasks(self, X, y, None)
                tasks.begin_epoch(None)
                stop = tasks.end_epoch(None)
                tasks.end()
                return stop, older.shows_progress(self)

        assert Estimator().fit(*data) == (False, False)
        with pytest.raises(ImportError, match="scikit-learn 1.9: pip install -U scikit-learn"):
            Estimator().set_callbacks(Recorder())

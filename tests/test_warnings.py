"""Every warning names the user's own file, through whatever stands between it and the package."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from factories import FAST, Y, small_pictures
from joblib import parallel_config
from saved_folders import change_json
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sknumclip import NumCLIPClassifier, NumCLIPRegressor, _warnings
from sknumclip.datasets import few_shot, load_fgnet, load_folder
from sknumclip.losses import FCRC


class Interrupt(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise KeyboardInterrupt


def skips_an_image(make, files):
    (bad := files[0].replace("0.png", "bad.png"), open(bad, "w").close())
    make(on_error="skip").fit([*files, bad], [*Y, 5.0])


def has_fewer_quantiles(make, files):
    make(bins=5).fit(files, [1, 1, 1, 1, 1, 1, 1, 9.0])


def searches(make, files):
    GridSearchCV(make(bins=5), {"beta": [1]}, cv=2, error_score="raise").fit(
        files, [1, 1, 1, 9, 1, 1, 1, 9.0]
    )


def fits_in_threads(make, files):
    with parallel_config("threading", n_jobs=1):
        cross_val_score(make_pipeline(make(bins=5)), files, [1, 1, 1, 9, 1, 1, 1, 9.0], cv=2)


def asks_for_unsorted_probabilities(make, files):
    params = {name: value for name, value in FAST.items() if name != "bins"}
    names = np.where(Y < 20, "young", "old")
    clf = NumCLIPClassifier(["young", "old"], model_name="tiny", **params)
    clf.fit(small_pictures(), names).predict_proba(files)


def leaves_the_order_to_the_alphabet(make, files):
    params = {name: value for name, value in FAST.items() if name != "bins"}
    clf = NumCLIPClassifier(model_name="tiny", **params | dict(max_epochs=0))
    clf.fit(small_pictures(), ["young", "older", "oldest", "young"] * 2)


def gives_beta_no_effect(make, files):
    make(ranking_loss=FCRC(weight_norm="mean"), beta=2, max_epochs=0).fit(files, Y)


def is_interrupted(make, files):
    make(callbacks=[Interrupt()]).fit(files, Y)


def saves_what_json_cannot_hold(make, files):
    reg = make(max_epochs=0).fit(files, Y).set_params(random_state=np.random.RandomState(0))
    reg.save(Path(files[0]).parent / "saved")


def loads_what_another_version_saved(make, files):
    folder = Path(files[0]).parent / "saved"
    make(max_epochs=0).fit(files, Y).save(folder)
    change_json(folder, versions={"sknumclip": "0.0.9"})
    NumCLIPRegressor.load(folder)


def lacks_images(make, files):
    folder = Path(files[0]).parent
    (folder / "labels.csv").write_text("file,label\ngone.png,1\n0.png,7\n")
    load_folder(folder, on_missing="skip")


def has_a_part_of_fgnet(make, files):
    folder = Path(files[0]).parent / "fgnet"
    folder.mkdir()
    shutil.copy(files[0], folder / "001A02.JPG")
    load_fgnet(folder)


def draws_too_few(make, files):
    few_shot(np.array([1, 1, 1, 2]), 2, 0)


@pytest.mark.parametrize(
    "user",
    [
        skips_an_image,
        has_fewer_quantiles,
        searches,
        fits_in_threads,
        asks_for_unsorted_probabilities,
        leaves_the_order_to_the_alphabet,
        gives_beta_no_effect,
        is_interrupted,
        saves_what_json_cannot_hold,
        loads_what_another_version_saved,
        lacks_images,
        has_a_part_of_fgnet,
        draws_too_few,
    ],
)
def test_the_line_of_the_user_is_named(user, make, files):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        user(make, files)
    ours = [w for w in caught if w.category is UserWarning]
    assert ours
    for warning in ours:
        assert warning.filename == __file__, warning.message


def test_the_estimator_is_the_users_too():
    class Mine(NumCLIPRegressor):
        pass

    with pytest.warns(UserWarning, match="bins") as caught:
        Mine(5, model_name="tiny", fine_tune="none", max_epochs=0, verbose=0).fit(
            small_pictures(), [1, 1, 1, 1, 1, 1, 1, 9.0]
        )
    assert caught[0].filename == __file__


def test_a_folder_with_a_name_like_the_package_is_the_users():
    script = str(Path(_warnings.__file__).parent) + "_study/run.py"
    code = compile("warn_user('mine')", script, "exec")
    with pytest.warns(UserWarning, match="mine") as caught:
        exec(code, {"warn_user": _warnings.warn_user, "__name__": "__main__"})
    assert caught[0].filename == script

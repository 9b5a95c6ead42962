"""Fits that are killed, starved of disk or interrupted: real processes, signals and disks."""

import os
import resource
import shutil
import signal
import subprocess
import time
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import BINS, counting_files
from processes_shared import SERVER
from skorch.callbacks import Callback
from training_shared import assert_same_fit

from sknumclip import NumCLIPRegressor
from sknumclip.datasets import make_counting_images

PARAMS = dict(bins=BINS, batch_size=8, random_state=0, verbose=0, precision="fp32")
FULL = dict(fine_tune="full", augment=True, early_stopping=True, lr=1e-3, n_iter_no_change=12)
FROZEN = dict(fine_tune="none", early_stopping=True, prompt_lr=1e-2, n_iter_no_change=12)
KINDS = {"full": {**FULL, "max_epochs": 15}, "none": {**FROZEN, "max_epochs": 40}}


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def fit(params):
    """What every process does; with one thread, as the test itself."""
    torch.set_num_threads(1)
    X, y = make_counting_images(40, random_state=0)
    return NumCLIPRegressor(**params).fit(X, y)


def fit_here_and_wait(params, started):
    started.set()
    fit(params)


def kill_after(delay, params):
    """Start a fit, kill it, and say whether that was in time."""
    started = SERVER.Event()
    process = SERVER.Process(target=fit_here_and_wait, args=(params, started))
    process.start()
    assert started.wait(120)
    time.sleep(delay)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def kill_and_resume(params, folder, n_kills, seed):
    straight = fit(params)
    duration = straight.history_["dur"].sum()
    rng = np.random.default_rng(seed)
    params = {**params, "checkpoint": folder}
    n_left = n_kills
    while n_left:
        if kill_after(rng.uniform(0, duration / n_kills), params):
            n_left -= 1
        else:  # it was faster than before
            for file in folder.iterdir():
                file.unlink()
    assert_same_fit(straight, fit(params))


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_killed_again_and_again_ends_with_the_same_bits(clip_models, tmp_path, kind):
    params = {**PARAMS, **KINDS[kind], "model_name": clip_models["clip"]}
    kill_and_resume(params, tmp_path, n_kills=3, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_kills_end_with_the_same_bits(clip_models, tmp_path, kind):
    params = {**PARAMS, **KINDS[kind], "model_name": clip_models["clip"]}
    kill_and_resume(params, tmp_path, n_kills=20, seed=1)


# ------------------------------------------------------------------------------------ Ctrl-C


def fit_until_interrupted(model, has_begun, results):
    class Tell(Callback):  # callbacks are copied, but not what they refer to
        def on_epoch_end(self, net, **kwargs):
            has_begun.set()

    signal.signal(signal.SIGINT, signal.default_int_handler)  # which jobs in the background ignore
    X, y = make_counting_images(40, random_state=0)
    reg = NumCLIPRegressor(model_name=model, max_epochs=10**6, verbose=0, callbacks=[Tell()])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        reg.fit(X, y)
    messages = [str(warning.message) for warning in caught]
    results.put((messages, reg.predict(X).shape, reg.n_iter_, len(reg.history_)))


def test_ctrl_c_leaves_a_usable_estimator_and_says_so(clip_models):
    has_begun, results = SERVER.Event(), SERVER.Queue()
    arguments = (clip_models["clip"], has_begun, results)
    process = SERVER.Process(target=fit_until_interrupted, args=arguments)
    process.start()
    assert has_begun.wait(120)
    os.kill(process.pid, signal.SIGINT)
    messages, shape, n_iter, n_epochs = results.get(timeout=120)
    process.join()
    assert any("Training was interrupted after" in message for message in messages)
    assert shape == (40,)
    assert n_iter == n_epochs > 0


# ------------------------------------------------------------------------------------- disks


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    mount = shutil.which("mount")
    if mount is None or subprocess.run([mount, *options], capture_output=True).returncode:
        pytest.skip("this user may not mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def no_file_larger_than(size):
    """As on a full disk, writing stops in the middle of a file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@contextmanager
def as_nobody():
    """For root, who may write everywhere."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        yield


def frozen(**params):
    return {**PARAMS, "model_name": "tiny", "fine_tune": "none", "max_epochs": 4, **params}


def assert_goes_on(folder, params, n_epochs):
    """The checkpoint is of so many epochs, and the fit ends as if nothing had been."""
    again = fit(params)
    assert_same_fit(fit({**params, "checkpoint": None}), again)
    assert len(list(folder.glob("*.safetensors"))) == 1
    assert not list(folder.glob("*.tmp"))
    assert again.n_iter_ == n_epochs


def test_a_full_disk_is_named_and_the_last_checkpoint_stays(small_disk):
    params = frozen(checkpoint=small_disk)
    whole = fit(params)
    file = next(small_disk.glob("*.safetensors"))
    good = file.read_bytes()
    assert len(good) < 200_000
    with open(small_disk / "others", "wb") as stream, suppress(OSError):
        stream.write(bytes(256 * 1024))
    longer = frozen(checkpoint=small_disk, max_epochs=5)
    message = f"folder '{small_disk}' cannot be written .*No space left.*Make room"
    with pytest.raises(OSError, match=message):
        fit(longer)
    assert file.read_bytes() == good
    assert [f.name for f in small_disk.glob("*.tmp")] == []
    (small_disk / "others").unlink()
    assert fit(longer).n_iter_ == 5
    assert_same_fit(whole, fit(params))


def test_a_checkpoint_larger_than_what_is_left_is_not_written(tmp_path):
    params = frozen(checkpoint=tmp_path)
    with no_file_larger_than(4096), pytest.raises(OSError, match="cannot be written .*Make room"):
        fit(params)
    assert list(tmp_path.iterdir()) == []
    assert_goes_on(tmp_path, params, n_epochs=4)


def test_a_folder_that_cannot_be_written_is_found_before_training(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    fit(frozen(max_epochs=0))  # so that nothing is left to be read as somebody else
    X = ["missing.jpg"] * 2
    with as_nobody(), pytest.raises(PermissionError, match="checkpoint=.*locked.*Choose another"):
        NumCLIPRegressor(**frozen(checkpoint=folder)).fit(X, [1, 2])


@pytest.fixture
def files(tmp_path):
    return counting_files(tmp_path / "images", 12)


def tuned(**params):
    return NumCLIPRegressor(**{**PARAMS, "model_name": "tiny", "max_epochs": 1, **params})


def test_an_image_cache_on_a_full_disk_is_named(files, small_disk):
    large = tuned(image_cache=small_disk, canvas_scale=3)  # 110 kB for each image
    with pytest.raises(OSError, match=f"folder '{small_disk}' cannot be written.*No space left"):
        large.fit(*files)
    assert not list(small_disk.rglob("*.tmp"))


def test_a_cache_that_is_read_only_serves_what_it_has(files, small_disk):
    paths, y = files
    first = tuned(image_cache=small_disk).fit(paths[:6], y[:6]).predict(paths)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    again = tuned(image_cache=small_disk).fit(paths[:6], y[:6]).predict(paths)
    assert (again == first).all()
    with pytest.raises(OSError, match=f"folder '{small_disk}' cannot.*Read-only.*Make room"):
        tuned(image_cache=small_disk).fit(paths, y)


def fill_cache(paths, y, folder, barrier, results):
    torch.set_num_threads(1)
    reg = tuned(image_cache=folder)
    barrier.wait(120)
    results.put(reg.fit(paths, y).predict(paths))


def test_processes_may_share_a_cache_and_a_checkpoint_folder(files, tmp_path):
    expected = tuned(image_cache=None).fit(*files).predict(files[0])
    barrier, results = SERVER.Barrier(3), SERVER.Queue()
    arguments = (*files, tmp_path / "cache", barrier, results)
    processes = [SERVER.Process(target=fill_cache, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    for _ in processes:
        assert (results.get(timeout=120) == expected).all()
    for process in processes:
        process.join()
    assert not list(tmp_path.rglob("*.tmp"))
    assert len(list(Path(tmp_path / "cache").rglob("*.raw"))) == 12

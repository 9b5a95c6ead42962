"""Saving is atomic: a folder contains the old model or the new one, even after a crash."""

import os
import shutil

import numpy as np
import pytest
from factories import Y
from processes_shared import SERVER

from sknumclip import NumCLIPRegressor
from sknumclip.machine import files as machine_files
from sknumclip.saving import files as saving_files


@pytest.fixture
def two_models(make, pixels):
    """Two models, and what they predict."""
    models = [make(fine_tune="none", bins=n).fit(pixels, Y) for n in (2, 3)]
    return models, [model.predict(pixels).tolist() for model in models]


def folder_of(tmp_path):
    return {file.name for file in tmp_path.iterdir()}


@pytest.mark.parametrize("n_writes", [0, 1])
def test_a_save_that_fails_leaves_the_old_model(
    two_models, pixels, tmp_path, monkeypatch, n_writes
):
    (old, new), (expected, _) = two_models
    old.save(tmp_path)
    write, n_written = machine_files.write_whole, []

    def full_disk(file, content):
        if len(n_written) == n_writes:
            raise OSError(28, "No space left on device")
        n_written.append(file)
        write(file, content)

    monkeypatch.setattr(saving_files, "write_whole", full_disk)
    with pytest.raises(OSError, match="No space left"):
        new.save(tmp_path)
    assert NumCLIPRegressor.load(tmp_path).predict(pixels).tolist() == expected
    assert folder_of(tmp_path) == {"sknumclip.json", "model.safetensors"}


def test_a_process_killed_between_its_two_writes_leaves_the_new_model(
    two_models, pixels, tmp_path, monkeypatch
):
    (old, new), (_, expected) = two_models
    old.save(tmp_path)
    with monkeypatch.context() as killed:
        killed.setattr("os.replace", _replace_but_the_last())
        with pytest.raises(KeyboardInterrupt):
            new.save(tmp_path)
    assert NumCLIPRegressor.load(tmp_path).predict(pixels).tolist() == expected
    new.save(tmp_path)  # which also removes what was left
    assert folder_of(tmp_path) == {"sknumclip.json", "model.safetensors"}
    assert NumCLIPRegressor.load(tmp_path).predict(pixels).tolist() == expected


def _replace_but_the_last():

    replace = os.replace

    def replace_or_die(source, target):
        if str(target).endswith("model.safetensors"):
            raise KeyboardInterrupt
        replace(source, target)

    return replace_or_die


def _save_in_turns(folder, sources, stop):
    models = [NumCLIPRegressor.load(source) for source in sources]
    while not stop.is_set():
        for model in models:
            model.save(folder)


def test_loading_while_others_save_gives_a_whole_model(two_models, pixels, tmp_path):
    models, expected = two_models
    sources = [tmp_path / "a", tmp_path / "b"]
    for model, source in zip(models, sources, strict=True):
        model.save(source)
    target = tmp_path / "target"
    shutil.copytree(sources[0], target)
    stop = SERVER.Event()
    saver = SERVER.Process(target=_save_in_turns, args=(target, sources, stop))
    saver.start()
    try:
        found = []
        while len(found) < 40 or (len(set(map(str, found))) < 2 and len(found) < 2000):
            found.append(NumCLIPRegressor.load(target).predict(pixels).tolist())
    finally:
        stop.set()
        saver.join(60)
    assert all(values in expected for values in found)
    assert len(set(map(str, found))) == 2  # both were met
    assert np.isfinite(NumCLIPRegressor.load(target).predict(pixels)).all()

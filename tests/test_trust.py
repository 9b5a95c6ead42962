"""What docs/trust.md and SECURITY.md promise about code in files, the network and determinism."""

import ast
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from factories import FAST, counting_files, run_python
from malice import Malice
from PIL import Image
from sklearn.model_selection import cross_val_predict, cross_val_score

import sknumclip
from sknumclip import NumCLIPRegressor
from sknumclip.clip import loading
from sknumclip.exceptions import BackboneError, SavedModelError
from sknumclip.images.embeddings import clear_embedding_cache


@pytest.fixture
def files(tmp_path):
    return counting_files(tmp_path / "images", 24)


# ------------------------------------------------------------------------------ code in files


def test_no_file_of_ours_can_run_code(make, files, tmp_path):
    proof = tmp_path / "proof"
    malice = pickle.dumps(Malice(proof))
    params = dict(image_cache=tmp_path / "cache", checkpoint=tmp_path / "checkpoints")
    expected = make(**params).fit(*files).predict(files[0])

    written = list((tmp_path / "cache").rglob("*.raw"))
    assert len(written) == 24
    for file in written:  # with and without the right size
        file.write_bytes(malice.ljust(file.stat().st_size, b"."))
    written[0].write_bytes(malice)
    reg = make(image_cache=tmp_path / "cache").fit(*files)
    assert (reg.predict(files[0]) == expected).all()

    (file,) = (tmp_path / "checkpoints").iterdir()
    file.write_bytes(malice)
    with pytest.raises(ValueError, match="damaged"):
        make(**params).fit(*files)

    reg.save(tmp_path / "model")
    for file in (tmp_path / "model").iterdir():
        good = file.read_bytes()
        file.write_bytes(malice)
        with pytest.raises(SavedModelError):
            NumCLIPRegressor.load(tmp_path / "model")
        file.write_bytes(good)
    assert not proof.exists()


@pytest.mark.parametrize("save", [torch.save, lambda x, f: Path(f).write_bytes(pickle.dumps(x))])
def test_weights_of_others_cannot_run_code(files, tmp_path, save):
    proof, weights = tmp_path / "proof", tmp_path / "weights.pt"
    save({"state_dict": Malice(proof)}, weights)
    reg = NumCLIPRegressor(**FAST, model_name="ViT-B-32-quickgelu", pretrained=str(weights))
    with pytest.raises(BackboneError, match="cannot be loaded"):
        reg.fit(*files)
    assert not proof.exists()


def test_nothing_that_unpickles_is_used():
    """pickle and its relatives, torch.load, joblib.load, and np.load with allow_pickle."""
    for file in Path(sknumclip.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = {
                ast.Import: lambda node: [alias.name for alias in node.names],
                ast.ImportFrom: lambda node: [node.module],
                ast.Attribute: lambda node: [ast.unparse(node)],
                ast.keyword: lambda node: [node.arg],
            }.get(type(node), lambda node: [])(node)
            unsafe = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "allow_pickle"}
            unsafe |= {"torch.load", "joblib.load", "torch.jit.load", "pd.read_pickle"}
            assert not unsafe & set(names), f"{file.name}, line {getattr(node, 'lineno', '?')}"


# ------------------------------------------------------------------------------------ network


NO_NETWORK = """
import socket
def refuse(*args):
    raise SystemExit(f"somebody called the network: {args[1:]}")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from sknumclip import NumCLIPRegressor
from sknumclip.datasets import make_counting_images
X, y = make_counting_images(12, random_state=0)
for fine_tune in ("full", "none"):
    reg = NumCLIPRegressor(model_name="tiny", fine_tune=fine_tune, max_epochs=1, verbose=0)
    reg.fit(X, y).predict(X)
"""


def test_fit_and_predict_call_nobody():
    environment = {"PATH": "", "PYTHONPATH": str(Path(sknumclip.__file__).parent.parent)}
    run_python(["-c", NO_NETWORK], timeout=300, env=environment)


# -------------------------------------------------------------------------------- determinism


@pytest.mark.parametrize("num_workers", [0, 1, 4])
@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_neither_caches_nor_threads_nor_the_kind_of_x_change_a_bit(
    make, files, tmp_path, fine_tune, num_workers
):
    paths, y = files
    clear_embedding_cache()
    arrays = np.stack([np.asarray(Image.open(path)) for path in paths])
    expected = make(fine_tune=fine_tune, image_cache=None).fit(arrays, y).predict(arrays)
    for image_cache in (None, "memory", tmp_path / "cache", tmp_path / "cache", "auto"):
        options = dict(fine_tune=fine_tune, image_cache=image_cache, num_workers=num_workers)
        assert (make(**options).fit(paths, y).predict(paths) == expected).all(), image_cache


def test_what_was_embedded_before_changes_no_bit(make, files):
    paths, y = files
    clear_embedding_cache()
    cold = make(fine_tune="none").fit(paths, y)
    expected = cold.predict(paths)
    for part in (slice(0, 17), slice(5, 24), slice(0, 1), slice(3, 24, 5)):
        clear_embedding_cache()
        cold.predict(paths[part])
        again = make(fine_tune="none").fit(paths, y)
        assert (again.predict(paths) == expected).all(), part


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_workers_of_joblib_get_the_same_bits(make, files, fine_tune):
    clear_embedding_cache()  # what this process has kept may come from more threads
    loading.load.cache_clear()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        expected = cross_val_predict(make(fine_tune=fine_tune), *files, cv=2)
    finally:
        torch.set_num_threads(threads)
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        got = cross_val_predict(make(fine_tune=fine_tune), *files, cv=2, n_jobs=2)
    assert (got == expected).all()


def threads_in_worker():
    """Threads of torch, and of an image reader that chooses for itself."""
    from sknumclip.machine.memory import usual_threads

    return torch.get_num_threads(), usual_threads()


def test_readers_in_workers_keep_to_the_share_of_joblib():
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        counts = joblib.Parallel(n_jobs=2)(joblib.delayed(threads_in_worker)() for _ in range(4))
    assert set(counts) == {(1, 1)}
    assert threads_in_worker()[1] == joblib.cpu_count()


@pytest.mark.slow
def test_eight_workers_finish(make, files):
    scores = cross_val_score(make(), *files, cv=8, n_jobs=8)
    assert np.isfinite(scores).all()

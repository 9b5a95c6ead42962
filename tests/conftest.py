"""Shared by all tests: no network, seeds, and small CLIP models of every kind in folders."""

import gc
import os
import shutil
import sys

os.environ["HF_HUB_OFFLINE"] = "1"  # a test that reaches for the network must fail, not wait

import pytest
import torch
from factories import FAST, FEW_OR_MANY, MODELS, Y, save_clip, save_pictures, small_pictures
from open_clip.transformer import VisionTransformer
from torch.nn.modules.module import register_module_forward_hook

from sknumclip import NumCLIPRegressor


def pytest_collection_finish():
    """Imported modules live to the end, so the garbage collector need not look at them again."""
    gc.freeze()


@pytest.fixture(scope="session")
def clip_models(tmp_path_factory):
    """model_name of a small random CLIP model of each kind."""
    root = tmp_path_factory.mktemp("clip")
    return {kind: save_clip(root / kind, config) for kind, config in MODELS.items()}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


# Where fits are compared with those of other processes, or with what the documentation says.
AS_USERS = {"solving", "test_docs_pages.py", "test_faces.py", "test_kills.py", "test_loop.py"}
AS_USERS |= {"test_distributed.py", "test_numbers.py", "test_trust.py"}


@pytest.fixture(autouse=True, scope="module")
def _few_folds(request):
    """Cut few rows into folds once instead of four times: then fits take a quarter of the time."""
    with pytest.MonkeyPatch.context() as patch:
        if AS_USERS.isdisjoint(request.path.parts):
            patch.setattr("sknumclip.solving.solve.n_repeats", lambda n_rows: 1)
        yield


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture
def pixels():
    return small_pictures()


@pytest.fixture
def data(pixels):
    """The pictures and their labels."""
    return pixels, Y


@pytest.fixture
def files(pixels, tmp_path):
    """The pictures as files."""
    return save_pictures(tmp_path, pixels)


@pytest.fixture
def n_embedded():
    """How many images towers have seen so far, not counting blanks that fill up a batch."""
    seen = []

    def count(module, args, output):
        if isinstance(module, VisionTransformer):
            pixels = args[0].flatten(2)
            seen.append(int((pixels != pixels[..., :1]).any(dim=(1, 2)).sum()))

    hook = register_module_forward_hook(count)
    yield lambda: sum(seen)
    hook.remove()


@pytest.fixture(scope="session")
def make(clip_models):
    """Make a small fast regressor; keyword arguments override."""

    def make(kind="clip", cls=NumCLIPRegressor, **kwargs):
        return cls(**{"model_name": clip_models[kind], **FAST, **kwargs})

    return make


@pytest.fixture(scope="session")
def untrained_folder(clip_models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("untrained")
    params = dict(model_name=clip_models["clip"], max_epochs=0, random_state=0, verbose=0)
    NumCLIPRegressor(FEW_OR_MANY, **params).fit(small_pictures(), Y).save(folder)
    return folder


@pytest.fixture
def untrained(untrained_folder, tmp_path):
    """A folder of a saved model, to be damaged."""
    return shutil.copytree(untrained_folder, tmp_path / "untrained")

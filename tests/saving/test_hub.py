"""Sharing through the hub's own client, against a small server that speaks as the hub does."""

import json
import os
import textwrap

import numpy as np
import pytest
from factories import MODELS, Y, run_python, save_clip
from hub_server import HubServer
from saved_folders import ONE_EPOCH

from sknumclip import NumCLIPRegressor
from sknumclip.exceptions import SavedModelError
from sknumclip.saving.hub import prepare_upload


@pytest.fixture
def server(tmp_path):
    with HubServer() as server:
        yield server


def run_with_hub(server, tmp_path, code):
    """Run code in a process of its own, as the hub's client reads its address when imported."""
    env = {
        **os.environ,
        "HF_ENDPOINT": server.address,
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    start = "import numpy as np\nfrom sknumclip import NumCLIPRegressor\n"
    return run_python(["-c", start + textwrap.dedent(code)], timeout=300, cwd=tmp_path, env=env)


def test_there_and_back(server, pixels, tmp_path):
    np.save(tmp_path / "pixels.npy", pixels)
    output = run_with_hub(
        server,
        tmp_path,
        f"""
        pixels = np.load("pixels.npy")
        reg = NumCLIPRegressor(model_name="tiny", fine_tune="none", **{ONE_EPOCH})
        reg.fit(pixels, {Y.tolist()})
        print(reg.push_to_hub("me/counts", private=True, token="hf_secret", metrics={{"MAE": 2}}))
        loaded = NumCLIPRegressor.from_pretrained("me/counts", token="hf_secret")
        assert (loaded.predict(pixels) == reg.predict(pixels)).all()
        kept = NumCLIPRegressor.from_pretrained("me/counts", local_files_only=True)
        assert (kept.predict(pixels) == reg.predict(pixels)).all()
        """,
    )
    assert "me/counts/commit" in output
    files = server.repositories["me/counts"]
    assert {"README.md", "sknumclip.json", "model.safetensors"} <= set(files)
    assert b"MAE" in files["README.md"]
    assert server.created == {"me/counts": True}  # private
    assert server.tokens == {"Bearer hf_secret"}
    # Two files are downloaded, not all that lies there.
    assert set(server.downloaded) == {"sknumclip.json", "model.safetensors"}


def test_a_downloaded_model_cannot_point_elsewhere(server, pixels, tmp_path):
    name = save_clip(tmp_path / "clip", MODELS["clip"])
    reg = NumCLIPRegressor(model_name=name, fine_tune="none", **ONE_EPOCH).fit(pixels, Y)
    reg.save(tmp_path / "model")
    server.add("evil/x", tmp_path / "model")
    run_with_hub(
        server,
        tmp_path,
        f"""
        from sknumclip.saving.config import SavedModelError
        try:
            NumCLIPRegressor.from_pretrained("evil/x")
        except SavedModelError as error:
            assert "are loaded automatically" in str(error), error
        else:
            raise AssertionError("it was followed")
        NumCLIPRegressor.from_pretrained("evil/x", model_name={name!r})
        """,
    )


def test_a_folder_needs_no_network(clip_models, pixels, tmp_path):
    reg = NumCLIPRegressor(model_name=clip_models["clip"], fine_tune="none", **ONE_EPOCH).fit(
        pixels, Y
    )
    reg.save(tmp_path / "model")
    loaded = NumCLIPRegressor.from_pretrained(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(pixels), reg.predict(pixels))


@pytest.mark.parametrize("name", ["nobody/nothing", "../../etc", "a/b/c", "/no/such/folder", ""])
def test_what_cannot_be_had_is_named(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    if not name:
        name = str(tmp_path / "missing")
    with pytest.raises(SavedModelError, match="is not a local folder and cannot be downloaded"):
        NumCLIPRegressor.from_pretrained(name)


def test_a_tower_of_this_machine_must_travel_along(pixels, tmp_path):
    name = save_clip(tmp_path / "alice" / "clip", MODELS["clip"])
    reg = NumCLIPRegressor(model_name=name, fine_tune="none", **ONE_EPOCH).fit(pixels, Y)
    with pytest.raises(ValueError, match="on this machine only.*standalone=True"):
        prepare_upload(reg, tmp_path / "upload", "me/x")
    prepare_upload(reg, tmp_path / "upload", "me/x", standalone=True)
    (tmp_path / "alice").rename(tmp_path / "gone")
    loaded = NumCLIPRegressor.load(tmp_path / "upload")
    np.testing.assert_array_equal(loaded.predict(pixels), reg.predict(pixels))


def test_names_of_this_machine_are_left_out(pixels, tmp_path):
    name = save_clip(tmp_path / "alice" / "clip", MODELS["clip"])
    cache = dict(image_cache=str(tmp_path / "alice" / "cache"), checkpoint=tmp_path / "alice")
    reg = NumCLIPRegressor(model_name=name, **ONE_EPOCH, **cache).fit(pixels, Y)
    reg.skipped_ = {"/home/alice/patient.jpg": "no such file"}
    before = reg.get_params(), dict(reg.backbone_)
    prepare_upload(reg, tmp_path / "upload", "me/x")
    for file in (tmp_path / "upload").iterdir():
        assert b"alice" not in file.read_bytes()
    assert (reg.get_params(), dict(reg.backbone_)) == before
    config = json.loads((tmp_path / "upload" / "sknumclip.json").read_text())
    assert config["backbone"]["model_name"] == "local-dir:clip"


@pytest.mark.parametrize("repo_id", ["a/b/c", "../x", "me/x y", "'; import os", "me/" + "x" * 200])
def test_names_of_repositories_are_checked(clip_models, tmp_path, repo_id):
    reg = NumCLIPRegressor(model_name=clip_models["clip"], fine_tune="none", **ONE_EPOCH)
    reg.fit(np.random.default_rng(0).normal(size=(8, 3)), Y)
    with pytest.raises(ValueError, match="repo_id must be like 'user/name'"):
        reg.push_to_hub(repo_id)

"""Files of models that an attacker wrote: they are refused, run nothing and cost little."""

import hashlib
import io
import json
import pickle
import time

import numpy as np
import pytest
import torch
from factories import MODELS, Y, peak_memory, save_clip, small_pictures
from malice import malicious_files
from saved_folders import ONE_EPOCH, fit, fix_hash

from sknumclip import NumCLIPClassifier, NumCLIPRegressor
from sknumclip.clip.backbone import load_backbone
from sknumclip.exceptions import BackboneError, SavedModelError


def test_malicious_files_run_code_where_pickles_are_read(tmp_path):
    def read_by_torch(file):
        return torch.load(file, weights_only=False)

    readers = (pickle.load, read_by_torch, read_by_torch)
    for read, content in zip(readers, malicious_files(tmp_path / "proof"), strict=True):
        read(io.BytesIO(content))
        (tmp_path / "proof").unlink()


@pytest.mark.parametrize("name", ["sknumclip.json", "model.safetensors"])
def test_pickles_in_the_place_of_a_file_do_not_run(untrained, tmp_path, name):
    for content in malicious_files(tmp_path / "proof"):
        (untrained / name).write_bytes(content)
        if name == "model.safetensors":
            fix_hash(untrained)
        with pytest.raises(SavedModelError, match=name):
            NumCLIPRegressor.load(untrained)
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize("name", ["open_clip_pytorch_model.bin", "weights.pth"])
def test_pickles_as_weights_of_clip_do_not_run(tmp_path, name):
    folder = save_clip(tmp_path / "clip", MODELS["clip"])
    (tmp_path / "clip" / "open_clip_model.safetensors").unlink()
    for content in malicious_files(tmp_path / "proof"):
        (tmp_path / "clip" / name).write_bytes(content)
        with pytest.raises(BackboneError):
            load_backbone(folder)
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize(
    ("model_name", "pretrained"),
    [
        ("hf-hub:evil/x", ""),
        ("local-dir:" + 2 * chr(92) + "evil" + chr(92) + "share", ""),
        ("local-dir://evil/share", ""),
        ("ViT-B-16", "//evil/share/weights.pt"),
    ],
)
def test_references_are_not_followed_elsewhere(pixels, tmp_path, model_name, pretrained):
    reg = fit("tiny", pixels, fine_tune="none", max_epochs=0)
    reg.backbone_ = {**reg.backbone_, "model_name": model_name, "pretrained": pretrained}
    reg.save(tmp_path)
    with pytest.raises(SavedModelError, match="are loaded automatically"):
        NumCLIPRegressor.load(tmp_path)


def test_a_reference_to_a_folder_without_a_model(pixels, tmp_path):
    reg = fit("tiny", pixels, fine_tune="none", max_epochs=0)
    reg.backbone_ = {**reg.backbone_, "model_name": "local-dir:/etc"}
    reg.save(tmp_path)
    with pytest.raises(BackboneError, match="/etc"):
        NumCLIPRegressor.load(tmp_path)


# --------------------------------------------------------------------------------------------- fuzz


HOSTILE = (
    *(10**9, -1, 0, 2, 0.5, 1e308, 5e-324, 10**30, None, True, "", "..", "../../etc/passwd"),
    *("local-dir:/etc", "hf-hub:evil/x", "hf_hub:evil/x", "ViT-B-32", "x" * 100_000, chr(0)),
    *([], {}, [[]], [10**9, 10**9], {"a": 1}, float("nan"), float("inf"), chr(0xD800)),
)


@pytest.fixture(scope="module")
def saved_models(tmp_path_factory):
    """Folders of saved models of every kind, with their class, X and the shape of predictions."""
    root = tmp_path_factory.mktemp("saved")
    clip = save_clip(root / "clip", MODELS["clip"])
    pixels = small_pictures()
    features = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    fit(clip, pixels).save(root / "full")
    fit(clip, pixels, fine_tune="none").save(root / "frozen")
    fit(clip, pixels, fine_tune="none").save(root / "standalone", standalone=True)
    fit(clip, features, fine_tune="none").save(root / "features")
    clf = NumCLIPClassifier(model_name=clip, **ONE_EPOCH).fit(pixels, Y > 10)
    clf.save(root / "classifier")
    kinds = ("full", "frozen", "standalone", "features")
    models = [(root / kind, NumCLIPRegressor, pixels) for kind in kinds]
    models[3] = (root / "features", NumCLIPRegressor, features)
    return [*models, (root / "classifier", NumCLIPClassifier, pixels)]


def flip_bytes(rng, content, end=None):
    content = bytearray(content)
    for _ in range(rng.integers(1, 9)):
        content[rng.integers(end or len(content))] = rng.integers(256)
    return bytes(content)


def change_a_value(rng, config):
    """Replace, remove or add a value somewhere in nested dicts and lists."""
    place, steps = config, rng.integers(1, 5)
    while steps := steps - 1:
        inner = [value for value in values_of(place) if isinstance(value, (dict, list)) and value]
        if not inner:
            break
        place = inner[rng.integers(len(inner))]
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    key, value = keys[rng.integers(len(keys))], HOSTILE[rng.integers(len(HOSTILE))]
    action = rng.integers(8)
    if action == 0:
        del place[key]
    elif action == 1 and isinstance(place, dict):
        place["unknown"] = value
    else:
        place[key] = value
    return config


def values_of(place):
    return list(place.values()) if isinstance(place, dict) else place


def mutate(rng, folder, target):
    config, tensors = (
        (folder / name).read_bytes() for name in ("sknumclip.json", "model.safetensors")
    )
    header_end = 8 + int.from_bytes(tensors[:8], "little")
    kind = rng.integers(6)
    if kind == 0:
        config = flip_bytes(rng, config)
    elif kind <= 2:
        config = json.dumps(change_a_value(rng, json.loads(config))).encode()
    elif kind == 3:
        tensors = flip_bytes(rng, tensors)
    elif kind == 4:
        tensors = flip_bytes(rng, tensors, header_end)
    else:
        tensors = tensors[: rng.integers(len(tensors))] + rng.bytes(rng.integers(20))
    if kind >= 3 and rng.random() < 0.8:
        values = json.loads(config)
        values["tensors_sha256"] = hashlib.sha256(tensors).hexdigest()
        config = json.dumps(values).encode()
    (target / "sknumclip.json").write_bytes(config)
    (target / "model.safetensors").write_bytes(tensors)


def outcome_of(cls, folder, X):
    refusal = None
    try:
        loaded = cls.load(folder)
    except (SavedModelError, BackboneError) as error:
        refusal = str(error)
    if refusal is not None:
        assert str(folder) in refusal
        return "refused"
    try:
        assert loaded.predict(X).shape == (8,)
    except ValueError:  # as for a device that is not here
        return "refused later"
    return "loaded"


def fuzz(saved_models, target, n_mutations, seed):
    rng = np.random.default_rng(seed)
    outcomes, slowest, start = {}, 0.0, time.monotonic()
    before = peak_memory(reset=True)
    for _ in range(n_mutations):
        folder, cls, X = saved_models[rng.integers(len(saved_models))]
        mutate(rng, folder, target)
        begin = time.monotonic()
        outcome = outcome_of(cls, target, X)
        slowest = max(slowest, time.monotonic() - begin)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    grown = (peak_memory() - before) / 2**20
    print(f"{outcomes}, {time.monotonic() - start:.0f} s, slowest {slowest:.1f} s, +{grown:.0f} MB")
    assert outcomes["refused"] > n_mutations / 4
    assert outcomes["loaded"] > 0  # the other branch runs too
    assert slowest < 30
    assert grown < 100


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_never_do_harm(saved_models, tmp_path):
    fuzz(saved_models, tmp_path, 300, seed=0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(1, 11))
def test_ten_thousand_damaged_files_never_do_harm(saved_models, tmp_path, seed):
    fuzz(saved_models, tmp_path, 1_000, seed)

"""read_config: valid JSON of saved models, and errors for anything else."""

import json

import pytest
from factories import small_pictures
from saved_folders import change_json

from sknumclip import NumCLIPClassifier, NumCLIPRegressor
from sknumclip.exceptions import SavedModelError
from sknumclip.saving.config import read_config


@pytest.fixture(scope="module")
def config(clip_models, tmp_path_factory):
    """The JSON of a classifier of images."""
    folder = tmp_path_factory.mktemp("saved")
    clf = NumCLIPClassifier(model_name=clip_models["clip"], max_epochs=1, verbose=0)
    clf.fit(small_pictures(4), [0, 1, 0, 1]).save(folder)
    return json.loads((folder / "sknumclip.json").read_text())


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("logit_scale",), -1, "'logit_scale' parameter .* Got -1"),
        (("logit_scale",), float("nan"), "must be finite. Got NaN"),
        (("logit_scale",), 1e305, "must be finite and fit into 64 bits"),
        (("shift",), "sideways", "'shift' parameter .* Got 'sideways'"),
        (("max_shift",), 1.5, "'max_shift' parameter"),
        (("evil",), 1, r"unknown keys: \['evil'\]"),
        (("bins", "edges"), "0, 1", "'edges' parameter"),
        (("bins", "descriptions"), ["x"] * 20_000, "number of bins must be from 2 to 10000"),
        (("encoder", "canvas_scale"), 1e9, "must be from 1 to 4096 pixels"),
        (("encoder", "preprocessing", "size"), [10**9, 32], "must be from 1 to 4096 pixels"),
        (("encoder", "preprocessing", "std"), [0, 1, 1], "in the range of pixels"),
        (("encoder", "preprocessing", "mean"), ["a", 1, 1], "mean must be 3 numbers"),
        (("backbone", "model_name"), 7, "'model_name' parameter"),
        (("classes",), [1, "1"], "all strings or all numbers"),
        (("classes",), [1, 1], "must be all different"),
        (("history",), {"loss": [1, 2], "other": [1]}, "of the same length"),
        (("history",), {"loss": ["a"]}, "lists of numbers"),
        (("versions",), {"torch": 2}, "versions must be strings"),
        (("format_version",), True, "has format True"),
        (("format_version",), None, "has format None"),
    ],
)
def test_what_is_not_allowed_is_named(config, tmp_path, path, value, message):
    changed = json.loads(json.dumps(config))
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    (tmp_path / "sknumclip.json").write_text(json.dumps(changed))
    with pytest.raises(SavedModelError, match=message) as caught:
        read_config(tmp_path)
    assert str(tmp_path / "sknumclip.json") in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "[" * 100_000, "9" * 5000, '{"a": 1e999}', b"\xff\xfe"]
)
def test_what_is_no_config_at_all(tmp_path, text):
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "sknumclip.json").write_bytes(content)
    with pytest.raises(SavedModelError, match="sknumclip.json"):
        read_config(tmp_path)


def test_a_whole_one_is_read(config, tmp_path):
    (tmp_path / "sknumclip.json").write_text(json.dumps(config))
    assert read_config(tmp_path) == config


# ----------------------------------------------------------------------------------------- versions


@pytest.mark.parametrize(
    ("versions", "named"),
    [
        ({"sknumclip": "0.0.9"}, ["sknumclip 0.0.9"]),
        ({"torch": "1.13.1+cu117", "scikit-learn": "0.24.2"}, ["torch 1.13", "scikit-learn 0.24"]),
        ({"torch": "2.0.1"}, []),
        ({"unheard-of": "1.0"}, []),
    ],
)
def test_other_versions_are_named(untrained, recwarn, versions, named):
    change_json(untrained, versions=versions)
    NumCLIPRegressor.load(untrained)
    messages = [str(warning.message) for warning in recwarn]
    assert len(messages) == bool(named)
    assert all(name in messages[0] for name in named)


def test_the_warning_points_at_the_caller(untrained):
    change_json(untrained, versions={"sknumclip": "0.0.9"})
    with pytest.warns(UserWarning, match="was saved with") as caught:
        NumCLIPRegressor.load(untrained)
    assert caught[0].filename == __file__

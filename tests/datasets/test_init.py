"""sknumclip.datasets: complete and fast to import; loaders are tested in tests/datasets."""

import inspect

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_validate

from sknumclip import datasets
from sknumclip.datasets import FewShotSplit, load_fgnet

LOADERS = [name for name in datasets.__all__ if name.startswith("load_")]


def test_all_loaders_are_here():
    assert LOADERS == [
        "load_adience",
        "load_fgnet",
        "load_folder",
        "load_historical_color",
        "load_image_aesthetics",
        "load_morph2",
        "load_utkface",
        "load_yearguessr",
    ]


def test_every_name_exists_and_is_documented():
    for name in datasets.__all__:
        assert "Parameters\n" in inspect.getdoc(getattr(datasets, name)), name


@pytest.mark.parametrize("name", LOADERS)
def test_a_folder_that_is_not_there_says_what_it_must_hold(name, tmp_path):
    arguments = {"load_morph2": [tmp_path]}.get(name, [])
    with pytest.raises(FileNotFoundError, match="there is no folder .*nowhere") as error:
        getattr(datasets, name)(tmp_path / "nowhere", *arguments)
    assert name == "load_folder" or "http" in str(error.value)


@pytest.mark.filterwarnings("ignore:FG-NET has", "ignore:.* labels have fewer")
def test_a_published_protocol_in_one_line(tmp_path):
    for person in range(1, 5):
        for age in (2, 30, 30, 61):
            suffix = "" if age != 30 else "ab"[len(list(tmp_path.glob(f"{person:03}A30*")))]
            Image.new("RGB", (8, 8)).save(tmp_path / f"{person:03}A{age:02}{suffix}.JPG")
    data = load_fgnet(tmp_path)
    cv = FewShotSplit(k=4, cv=data.folds, random_state=0)
    for train, test in cv.split(data.paths, data.y):
        assert set(data.groups[train]).isdisjoint(data.groups[test])
    scores = cross_validate(Ridge(), np.ones((16, 1)), data.y, cv=cv)
    assert len(scores["test_score"]) == 4

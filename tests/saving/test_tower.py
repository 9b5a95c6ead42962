"""Towers larger than their file of weights are refused."""

import pytest
from factories import VISION

from sknumclip.saving.tower import build_tower, check_tower_config


def config(**changes):
    return {"embed_dim": 16, "vision_cfg": {**VISION["vit"], **changes}, "quick_gelu": False}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 10**9}, "width=1000000000 is not possible"),
        ({"width": -1}, "width=-1 is not possible"),
        ({"layers": 10**6}, "layers=1000000 need more weights than"),
        ({"layers": [10**5, 1, 1, 1]}, "need more weights than the file has"),
        ({"image_size": 10**5}, "image_size must be from 1 to 4096"),
        ({"image_size": [32, 32, 32]}, "image_size must be"),
        ({"image_size": 4096, "patch_size": 1, "pos_embed_type": "sin_cos_2d"}, "image_size=.4096"),
        ({"timm_model_name": "hf-hub:evil/x"}, "timm_model_name must be a name"),
        ({"timm_model_name": "hf_hub:evil/x"}, "timm_model_name must be a name"),
        ({"timm_model_name": "../x"}, "timm_model_name must be a name"),
    ],
)
def test_impossible_towers_are_refused_before_they_are_built(changes, message):
    with pytest.raises(ValueError, match=message):
        check_tower_config(config(**changes), n_tensors=200, n_bytes=10**6)


@pytest.mark.parametrize(
    "changes",
    [{}, {"image_size": [32, 64]}, {"layers": [1, 1, 1, 1], "patch_size": None}],
)
def test_possible_ones_are_not(changes):
    check_tower_config(config(**changes), n_tensors=200, n_bytes=10**6)


@pytest.mark.parametrize(
    "changes", [{"head_width": 0}, {"evil": 1}, {"layers": 2.5}, {"timm_model_name": "no_such"}]
)
def test_descriptions_of_nothing(changes):
    with pytest.raises(ValueError, match="vision_config is not a valid image tower"):
        build_tower(config(**changes))

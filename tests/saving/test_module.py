"""A module is rebuilt only if JSON and tensors agree, and never larger than its file."""

import numpy as np
import pytest
from factories import FromZeroShot, Y, peak_memory
from saved_folders import edit_json, edit_tensors

from sknumclip import NumCLIPRegressor
from sknumclip.exceptions import SavedModelError
from sknumclip.model.prompts import FeaturePrompts, prompt_texts


@pytest.fixture
def saved(clip_models, pixels, tmp_path):
    """A fine-tuned model in a folder."""
    reg = NumCLIPRegressor(3, model_name=clip_models["clip"], max_epochs=1, verbose=0)
    reg.fit(pixels, Y).save(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "boasts", [dict(width=2**20), dict(mlp_ratio=1e6), dict(image_size=4096, patch_size=1)], ids=str
)
def test_nothing_is_allocated_for_a_boast(saved, boasts):
    """Each would take 2 GB or more."""

    def boast(config):
        config["backbone"]["vision_config"]["vision_cfg"].update(boasts)

    edit_json(saved, boast)
    before = peak_memory(reset=True)
    with pytest.raises(SavedModelError):
        NumCLIPRegressor.load(saved)
    assert peak_memory() - before < 100 * 2**20


def test_bins_must_be_those_of_the_tensors(saved):
    def widen(config):
        config["bins"]["edges"][-1] += 1

    edit_json(saved, widen)
    with pytest.raises(SavedModelError, match="the widths of the bins differ"):
        NumCLIPRegressor.load(saved)


def test_bins_out_of_order(saved):
    def swap(config):
        config["bins"]["edges"].reverse()

    edit_json(saved, swap)
    with pytest.raises(SavedModelError, match=r"sknumclip.json is damaged: edges must be strictly"):
        NumCLIPRegressor.load(saved)


def test_positions_out_of_range(clip_models, pixels, tmp_path):
    reg = FromZeroShot(3, model_name=clip_models["clip"], max_epochs=1, verbose=0)
    reg.fit(pixels, Y).save(tmp_path)

    def point_outside(tensors):
        tensors["prompts.position"][0] = 10**6

    edit_tensors(tmp_path, point_outside)
    with pytest.raises(SavedModelError, match=r"'prompts.position' is out of range"):
        NumCLIPRegressor.load(tmp_path)


def test_images_must_have_the_size_of_the_tower(saved):
    def grow(config):
        config["encoder"]["preprocessing"]["size"] = [64, 64]

    edit_json(saved, grow)
    with pytest.raises(SavedModelError, match="takes images of size"):
        NumCLIPRegressor.load(saved)


class FeaturesAsPrompts(NumCLIPRegressor):
    """Learns text features where the tower is trained too."""

    def _assemble(self, encoder, backbone, bins, generator):
        module = super()._assemble(encoder, backbone, bins, generator)
        texts = prompt_texts(bins, self.template)
        module.prompts = FeaturePrompts.from_texts(backbone, texts)
        return module


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_both_kinds_of_prompts_go_with_both_kinds_of_towers(
    clip_models, pixels, tmp_path, fine_tune
):
    params = dict(model_name=clip_models["clip"], fine_tune=fine_tune, max_epochs=1, verbose=0)
    reg = FeaturesAsPrompts(3, **params).fit(pixels, Y)
    reg.save(tmp_path)
    loaded = FeaturesAsPrompts.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(pixels), reg.predict(pixels))

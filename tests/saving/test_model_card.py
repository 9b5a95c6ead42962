"""Model cards: required information, and escaping of all text."""

import copy
import re

import numpy as np
import pytest
import yaml
from factories import TINY_FAST

from sknumclip import NumCLIPClassifier, NumCLIPRegressor
from sknumclip.saving.model_card import model_card

X = np.random.default_rng(0).normal(size=(8, 64)).astype(np.float32)
Y = np.arange(8.0)


@pytest.fixture(scope="module")
def fitted():
    bins = {"a | b": (0, 4), "<script>alert(1)</script>\n# head": (4, 8)}
    return NumCLIPRegressor(bins=bins, template="*{}*", **TINY_FAST).fit(X, Y)


def test_the_header_is_yaml(fitted):
    card = model_card(fitted, "me/ages", license="mit")
    header = yaml.safe_load(card.split("---")[1])
    assert header["library_name"] == "sknumclip"
    assert header["license"] == "mit"
    assert "pipeline_tag" not in header


def test_it_says_how_to_load_and_what_is_inside(fitted):
    card = model_card(fitted, "me/ages", metrics={"MAE (years)": 4.25, "n": 939})
    code = re.search(r"```python\n(.*?)```", card, re.DOTALL).group(1)
    compile(code, "card", "exec")
    assert "NumCLIPRegressor.from_pretrained('me/ages')" in code
    assert "| MAE \\(years\\) | 4.25 |" in card
    assert fitted.backbone_["fingerprint"] in card
    for name in ("Bins", "Backbone", "Training", "Versions"):
        assert f"## {name}" in card


def test_text_from_outside_is_escaped(fitted):
    card = model_card(
        fitted, "me/ages", description="---\n[x](javascript:y) `z`", metrics={"<img src=x>": "|"}
    )
    assert "<script" not in card
    assert "<img" not in card
    assert "a \\| b" in card
    assert "\\[x\\]\\(javascript\\:y\\) \\`z\\`" in card
    # No line of a table has more or fewer cells than its head.
    for table in re.findall(r"(?:^\|.*\n)+", card, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    assert len(re.findall(r"^# ", card, re.MULTILINE)) == 1


def test_classes_have_a_table_of_their_own():
    clf = NumCLIPClassifier(["low", "high"], **TINY_FAST).fit(X, np.array(["low", "high"] * 4))
    card = model_card(clf, "me/grades")
    assert yaml.safe_load(card.split("---")[1])["pipeline_tag"] == "image-classification"
    assert "## Classes" in card
    assert "## Bins" not in card


def test_the_code_of_the_card_names_a_tower_that_must_be_named(fitted):
    other = copy.copy(fitted)
    other.backbone_ = {**fitted.backbone_, "model_name": "hf-hub:org/clip"}
    vars(other).pop("n_features_in_")
    whole = "from_pretrained('me/ages', model_name='hf-hub:org/clip')"
    assert whole in model_card(other, "me/ages")
    assert whole not in model_card(other, "me/ages", standalone=True)

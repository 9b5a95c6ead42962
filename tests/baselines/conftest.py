"""Baselines that fit quickly."""

import pytest
from baselines_shared import TRAINED


@pytest.fixture
def make_baseline(clip_models):
    def make_baseline(cls, **params):
        fast = dict(max_epochs=2, batch_size=4, random_state=0) if cls in TRAINED else {}
        return cls(**{"model_name": clip_models["clip"], "verbose": 0} | fast | params)

    return make_baseline

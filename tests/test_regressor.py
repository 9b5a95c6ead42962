"""NumCLIPRegressor as users call it: small random CLIP models, real training."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from factories import BINS, TINY_FROZEN, FromZeroShot, save_pictures, small_pictures, with_settings
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV

from sknumclip import NumCLIPRegressor
from sknumclip.datasets import make_counting_images
from sknumclip.images.embeddings import clear_embedding_cache
from sknumclip.inference import BatchPredictor
from sknumclip.losses import FCRC
from sknumclip.saving.model_card import model_card

# ------------------------------------------------------------------------------------- the main job


@pytest.mark.parametrize("kind", ["clip", "quickgelu", "resnet", "custom", "siglip"])
@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_every_kind_of_clip_fits_and_predicts(make, data, kind, fine_tune):
    X, y = data
    reg = make(kind, fine_tune=fine_tune).fit(X, y)
    assert reg.predict(X).shape == (8,)
    assert np.isfinite(reg.predict(X)).all()
    assert reg.n_iter_ == len(reg.history_) == 2
    assert isinstance(reg.score(X, y), float)


def test_it_learns(tmp_path):
    X, y = make_counting_images(260, random_state=0)
    bins = {"a few": (1, 6), "several": (6, 16), "many": (16, 40), "dozens of": (40, 101)}
    params = dict(bins=bins, template="a picture of {} shapes.", model_name="tiny", canvas_scale=1)
    params |= dict(random_state=0, verbose=0)
    zero_shot = NumCLIPRegressor(**params, max_epochs=0).fit(X[:200], y[:200])
    fitted = NumCLIPRegressor(**params, max_epochs=5, lr=1e-4).fit(X[:200], y[:200])

    def error(reg):
        return np.abs(reg.predict(X[200:]) - y[200:]).mean()

    assert error(fitted) < 0.9 * error(zero_shot)
    assert error(zero_shot) < 0.5 * np.abs(y[200:] - np.median(y)).mean()
    learning = FromZeroShot(**params, max_epochs=5, lr=1e-4).fit(X[:200], y[:200])
    assert (learning.history_["train_mae"].diff().dropna() < 0).sum() >= 3


@pytest.mark.parametrize("fine_tune", ["full", "none"])
@pytest.mark.parametrize("prompt_init", ["words", "numbers"])
def test_untrained_is_the_zero_shot_expectation(make, data, fine_tune, prompt_init):
    """Against open_clip itself, from its preprocessing to its logits."""
    import open_clip

    X, y = data
    reg = make(
        fine_tune=fine_tune,
        prompt_init=prompt_init,
        max_epochs=0,
        canvas_scale=1,
        precision="fp32",
        template="about {} things",
    ).fit(X, y)
    model, preprocess = open_clip.create_model_from_pretrained(reg.model_name)
    model.eval()
    words = list(BINS) if prompt_init == "words" else ["5", "20", "65"]
    tokens = open_clip.get_tokenizer(reg.model_name)([f"about {word} things" for word in words])
    with torch.no_grad():
        z = model.encode_image(
            torch.stack([preprocess(Image.fromarray(x)) for x in X]), normalize=True
        )
        w = model.encode_text(tokens, normalize=True)
        proba = (model.logit_scale.exp() * z @ w.T).softmax(dim=1).double().numpy()
    np.testing.assert_allclose(reg.predict_bin_proba(X), proba, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(reg.predict(X), proba @ [5, 20, 65], rtol=1e-5)
    np.testing.assert_allclose(reg.transform(X), z.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fine_tune", ["full", 1, "none"])
def test_same_random_state_same_bits(make, data, fine_tune):
    X, y = data
    first, same, other = (
        make(fine_tune=fine_tune, random_state=seed).fit(X, y).predict(X) for seed in (0, 0, 1)
    )
    assert (first == same).all()
    assert (first != other).any()


# -------------------------------------------------------------------------------------- frozen mode


def test_frozen_mode_embeds_each_image_once(make, data, n_embedded):
    clear_embedding_cache()
    X = small_pictures(64)
    y = np.tile(data[1], 8)
    search = GridSearchCV(
        make(fine_tune="none"), {"beta": [0, 1, 2, 4], "lr": [1, 2]}, cv=2, error_score="raise"
    )
    search.fit(list(X), y).predict(list(X))
    assert n_embedded() == len(X)


def test_features_of_any_width_can_be_learned_from(make):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    y = 50 + 20 * np.tanh(X[:, 0])
    Quick = with_settings(NumCLIPRegressor, regressor_lr=1e-2)
    reg = make(cls=Quick, fine_tune="none", max_epochs=15, prompt_lr=5e-2).fit(X, y)
    assert reg.score(X, y) > 0.8
    frame = pd.DataFrame(X, columns=list("abcde"))
    fitted = make(fine_tune="none").fit(frame, y)
    assert fitted.feature_names_in_.tolist() == list("abcde")
    with pytest.raises(ValueError, match="X has 4 features, but NumCLIPRegressor is expecting 5"):
        reg.predict(X[:, :4])


def test_features_need_frozen_mode(make):
    with pytest.raises(ValueError, match="Use fine_tune='none' to fit on features"):
        make().fit(np.zeros((4, 16)), [1, 2, 3, 4])


# --------------------------------------------------------------------------------------- parameters


def test_beta_without_effect_is_a_warning(make, data):
    with pytest.warns(UserWarning, match="beta=2 has no effect with weight_norm='mean'"):
        make(ranking_loss=FCRC(weight_norm="mean"), beta=2).fit(*data)


def test_infonce_is_beta_zero(make, data):
    X, y = data
    assert (
        make(ranking_loss="infonce").fit(X, y).predict(X) == make(beta=0.0).fit(X, y).predict(X)
    ).all()


# ----------------------------------------------------------------------------------- out of the box


def test_no_warnings_in_the_ordinary_case(make, data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make().fit(*data).predict(data[0])


def test_the_papers_settings_are_one_call_away(make, data):
    reg = NumCLIPRegressor.paper(BINS, model_name=make().model_name, max_epochs=1, verbose=0)
    assert (reg.shift, reg.prompt_lr, reg.regressor_lr, reg.lr) == ("relative", 1e-5, 1e-5, 1e-5)
    assert (reg.batch_size, reg.lr_schedule) == (32, "constant")
    assert np.isfinite(reg.fit(*data).predict(data[0])).all()
    assert NumCLIPRegressor.paper("age", shift="width").shift == "width"


def test_the_papers_settings_survive_what_estimators_go_through(make, data, tmp_path):
    paper = NumCLIPRegressor.paper(BINS, model_name=make().model_name, max_epochs=1, verbose=0)
    files = pd.DataFrame({"path": save_pictures(tmp_path, data[0])})
    paper.set_params(random_state=0).fit(files, data[1]).save(tmp_path / "model")
    loaded = type(paper).load(tmp_path / "model")
    for reg in (clone(paper), pickle.loads(pickle.dumps(paper)), loaded):
        assert (reg.regressor_lr, reg.lr_schedule) == (1e-5, "constant")
    expected = paper.predict(files)
    np.testing.assert_array_equal(loaded.predict(files), expected)
    predicted = BatchPredictor(tmp_path / "model", output="number")(files)["number"]
    np.testing.assert_array_equal(predicted, expected)
    assert "from sknumclip.regressor import PaperRegressor\n" in model_card(paper, "me/paper")
    assert type(NumCLIPRegressor.load(tmp_path / "model")) is type(paper)
    with pytest.raises(TypeError, match=r"Got Mine: derive your class from .*PaperRegressor"):
        type("Mine", (NumCLIPRegressor,), {}).paper(BINS)


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_prompts_that_say_nothing_learn_faster(fine_tune):
    X, y = make_counting_images(40, random_state=0)
    words = {"a few": (1, 16), "many": (16, 40), "countless": (40, 101)}
    upside_down = dict(zip(reversed(words), words.values(), strict=True))

    def rate(bins=words, **params):
        shared = dict(model_name="tiny", canvas_scale=1, max_epochs=0, verbose=0)
        reg = NumCLIPRegressor(bins, template="{} shapes.", fine_tune=fine_tune, **shared, **params)
        return reg.fit(X, y).net_.param_groups["prompts"]

    assert rate() == 1e-4
    assert rate(3) == rate(prompt_init="numbers") == rate(prompt_init="random") == 3e-3
    assert rate(3, prompt_lr=0.5) == 0.5
    # Features tell that words are worth nothing.
    assert rate(upside_down) == (3e-3 if fine_tune == "none" else 1e-4)


def test_unnamed_bins_are_no_worse_than_a_ridge_on_the_embeddings():
    X, y = make_counting_images(400, random_state=0)
    params = dict(**TINY_FROZEN, canvas_scale=1)
    for n in (50, 200):
        reg = NumCLIPRegressor(5, **params).fit(X[:n], y[:n])
        Z = reg.transform(X)
        ridge = RidgeCV(np.logspace(-3, 3, 13)).fit(Z[:n], y[:n])
        errors = [
            np.abs(y_pred - y[200:]).mean()
            for y_pred in (reg.predict(X[200:]), ridge.predict(Z[200:]))
        ]
        assert errors[0] < errors[1]


# ------------------------------------------------------------------------------------ ranking loss


def test_parameters_of_the_loss_are_searched(make, data):
    reg = make(ranking_loss=FCRC(), fine_tune="none")
    grid = {"ranking_loss__distance": ["absolute", "squared"], "beta": [1.0]}
    search = GridSearchCV(reg, grid, cv=2).fit(*data)
    assert search.best_estimator_.ranking_loss.distance in grid["ranking_loss__distance"]
    errors = search.cv_results_["mean_test_score"]
    assert errors[0] != errors[1]


def test_a_loss_of_the_users_own(make, data):
    def zero(logits, bin_index, y, *, label_range, beta, sample_weight, bins_are_ranges):
        assert logits.shape == (len(y), 3)
        assert beta == 4.0
        return logits.sum() * 0

    shared = dict(fine_tune="none", precision="fp32")
    own = make(ranking_loss=zero, **shared).fit(*data).predict(data[0])
    np.testing.assert_allclose(own, make(ranking_loss="none", **shared).fit(*data).predict(data[0]))


def test_a_loss_is_saved_with_the_estimator(make, data, tmp_path):
    reg = make(ranking_loss=FCRC(distance="sqrt"), fine_tune="none").fit(*data)
    reg.save(tmp_path)
    assert repr(NumCLIPRegressor.load(tmp_path).ranking_loss) == "FCRC(distance='sqrt')"
    with pytest.warns(UserWarning, match=r"\['ranking_loss'\] cannot be saved as JSON"):
        reg.set_params(ranking_loss=lambda *args, **options: 0).save(tmp_path)

"""What the displays draw: numbers, words, colours and where they are."""

import ast
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mean_absolute_error, mean_squared_error
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline

from sknumclip import CLIPEmbedder, LinguisticBins, NumCLIPClassifier, NumCLIPRegressor, plotting
from sknumclip.baselines import CoOpRegressor, ImageHeadRegressor, ZeroShotCLIPRegressor
from sknumclip.datasets import make_counting_images
from sknumclip.metrics import ordinality_score
from sknumclip.plotting import (
    BinErrorDisplay,
    BinProbabilityDisplay,
    EmbeddingDisplay,
    PromptSimilarityDisplay,
    SearchDisplay,
    TrainingCurveDisplay,
)

matplotlib.use("Agg")
import matplotlib.pyplot as plt

COUNTS = LinguisticBins.from_mapping({"a few": (1, 10), "many": (10, 40), "countless": (40, 101)})
TINY = dict(model_name="tiny", canvas_scale=1, verbose=0)
FROZEN = dict(**TINY, fine_tune="none", random_state=0)
X, Y = make_counting_images(80, random_state=0)
GRADES = np.array(COUNTS.descriptions)[COUNTS.assign(Y)]


@pytest.fixture(scope="module")
def reg():
    return NumCLIPRegressor(COUNTS, max_epochs=4, early_stopping=True, **FROZEN).fit(X, Y)


@pytest.fixture(scope="module")
def clf():
    return NumCLIPClassifier(COUNTS.descriptions, max_epochs=2, **FROZEN).fit(X, GRADES)


@pytest.fixture(scope="module")
def search():
    """No CLIP: what is drawn does not depend on what was searched."""
    grid = {"alpha": [100.0, 0.1, 10.0], "fit_intercept": [True, False], "positive": [True, False]}
    x = np.random.default_rng(0).normal(size=(60, 5))
    y = x @ [1, 1, 1, 1, -1] + 3
    return GridSearchCV(Ridge(), grid, scoring="neg_mean_absolute_error", cv=3).fit(x, y)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def overlapping(texts, figure):
    """Pairs of texts that overlap once drawn; of the boxes around them."""
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in texts if text.get_text() and text.get_visible()]
    return [
        (a, b)
        for i, a in enumerate(boxes)
        for b in boxes[i + 1 :]
        if a.shrunk(0.9, 0.9).overlaps(b)
    ]


def displays_of(reg, clf):
    yield BinProbabilityDisplay.from_estimator, (reg, X[:2], Y[:2])
    yield BinProbabilityDisplay.from_estimator, (clf, X[:2], GRADES[:2])
    yield BinErrorDisplay.from_estimator, (reg, X, Y)
    yield BinErrorDisplay.from_predictions, (Y, Y + 1, COUNTS)
    yield PromptSimilarityDisplay.from_estimator, (reg,)
    yield PromptSimilarityDisplay.from_estimator, (clf,)
    yield EmbeddingDisplay.from_estimator, (reg, X, Y)
    yield EmbeddingDisplay.from_features, (np.triu(np.ones((4, 4))), range(4))
    yield TrainingCurveDisplay.from_estimator, (reg,)
    yield TrainingCurveDisplay.from_estimator, (clf,)


def test_conventions_of_scikit_learn(reg, clf):
    """Axes given are drawn on, plot() draws again elsewhere, and both return the display."""
    for make, arguments in displays_of(reg, clf):
        _, ax = plt.subplots(layout="constrained")
        display = make(*arguments, ax=ax)
        assert display.ax_ is ax
        assert display.figure_ is ax.figure
        ax.figure.draw_without_rendering()
        assert display.plot() is display
        assert display.figure_ is not ax.figure
        assert display.ax_.figure is display.figure_


def test_without_matplotlib_it_can_be_imported_and_says_how_to_get_it(monkeypatch):
    for file in Path(plotting.__file__).parent.glob("*.py"):
        top_level = ast.parse(file.read_text()).body
        imports = [ast.unparse(node) for node in top_level if isinstance(node, ast.Import)]
        imports += [node.module for node in top_level if isinstance(node, ast.ImportFrom)]
        assert not any("matplotlib" in (name or "") for name in imports), file
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"^EmbeddingDisplay.plot needs matplotlib: pip install"):
        EmbeddingDisplay(positions=[[0, 0]], y=[0]).plot()


def test_every_display_is_exported():
    import sknumclip

    assert sknumclip.plotting is plotting
    assert all(name.endswith("Display") for name in plotting.__all__)
    assert len(plotting.__all__) == 6


@pytest.mark.parametrize("display", [getattr(plotting, name) for name in plotting.__all__])
def test_unfitted_and_foreign_estimators(display):
    data = {BinProbabilityDisplay: (X,), BinErrorDisplay: (X, Y), EmbeddingDisplay: (X, Y)}
    data = data.get(display, ())
    search = GridSearchCV(LinearRegression(), {})
    with pytest.raises(NotFittedError):
        display.from_estimator(search if display is SearchDisplay else NumCLIPRegressor(), *data)
    with pytest.raises(TypeError, match=rf"{display.__name__} needs .* Got LinearRegression\."):
        display.from_estimator(LinearRegression().fit([[0.0], [1.0]], [0, 1]), *data)
    with pytest.raises(TypeError, match="not an estimator"):
        display.from_estimator("regressor", *data)


def test_the_way_out_of_wrappers(clf, search):
    with pytest.raises(TypeError, match=r"Got GridSearchCV\. Pass its best_estimator_\."):
        TrainingCurveDisplay.from_estimator(search)
    with pytest.raises(TypeError, match=r"Got Pipeline\. Pass its last step, pipeline\[-1\]\."):
        BinProbabilityDisplay.from_estimator(make_pipeline("passthrough", clf), X[:2])


# -------------------------------------------------------------------------- BinProbabilityDisplay


def test_bars_are_the_probabilities(reg):
    display = BinProbabilityDisplay.from_estimator(reg, X[:3], Y[:3])
    proba, y_pred = reg.predict_bin_proba(X[:3]), reg.predict(X[:3])
    assert display.axes_.shape == (3, 2)
    for i, (image_ax, bar_ax) in enumerate(display.axes_):
        widths = [bar.get_width() for bar in display.bars_[i]]
        np.testing.assert_allclose(widths, proba[i])
        assert tick_labels(bar_ax.yaxis) == ["a few", "many", "countless"]
        assert bar_ax.yaxis_inverted()  # the lowest bin on top
        assert bar_ax.get_xlim() == (0, 1)
        assert bar_ax.get_title() == f"{y_pred[i]:.1f} (true: {Y[i]})"
        np.testing.assert_array_equal(image_ax.images[0].get_array(), X[i])
    assert tick_labels(display.axes_[2, 1].xaxis) == ["0", "0.5", "1"]
    assert not any(tick_labels(display.axes_[0, 1].xaxis))


def test_bars_of_a_classifier(clf):
    display = BinProbabilityDisplay.from_estimator(clf, X[:2], GRADES[:2])
    widths = [[bar.get_width() for bar in bars] for bars in display.bars_]
    np.testing.assert_allclose(widths, clf.predict_proba(X[:2]))
    title = display.axes_[0, 1].get_title().replace("\n", " ")
    assert title == f"{clf.predict(X[:1])[0]} (true: {GRADES[0]})"


def test_features_have_no_thumbnails(reg):
    display = BinProbabilityDisplay.from_estimator(reg, reg.transform(X[:5]))
    assert display.images is None
    assert display.axes_.shape == (3, 2)  # 5 samples in two columns
    titles = [ax.get_title() for ax in display.axes_.flat]
    assert titles == [f"{value:.1f}" for value in reg.predict(X[:5])] + [""]
    assert not display.axes_[2, 1].axison


def test_large_files_are_shown_small_and_unreadable_ones_are_named(tmp_path):
    Image.new("RGB", (1200, 800), "red").save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no image")
    reg = ZeroShotCLIPRegressor(COUNTS, on_error="skip", **TINY).fit(X, Y)
    paths = [tmp_path / "good.png", tmp_path / "bad.png"]
    display = BinProbabilityDisplay.from_estimator(reg, paths)
    assert display.images[0].size == (160, 107)
    assert display.images[1] is None
    assert display.axes_[1, 1].get_title() == "cannot be read"
    assert not display.axes_[1, 0].images


@pytest.mark.parametrize(("n_samples", "shape"), [(1, (1, 2)), (12, (4, 6))])
def test_nine_long_descriptions_do_not_overlap(n_samples, shape):
    words = [f"person who looks as if they were {10 * k} or more years of age" for k in range(9)]
    display = BinProbabilityDisplay(
        proba=np.full((n_samples, 9), 1 / 9),
        descriptions=words,
        y_pred=np.arange(n_samples) / 3,
        y_true=np.arange(n_samples),
        images=[X[0]] * n_samples,
    ).plot()
    assert display.axes_.shape == shape
    bar_axes = display.axes_[:, 1::2].flat
    texts = [label for ax in bar_axes for label in [*ax.get_yticklabels(), ax.title]]
    assert not overlapping(texts, display.figure_)
    for text in texts:  # nothing is cut off
        assert display.figure_.bbox.padded(1).contains(*text.get_window_extent().min)


def test_titles_have_as_many_decimals_as_numbers_need():
    def titles(y_pred):
        proba = np.full((len(y_pred), 2), 0.5)
        display = BinProbabilityDisplay(proba=proba, descriptions=["low", "high"], y_pred=y_pred)
        return [ax.get_title() for ax in display.plot().axes_.flat]

    assert titles([0.123456, 0.04]) == ["0.123", "0.040"]
    assert titles([1953.27, 1961.8]) == ["1953", "1962"]
    assert titles([8, 12]) == ["8", "12"]


def test_bad_input_of_bin_probabilities(reg):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        BinProbabilityDisplay.from_estimator(reg, X[:3], Y[:2])
    with pytest.raises(ValueError, match="n_columns must be an int of at least 1. Got 0"):
        BinProbabilityDisplay.from_estimator(reg, X[:3], n_columns=0)
    free = plt.figure().add_axes([0, 0, 1, 1])
    with pytest.raises(ValueError, match="plt.subplots or figure.add_subplot"):
        BinProbabilityDisplay.from_estimator(reg, X[:3], ax=free)


# -------------------------------------------------------------------------------- BinErrorDisplay


def test_residuals_by_bin():
    y_true, y_pred = [1, 2, 9, 12, 35, 30], [0, 1, 5, 20, 37, 30]
    display = BinErrorDisplay.from_predictions(y_true, y_pred, COUNTS)
    left, right = display.axes_[0]
    np.testing.assert_array_equal(
        display.prediction_error_.scatter_.get_offsets(), np.transpose([y_pred, y_true])
    )
    # By hand: residuals 1, 1, 4 and -8, -2, 0 and none.
    medians = [line.get_xdata()[0] for line in display.boxes_["medians"]]
    np.testing.assert_array_equal(medians, [1, -2, np.nan])
    assert tick_labels(right.yaxis) == [
        "a few\nn = 3, MAE 2.00",
        "many\nn = 3, MAE 3.33",
        "countless\nn = 0",
    ]
    edges = [line.get_ydata()[0] for line in left.lines if line.get_linestyle() == "-"]
    assert edges == [10]  # 40 lies beyond the data
    assert left.get_xlabel() == "Predicted values"
    assert right.get_xlabel() == "Residuals (actual - predicted)"


def test_errors_of_plain_lists():
    bins = LinguisticBins.from_mapping({"low": (0, 5), "high": (5, 10)})
    display = BinErrorDisplay(y_true=[1, 6], y_pred=[2, 9], bins=bins).plot()
    assert len(display.boxes_["medians"]) == 2


def test_errors_of_an_estimator(reg):
    display = BinErrorDisplay.from_estimator(reg, X, Y, scatter_kwargs={"color": "red"})
    np.testing.assert_array_equal(display.y_pred, reg.predict(X))
    assert display.bins == COUNTS
    many = GRADES == "many"
    error = mean_absolute_error(Y[many], reg.predict(X[many]))
    assert f"n = {many.sum()}, MAE {error:.1f}" in tick_labels(display.axes_[0, 1].yaxis)[1]


def test_bad_input_of_bin_errors(clf):
    with pytest.raises(TypeError, match="ConfusionMatrixDisplay"):
        BinErrorDisplay.from_estimator(clf, X, GRADES)
    with pytest.raises(ValueError, match=r"y_pred has NaN .* 1 of 2 .* \[1\]"):
        BinErrorDisplay.from_predictions([1, 2], [1, np.nan], COUNTS)
    with pytest.raises(ValueError, match="outside the bins"):
        BinErrorDisplay.from_predictions([1, 200], [1, 2], COUNTS)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        BinErrorDisplay.from_predictions([1, 2, 3], [1, 2], COUNTS)


# ------------------------------------------------------------------------ PromptSimilarityDisplay


@pytest.mark.parametrize("name", ["reg", "clf"])
def test_similarities_of_prompts(name, request):
    estimator = request.getfixturevalue(name)
    display = PromptSimilarityDisplay.from_estimator(estimator)
    features = estimator.net_.module_.text_features.numpy()
    similarity = np.array([[a @ b for b in features] for a in features])
    np.testing.assert_allclose(display.im_.get_array(), similarity, atol=1e-6)
    assert display.im_.get_clim() == pytest.approx((similarity.min(), 1))
    assert [text.get_text() for text in display.text_] == [f"{s:.2f}" for s in similarity.flat]
    assert (
        tick_labels(display.ax_.xaxis) == tick_labels(display.ax_.yaxis) == [*COUNTS.descriptions]
    )
    score = ordinality_score(features, estimator.bins_.centers)
    assert display.ax_.get_title() == f"ordinality {score:.2f}"


def test_prompts_out_of_order_have_the_lower_score():
    words = ["a few", "many", "dozens of", "countless"]
    scores = []
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        bins = LinguisticBins([words[i] for i in order], [1, 10, 40, 70, 101])
        fitted = ZeroShotCLIPRegressor(bins, **TINY).fit(X, Y)
        scores.append(PromptSimilarityDisplay.from_estimator(fitted).ordinality)
    assert scores[0] > 0.7 > 0.2 > scores[1]


def test_two_prompts_have_no_order_and_a_hundred_no_numbers():
    two = ZeroShotCLIPRegressor(2, **TINY).fit(X, Y)
    assert PromptSimilarityDisplay.from_estimator(two).ax_.get_title() == ""
    one_per_label = CoOpRegressor(fine_tune="none", max_epochs=0, **TINY).fit(X, Y)
    display = PromptSimilarityDisplay.from_estimator(one_per_label)
    assert display.im_.get_array().shape == (100, 100)
    assert display.text_ == []
    assert tick_labels(display.ax_.xaxis) == [str(count) for count in range(1, 101, 5)]


def test_nine_long_prompts_do_not_overlap():
    words = [f"person who looks as if they were {10 * k} or more years of age" for k in range(9)]
    display = PromptSimilarityDisplay(similarity=np.eye(9), descriptions=words).plot()
    assert not overlapping([*display.text_, *display.ax_.get_yticklabels()], display.figure_)
    dark, bright = display.text_[1], display.text_[0]
    assert (dark.get_color(), bright.get_color()) == ("white", "black")


def test_heads_have_no_prompts():
    head = ImageHeadRegressor(fine_tune="none", max_epochs=1, **TINY).fit(X, Y)
    with pytest.raises(TypeError, match="needs an estimator with prompts.* Got ImageHeadRegressor"):
        PromptSimilarityDisplay.from_estimator(head)


# ------------------------------------------------------------------------------- EmbeddingDisplay


def test_map_by_pca():
    embedder = CLIPEmbedder(**TINY).fit(X)
    display = EmbeddingDisplay.from_estimator(embedder, X, Y, method="pca")
    features = embedder.transform(X)
    expected = PCA(2).fit_transform(features)
    np.testing.assert_allclose(display.scatter_.get_offsets(), expected, atol=1e-5)
    np.testing.assert_array_equal(display.scatter_.get_array(), Y)
    assert display.ax_.get_title() == f"ordinality {ordinality_score(features, Y):.2f}"
    assert display.colorbar_.ax.get_ylabel() == "label"


def test_map_by_tsne_keeps_neighbours_and_is_reproducible(reg):
    near = np.repeat(np.eye(3), 10, axis=0) + np.random.default_rng(0).normal(0, 0.01, (30, 3))
    y = np.repeat([1, 2, 3], 10)
    maps = [EmbeddingDisplay.from_features(near, y, random_state=0).positions for _ in range(2)]
    np.testing.assert_array_equal(*maps)
    centers = [maps[0][y == label].mean(axis=0) for label in (1, 2, 3)]
    nearest = [np.argmin([np.sum((p - c) ** 2) for c in centers]) + 1 for p in maps[0]]
    np.testing.assert_array_equal(nearest, y)


def test_only_directions_count():
    features = np.random.default_rng(0).normal(size=(10, 4))
    scaled = features * np.arange(1, 11)[:, None]
    a, b = (
        EmbeddingDisplay.from_features(Z, range(10), method="pca").positions
        for Z in (features, scaled)
    )
    np.testing.assert_allclose(a, b)


def test_map_of_classes(clf):
    display = EmbeddingDisplay.from_estimator(clf, X, GRADES, method="pca")
    np.testing.assert_array_equal(display.scatter_.get_array(), COUNTS.assign(Y))
    assert tick_labels(display.colorbar_.ax.yaxis) == list(COUNTS.descriptions)
    assert (
        EmbeddingDisplay.from_estimator(clf, X, GRADES, method="pca", colorbar=False).colorbar_
        is None
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(features=[[1, 0], [0, 1]], y=[1, 2]), "at least 3 samples .* Got 2 samples"),
        (dict(features=np.eye(3), y=[1, 1, 1]), "of 1 different labels"),
        (dict(features=np.eye(3), y=[1, 2]), "inconsistent numbers of samples"),
        (dict(features=np.diag([1, np.nan, 1]), y=[1, 2, 3]), r"features has NaN .* \[1\]"),
        (dict(features=np.eye(3), y=[1, np.nan, 3]), r"y has NaN .* \[1\]"),
        (dict(features=np.eye(3), y=["a", "b", "c"], classes=["a", "b"]), r"Got \['c'\] as well"),
        (dict(features=np.eye(3), y=[1, 2, 3], method="umap"), "'tsne' or 'pca'. Got .*'umap'"),
    ],
)
def test_bad_input_of_maps(arguments, message):
    with pytest.raises(ValueError, match=message):
        EmbeddingDisplay.from_features(**arguments)


# --------------------------------------------------------------------------- TrainingCurveDisplay


def test_curves_are_the_history(reg, clf):
    display = TrainingCurveDisplay.from_estimator(reg)
    assert set(display.lines_) == {
        "train_ranking_loss",
        "valid_ranking_loss",
        "train_l1_loss",
        "valid_l1_loss",
    }
    for column, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
        np.testing.assert_array_equal(line.get_ydata(), reg.history_[column])
    top, bottom = display.axes_[:, 0]
    assert top.get_ylabel() == "ranking loss"
    assert bottom.get_ylabel().startswith("L1 loss")
    assert [text.get_text() for text in top.get_legend().get_texts()] == ["training", "validation"]
    assert display.lines_["valid_l1_loss"].axes is bottom
    assert top.get_xlim() == bottom.get_xlim()
    without = TrainingCurveDisplay.from_estimator(clf)  # no early stopping
    assert set(without.lines_) == {"train_ranking_loss", "train_l1_loss"}


def test_no_epochs_have_no_curves():
    untrained = NumCLIPRegressor(COUNTS, max_epochs=0, **FROZEN).fit(X, Y)
    with pytest.raises(ValueError, match="trained for no epochs"):
        TrainingCurveDisplay.from_estimator(untrained)


# ---------------------------------------------------------------------------------- SearchDisplay


def test_cells_are_the_best_scores(search):
    display = SearchDisplay.from_estimator(search, x="alpha", y="fit_intercept")
    results = pd.DataFrame(search.cv_results_)
    expected = [
        [
            -results.query(f"param_alpha == {alpha} and param_fit_intercept == {intercept}")[
                "mean_test_score"
            ].max()
            for alpha in (0.1, 10, 100)  # in increasing order
        ]
        for intercept in (False, True)
    ]
    np.testing.assert_allclose(display.im_.get_array(), expected)
    assert tick_labels(display.ax_.xaxis) == ["0.1", "10", "100"]
    assert tick_labels(display.ax_.yaxis) == ["False", "True"]
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("alpha", "fit_intercept")
    assert display.figure_.axes[1].get_ylabel() == "mean absolute error"
    assert display.im_.cmap.name == "viridis_r"  # the best, smallest one, is bright
    assert search.best_params_["alpha"] == 0.1
    assert search.best_params_["fit_intercept"]
    assert display.frame_.get_xy() == (-0.5, 0.5)
    means = display.scores.to_numpy().ravel()
    for text, mean, std in zip(display.text_, means, display.stds.to_numpy().ravel(), strict=True):
        decimals = len(text.get_text().split("\n")[0].split(".")[1])
        assert text.get_text() == f"{mean:.{decimals}f}\n± {std:.{decimals}f}"


def test_map_of_beta_and_bins():
    grid = {"beta": [0, 4], "bins": [COUNTS, {"some": (1, 30), "lots": (30, 101)}, 4]}
    reg = NumCLIPRegressor(max_epochs=1, **FROZEN)
    search = GridSearchCV(reg, grid, cv=2).fit(X, Y)
    display = SearchDisplay.from_estimator(search)
    assert tick_labels(display.ax_.yaxis) == ["3: a few … countless", "2: some … lots", "4"]
    # sklearn runs through bins for each beta.
    scores = search.cv_results_["mean_test_score"].reshape(2, 3).T
    np.testing.assert_allclose(display.im_.get_array(), scores)
    assert display.im_.cmap.name == "viridis"
    assert display.score_name == "score"
    named = SearchDisplay.from_estimator(search, y_labels=["three", "two", "any"])
    assert tick_labels(named.ax_.yaxis) == ["three", "two", "any"]
    with pytest.raises(ValueError, match="y_labels must be one for each of the 3 values"):
        SearchDisplay.from_estimator(search, y_labels=["three"])


def test_combinations_that_were_not_tried_are_empty():
    x = np.arange(12.0)[:, None]
    grid = {"alpha": [1.0, 2.0, 3.0], "tol": [1e-3, 1e-2, 1e-1]}
    search = RandomizedSearchCV(Ridge(), grid, n_iter=4, cv=2, random_state=0).fit(x, x[:, 0])
    display = SearchDisplay.from_estimator(search, x="alpha", y="tol")
    tried = [text.get_text() != "–" for text in display.text_]
    assert sum(tried) == 4
    np.testing.assert_array_equal(display.im_.get_array().mask.ravel(), ~np.array(tried))


def test_a_score_of_zero_takes_no_decimals_from_the_others():
    scores = pd.DataFrame([[0.0, 0.914]], index=["a"], columns=["1", "2"])
    display = SearchDisplay(scores=scores, stds=scores / 10).plot()
    assert [text.get_text() for text in display.text_] == ["0.000\n± 0.000", "0.914\n± 0.091"]


def test_one_of_several_metrics():
    x = np.random.default_rng(0).normal(size=(30, 2))
    grid = {"alpha": [1.0, 100.0], "fit_intercept": [True, False]}
    scoring = ["neg_mean_squared_error", "r2"]
    search = GridSearchCV(Ridge(), grid, scoring=scoring, refit="r2", cv=2).fit(x, x[:, 0])
    shared = dict(x="alpha", y="fit_intercept")
    assert SearchDisplay.from_estimator(search, **shared).score_name == "r2"
    display = SearchDisplay.from_estimator(search, **shared, metric="neg_mean_squared_error")
    errors = [
        mean_squared_error(x[test, 0], Ridge(alpha=1.0).fit(x[train], x[train, 0]).predict(x[test]))
        for train, test in [(range(15, 30), range(15)), (range(15), range(15, 30))]
    ]
    assert display.scores.loc["True", "1"] == pytest.approx(np.mean(errors))
    with pytest.raises(ValueError, match=r"one of \['neg_mean_squared_error', 'r2'\].*'mae'"):
        SearchDisplay.from_estimator(search, **shared, metric="mae")


def test_searches_that_are_no_map(search):
    with pytest.raises(ValueError, match=r"'beta' was not searched .*'fit_intercept', "):
        SearchDisplay.from_estimator(search)
    x = np.arange(40.0)[:, None]
    grids = [{"alpha": [1, 2], "tol": [0.1]}, {"alpha": [1]}]
    partial = GridSearchCV(Ridge(), grids, cv=2).fit(x, x[:, 0])
    with pytest.raises(ValueError, match="'tol' was not searched over by all candidates"):
        SearchDisplay.from_estimator(partial, x="alpha", y="tol")
    halving = HalvingGridSearchCV(Ridge(), grids[0], cv=2).fit(x, x[:, 0])
    with pytest.raises(ValueError, match="samples of different sizes"):
        SearchDisplay.from_estimator(halving, x="alpha", y="tol")
    search = GridSearchCV(Ridge(), grids[0], cv=2, scoring=lambda *_: np.nan)
    with pytest.warns(UserWarning, match="non-finite"):
        search.fit(x, x[:, 0])
    with pytest.raises(ValueError, match="all fits of the search failed"):
        SearchDisplay.from_estimator(search, x="alpha", y="tol")

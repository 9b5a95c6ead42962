"""What notebooks show of estimators and bins."""

import pytest
import sklearn

from sknumclip import CLIPEmbedder, LinguisticBins, NumCLIPClassifier, NumCLIPRegressor, baselines
from sknumclip._html import Markup, table_html
from sknumclip.datasets import make_counting_images

BAD = "<script>alert('&')</script>"
DOCS = "https://sknumclip.readthedocs.io/en/latest/generated/"


@pytest.fixture(scope="module")
def fitted():
    X, y = make_counting_images(8, random_state=0)
    bins = {BAD: (0, 30), "many": (30, 100.5)}
    reg = NumCLIPRegressor(bins, model_name="tiny", fine_tune="none", max_epochs=0, verbose=0)
    return reg.fit(X, y)


def test_text_is_escaped_and_markup_is_not():
    html = table_html(["<a>"], [[BAD], [Markup("<b>x</b>")]], caption="<i>")
    assert "&lt;a&gt;" in html
    assert "&lt;i&gt;" in html
    assert "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;" in html
    assert "<b>x</b>" in html


def test_bins_are_a_table():
    html = LinguisticBins.from_preset("decade")._repr_html_()
    assert all(text in html for text in ("1930s", "1930 – 1940", "1935", "1970s"))
    assert html.count("<tr>") == 6


def test_a_fitted_estimator_shows_its_bins(fitted):
    html = fitted._repr_html_()
    assert "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;" in html
    assert BAD not in html
    assert "0 – 30" in html
    assert "65.25" in html
    assert fitted._repr_mimebundle_()["text/html"].count("<caption>LinguisticBins") == 1
    assert "<caption>" not in NumCLIPRegressor()._repr_html_()
    with sklearn.config_context(display="text"):
        assert "text/html" not in fitted._repr_mimebundle_()
        assert not hasattr(fitted, "_repr_html_")


@pytest.mark.parametrize(
    ("estimator", "page"),
    [
        (NumCLIPRegressor(), "sknumclip.NumCLIPRegressor.html"),
        (NumCLIPClassifier(), "sknumclip.NumCLIPClassifier.html"),
        (CLIPEmbedder(), "sknumclip.CLIPEmbedder.html"),
        (baselines.CoOpRegressor(), "sknumclip.baselines.CoOpRegressor.html"),
        (baselines.ZeroShotCLIPRegressor(), "sknumclip.baselines.ZeroShotCLIPRegressor.html"),
    ],
)
def test_the_diagram_links_to_our_documentation(estimator, page):
    assert f'href="{DOCS}{page}"' in estimator._repr_html_()


def test_estimators_of_others_do_not_link_there():
    class Mine(NumCLIPRegressor):
        """A user's own."""

    assert DOCS not in Mine()._repr_html_()

"""HTML for notebooks: tables of escaped text, and diagrams of estimators with their bins."""

from html import escape

__all__ = ["DOCS_URL", "EstimatorHTMLMixin", "Markup", "table_html"]

DOCS_URL = "https://sknumclip.readthedocs.io/en/latest/"


class Markup(str):
    """HTML that needs no escaping."""


def table_html(header, rows, caption=""):
    """Make a small HTML table.

    Parameters
    ----------
    header : sequence of str
    rows : iterable of sequence of object
        One cell per column; text is escaped unless it is :class:`Markup`.
    caption : str, default=""

    Returns
    -------
    Markup
    """
    lines = ['<table border="1" class="dataframe">']
    if caption:
        lines.append(f"<caption>{_cell(caption)}</caption>")
    lines += [_row("th", header), *(_row("td", row) for row in rows), "</table>"]
    return Markup("\n".join(lines))


def _row(tag, cells):
    return (
        "<tr>"
        + "".join(f'<{tag} style="text-align: left">{_cell(cell)}</{tag}>' for cell in cells)
        + "</tr>"
    )


def _cell(value):
    return value if isinstance(value, Markup) else escape(str(value))


class EstimatorHTMLMixin:
    """Adds the bins to scikit-learn's diagram of a fitted estimator, and links it to our docs."""

    _doc_link_module = "sknumclip"
    _doc_link_template = DOCS_URL + "generated/{name}.html"

    def _doc_link_url_param_generator(self):
        in_baselines = type(self).__module__.startswith("sknumclip.baselines")
        package = "sknumclip.baselines" if in_baselines else "sknumclip"
        return {"name": f"{package}.{type(self).__name__}"}

    def _repr_html_inner(self):
        bins = getattr(self, "bins_", None)
        return super()._repr_html_inner() + ("" if bins is None else bins._repr_html_())

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] = self._repr_html_inner()
        return bundle

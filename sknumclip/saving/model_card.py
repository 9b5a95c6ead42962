"""model_card(): write the Hugging Face model card of a fitted estimator."""

from __future__ import annotations

import html
import re

from huggingface_hub import ModelCardData

from .. import __all__ as PUBLIC
from .._typing import Metrics
from ..estimators.numclip import BaseNumCLIP
from .config import library_versions

__all__ = ["model_card"]

_TRAINING = (
    *("fine_tune", "prompt_init", "ranking_loss", "beta", "shift", "max_epochs"),
    *("batch_size", "lr", "prompt_lr", "regressor_lr", "lr_schedule", "augment", "canvas_scale"),
    *("mirror", "early_stopping", "random_state"),
)
_DEFAULT_DESCRIPTION = {
    False: "Predicts a number from an image.",
    True: "Classifies images into ordered classes.",
}


def model_card(
    estimator: BaseNumCLIP,
    repo_id: str,
    *,
    standalone: bool = False,
    metrics: Metrics | None = None,
    description: str | None = None,
    license: str | None = None,
) -> str:
    """Write the model card of a fitted estimator.

    Parameters
    ----------
    estimator : NumCLIPRegressor or NumCLIPClassifier
    repo_id : str
        ``"user/name"`` on the hub.
    standalone : bool, default=False
        Whether the model is shared with its frozen image tower.
    metrics : mapping of str to number or str, default=None
        Results by name, like ``{"MAE on 900 test faces (years)": 4.2}``.
    description : str, default=None
        The purpose of the model, in plain text.
    license : str, default=None
        License identifier of the hub, like ``"cc-by-nc-4.0"``.

    Returns
    -------
    str
        Markdown with a YAML header. All text from arguments and parameters is escaped.
    """
    is_classifier = hasattr(estimator, "classes_")
    header = ModelCardData(
        library_name="sknumclip",
        license=license,
        pipeline_tag="image-classification" if is_classifier else None,
        tags=["sknumclip", "clip", "ordinal-regression"],
    )
    parts = [
        f"---\n{header.to_yaml()}\n---",
        f"# {_escape(repo_id)}",
        _escape(description or _DEFAULT_DESCRIPTION[is_classifier]),
        _how_to_load(estimator, repo_id, standalone),
        _bins_section(estimator),
        _backbone_section(estimator, standalone),
        _table(
            "Training",
            ("setting", "value"),
            [(name, getattr(estimator, name)) for name in _TRAINING]
            + [("epochs run", estimator.n_iter_)],
        ),
    ]
    if metrics:
        rows = [(name, _number(value)) for name, value in metrics.items()]
        parts.append(_table("Metrics", ("metric", "value"), rows))
    versions = library_versions()
    parts.append(_table("Versions", ("package", "version"), list(versions.items())))
    return "\n\n".join(parts) + "\n"


def refers_to_tower(estimator, standalone):
    """Return whether a saved estimator refers to an image tower outside its folder."""
    has_features = hasattr(estimator, "n_features_in_")
    return estimator.net_.module_.is_frozen and not standalone and not has_features


def _how_to_load(estimator, repo_id, standalone):
    name, module = type(estimator).__name__, type(estimator).__module__
    if name in PUBLIC:
        module = "sknumclip"
    tower = estimator.backbone_["model_name"]
    # Loading uses such a source only if the user repeats it.
    needs_word = refers_to_tower(estimator, standalone) and tower.startswith("hf-hub:")
    where = f", model_name={tower!r}" if needs_word else ""
    what = "features" if hasattr(estimator, "n_features_in_") else '["photo.jpg"]'
    return (
        "```python\n"
        f"from {module} import {name}\n\n"
        f"model = {name}.from_pretrained({repo_id!r}{where})\n"
        f"model.predict({what})\n"
        "```\n\n"
        "The files are JSON and safetensors; nothing in them is executed."
    )


def _bins_section(estimator):
    bins = estimator.bins_
    if hasattr(estimator, "classes_"):
        rows = list(zip(estimator.classes_.tolist(), bins.descriptions, strict=True))
        table = _table("Classes", ("class", "description"), rows)
    else:
        rows = zip(bins.descriptions, bins.edges[:-1], bins.edges[1:], bins.centers, strict=True)
        rows = [(words, *map(_number, numbers)) for words, *numbers in rows]
        table = _table("Bins", ("description", "from", "to", "center"), rows)
    return f"{table}\n\nSentence around the description: {_escape(estimator.template)}"


def _backbone_section(estimator, standalone):
    reference = estimator.backbone_
    rows = [
        ("model_name", reference["model_name"]),
        ("pretrained", reference["pretrained"]),
        ("SHA-256 of the image tower before training", reference["fingerprint"]),
        ("weights", _where_weights_are(estimator, standalone)),
    ]
    return _table("Backbone", ("", ""), rows)


def _where_weights_are(estimator, standalone):
    if hasattr(estimator, "n_features_in_"):
        return "none: the model predicts from features"
    if not estimator.net_.module_.is_frozen:
        return "fine-tuned, in this repository"
    return "frozen, in this repository" if standalone else "frozen, loaded from the original source"


def _table(title, columns, rows):
    lines = [f"## {title}", "", _row(columns), _row(["---"] * len(columns))]
    return "\n".join(lines + [_row(map(_escape, row)) for row in rows])


def _row(cells):
    return f"| {' | '.join(cells)} |"


def _number(value):
    return f"{value:.10g}" if isinstance(value, (int, float)) else value


def _escape(value):
    """Escape text for Markdown and HTML, on one line."""
    text = html.escape(" ".join(str(value).split()), quote=False)
    return re.sub(r"([\\`*_{}\[\]()#+!|~$^:-])", r"\\\1", text)

"""The page of the API reference, made from the ``__all__`` lists, so that it cannot fall behind."""

import inspect
from importlib import import_module

import sknumclip

# What users call comes first, then what those who extend the package build upon.
PUBLIC_MODULES = (
    *("baselines", "datasets", "inspection", "losses", "metrics", "plotting"),
    *("saving", "saving.hub", "saving.onnx", "inference"),
)
PARTS = (
    *("model.prompts", "model.modules"),
    *("baselines.class_prompts", "baselines.class_losses", "baselines.heads"),
)
RESULTS = ("estimators.explanation.Explanation",)
ERRORS = ("exceptions.ImageReadError", "exceptions.BackboneError", "exceptions.SavedModelError")

_HEAD = """\
API reference
=============

All public names, in the words of their docstrings.
"""


def public_modules(names=PUBLIC_MODULES):
    """Import the modules of `names`."""
    return [import_module(f"sknumclip.{name}") for name in names]


def estimators():
    """Return the names at the top level that are not modules."""
    return [name for name in sknumclip.__all__ if not inspect.ismodule(getattr(sknumclip, name))]


def write_api_page(file):
    """Write the page to `file`, unless it is there already, so that nothing is built anew."""
    parts = [_HEAD, _section("Estimators and bins", "sknumclip", estimators())]
    parts += [_module_section(module) for module in public_modules()]
    parts.append(_section("What methods return", "sknumclip", RESULTS))
    parts.append(_section("Errors", "sknumclip", ERRORS))
    parts += [_module_section(module) for module in public_modules(PARTS)]
    text = "\n".join(parts)
    if not file.exists() or file.read_text() != text:
        file.write_text(text)


def _module_section(module):
    title = module.__name__.rpartition(".")[2].replace("_", " ").capitalize()
    names = [name for name in module.__all__ if callable(getattr(module, name))]  # no tables
    text = f".. module:: {module.__name__}\n\n{inspect.getdoc(module)}"
    return _section(title, module.__name__, names, text)


def _section(title, module, names, text=""):
    listed = "\n".join(f"   {name}" for name in names)
    return (
        f"{title}\n{'-' * len(title)}\n\n.. currentmodule:: {module}\n\n{text}\n\n"
        f".. autosummary::\n   :toctree: generated\n   :nosignatures:\n\n{listed}\n"
    )

"""Pages of the API reference, made from the ``__all__`` lists, so that they cannot fall behind."""

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
TITLES = {
    "saving.hub": "Hugging Face Hub",
    "saving.onnx": "ONNX",
    "model.modules": "Model",
    "baselines.class_prompts": "Prompts of baselines",
    "baselines.class_losses": "Losses of baselines",
    "baselines.heads": "Heads of baselines",
}

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


def write_api_pages(folder):
    """Write api.rst and a page for each group to `folder`; files that are there stay untouched."""
    pages = {
        "estimators": _page("Estimators and bins", "sknumclip", estimators()),
        **{_name(module): _module_page(module) for module in public_modules()},
        "results": _page("What methods return", "sknumclip", RESULTS),
        "errors": _page("Errors", "sknumclip", ERRORS),
        **{_name(module): _module_page(module) for module in public_modules(PARTS)},
    }
    listed = "\n".join(f"   api/{name}" for name in pages)
    _write(folder / "api.rst", f"{_HEAD}\n.. toctree::\n   :maxdepth: 2\n\n{listed}\n")
    for name, text in pages.items():
        _write(folder / "api" / f"{name}.rst", text)


def _write(file, text):
    file.parent.mkdir(exist_ok=True)
    if not file.exists() or file.read_text() != text:  # else Sphinx would build it anew
        file.write_text(text)


def _name(module):
    return module.__name__.partition(".")[2]


def _module_page(module):
    name = _name(module)
    title = TITLES.get(name) or name.rpartition(".")[2].replace("_", " ").capitalize()
    names = [name for name in module.__all__ if callable(getattr(module, name))]  # no tables
    text = f".. module:: {module.__name__}\n\n{inspect.getdoc(module)}"
    return _page(title, module.__name__, names, text)


def _page(title, module, names, text=""):
    listed = "\n".join(f"   {name}" for name in names)
    return (
        f"{title}\n{'=' * len(title)}\n\n.. currentmodule:: {module}\n\n{text}\n\n"
        f".. autosummary::\n   :toctree: ../generated\n   :nosignatures:\n\n{listed}\n"
    )

"""Sphinx configuration. ``make docs`` builds the site into docs/_build, without a network."""

import os
import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS)]

os.environ["HF_HUB_OFFLINE"] = "1"  # an example that reaches for the network must fail, not wait

from api_page import write_api_pages  # noqa: E402
from tqdm.std import tqdm  # noqa: E402

import sknumclip  # noqa: E402

# Progress bars are for terminals.
start_bar = tqdm.__init__
tqdm.__init__ = lambda bar, *args, **options: start_bar(bar, *args, **options | {"disable": True})

write_api_pages(DOCS)

project = "sknumclip"
author = "The sknumclip developers"
copyright = author
version = release = sknumclip.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "auto_examples/*.ipynb", "auto_examples/*.py", "**/*.py.md5"]
nitpicky = True
smartquotes = False  # quotes are there to be copied
nitpick_ignore = [  # parts that have no page, named in docstrings that others inherit
    ("py:class", "Output"),
    ("py:func", "prompt_texts"),
    ("py:obj", "NumCLIPRegressor.explain"),
    ("py:meth", "sknumclip.clip.text_tower.TextTower.pooled_position"),
]
# Other projects' names are links only where their documentation may be asked; see below.
nitpick_ignore_regex = [("py:.*", r"(matplotlib|numpy|pandas|skorch|sklearn|torch)\..*")]

# Links into other projects' documentation need a network while building, so they are opt-in.
if os.environ.get("SKNUMCLIP_DOCS_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
        "torch": ("https://docs.pytorch.org/docs/stable", None),
    }

# ---------------------------------------------------------------------------------- the pages

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3


def keep_numbers_whole(app, docname, source):
    """Do not let "8.51 ± 0.03 ▲" break into lines, as in the cells of tables."""
    source[0] = re.sub(r" (?=[±▲▼–])|(?<=±) ", "\u00a0", source[0])


copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# ------------------------------------------------------------------------------ the reference

autosummary_generate = True
autodoc_typehints = "none"  # types are in the docstrings
autodoc_preserve_defaults = True  # 8 / 7, not 1.1428571428571428
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False  # the class template lists the methods
numpydoc_class_members_toctree = False

# -------------------------------------------------------------------------------- the gallery

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",  # these run; the others (benchmarks, training) are only shown
    "within_subsection_order": "gallery_order.PlotsFirst",
    "default_thumb_file": str(DOCS / "_static" / "script.png"),
    "doc_module": ("sknumclip",),
    "backreferences_dir": "generated/backreferences",
    "reference_url": {"sknumclip": None},
    "download_all_examples": False,
    "capture_repr": ("_repr_html_",),  # as notebooks show it; addresses of objects say nothing
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "plot_gallery": "True",
}

# ------------------------------------------------------------------------------------ the look

html_theme = "pydata_sphinx_theme"
html_title = "sknumclip"
html_static_path = ["_static"]
html_favicon = "_static/logo.svg"
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {
        "text": f"sknumclip {release}",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
        "alt_text": "",  # the name stands beside it
    },
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
alone = ("index", "get_started", "your_task", "faq", "results", "extending", "coming_from")
alone += ("speed", "design", "changelog", "contributing", "security")
html_sidebars = {page: [] for page in alone}  # nothing is below these pages


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", keep_numbers_whole)

"""The documentation site: the pages of this folder, and the reference made of the docstrings.

`sphinx-build -W docs docs/_build/html`, with the extra `docs` installed.
"""

import importlib
import os
import re
import shutil
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from docutils import nodes
from sphinx import addnodes

import kerasal

HERE = Path(__file__).parent
PACKAGES = [f"kerasal.{page.stem}" for page in (HERE / "api").glob("*.md") if page.stem != "index"]
KEPT: dict[str, list[str]] = {}

project = "kerasal"
author = "The kerasal authors"
release = kerasal.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
nb_execution_mode = "off"  # the notebook's outputs lie in it: tests/test_notebook.py runs it
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"kerasal {release}"
html_static_path = ["site/style.css"]
html_css_files = ["style.css"]
html_show_copyright = False

default_role = "code"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # Keras's own are Markdown


def setup(app) -> None:
    for name in PACKAGES:
        package = importlib.import_module(name)
        for public in getattr(package, "__all__", ()):  # what is imported when it is used, autodoc misses
            setattr(package, public, getattr(package, public))
    app.connect("autodoc-process-docstring", escape_mathematics, priority=1)  # before napoleon
    app.connect("autodoc-process-docstring", restore_properties, priority=900)
    app.connect("source-read", give_title)
    app.connect("doctree-read", point_at_site)
    app.connect("build-finished", copy_reports)


def escape_mathematics(app, what, name, obj, options, lines) -> None:
    """Docstrings are plain text with names in backticks: `|`, `*` and a final `_` are no markup in them."""
    parts = re.split(r"(`[^`]*`|::\n\n(?:    .*\n|\n)+)", "\n".join(lines))
    parts[::2] = [re.sub(r"([|*])|(?<=\w)_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
    lines[:] = "".join(parts).split("\n")
    if what in ("attribute", "property"):
        KEPT[name] = list(lines)


def restore_properties(app, what, name, obj, options, lines) -> None:
    """Of a property, napoleon takes what stands before a colon in the first line for a type."""
    if name in KEPT:
        lines[:] = KEPT.pop(name)


def give_title(app, page, source) -> None:
    """Files of tables, which a command wrote, begin without a heading; pages link to them, no table does."""
    if page.startswith("results/"):
        title = page.removeprefix("results/").removesuffix("/results")
        source[0] = f"---\norphan: true\n---\n# {title}\n\n{source[0]}"


def point_at_site(app, tree) -> None:
    """Links out of this folder lead to the pages that show those files; reports are opened, not saved."""
    for link in tree.findall(addnodes.pending_xref):
        if re.search(r"(^|/)weights/README(\.md)?$", link["reftarget"]):
            link.attributes |= {"refdomain": "doc", "reftarget": "site/weights", "reftargetid": None}
    for link in list(tree.findall(addnodes.download_reference)):
        if link["reftarget"].endswith(".html"):
            link.replace_self(nodes.reference("", "", *link.children, refuri=link["reftarget"]))


def copy_reports(app, error) -> None:
    for report in (HERE / "results").rglob("*.html"):
        place = Path(app.outdir) / report.relative_to(HERE)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(report, place)

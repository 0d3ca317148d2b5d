"""The documentation site: every page is reached, every public name described, nothing warns."""

import importlib
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def listed(page: Path) -> list[str]:
    """The pages that the tables of contents of a page lead to."""
    tables = re.findall(
        r"```\{toctree\}\n(?::[^\n]*\n)*\n?(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL
    )
    return [name for table in tables for name in table.split()]


def test_every_page_is_in_the_table_of_contents_once():
    pages = {
        str(path.relative_to(DOCS).with_suffix(""))
        for pattern in ("*.md", "*.ipynb", "api/*.md", "site/*.md")
        for path in DOCS.glob(pattern)
    }
    names = listed(DOCS / "index.md") + [f"api/{name}" for name in listed(DOCS / "api/index.md")]
    assert sorted(names) == sorted(pages - {"index"})


def test_every_package_and_public_module_has_a_page_of_the_reference():
    there = {path.stem for path in (DOCS / "api").glob("*.md")} - {"index"}
    packages = {path.parent.name for path in (ROOT / "kerasal").glob("*/__init__.py")} | {"weights"}
    modules = {path.stem for path in (ROOT / "kerasal").glob("[a-z]*.py")} - {"cli", "model_list"}
    assert there == packages | modules
    for name in there:
        assert f"automodule:: kerasal.{name}\n" in (DOCS / "api" / f"{name}.md").read_text()


class Anchors(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.links = set(), []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_describes_every_public_name(tmp_path):
    pytest.importorskip("myst_nb")
    pytest.importorskip("furo")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", DOCS, tmp_path]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    pages = {path: Anchors() for path in tmp_path.rglob("*.html")}
    for path, page in pages.items():
        page.feed(path.read_text(encoding="utf-8"))
    for path in (DOCS / "api").glob("*.md"):
        if path.stem == "index":
            continue
        package = importlib.import_module(f"kerasal.{path.stem}")
        ids = pages[tmp_path / "api" / f"{path.stem}.html"].ids
        for name in getattr(package, "__all__", ()):
            if callable(getattr(package, name)):  # not a module
                assert f"kerasal.{path.stem}.{name}" in ids
    # Links within the site lead to files that are there.
    for path, page in pages.items():
        for link in page.links:
            file = link.split("#")[0]
            if file and "://" not in file and not file.startswith(("mailto:", "data:")):
                assert (path.parent / file).exists(), f"{path.name}: {link}"

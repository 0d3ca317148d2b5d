"""docs/compare.md and docs/models.md: what their script sets is what they hold, model by model."""

import importlib.util
from pathlib import Path

import pytest

from kerasal.model_list import all_models
from kerasal.models.table import NETWORKS

DOCS = Path(__file__).parents[1] / "docs"


# What other tests add stays out of the pages.
@pytest.fixture(autouse=True)
def networks_alone(monkeypatch):
    monkeypatch.delitem(NETWORKS, "tiny", raising=False)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("tables", DOCS / "figures/comparison_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_as_their_script_sets_them(script):
    for page in script.PAGES:
        assert page.read_text() == script.with_parts(page.read_text()), (
            "run python docs/figures/comparison_tables.py"
        )


def test_the_page_has_a_section_for_every_model():
    page = (DOCS / "models.md").read_text()
    for name, entry in all_models().items():
        assert f"### {entry.title}\n" in page
        assert f"`{name}`, {entry.year}." in page

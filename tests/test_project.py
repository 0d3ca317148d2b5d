"""The project as a whole: its rooms, its README, what an import loads."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What the folders of the package may import of it and of the heavy libraries: docs/architecture.md.
ROOMS = {
    "losses": {"_map_ops", "_repr", "errors", "losses", "models", "weights"},
    "metrics": {"_imresize", "_map_ops", "_processes", "metrics", "errors"},
    "layers": {"layers"},
    "models": {"_files", "_json", "_repr", "_stimuli", "errors", "layers", "models", "weights"},
    "classical": {"_imresize", "_processes", "classical", "errors"},
    "data": {
        "_files",
        "_json",
        "_processes",
        "_progress",
        "_stimuli",
        "_threads",
        "data",
        "errors",
        "weights",
    },
    # Of prediction what finds a network by its name, when a training begins with its weights.
    "training": {
        "_cpu",
        "_feature_cache",
        "_files",
        "_json",
        "_progress",
        "cluster",
        "data",
        "errors",
        "losses",
        "metrics",
        "models",
        "prediction",
        "training",
    },
    # Of export what writes the small files that predictions start from.
    "prediction": {
        "export",
        *("_files", "_json", "_stimuli", "classical", "data", "errors", "models", "prediction", "training"),
        *("_cpu", "_processes", "_progress", "_threads", "visualize", "weights"),
    },
    "evaluation": {
        *(
            "_files",
            "_processes",
            "classical",
            "cluster",
            "data",
            "errors",
            "evaluation",
            "metrics",
            "models",
            "prediction",
        ),
        "training",
    },
    "export": {"_files", "data", "errors", "export", "layers", "models", "prediction"},
    "serving": {"data", "errors", "prediction", "serving", "visualize"},
    "reports": {
        "_files",
        "_json",
        "data",
        "errors",
        "evaluation",
        "metrics",
        "reports",
        "training",
        "visualize",
    },
    "quest": {
        *("cluster", "data", "errors", "evaluation", "losses", "metrics", "models", "quest", "reports"),
        *("_files", "_progress", "training", "visualize"),
    },
    "table1": {
        *("classical", "table1", "data", "errors", "evaluation", "metrics", "models", "prediction"),
        *("_files", "quest", "reports", "training", "visualize", "weights"),
    },
}
BACKEND_NEUTRAL = ("losses", "metrics", "layers", "models")


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_room_has_its_place_in_the_plan():
    assert {path.parent.name for path in (ROOT / "kerasal").glob("*/__init__.py")} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_the_plan_allows(room):
    for path in (ROOT / "kerasal" / room).glob("*.py"):
        used = {name.split(".")[1] for name in imports(path) if name.startswith("kerasal.")}
        assert used <= ROOMS[room], path


@pytest.mark.parametrize("room", BACKEND_NEUTRAL)
def test_losses_metrics_layers_and_models_never_import_tensorflow(room):
    for path in (ROOT / "kerasal" / room).glob("*.py"):
        assert not any(name.split(".")[0] == "tensorflow" for name in imports(path)), path


def test_the_classical_models_import_neither_keras_nor_tensorflow():
    for path in (ROOT / "kerasal" / "classical").glob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & {"keras", "tensorflow"}, path


def test_no_duration_is_taken_from_the_clock_of_the_day_which_may_be_set_back():
    for path in [p for room in ("kerasal", "cli", "weights") for p in (ROOT / room).rglob("*.py")]:
        assert not imports(path) & {"datetime", "datetime.datetime", "time.time"}, path
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "time"
            ):
                known = ("monotonic", "perf_counter", "sleep", "strftime", "localtime")  # to show a date
                if path.name == "_feature_cache.py":
                    known += ("time",)  # the age of a file, whose time is the clock's; set back, it stays
                assert node.attr in known, f"{path} uses time.{node.attr}"


def test_every_room_is_in_the_architecture():
    text = (ROOT / "docs/architecture.md").read_text()
    for folder in (ROOT / "kerasal").iterdir():
        if (folder / "__init__.py").is_file():
            assert f"`kerasal/{folder.name}/`" in text, folder


def shell_lines(text):
    """The lines of a text that call `kerasal`."""
    return [line.strip() for line in text.splitlines() if line.strip().startswith("kerasal ")]


def test_examples_are_what_a_shell_takes_as_they_stand():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "cli").glob("*.py")]
    for page in pages:
        for line in shell_lines(page.read_text()):
            assert not re.search(r"[*\[\]]", re.sub(r"\"[^\"]*\"|'[^']*'", "", line)), f"{page.name}: {line}"


def test_no_page_makes_two_runs_of_one_name():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        trained = [line for line in shell_lines(page.read_text()) if line.startswith("kerasal train")]
        names = re.findall(r"--run (\S+)", "\n".join(trained))
        assert len(names) == len(set(names)), page.name


def test_links_in_the_documents_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize(
    ("script", "page", "count"),
    [
        ("results_table.py", "results.md", 8),
        ("reproducing_tables.py", "reproducing.md", 3),
        ("few_images_table.py", "fine-tuning.md", 1),
    ],
)
def test_the_tables_of_a_page_are_those_of_the_files(script, page, count):
    command = [sys.executable, ROOT / "docs/figures" / script]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    text = (ROOT / "docs" / page).read_text()
    tables = result.stdout.strip().split("\n\n")
    assert len(tables) == count
    for table in tables:
        assert table in text

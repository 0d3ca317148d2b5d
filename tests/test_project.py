"""The project as a whole: its rooms, its README, what an import loads."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What each folder imports of the package beside itself, no more and no less: docs/architecture.md says why.
ROOMS = {
    "classical": "_imresize _processes errors",
    "data": "_files _json _processes _progress _stimuli _threads errors weights",
    "evaluation": "_files _processes _threads classical cluster data errors metrics prediction",
    "export": "_files data errors layers models prediction",
    "layers": "_convolution _device _tensorflow",
    "losses": "_map_ops _repr errors models",
    "metrics": "_imresize _map_ops _processes errors",
    "models": "_device _files _json _repr _stimuli errors layers weights",
    "prediction": "_cpu _files _json _processes _progress _stimuli _threads "
    "classical data errors export models training visualize weights",
    "quest": "_convolution _files _progress "
    "cluster data errors evaluation losses metrics models reports training",
    "reports": "_files _json data errors evaluation metrics training visualize",
    "serving": "data errors prediction visualize",
    "table1": "classical data errors evaluation metrics models prediction quest reports visualize weights",
    "training": "_cpu _feature_cache _files _json _progress _threads "
    "cluster data errors losses metrics models prediction",
    "weights": "_files errors layers",
}
# What runs back, inside functions.
BACKWARDS = {("training", "prediction"), ("prediction", "export")}
BACKEND_NEUTRAL = ("losses", "metrics", "layers", "models")


def files(room: str) -> list[Path]:
    """The modules of a folder, or of one that is a file."""
    place = ROOT / ("weights" if room == "weights" else f"kerasal/{room}")
    return sorted(place.glob("*.py")) or [place.with_suffix(".py")]


def nodes(node: ast.AST, functions: bool) -> Iterator[ast.AST]:
    """All below a node, without what stands in functions unless those count too."""
    for child in ast.iter_child_nodes(node):
        if functions or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from nodes(child, functions)


def imports(path: Path, functions: bool = True) -> set[str]:
    names = set()
    for node in nodes(ast.parse(path.read_text()), functions):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@lru_cache
def rooms_of(room: str, functions: bool = True) -> set[str]:
    """What of the package a folder imports, beside itself."""
    names = {name for path in files(room) for name in imports(path, functions)}
    return {name.split(".")[1] for name in names if name.startswith("kerasal.")} - {room}


def test_every_room_has_its_place_in_the_plan():
    assert {path.parent.name for path in (ROOT / "kerasal").glob("*/__init__.py")} | {"weights"} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_the_plan_says(room):
    assert rooms_of(room) == set(ROOMS[room].split())


def test_imports_run_one_way_but_for_two_which_stand_in_functions():
    modules = {path.stem for path in (ROOT / "kerasal").glob("*.py")} - {"__init__", "__main__"}
    outside = {room: rooms_of(room, functions=False) for room in {*ROOMS, *modules}}
    TopologicalSorter(outside).prepare()  # CycleError: a circle
    forwards = {
        room: {other for other in rooms_of(room) if (room, other) not in BACKWARDS} for room in outside
    }
    TopologicalSorter(forwards).prepare()
    assert all(other in rooms_of(room) - outside[room] for room, other in BACKWARDS)


@pytest.mark.parametrize("room", ROOMS)
def test_the_architecture_names_what_a_room_imports(room):
    text = (ROOT / "docs/architecture.md").read_text()
    place = "weights/" if room == "weights" else f"kerasal/{room}/"
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{place}`")]
    public = {*ROOMS, "cluster", "visualize"}
    assert public & set(re.findall(r"\w+", row.split("|")[3])) == public & set(ROOMS[room].split())


def test_commands_load_nothing_of_the_package_before_they_are_called():
    for path in (ROOT / "cli").glob("*.py"):
        loaded = {name.split(".")[0] for name in imports(path, functions=False)}
        assert loaded <= {*sys.stdlib_module_names, "click", "kerasal_cli"}, path


def test_mypy_checks_every_public_package_strictly_and_names_no_module_that_is_gone():
    lists = re.findall(
        r"^module = \[\n(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL | re.MULTILINE
    )
    strict, ignored = (set(re.findall(r'"([\w.]+)"', names)) for names in lists)
    packages = {"kerasal", "weights", *(f"kerasal.{room}" for room in ROOMS if room != "weights")}
    assert packages <= strict
    assert not strict & ignored
    for name in strict | ignored:
        place = ROOT / name.replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__init__.py").is_file(), name


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
        ("results_table.py", "results.md", 11),
        ("reproducing_tables.py", "reproducing.md", 6),
        ("few_images_table.py", "fine-tuning.md", 1),
        ("trial_length_table.py", "quest.md", 1),
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

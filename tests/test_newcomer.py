"""A newcomer's walk: what CONTRIBUTING.md says of each kind of addition is all that it takes.

A copy of the tree gets one of each, and everything that is checked is checked there.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# path -> what a newcomer writes into a new file
NEW_FILES = {
    "kerasal/models/pair.py": '''"""Two convolutions, the least network there is."""

import keras

from kerasal.layers import StimulusPreprocessing
from kerasal.models.base import SaliencyModel


@keras.saving.register_keras_serializable(package="kerasal")
class Pair(SaliencyModel):
    """Two convolutions of the shrunk stimulus: 393 parameters.

    Args:
        input_size: rows and columns at which stimuli are seen.
        backbone_weights: "random": nothing was pre-trained.
    """

    def __init__(self, input_size=(96, 128), backbone_weights="random", name="pair", **kwargs):
        self.check_input_size(input_size)
        stimulus = keras.Input((None, None, 3), name="stimulus")
        x = StimulusPreprocessing(input_size, name="preprocessing")(stimulus)
        x = keras.layers.Rescaling(1 / 128, name="scaled")(x)
        x = keras.layers.AveragePooling2D(8, name="shrunk")(x)
        backbone = keras.Model(stimulus, [x], name="backbone")
        features = keras.Input(x.shape[1:], name="features")
        x = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="first")(features)
        x = keras.layers.Conv2D(1, 3, padding="same", name="second")(x)
        x = keras.layers.UpSampling2D(8, interpolation="bilinear", name="enlarged")(x)
        map_ = keras.layers.Activation("sigmoid", name="map", dtype="float32")(x)
        head = keras.Model([features], map_, name="head")
        super().__init__(backbone, head, input_size, {}, name=name, **kwargs)
''',
    "kerasal/data/grid.py": '''"""Grid: photographs with their fixations in one text file each.

Licence: public domain. Layout: `images/NAME.png`, `fixations/NAME.txt` with a line "x y" for each fixation.
"""

from pathlib import Path

import numpy as np

from kerasal.data.images import image_size, list_files
from kerasal.data.names import find_folder
from kerasal.data.published import facts
from kerasal.data.sample import Dataset, Sample
from kerasal.data.splits import ranked_split
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError

def read_points(path: Path) -> np.ndarray:
    """Fixations (N, 2). InputError: a file without them."""
    try:
        return np.array(path.read_text(encoding="utf-8").split(), float).reshape(-1, 2)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}") from None


def load(folder: Path, troubles: Troubles | None = None) -> Dataset:
    """Grid. InputError: no such layout in `folder`; a damaged file."""
    troubles = troubles or Troubles()
    root = find_folder(folder, "images", "fixations")
    if root is None:
        raise InputError(f"no Grid in {folder}: it needs {facts('grid').layout}; kerasal data info grid")
    samples, stimuli = [], list_files(root / "images", (".png",))
    for path in list_files(root / "fixations", (".txt",)):
        if path.stem not in {stimulus.stem for stimulus in stimuli}:
            troubles.add(path, "no image has its name")
    for stimulus in stimuli:
        with troubles.reading(stimulus):
            path = root / "fixations" / f"{stimulus.stem}.txt"
            size, points = image_size(stimulus), np.empty((0, 2))
            with troubles.reading(path):
                points = troubles.valid(stimulus.stem, read_points(path), size)
            samples.append(Sample(stimulus.stem, size, stimulus, (points,), 5.0))
    return Dataset(
        name="grid",
        splits=ranked_split(samples, 0.5, 0.25, "grid"),
        description="Grid, photographs",
        licence=facts("grid").licence,
        notes=troubles.notes,
    )
''',
    "kerasal/export/zipped.py": '''"""A SavedModel in one file."""

import shutil
import tempfile
from pathlib import Path

from kerasal.export.saved_model import write_saved_model
from kerasal.models import SaliencyModel


def write_zipped(model: SaliencyModel, path: Path, card: str) -> None:
    """A .zip file of the folder that `write_saved_model` writes."""
    with tempfile.TemporaryDirectory() as folder:
        write_saved_model(model, Path(folder) / "model", card)
        shutil.move(shutil.make_archive(f"{folder}/packed", "zip", f"{folder}/model"), path)
''',
    "cli/citation.py": '''"""kerasal citation"""

import click

from kerasal_cli.loading import load_light


@click.command()
def citation() -> None:
    """Say what to cite."""
    load_light()
    from kerasal import __version__

    click.echo(f"The kerasal authors, kerasal {__version__}")
''',
}

# path, what stands there, and what a newcomer writes before it
ADDITIONS = [
    # A loss.
    (
        "kerasal/losses/pixel.py",
        None,
        '''

def quartic(y_true, y_pred):
    """The formula of `Quartic`: one value per image, (B,)."""
    s, p = same_size(density(y_true), prediction(y_pred))
    return ops.mean(ops.square(ops.square(s - p)), axis=PIXELS)


@keras.saving.register_keras_serializable(package="kerasal")
class Quartic(Loss):
    """Mean fourth power of the error: mean (S - P)^4. Best value 0. Not in the paper."""

    family = "pixel"
    needs_fixations = False

    def __init__(self, name="quartic", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        return quartic(y_true, y_pred)
''',
    ),
    (
        "kerasal/losses/__init__.py",
        "from kerasal.losses.distribution",
        "from kerasal.losses.pixel import Quartic\n",
    ),
    ("kerasal/losses/__init__.py", '    "KLD",', '    "Quartic",\n'),
    (
        "kerasal/losses/table.py",
        '    "kld": LossInfo(',
        '    "quartic": LossInfo("Quartic", "pixel", None, "mean (S - P)^4", best=0),\n',
    ),
    (
        "docs/losses.md",
        "### `kld`",
        "### `quartic`: `Quartic`\n\nNot in the paper. Here: mean (S - P)^4.\n\n",
    ),
    (
        "tests/losses/loss_cases.py",
        '    "kld": kld,',
        '    "quartic": lambda s, f, p: float(np.mean((s - p) ** 4)),\n',
    ),
    # A metric.
    (
        "kerasal/metrics/density.py",
        "def start_cc(",
        """def variation(saliency_map: ArrayLike, density: ArrayLike) -> float:
    \"\"\"Total variation of the two distributions, in [0, 1]. Smaller is better; no unit.

    saliency_map (H, W), not negative; density (H, W), not negative. NaN for an all-zero density.
    ValueError: NaN, infinity, negative values, shapes that differ.
    \"\"\"
    saliency_map = read_positive_map(saliency_map, "saliency_map", " for the total variation")
    density = read_density(density, saliency_map)
    if density.highest == 0:
        return math.nan
    whole = slice(None)
    p, s = (map_.distribution.probabilities(whole) for map_ in (saliency_map, density))
    return float(np.abs(p - s).sum() / 2)


""",
    ),
    (
        "kerasal/metrics/__init__.py",
        "from kerasal.metrics.fixation",
        "from kerasal.metrics.density import variation\n",
    ),
    ("kerasal/metrics/__init__.py", "]\n\n\ndef __getattr__", '    "variation",\n'),
    (
        "kerasal/metrics/table.py",
        "from kerasal.metrics.fixation",
        "from kerasal.metrics.density import variation\n",
    ),
    (
        "kerasal/metrics/table.py",
        "    )\n}\n",
        """        MetricInfo(
            "variation", "TV", variation, variation, "density", (), False, 0.0, (0.0, 1.0), ""
        ),
""",
    ),
    (
        "docs/metrics.md",
        "\nLosses are minimised",
        "| `variation` | TV | density | lower | 0 to 1 | | none |\n",
    ),
    (
        "docs/metrics.md",
        "## How others differ",
        "### TV\n\nHalf the sum of the distributions' differences.\n\n",
    ),
    # A network.
    (
        "kerasal/models/table.py",
        '        NetworkInfo(\n            name="sam-vgg"',
        """        NetworkInfo(
            name="pair",
            network="pair:Pair",
            title="Pair",
            year=2026,
            reference="none",
            kind="two convolutions",
            parameters=297,
            weights="kerasal train",
            licence="MIT",
        ),
""",
    ),
    # A dataset.
    ("kerasal/data/datasets.py", "    mit1003,\n", "    grid,\n"),
    ("kerasal/data/datasets.py", '    "folder": folder.load', '    "grid": grid.load,\n'),
    (
        "kerasal/data/published.py",
        '        DatasetInfo(\n            name="mit1003"',
        """        DatasetInfo(
            name="grid",
            title="Grid, photographs",
            images=4,
            size="60x40",
            observers="1",
            seconds=2,
            fixations=8,
            sigma=5,
            pixels_per_degree=5,
            licence="public domain",
            citation="none",
            page="https://example.org/grid",
            layout="images/NAME.png, fixations/NAME.txt",
            split="half train, a quarter validation, the rest test, in the order of SHA-256('grid/NAME')",
            by_hand="ask its authors",
        ),
""",
    ),
    (
        "tests/layouts.py",
        "# name -> writes",
        """def grid(folder: Path) -> dict[str, list[list]]:
    \"\"\"Four photographs.\"\"\"
    expected = {}
    for seed, name in enumerate("abcd"):
        write_photo(folder / "grid/images" / f"{name}.png", (40, 60), seed)
        expected[name] = [[(seed, 2.5), (59.0, 39.0)]]
        path = folder / "grid/fixations" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{x} {y}\\n" for x, y in expected[name][0]))
    return expected


""",
    ),
    ("tests/layouts.py", '    "fiwi": fiwi,', '    "grid": grid,\n'),
    (
        "docs/datasets.md",
        "| [toronto]",
        "| [grid](https://example.org/grid) | 4 | 60x40 | 1 | 2 | 5 | 5 | 8 | public domain |\n",
    ),
    ("docs/datasets.md", "- toronto: `Original", "- grid: `images/NAME.png, fixations/NAME.txt`\n"),
    (
        "docs/datasets.md",
        "- fiwi: 70 % train",
        "- grid: half train, a quarter validation, the rest test, in the order of SHA-256('grid/NAME')\n",
    ),
    # An export format.
    (
        "kerasal/export/table.py",
        '        Format(\n            "onnx"',
        """        Format(
            "zipped",
            "TensorFlow, zipped",
            "zipped:write_zipped",
            "unpack {path}, then as TensorFlow's",
            ".zip",
        ),
""",
    ),
    (
        "kerasal/prediction/runtimes.py",
        None,
        """

def zipped(path: Path) -> Runner:
    \"\"\"By TensorFlow, unpacked.\"\"\"
    with tempfile.TemporaryDirectory() as folder:
        shutil.unpack_archive(path, folder, "zip")
        return saved_model(Path(folder))
""",
    ),
    (
        "kerasal/prediction/runtimes.py",
        "from collections.abc import Callable",
        "import shutil\nimport tempfile\n",
    ),
    ("kerasal/prediction/runtimes.py", '".onnx": "onnx"', '".zip": "zipped", '),
    # A named predictor.
    (
        "kerasal/prediction/named.py",
        None,
        """NAMED["grey"] = Source("grey", "the grey values", lambda _: Grey(), {"trained_on": "nothing"})
""",
    ),
    (
        "kerasal/prediction/named.py",
        "NAMED: dict",
        """class Grey:
    \"\"\"A map that is bright where the stimulus is.\"\"\"

    def saliency_maps(self, stimuli: Sequence[np.ndarray]) -> list[np.ndarray]:
        \"\"\"Maps (H, W), float32, in [0, 1], of stimuli (H, W, 3), uint8 RGB.\"\"\"
        return [stimulus.mean(axis=2, dtype="float32") / 255 for stimulus in stimuli]


""",
    ),
    (
        "kerasal/prediction/named.py",
        "from kerasal.classical import CLASSICAL",
        "from collections.abc import Sequence\n\nimport numpy as np\n\n",
    ),
    # A training option.
    (
        "kerasal/training/table.py",
        "    patience: int",
        '    rest: float = _option(0.0, "Seconds between epochs.", must=NOT_NEGATIVE)\n',
    ),
    ("tests/training/test_option_table.py", '    "patience": (0, -1),', '    "rest": (0.0, -1e-9),\n'),
    # A command.
    (
        "cli/__init__.py",
        "from kerasal_cli.compare",
        "from kerasal_cli.citation import citation\n",
    ),
    ("cli/__init__.py", "    *(data, losses", "    citation,\n"),
]


def add(tree: Path) -> None:
    """What a newcomer writes, into a copy of the tree."""
    for name, text in NEW_FILES.items():
        assert not (tree / name).exists()
        (tree / name).write_text(text, encoding="utf-8")
    for name, before, text in ADDITIONS:
        whole = (tree / name).read_text(encoding="utf-8")
        place = len(whole) if before is None else whole.index(before)
        (tree / name).write_text(whole[:place] + text + whole[place:], encoding="utf-8")


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """The tree as git has it, with the additions."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("a checkout is needed, which this is not")
    tree = tmp_path_factory.mktemp("newcomer") / "kerasal"
    for name in filter(None, listed.stdout.split("\0")):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    (tree.parent / "kerasal_cli").symlink_to(tree / "cli")  # as an installation names it
    add(tree)
    run(tree, "docs/figures/comparison_tables.py")
    for command in ("check --fix -q .", "format -q ."):
        subprocess.run([sys.executable, "-m", "ruff", *command.split()], cwd=tree, check=True)
    return tree


def run(tree, *command) -> str:
    """The output of a Python module in the tree; it has to succeed."""
    environment = {**os.environ, "PYTHONPATH": f"{tree}{os.pathsep}{tree.parent}"}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


KERASAL = ("-c", "from kerasal_cli import main; main()")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("losses", ["quartic"]),
        ("metrics", ["variation"]),
        ("models", ["pair", "grey"]),
        ("data list", ["grid"]),
        ("export --help", ["zipped"]),
        ("train --help", ["--rest"]),
        ("--help", ["citation"]),
        ("citation", ["The kerasal authors"]),
    ],
)
def test_commands_list_what_was_added(tree, command, names):
    listed = run(tree, *KERASAL, *command.split())
    assert all(re.search(rf"(?<!\w){name}\b", listed) for name in names)


@pytest.mark.slow
def test_what_was_added_works_from_end_to_end(tree):
    training = ["--data", "synthetic", "--limit", "8", "--epochs", "1", "--input-size", "48x64"]
    run(tree, *KERASAL, "train", "--model", "pair", "--loss", "quartic+0.1*kld", *training, "--run", "run")
    run(tree, *KERASAL, "export", "run", "--format", "zipped", "-o", "pair.zip")
    layouts = "import sys; sys.path.insert(0, 'tests'); import layouts, pathlib; "
    run(tree, "-c", layouts + "layouts.grid(pathlib.Path('recordings'))")
    found = run(
        tree, *KERASAL, "evaluate", "grey", "run", "pair.zip", "--data", "grid", "--data-dir", "recordings",
        "--split", "all", "--metrics", "cc,variation",
    )  # fmt: skip
    assert "TV" in found
    assert all(name in found for name in ("grey", "run", "pair"))


@pytest.mark.slow
def test_what_is_checked_of_the_code_is_checked_and_holds(tree):
    for command in ("ruff check .", "ruff format --check .", "mypy"):
        run(tree, "-m", *command.split())


@pytest.mark.slow
def test_all_tests_pass_with_what_was_added(tree):
    run(tree, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "-m", "not slow")

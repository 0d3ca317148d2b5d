"""Networks run by LiteRT, TFLite's interpreter, which is there in a tenth of the time that TensorFlow takes.

kerasal exports a network for itself and keeps the file under its cache folder, in `lite/`, by a hash of the
network's weights and of kerasal's version. The file takes images of any size; the SHA-256 of what was written
stands at its end, so that a damaged one is found before it gives wrong maps. Nothing here needs TensorFlow or
Keras but the making of such a file.
"""

import hashlib
import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path

import kerasal
from kerasal._cpu import bfloat16_instructions
from kerasal._files import default_cache, folder_beside, write_bytes
from kerasal.errors import InputError
from kerasal.prediction.exported import ExportedPredictor, export_format
from kerasal.prediction.predictor import LoadedPredictor
from kerasal.weights.registry import DEFAULT, REGISTRY, SHIPPED, sha256

RUNTIMES = ("auto", "tensorflow", "lite")
FEW = 10  # images whose maps are there before TensorFlow is; of more, bfloat16 may be the faster way
DIGEST = hashlib.sha256().digest_size
GPU = Path("/dev/nvidiactl")  # there where NVIDIA's driver runs


@dataclass(frozen=True)
class Choice:
    """What computes a model's maps.

    Attributes:
        named: the predictor, which needs no TensorFlow; None: it takes `kerasal.prediction.resolve`.
        file: the export to be made for the next time with `make_lite`; None: none is wanted.
        line: what was chosen and why, for the user; "" where there was no choice.
    """

    named: LoadedPredictor | None = None
    file: Path | None = None
    line: str = ""


def choose(
    model: str | Path | None, runtime: str = "auto", *, precision: str = "auto", few: bool = True
) -> Choice:
    """What is to compute the maps of a model, named as `kerasal.prediction.find` takes it.

    Args:
        runtime: one of RUNTIMES. "auto" is LiteRT for networks that ship, where it is installed and as fast
            as TensorFlow: in float32, without a GPU. "lite" is LiteRT for run folders too.
        precision: what a network is to compute in; LiteRT has float32 alone.
        few: whether at most FEW images will come, and no video; else TensorFlow computes the maps where the
            CPU has instructions for bfloat16 and the precision is "auto".

    InputError: an unknown runtime; "lite" where it is not installed, for another precision, or for a model
    that is neither a network that ships nor a run folder.
    """
    if runtime not in RUNTIMES:
        raise InputError(f"unknown runtime {runtime!r}: one of {', '.join(RUNTIMES)}")
    name = DEFAULT if model is None else str(model)
    if named := _without_choice(name):
        return Choice(named)
    if runtime == "tensorflow":
        return Choice()
    asked = runtime == "lite"
    try:
        file = _kept_file(name, runs=asked)
        if file is None:
            if not asked:
                return Choice()
            able = f"run folders and {', '.join(SHIPPED)}"
            raise InputError(f"--runtime lite is for {able}, not for {name}: leave it out")
        if against := _against(precision, few, asked):
            raise InputError(f"--runtime lite cannot be: {against}" if asked else against)
        named = _open(file, name)
    except InputError as error:  # also no cache folder, or a LiteRT that is older than the file's, or broken
        if asked:
            raise
        return Choice(line=f"maps by TensorFlow: {error}")
    if named:
        return Choice(named, line="maps by LiteRT, without TensorFlow; by TensorFlow: --runtime tensorflow")
    state = "is damaged and made anew" if file.exists() else "is made"
    return Choice(file=file, line=f"maps by TensorFlow; an export for LiteRT, which starts faster, {state}")


def make_lite(model: str | Path | None, file: Path) -> LoadedPredictor:
    """Export a network to the file that `choose` named, and open it.

    InputError: it cannot be written, or gives other maps than the network, which leaves no file.
    """
    from kerasal.export import export
    from kerasal.prediction.predictors import find

    source = find(model)
    with folder_beside(file) as folder:
        made = export(source.load("float32"), folder / "network.tflite", "tflite")
        if made.difference is None:
            raise InputError("LiteRT is installed, but Python cannot import it: --runtime tensorflow")
        if not made.agrees:
            raise InputError(
                f"LiteRT's maps of {source.name} differ from TensorFlow's by {made.difference:.2g} of their "
                "peak: --runtime tensorflow"
            )
        content = made.path.read_bytes()
    write_bytes(file, content + hashlib.sha256(content).digest())
    return LoadedPredictor(source.name, ExportedPredictor(file, "tflite"))


def _without_choice(name: str) -> LoadedPredictor | None:
    """A classical model, or an export with a runtime of its own: those never need TensorFlow."""
    if name in SHIPPED:
        return None
    from kerasal.classical import classical_model, is_classical  # here: SciPy takes as long as all the rest
    from kerasal.prediction.named import NAMED

    if is_classical(name):
        return NAMED[classical_model(name).name].load()
    path = Path(name)
    format = export_format(path)
    if format not in ("tflite", "onnx"):
        return None
    return LoadedPredictor(path.stem, ExportedPredictor(path, format))


def _against(precision: str, few: bool, asked: bool) -> str | None:
    """Why it cannot be LiteRT, or where it was not asked for had better not be."""
    if importlib.util.find_spec("ai_edge_litert") is None:
        return "LiteRT, which starts faster, is not installed: pip install ai-edge-litert"
    if precision not in ("auto", "float32"):
        return f"LiteRT computes in float32, not in {precision}"
    if asked:
        return None
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return f"KERAS_BACKEND is {os.environ['KERAS_BACKEND']}"
    if GPU.exists():
        return "here is a GPU"
    if few or precision == "float32" or not (instructions := bfloat16_instructions()):
        return None
    return f"of videos and of more than {FEW} images, as {instructions} may be faster in bfloat16"


def _kept_file(name: str, runs: bool) -> Path | None:
    """Where a network's export is kept; None for what is neither one that ships nor, with `runs`, a run's."""
    if name in SHIPPED:
        weights = REGISTRY[name]
        made_from = [weights.sha256, REGISTRY[weights.backbone].sha256]
    else:
        run = Path(name.removeprefix("run:"))
        files = [run / "config.json", run / "best.weights.h5"]
        if not runs or not all(file.is_file() for file in files):
            return None
        made_from = [sha256(file) for file in files]
    key = hashlib.sha256(json.dumps([kerasal.__version__, *made_from]).encode()).hexdigest()[:32]
    return default_cache() / "lite" / f"{key}.tflite"


def _open(file: Path, name: str) -> LoadedPredictor | None:
    """The predictor of a kept file; None where there is none, or none that is whole."""
    try:
        content = memoryview(file.read_bytes())
    except OSError:
        return None
    if hashlib.sha256(content[:-DIGEST]).digest() != content[-DIGEST:]:
        return None
    name = name if name in SHIPPED else Path(name.removeprefix("run:")).resolve().name
    return LoadedPredictor(name, ExportedPredictor(file, "tflite"))

"""The commands as a user types them, on a tiny dataset, one run for all."""

import csv
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import invoke
from conftest import write_photo
from PIL import Image

from kerasal import training
from kerasal.errors import InputError
from kerasal.training.config_file import config_text

QUICK = ["--model", "tiny", "--input-size", "32x48", "--epochs", "1", "--cache-in-memory"]
QUICK += ["--optimizer", "sgd", "--ema", "0", "--no-flip"]  # what takes long to compile is left out


def refused(result, *words):
    """Whether a command ended as a user's mistake should: status 2 and one line that holds the words."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert result.exit_code == 2, result.output
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.output
    for word in words:
        assert str(word) in lines[0]
    return True


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_network):
    """A dataset folder and a run trained on it."""
    root = tmp_path_factory.mktemp("cli")
    random = np.random.default_rng(0)
    for number in range(9):
        write_photo(root / "photos/images" / f"p{number}.jpg", (60, 90), seed=number)
        (root / "photos/fixations").mkdir(exist_ok=True)
        np.save(root / f"photos/fixations/p{number}.npy", random.uniform(0, 60, (12, 2)))
    result = invoke("train", "--data", root / "photos", "--run", root / "run", *QUICK)
    assert result.exit_code == 0, result.output
    assert f"kerasal evaluate {root / 'run'}" in result.stdout
    return root


def test_evaluate_prints_a_table_and_writes_the_same_numbers(trained):
    result = invoke("evaluate", trained / "run")
    assert result.exit_code == 0, result.output
    values = json.loads((trained / "run/metrics.json").read_text())
    assert values["split"] == "test"
    with open(trained / "run/metrics.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    for key in ("cc", "sim", "auc_judd", "nss", "kld"):
        mean = np.mean([float(row[key]) for row in rows])
        assert values["metrics"][key]["mean"] == pytest.approx(mean)
        assert f" {mean:.3f} " in result.stdout


def test_baselines_are_evaluated_without_a_run(trained):
    for baseline in ("center-bias", "half-observers"):
        result = invoke(
            "evaluate", "--baseline", baseline, "--data", trained / "photos", "-o", trained / baseline
        )
        if baseline == "half-observers":
            assert refused(result, "1 observers", "at least two")  # the files name no observers
        else:
            assert json.loads((trained / baseline / "metrics.json").read_text())["system"] == baseline


def test_a_run_maps_and_baselines_are_compared_side_by_side(trained, tmp_path):
    run, maps, names = trained / "run", tmp_path / "maps", ("metrics.json", "metrics.csv")

    def scores_of_the_run():
        return {name: (run / name).read_bytes() for name in names if (run / name).exists()}

    before = scores_of_the_run()
    assert invoke("predict", "--model", run, trained / "photos/images", "-o", maps).exit_code == 0
    for overlay in maps.glob("*_overlay.jpg"):
        overlay.unlink()
    result = invoke("evaluate", run, "--maps", maps, "--baseline", "chance", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "7 files of no stimulus" in result.stderr  # maps of the other splits' images
    assert result.stderr.count("matched by name") == 1
    assert "none of them resized" in result.stderr
    values = json.loads((tmp_path / "out/comparison.json").read_text())
    assert list(values["systems"]) == [str(run), str(maps), "chance"]
    # The maps are the network's, rounded to 256 grey levels.
    assert abs(values["differences"][str(maps)]["nss"]["mean"]) < 0.02
    for name in ("difference from", "chance", "AUC-Borji"):
        assert name in result.stdout
    assert scores_of_the_run() == before


def test_classical_models_stand_beside_a_run_wherever_a_model_is_named(trained, tmp_path):
    run = trained / "run"
    result = invoke(
        "evaluate", run, "--model", "aws", "--model", "itti:saliency-toolbox", "--metrics", "cc"
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "difference from" in result.stdout
    for name in (str(run), "aws", "itti-saliency-toolbox"):
        assert name in result.stdout.replace("\n", "")
    result = invoke("predict", "--model", "aws", trained / "photos/images", "-o", tmp_path / "out", "--npy")
    assert result.exit_code == 0, result.output
    assert np.load(tmp_path / "out/p0.npy").shape == (60, 90)


def test_an_image_too_small_for_a_model_is_one_line_that_names_it(trained, tmp_path):
    data = ("--data", trained / "photos")
    assert refused(invoke("evaluate", "--model", "gbvs", *data), "gbvs needs", "128x128, got 60x90", ": ")
    result = invoke("predict", "--model", "gbvs", trained / "photos/images/p0.jpg", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "skipped" in result.stderr
    assert "p0.jpg: gbvs needs an image of at least 128x128, got 60x90" in result.stderr


def test_a_part_of_a_run_s_evaluation_does_not_replace_the_whole(trained):
    assert invoke("evaluate", trained / "run").exit_code == 0
    whole = (trained / "run/metrics.json").read_bytes()
    assert invoke("evaluate", trained / "run", "--metrics", "nss, cc").exit_code == 0
    assert (trained / "run/metrics.json").read_bytes() == whole
    values = json.loads((trained / "run/photos-test/metrics.json").read_text())
    assert list(values["metrics"]) == ["cc", "nss"]
    assert invoke("evaluate", trained / "run", "--mirror").exit_code == 0
    assert (trained / "run/metrics.json").read_bytes() == whole
    values = json.loads((trained / "run/photos-test-mirrored/metrics.json").read_text())
    assert values["system"] == f"{trained / 'run'}, mirrored"


def test_another_weights_file_of_a_run_is_scored_on_the_run_s_data_and_beside_its_scores(trained, tmp_path):
    run = shutil.copytree(trained / "run", tmp_path / "run")
    (run / "metrics.json").write_text("scores of the best weights")
    result = invoke("evaluate", run / "last.weights.h5", "--metrics", "cc")
    assert result.exit_code == 0, result.output
    assert f"on images from {trained / 'photos'}, test split" in result.stdout
    assert (run / "metrics.json").read_text() == "scores of the best weights"
    assert json.loads((run / "photos-test-last/metrics.json").read_text())["data"].endswith("photos")
    whole = invoke("evaluate", run / "last.weights.h5")
    assert whole.exit_code == 0, whole.output
    assert (run / "metrics.json").read_text() == "scores of the best weights"


def test_a_run_s_data_are_read_where_and_as_the_options_say(trained, tmp_path):
    shutil.copytree(trained / "photos", tmp_path / "moved")
    arguments = ("evaluate", trained / "run", "--metrics", "cc", "--format", "json", "-o", tmp_path / "out")
    moved = invoke(*arguments, "--data-dir", tmp_path / "moved")
    assert json.loads(moved.stdout)["data"] == f"images from {tmp_path / 'moved'}"
    sharper, before = invoke(*arguments, "--sigma", 1), invoke(*arguments)
    assert json.loads(sharper.stdout)["metrics"]["cc"] != json.loads(before.stdout)["metrics"]["cc"]


@pytest.mark.parametrize("change", ["an image less", "another image", "another fixation", "another sigma"])
def test_a_run_s_own_data_that_have_changed_are_not_scored_as_its_test_split(trained, tmp_path, change):
    run, data = (shutil.copytree(trained / name, tmp_path / name) for name in ("run", "photos"))
    (run / "metrics.json").write_text("scores of before")
    if change == "an image less":
        (data / "images/p3.jpg").unlink()
    elif change == "another image":
        shutil.copy(data / "images/p1.jpg", data / "images/p3.jpg")
    elif change == "another fixation":
        np.save(data / "fixations/p3.npy", np.array([[5.0, 7.0]]))
    # Another sigma is wanted, of the data that the run was trained on.
    there = ("--sigma", 1) if change == "another sigma" else ()
    result = invoke("evaluate", run, "--data-dir", data, "--metrics", "cc", *there)
    if there:
        assert result.exit_code == 0, result.output
        (data / "images/p3.jpg").unlink()
        result = invoke("evaluate", run, "--data-dir", data, "--metrics", "cc", *there)
    assert refused(result, run, "have changed", "scored without --data")
    assert (run / "metrics.json").read_text() == "scores of before"
    named = invoke("evaluate", run, "--data", data, "--metrics", "cc")
    assert named.exit_code == 0, named.output
    assert (run / "metrics.json").read_text() == "scores of before"


@pytest.mark.parametrize("written", ["limit", "counts"])
def test_a_run_on_some_of_the_data_is_scored_on_the_whole_test_split(trained, tmp_path, written):
    run = shutil.copytree(trained / "run", tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    from kerasal import data
    from kerasal.data.sample import data_entry

    config["data"] |= data_entry(data.load(str(trained / "photos")).limited(1)) | {"limit": 1}
    if written == "counts":  # as a quest writes of its best network
        del config["data"]["limit"]
    (run / "config.json").write_text(json.dumps(config))
    result = invoke("evaluate", run, "--metrics", "cc", "--format", "json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["metrics"]["cc"]["images"] == 2


def test_a_folder_with_the_name_of_a_classical_model_is_no_run(trained, tmp_path, monkeypatch):
    (tmp_path / "aws").mkdir()
    monkeypatch.chdir(tmp_path)
    result = invoke("evaluate", "aws", "--data", trained / "photos", "--metrics", "cc")
    assert result.exit_code == 0, result.output
    assert not list((tmp_path / "aws").iterdir())


@pytest.mark.parametrize(
    ("style", "begin"),
    [
        ("markdown", "center-bias on"),
        ("latex", "% center-bias on"),
        ("json", "{"),
        ("table", "center-bias on"),
    ],
)
def test_stdout_holds_what_was_asked_for_and_nothing_else(trained, style, begin):
    result = invoke(
        "evaluate", "--baseline", "center-bias", "--data", trained / "photos", "--format", style
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(begin)
    assert "wrote" not in result.stdout
    if style == "json":
        json.loads(result.stdout)


def test_predict_writes_a_map_and_an_overlay_of_the_images_size_for_each(trained, tmp_path):
    write_photo(tmp_path / "in/a.jpg", (70, 41), seed=1)
    write_photo(tmp_path / "in/b.png", (33, 120), seed=2, mode="L")
    (tmp_path / "in/c.jpg").write_bytes((tmp_path / "in/a.jpg").read_bytes()[:400])
    result = invoke("predict", "--model", trained / "run", tmp_path / "in", "-o", tmp_path / "out", "--npy")
    assert result.exit_code == 1, result.output
    assert "c.jpg" in result.stderr
    assert f"wrote maps of 2 images to {tmp_path / 'out'}, skipped 1" in result.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a.npy", "a.png", "a_overlay.jpg", "b.npy", "b.png", "b_overlay.jpg",
    ]  # fmt: skip
    assert (
        Image.open(tmp_path / "out/a.png").size == Image.open(tmp_path / "out/a_overlay.jpg").size == (41, 70)
    )
    assert np.load(tmp_path / "out/b.npy").shape == (33, 120)
    assert np.array(Image.open(tmp_path / "out/a.png")).max() == 255


def test_predict_prints_shares_and_crops_as_json_alone(trained, tmp_path):
    write_photo(tmp_path / "a.jpg", (60, 90), seed=1)
    result = invoke(
        "predict", "--model", trained / "run", tmp_path / "*.jpg", "-o", tmp_path / "out", "--no-map",
        "--region", "all:0%,0%,100%,100%", "--region", "left:0,0,45,60", "--crop", "1:1", "--color-bar",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)[str(tmp_path / "a.jpg")]
    assert facts["regions"]["all"] == {"share": pytest.approx(1), "area": 1}
    assert 0 < facts["regions"]["left"]["share"] < 1
    assert facts["crop"]["width"] == facts["crop"]["height"] == 60
    assert f"wrote maps of 1 image to {tmp_path / 'out'}" in result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a_crop.jpg", "a_overlay.jpg"]


def test_export_says_how_far_the_written_maps_are_from_predicts(trained, tmp_path):
    result = invoke("export", trained / "run", "--format", "tflite", "-o", tmp_path / "it.tflite")
    assert result.exit_code == 0, result.output
    assert float(re.search(r"difference from kerasal predict: (\S+)", result.stdout)[1]) < 1e-3
    assert (tmp_path / "it.tflite").is_file()


EXPORTS = """
import json, sys
from kerasal_cli.loading import load_library
load_library()
from conftest import add_tiny_network
add_tiny_network()
from kerasal_cli import main
for command in json.loads(sys.argv[1]):
    main(command, standalone_mode=False)
"""


@pytest.mark.ci
def test_exports_predict_as_the_run_does_and_converters_and_runtimes_write_no_line(trained, tmp_path):
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")
    places = {"saved_model": "saved", "onnx": "it.onnx", "tflite": "it.tflite"}
    commands = [
        ["export", str(trained / "run"), "--format", format, "-o", str(tmp_path / place)]
        for format, place in places.items()
    ]
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    # A process of its own, for what native code writes.
    result = subprocess.run(
        [sys.executable, "-c", EXPORTS, json.dumps(commands)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.splitlines() == [
        f"writing {tmp_path / place}, and running it to compare ..." for place in places.values()
    ]
    assert result.stdout.count("largest difference from kerasal predict") == 3
    photo = trained / "photos/images/p0.jpg"
    maps = []
    for model in (trained / "run", *(tmp_path / place for place in places.values())):
        options = ("-o", tmp_path / "maps", "--npy", "--precision", "float32", "-q")
        predicted = invoke("predict", "--weights", model, photo, *options)
        assert predicted.exit_code == 0, predicted.output
        maps.append(np.load(tmp_path / "maps/p0.npy"))
    for saliency_map in maps[1:]:
        np.testing.assert_allclose(saliency_map, maps[0], atol=1e-3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "taken"], ["taken is there already"]),
        ([], ["light.fine-tuned/saved_model is there already"]),
        (["--format", "onnx", "-o", "it.tflite"], ["it.tflite", ".onnx"]),
        (["--float16"], ["float16", "onnx", "saved_model"]),
        (["-o", "file/deep/it"], ["file is no folder"]),
    ],
)
def test_an_export_that_cannot_be_is_refused_before_a_network_is_loaded(
    tmp_path, monkeypatch, options, words
):
    from kerasal.prediction import Source

    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "light.fine-tuned/saved_model").mkdir(parents=True)
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(Source, "load", lambda *_: pytest.fail("the network was loaded first"))
    assert refused(invoke("export", "light.fine-tuned", *options), *words)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["it.onnx", "it.tflite", "it.keras", "saved"])
def test_an_export_that_is_damaged_or_another_programs_is_one_line(tmp_path, name):
    pytest.importorskip("onnxruntime")
    write_photo(tmp_path / "photo.png", (20, 30))
    broken = tmp_path / name
    if name == "saved":
        broken.mkdir()
    (broken / "saved_model.pb" if name == "saved" else broken).write_bytes(b"no model at all")
    result = invoke("predict", "--model", broken, tmp_path / "photo.png", "-o", tmp_path / "out")
    assert refused(result, name)
    assert not (tmp_path / "out").exists()


def test_predict_says_what_it_replaces_and_what_lies_deeper(trained, tmp_path):
    write_photo(tmp_path / "in/a.jpg", (40, 50), seed=1)
    write_photo(tmp_path / "in/deep/er/b.jpg", (40, 50), seed=2)
    arguments = ("predict", "--model", trained / "run", tmp_path / "in", "-o", tmp_path / "out")
    first = invoke(*arguments)
    assert first.exit_code == 0, first.output
    assert "--recursive" in first.stderr
    assert "replaced" not in first.stderr
    second = invoke(*arguments, "--recursive")
    assert "2 files of an earlier prediction replaced" in second.stderr
    assert "wrote maps of 2 images" in second.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "a.png", "a_overlay.jpg", "b.png", "b_overlay.jpg",
    }  # fmt: skip


def test_evaluate_says_what_it_replaces(trained, tmp_path):
    arguments = ("evaluate", "--baseline", "chance", "--data", trained / "photos", "-o", tmp_path)
    assert "replaced" not in invoke(*arguments).stderr
    assert f"replaced {tmp_path / 'metrics.json'}" in invoke(*arguments).stderr


def test_quiet_leaves_results_and_errors_alone_and_verbose_says_where_one_arose(trained, tmp_path):
    arguments = ("evaluate", "--baseline", "chance", "--data", trained / "photos", "-o", tmp_path)
    quiet = invoke(*arguments, "-q")
    assert quiet.exit_code == 0
    assert quiet.stderr == ""
    assert "chance on" in quiet.stdout
    assert refused(invoke("evaluate", "nowhere", "-q"), "nowhere")
    loud = invoke("evaluate", "nowhere", "-v")
    assert loud.exit_code == 2
    assert "InputError" in loud.stderr
    assert invoke(*arguments).stderr  # -q was that one's


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--run", "file/run"],
        ["evaluate", "--baseline", "chance", "-o", "file/out"],
        ["compare", "-o", "file"],
        ["quest", "-o", "file/deep/er"],
        ["predict", "photo.png", "-o", "file"],
        ["data", "prepare", "photos", "-o", "file/deep"],
    ],
)
def test_an_output_folder_that_cannot_be_made_is_told_before_data_are_read(tmp_path, monkeypatch, arguments):
    from kerasal import data

    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    write_photo(tmp_path / "photo.png", (20, 30))
    monkeypatch.setattr(data, "load", lambda **_: pytest.fail("the data were read first"))
    assert refused(invoke(*arguments), "file is no folder")


def test_serve_without_its_libraries_and_on_a_taken_port_is_one_line(trained, monkeypatch):
    pytest.importorskip("uvicorn")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with monkeypatch.context() as patch:
            patch.setattr("kerasal.prediction.choose", lambda *_, **__: pytest.fail("loaded first"))
            assert refused(invoke("serve", trained / "run", "--port", port), port, "--port")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delattr("kerasal.serving")
    for module in ("kerasal.serving", "kerasal.serving.server"):
        monkeypatch.delitem(sys.modules, module)
    assert refused(invoke("serve", trained / "run"), "uvicorn", "pip install 'kerasal[serve]'")


@pytest.mark.ci
def test_exported_model_gives_predicts_maps_in_plain_tensorflow(trained, tmp_path):
    write_photo(tmp_path / "a.png", (70, 100), seed=1)
    write_photo(tmp_path / "b.png", (130, 61), seed=2)
    images = (tmp_path / "a.png", tmp_path / "b.png")
    predicted = invoke("predict", "--model", trained / "run", *images, "-o", tmp_path / "out", "--npy")
    assert predicted.exit_code == 0, predicted.output
    assert invoke("export", trained / "run", "-o", tmp_path / "saved").exit_code == 0
    program = (
        "import sys, numpy as np, tensorflow as tf\n"
        "from PIL import Image\n"
        "model = tf.saved_model.load('saved')\n"
        "assert 'kerasal' not in sys.modules\n"
        "serve = model.signatures['serving_default']\n"
        "for name in 'ab':\n"
        "    image = np.array(Image.open(f'{name}.png').convert('RGB'))\n"
        "    for batch in (1, 3):\n"
        "        maps = serve(stimuli=tf.constant(np.stack([image] * batch)))['saliency'].numpy()\n"
        "        assert maps.shape == (batch, *image.shape[:2], 1)\n"
        "        assert np.abs(maps[..., 0] - np.load(f'out/{name}.npy')).max() < 1e-4\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert refused(invoke("export", trained / "run", "-o", tmp_path / "saved"), "is there already")


def test_training_into_an_existing_folder_is_refused(trained):
    assert refused(invoke("train", "--data", trained / "photos", "--run", trained / "run", *QUICK), "already")


@pytest.mark.ci
def test_a_second_run_without_a_name_gets_one_of_its_own(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert invoke("train", "--data", trained / "photos", "--loss", "10*kld+cc", *QUICK).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [
        "photos-10-kld+cc",
        "photos-10-kld+cc-2",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--loss", "kld+ccc"], ["ccc", "cc"]),
        (["--data", "nowhere/at/all"], ["nowhere/at/all"]),
        (["--data", "osei"], ["osei", "osie", "synthetic"]),
        (["--data", "osie", "--data-dir", "/nowhere"], ["/nowhere", "https://", "--data-dir"]),
        (["--model", "sam"], ["sam", "baseline"]),
        (["--recipe", "none"], ["recipe", "paper"]),
        (["--optimizer", "lion"], ["lion", "adamw"]),
        (["--epochs", "0"], ["epochs"]),
        (["--backbone-weights", "/nowhere.h5"], ["/nowhere.h5"]),
        (["--input-size", "big"], ["ROWSxCOLUMNS"]),
    ],
)
def test_a_wrong_option_is_one_line_and_leaves_nothing(trained, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    data = [] if "--data" in arguments else ["--data", str(trained / "photos")]
    assert refused(invoke("train", *data, *arguments), *words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "/nowhere"], ["/nowhere", "run folder"]),
        (["evaluate"], ["run folder", "--baseline"]),
        (["evaluate", "--baseline", "best"], ["best", "center-bias"]),
        (["evaluate", "--baseline", "chance", "--baseline", "chance"], ["twice", "chance"]),
        (["evaluate", "--baseline", "chance", "--seed", "-1"], ["--seed", "-1"]),
        (["evaluate", "--baseline", "chance", "--metrics", "auc"], ["'auc'", "auc_judd"]),
        (["evaluate", "--baseline", "chance", "--reference", "run"], ["'run'", "chance"]),
        (["evaluate", "--maps", "/nowhere"], ["/nowhere"]),
        (["evaluate", "gbvs", "--model", "gbvs"], ["twice", "gbvs"]),
        (["export", "/nowhere"], ["/nowhere", "run folder"]),
        (["export", "gbvs"], ["gbvs is no network"]),
        (["predict", "--model", "/nowhere", "nothing.jpg"], ["nothing.jpg"]),
        (["predict", __file__, "--region", "logo:1,2"], ["logo:1,2", "name:x,y,w,h"]),
        (["predict", __file__, "--crop", "wide"], ["wide", "16:9"]),
        (["predict", __file__, "--colors", "nice"], ["nice", "inferno"]),
        (["predict", __file__, "--contours", "a,b"], ["a,b"]),
        (["predict", __file__, "--contours", "7"], ["7", "quantiles"]),
        (["predict", __file__, "--model", "itti:1997"], ["itti:1997", "itti-1998"]),
        (["serve", "--port", "0", "--model", "/nowhere"], ["/nowhere", "run folder"]),
        (["serve", "--port", "0", "/nowhere"], ["/nowhere", "run folder"]),
    ],
)
def test_wrong_arguments_of_the_other_commands_are_one_line(arguments, words):
    assert refused(invoke(*arguments), *words)


def test_upper_bound_of_real_data_is_refused(trained):
    result = invoke("evaluate", "--baseline", "upper-bound", "--data", trained / "photos")
    assert refused(result, "synthetic")


def test_damaged_weights_of_a_run_are_refused(trained, tmp_path):
    (tmp_path / "run").mkdir()
    for name in ("config.json", "best.weights.h5"):
        (tmp_path / "run" / name).write_bytes(
            (trained / "run" / name).read_bytes()[: None if "json" in name else 999]
        )
    assert refused(invoke("export", tmp_path / "run", "-o", tmp_path / "out"), "best.weights.h5")
    assert not (tmp_path / "out").exists()


def test_predict_on_unreadable_images_alone_fails_and_names_them(trained, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no image")
    result = invoke("predict", "--model", trained / "run", tmp_path / "a.jpg", "-o", tmp_path / "out")
    assert result.exit_code != 0
    assert "a.jpg" in result.stderr


def test_a_full_disk_is_one_line(trained, tmp_path, monkeypatch):
    from kerasal.training import RunFolder

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunFolder, "save_weights", fail)
    assert refused(invoke("train", "--data", trained / "photos", "--run", tmp_path / "run", *QUICK), "space")
    assert not (tmp_path / "run").exists()


@pytest.mark.ci
def test_a_config_file_is_read_the_command_line_wins_and_the_run_writes_one_that_repeats_it(
    trained, tmp_path
):
    (tmp_path / "options.yaml").write_text(
        f"data: {trained / 'photos'}\nloss: 10*kld+cc\nmodel: tiny\ninput-size: 32x48\nlearning_rate: 3e-3\n"
        "epochs: 7\nlimit: 4\nflip: false\npatience: 0\nclip_norm: 0.5\n"
    )
    result = invoke(
        "train",
        "--config",
        tmp_path / "options.yaml",
        "--epochs",
        "1",
        "--run",
        tmp_path / "run",
        "--cache-in-memory",
    )
    assert result.exit_code == 0, result.output
    config = json.loads((tmp_path / "run/config.json").read_text())
    options = config["options"]
    assert config["data"]["train"] == 4
    assert {name: options[name] for name in ("epochs", "learning_rate", "flip", "clip_norm", "loss")} == {
        "epochs": 1, "learning_rate": 0.003, "flip": False, "clip_norm": 0.5, "loss": "10*kld+2*cc",
    }  # fmt: skip
    again = invoke("train", "--config", tmp_path / "run/options.yaml", "--run", tmp_path / "again")
    assert again.exit_code == 0, again.output
    repeated = json.loads((tmp_path / "again/config.json").read_text())
    for key in ("options", "data", "loss", "model_options"):
        assert repeated[key] == config[key]


@pytest.fixture
def chosen(monkeypatch, tmp_path, photo_folder):
    """A function: the options and the notes of a training, which ends there, with a file of options."""

    def train(dataset, options, *_, **__):
        raise InputError(json.dumps(options.as_dict()))

    def chosen(text, *arguments):
        (tmp_path / "options.yaml").write_text(text)
        result = invoke("train", "--config", tmp_path / "options.yaml", "--data", photo_folder, *arguments)
        *notes, last = result.stderr.splitlines()
        notes = [line for line in notes if "--config file" in line]
        return json.loads(last.removeprefix("Error: ")) if last.startswith("Error: {") else last, notes

    monkeypatch.setattr("kerasal.training.train", train)
    return chosen


def test_a_recipe_beside_a_file_that_names_all_is_refused_and_a_line_says_what_a_file_decides(chosen):
    by_file = "Note: the --config file decides {}, where the recipe has other values"
    repeated = training.options(epochs=2, loss="kld").as_dict()
    whole = config_text(repeated)
    assert chosen(whole) == ({**repeated, "input_size": [300, 400]}, [])
    for beside in (*((name,) for name in training.RECIPES), ("paper", "--epochs", "9")):
        assert "the --config file names every option" in chosen(whole, "--recipe", *beside)[0], beside
    # Behind the relu of mse the recipe's rate would be a fifth.
    options, notes = chosen(whole, "--loss", "mse")
    assert (options["loss"], options["learning_rate"]) == ("mse", 5e-4)
    assert notes == [by_file.format("epochs, learning_rate")]
    assert chosen(whole, "--loss", "mse", "--learning-rate", "1e-4", "--epochs", "6")[1] == []
    assert chosen(whole, "--loss", "mse", "--activation", "sigmoid", "--epochs", "6")[1] == []
    options, notes = chosen("optimizer: adam\nbatch_size: 3\nflip: false", "--model", "salgan")
    assert (options["optimizer"], options["learning_rate"]) == ("adam", 3e-4)
    assert notes == [by_file.format("batch_size, optimizer")]
    # A file of a few lines says what is to differ from a recipe.
    options, notes = chosen("batch_size: 4\nloss: cc\nrecipe: sam", "--recipe", "paper")
    assert (options["batch_size"], options["optimizer"], options["epochs"]) == (4, "sgd", 30)
    assert notes == [by_file.format("batch_size")]


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("data: osie\ndata_dir: /osie", [], ("osie", "/osie")),
        ("data: osie\ndata_dir: /osie", ["--data", "osie"], ("osie", "/osie")),
        ("data: osie\ndata_dir: /osie", ["--data", "photos"], ("photos", None)),
        ("data: osie\ndata_dir: /osie", ["--data", "scene"], ("scene", None)),
        ("data: osie\ndata_dir: /osie", ["--data", "scene", "--data-dir", "/s"], ("scene", "/s")),
        ("data: a+b\ndata_dir: {a: /a, b: /b}", ["--data", "c"], ("c", None)),
        ("data_dir: /osie", ["--data", "osie"], ("osie", "/osie")),
    ],
)
def test_a_file_of_options_says_where_its_own_data_lie(tmp_path, monkeypatch, text, arguments, expected):
    from kerasal.errors import InputError

    def load(limit, *, name, data_dir, **_):
        raise InputError(f"asked for {(name, data_dir)}")

    monkeypatch.setattr(sys.modules["kerasal_cli.train"], "load_data", load)
    (tmp_path / "options.yaml").write_text(text)
    result = invoke("train", "--config", tmp_path / "options.yaml", *arguments)
    assert refused(result, f"asked for {expected}")


@pytest.mark.parametrize(
    ("text", "words"),
    [("learning_rte: 1", ["learning_rte", "learning_rate"]), ("epochs: x", ["epochs", "whole number"])],
)
def test_a_wrong_config_file_is_one_line(tmp_path, text, words):
    (tmp_path / "options.yaml").write_text(text)
    assert refused(invoke("train", "--config", tmp_path / "options.yaml"), "options.yaml", *words)


def test_resume_takes_no_other_option_and_leaves_a_finished_run_alone(trained, tmp_path):
    assert refused(invoke("train", "--resume", trained / "run", "--batch-size", "9"), "--batch-size")
    assert refused(invoke("train", "--resume", trained / "run", "--epochs", "0"), "at least 1, got 0")
    assert refused(invoke("train", "--resume", tmp_path), "config.json")
    before = (trained / "run/history.csv").read_bytes()
    result = invoke("train", "--resume", trained / "run")
    assert result.exit_code == 0, result.output
    assert "is finished" in result.stderr
    assert invoke("train", "--resume", trained / "run", "-q").stderr == ""
    assert (trained / "run/history.csv").read_bytes() == before


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["train"],
        ["evaluate"],
        ["predict"],
        ["export"],
        ["models"],
        ["losses"],
        ["serve"],
        ["data"],
        ["compare"],
    ],
)
def test_help_comes_with_an_example_and_without_loading_keras(command):
    program = (
        "import sys\n"
        "from kerasal_cli import main\n"
        "try:\n"
        f"    main({[*command, '--help']})\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0\n"
        "heavy = {'keras', 'tensorflow', 'numpy', 'kerasal'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "Example" in result.stdout


LEFT_OVER = """
import sys, time
import numpy as np
import tensorflow as tf
import kerasal_cli

class Keeper:
    "As a traceback's frames do, it is in a circle that Python takes apart at its end."

def fails():
    def read(i):
        time.sleep(0.3)
        return np.float32(i)

    numbers = tf.data.Dataset.range(1000)
    numbers = numbers.map(lambda i: tf.numpy_function(read, [i], tf.float32), num_parallel_calls=2)
    sys.modules["keeper"] = keeper = Keeper()
    keeper.itself, keeper.iterator = keeper, iter(numbers.prefetch(2))
    next(keeper.iterator)
    print("the reason")
    sys.exit(2)

kerasal_cli.main = fails
kerasal_cli.run()
"""


@pytest.mark.ci
def test_a_command_that_fails_ends_although_tf_data_still_calls_python():
    # Without an end of its own the process waits for ever.
    result = subprocess.run([sys.executable, "-c", LEFT_OVER], capture_output=True, text=True, timeout=100)
    assert result.returncode == 2
    assert result.stdout == "the reason\n"


@pytest.mark.ci
def test_ctrl_c_ends_with_one_line_and_nothing_half_written(trained, tmp_path):
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from kerasal_cli import run; run()",
            "train",
            "--data",
            str(trained / "photos"),
            *(
                "--backbone-weights",
                "random",
                "--input-size",
                "32x48",
                "--epochs",
                "500",
                "--patience",
                "0",
                "--cache-in-memory",
            ),
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    deadline = time.time() + 120
    weights = tmp_path / "runs" / "photos-kld+cc+nss" / "best.weights.h5"
    while not weights.exists() and process.poll() is None and time.time() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 130, output
    assert "interrupted after" in output
    assert "kerasal train --resume runs/photos-kld+cc+nss" in output
    assert "step" in output  # plain lines, for this is no terminal
    assert "Traceback" not in output
    assert "oneDNN" not in output  # the noise of loading TensorFlow
    assert weights.exists()
    assert not list((tmp_path / "runs").rglob("*partial*"))


@pytest.mark.slow
def test_ctrl_c_while_scoring_ends_every_process_with_one_line(tmp_path):
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from kerasal_cli import run; run()",
            "evaluate",
            "--baseline",
            "observers",
            "--processes",
            "2",
            "-o",
            "out",
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    for line in process.stdout:
        if "scoring" in line:
            break
    time.sleep(5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    output = process.communicate(timeout=60)[0]  # ends when no process is left that could write
    assert process.returncode == 130, output
    assert output.strip() == "interrupted"
    assert not (tmp_path / "out").exists()

"""kerasal data, as a user types it."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from command_line import invoke
from conftest import write_photo
from PIL import Image
from test_commands import refused


def test_list_and_info_say_what_is_known():
    listed = invoke("data", "list").stdout
    for words in ("osie", "700", "salicon-2017", "15,000", "MIT"):
        assert words in listed
    told = invoke("data", "info", "mit1003").stdout
    for words in ("104,171", "ALLSTIMULI", "500 train", "d71c", "known defect"):
        assert words in told


def test_an_unknown_dataset_is_one_line_with_the_known_ones():
    for command in ("info", "fetch"):
        assert refused(invoke("data", command, "osei"), "osei", "osie", "toronto")
    assert refused(invoke("data", "show", "osei"), "osei", "osie")
    assert refused(invoke("data", "prepare", "osei"), "osei", "osie")
    assert refused(invoke("data", "check", "osie", "/nowhere"), "/nowhere")
    assert refused(invoke("data", "check", "osei"), "osei", "osie")


def test_fetch_prints_the_terms_first_and_says_what_it_cannot_get(tmp_path):
    result = invoke("data", "fetch", "salicon-2017", tmp_path / "s")
    assert "licence: images: MS COCO's terms" in result.stdout
    assert refused(result, "by hand", "fixations.zip", "--archives")


def test_check_ends_with_status_0_or_names_file_and_trouble_with_status_1(photo_folder):
    result = invoke("data", "check", photo_folder)
    assert result.exit_code == 0, result.output
    assert "nothing is wrong" in result.stdout
    assert "fixations per image" in result.stdout
    (photo_folder / "images/p3.jpg").write_bytes((photo_folder / "images/p3.jpg").read_bytes()[:500])
    result = invoke("data", "check", photo_folder)
    assert result.exit_code == 1
    (line,) = [line for line in result.stdout.splitlines() if "p3.jpg" in line]
    assert "cannot read" in line
    assert "Error: 1 trouble" in result.stderr


def test_check_says_what_maps_would_be_scored_against_and_what_is_wrong_with_them(photo_folder, tmp_path):
    names = [path.stem for path in (photo_folder / "images").iterdir()]
    (tmp_path / "maps").mkdir()
    for number, name in enumerate(sorted(names)):
        size = ((30, 45), (40, 25))[number % 2]
        np.save(tmp_path / f"maps/{name}.npy", np.random.default_rng(number).random(size))
    (tmp_path / "maps/notes.txt").touch()
    result = invoke("data", "check", photo_folder, "--maps", tmp_path / "maps")
    assert result.exit_code == 0, result.output
    for words in (
        "maps of test",
        "2 of 2 stimuli",
        "p2.npy with p2",
        "9 of them resized",
        "nothing is wrong",
    ):
        assert words in " ".join(result.stdout.split())
    assert "1 file of no stimulus" in result.stderr
    np.save(tmp_path / "maps/p1.npy", np.random.default_rng(1).random((25, 40)))
    result = invoke("data", "check", photo_folder, "--maps", tmp_path / "maps")
    assert result.exit_code == 1
    for words in ("p1.npy", "40x25", "50x80", "transposed"):
        assert words in result.stdout
    assert refused(invoke("data", "check", photo_folder, "--maps", tmp_path / "none"), "no folder")


def test_shares_of_the_image_are_pixels_where_a_command_is_told_so(photo_folder, tmp_path):
    for path in (photo_folder / "fixations").iterdir():
        path.write_text("x,y\n0.5,0.25\n1,1\n0.1,0.7\n0.3,0.6\n")
    assert refused(invoke("data", "prepare", photo_folder, "-o", tmp_path / "no"), "p0.csv", "--normalized")
    assert not (tmp_path / "no").exists()
    for command in (("data", "check"), ("data", "show"), ("data", "prepare")):
        place = () if command[1] == "check" else ("-o", tmp_path / f"{command[1]}.jpg")
        result = invoke(*command, photo_folder, "--normalized", *place)
        assert result.exit_code == 0, result.output
    from kerasal import data

    prepared = data.load(str(tmp_path / "prepare.jpg"))
    shares = [sample.all_fixations() / sample.size[::-1] for sample in prepared.samples]
    assert len(shares) == 9
    for found in shares:
        np.testing.assert_allclose(found[[0, 2, 3]], [[0.5, 0.25], [0.1, 0.7], [0.3, 0.6]], atol=1e-6)
    assert refused(invoke("data", "prepare", "osie", photo_folder, "--normalized"), "folders of your own")


def test_show_draws_stimuli_fixations_and_density(photo_folder, tmp_path):
    result = invoke("data", "show", "folder", photo_folder, "--count", 2, "-o", tmp_path / "out/a.jpg")
    assert result.exit_code == 0, result.output
    picture = Image.open(tmp_path / "out/a.jpg")
    assert picture.width == 3 * 400 + 2 * 6
    result = invoke("data", "show", "folder", photo_folder, "--stimulus", "p7", "-o", tmp_path / "b.png")
    assert Image.open(tmp_path / "b.png").height == 640 + 22  # p7 has 80 rows and 50 columns
    result = invoke("data", "show", "folder", photo_folder, "--stimulus", "p77", "-o", tmp_path / "c.png")
    assert refused(result, "p77")
    assert not (tmp_path / "c.png").exists()
    result = invoke("data", "show", "folder", photo_folder, "-o", tmp_path / "c.docx")
    assert refused(result, "c.docx", ".png")


def test_the_centre_bias_is_drawn_and_saved(photo_folder, tmp_path):
    result = invoke("data", "show", "folder", photo_folder, "--center-bias", "-o", tmp_path / "b.png")
    assert result.exit_code == 0, result.output
    from kerasal import data

    expected = data.center_bias(data.load(str(photo_folder))["train"], (300, 400))
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), expected)
    assert Image.open(tmp_path / "b.png").width > 500


def test_prepared_data_is_what_its_last_line_says(photo_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": ["p0", "p1"], "validation": ["p2"], "test": ["p3"]}))
    result = invoke(*("data", "prepare", "folder", photo_folder, "--size", "24x36", "--split-file", split))
    assert result.exit_code == 0, result.output
    assert "kerasal train --data prepared/photos" in result.stdout
    assert {"center_bias.npy", "center_bias.png"} <= {
        path.name for path in (tmp_path / "prepared/photos").iterdir()
    }
    result = invoke("data", "check", "folder", tmp_path / "prepared/photos")
    assert result.exit_code == 0, result.output
    assert "2 train, 1 validation, 1 test" in result.stdout
    assert refused(invoke("data", "prepare", "folder", photo_folder), "is there already")
    # where a folder is named, before data are read
    assert refused(invoke("data", "prepare", "nowhere", "-o", "prepared"), "prepared is there already")
    result = invoke("data", "prepare", "folder", photo_folder, "--size", "24x36", "-o", "my own")
    assert shlex.split(result.stdout.partition("next: ")[2]) == ["kerasal", "train", "--data", "my own"]
    assert invoke("data", "prepare", "folder", photo_folder, "--size", "big", "-o", "x").exit_code == 2
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("size", "arguments", "expected"),
    [
        ((600, 800), [], (375, 500)),
        ((600, 800), ["--size", "300x400"], (300, 400)),
        ((600, 800), ["--size", "own"], (600, 800)),
        ((320, 480), [], (300, 450)),
        ((600, 800), ["--split-file", "tests.json"], (600, 800)),  # no training split
    ],
)
def test_data_are_prepared_for_the_size_that_training_takes(tmp_path, monkeypatch, size, arguments, expected):
    from kerasal import data, training

    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests.json").write_text('{"test": ["p0", "p1", "p2"]}')
    for number in range(3):
        write_photo(tmp_path / f"photos/images/p{number}.png", size, seed=number)
        (tmp_path / "photos/fixations").mkdir(exist_ok=True)
        np.save(tmp_path / f"photos/fixations/p{number}.npy", np.array([[5.0, 5.0], [90.0, 70.0]]))
    result = invoke("data", "prepare", "photos", "-o", "prepared", *arguments)
    assert result.exit_code == 0, result.output
    made = data.load("prepared")
    assert made.samples[0].size == expected
    if not arguments:
        assert training.input_size_for(made) == training.input_size_for(data.load("photos"))


def test_every_help_comes_with_an_example_and_without_loading_keras():
    program = (
        "import sys\n"
        "from kerasal_cli import main\n"
        "for command in ([], ['list'], ['info'], ['fetch'], ['check'], ['prepare'], ['show']):\n"
        "    try:\n"
        "        main(['data', *command, '--help'])\n"
        "    except SystemExit as end:\n"
        "        assert end.code == 0\n"
        "heavy = {'keras', 'tensorflow', 'numpy', 'kerasal'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("Example") == 7


@pytest.mark.slow
def test_ctrl_c_while_preparing_leaves_nothing(tmp_path):
    for number in range(40):
        write_photo(tmp_path / f"photos/images/p{number}.jpg", (900, 1200), seed=number)
        (tmp_path / "photos/fixations").mkdir(exist_ok=True)
        np.save(tmp_path / f"photos/fixations/p{number}.npy", np.array([[5.0, 5.0]]))
    process = subprocess.Popen(
        [sys.executable, "-c", "from kerasal_cli import main; main()", "data", "prepare", "folder", "photos"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    deadline = time.time() + 60
    while (
        not list(tmp_path.glob("prepared/.*/*.tfrecord"))
        and process.poll() is None
        and time.time() < deadline
    ):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert not list((tmp_path / "prepared").iterdir())


@pytest.mark.ci
@pytest.mark.usefixtures("tiny_network")
def test_augmentation_switches_the_feature_cache_off_with_one_line(photo_folder, tmp_path):
    quick = ("--model", "tiny", "--input-size", "32x48", "--epochs", 1, "--cache-dir", tmp_path / "cache")
    result = invoke(
        *("train", "--data", photo_folder, "--run", tmp_path / "run", "--crop", 0.2, "--scale", 0.2, *quick)
    )
    assert result.exit_code == 0, result.output
    (line,) = [line for line in result.stderr.splitlines() if "not cached" in line]
    assert "crop" in line
    assert not (tmp_path / "cache").exists()
    options = json.loads((tmp_path / "run/config.json").read_text())["options"]
    assert (options["crop"], options["scale"], options["color"]) == (0.2, 0.2, 0.0)


@pytest.mark.usefixtures("tiny_network")
def test_a_stimulus_that_is_cut_off_stops_training_with_one_line_that_names_it(tmp_path):
    import shutil

    for name in ("zite", "apple-store", "Amazon(2)"):
        write_photo(tmp_path / f"stimuli/{name}.png", (76, 136), seed=len(name))
        points = tmp_path / f"eyeMaps/all5/{name}.png"
        points.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 * np.eye(76, 136, 3, dtype="uint8")).save(points)
    path = tmp_path / "stimuli/zite.png"
    path.write_bytes(path.read_bytes()[:-300])
    split = tmp_path / "split.json"
    split.write_text('{"train": ["zite", "apple-store"], "validation": ["Amazon(2)"]}')
    quick = ("--model", "tiny", "--input-size", "32x48", "--epochs", 1, "--run", tmp_path / "run")
    for cache in ("--no-cache-features", "--cache-in-memory"):
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        result = invoke(
            *("train", "--data", "fiwi", "--data-dir", tmp_path, "--split-file", split, cache, *quick)
        )
        assert refused(result, "zite.png", "Truncated")

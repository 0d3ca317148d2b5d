"""What `--model` takes: names, variants, runs, weights files; and classical models as predictors."""

import io
import itertools
import json

import numpy as np
import pytest
from conftest import write_photo
from PIL import Image

import kerasal
from kerasal import classical, evaluation, models
from kerasal.errors import InputError
from kerasal.prediction import (
    NAMED,
    ClassicalPredictor,
    LoadedPredictor,
    Mirrored,
    Outputs,
    by_names,
    find,
    predict_to_folder,
    predict_video,
    resolve_all,
)
from kerasal.weights import PUBLISHED


@pytest.fixture(autouse=True)
def no_weights_here(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASAL_CACHE", str(tmp_path / "cache"))


def photo(rows=130, columns=140, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), np.uint8)


def test_every_classical_model_has_a_name_with_a_line_about_it():
    assert list(NAMED)[: len(classical.CLASSICAL)] == list(classical.CLASSICAL)
    for name, source in NAMED.items():
        assert source.name == name
        assert source.about
        assert "\n" not in source.about


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gbvs", "gbvs"),
        ("itti", "itti"),
        ("itti:gbvs-toolbox", "itti"),
        ("itti:1998", "itti-1998"),
        ("itti:saliency-toolbox", "itti-saliency-toolbox"),
    ],
)
def test_variants_are_called_by_their_own_names_too(name, expected):
    assert find(name).name == expected
    image = photo()
    np.testing.assert_allclose(
        kerasal.predict(image, name), classical.CLASSICAL[expected].function(image), atol=1e-6
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("itti:1997", ["itti:1997", "itti-1998", "sam-vgg"]),
        ("run:nowhere", ["nowhere is not a run folder"]),
        (
            "sam-vgg",
            ["sam-vgg needs weights: kerasal weights download sam-vgg.salicon2015, or", ":FILE"],
        ),
        ("sam-vgg:nowhere.h5", ["no weights file nowhere.h5"]),
        ("sam-vgg.salicon2015", ["not on this machine", "kerasal weights download sam-vgg.salicon2015"]),
        ("baseline", ["baseline needs weights", "kerasal train --model baseline"]),
    ],
)
def test_what_cannot_be_found_is_one_line_that_says_what_to_do(name, words):
    with pytest.raises(InputError) as caught:
        find(name)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_network_with_its_file_is_refused_another_ones_weights(tmp_path, monkeypatch):
    from kerasal.prediction import predictors

    class Loaded:
        name = "sam-resnet"

    file = tmp_path / "weights.h5"
    file.write_bytes(b"")
    monkeypatch.setattr(predictors, "load_weights_file", lambda path: Loaded())
    assert find(f"sam-resnet:{file}").load().predictor.name == "sam-resnet"
    source = find(f"sam-vgg:{file}")
    assert source.facts["model"] == "sam-vgg"
    with pytest.raises(InputError, match=r"holds the weights of sam-resnet, not of sam-vgg"):
        source.load()


def test_a_networks_name_stands_for_its_published_weights_that_are_here(tmp_path):
    entry = PUBLISHED["sam-vgg.salicon2015"]
    file = tmp_path / "cache" / "weights" / entry.file
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    for name in ("sam-vgg", "sam-vgg.salicon2015"):
        source = find(name)
        assert (source.name, source.files) == ("sam-vgg.salicon2015", (file,))
        assert source.facts["trained_on"] == entry.trained_on


def test_a_run_folder_with_a_models_name_is_a_run(tmp_path):
    run = tmp_path / "gbvs"
    run.mkdir()
    config = {
        "schema": 1,
        "loss": "mse",
        "model": "baseline",
        "model_options": {},
        "precision": "float32",
        "options": {},
        "cache_features": True,
        "data": {"arguments": {}, "fingerprint": "", "limit": None},
    }
    (run / "config.json").write_text(json.dumps(config))
    (run / "best.weights.h5").write_bytes(b"")
    for name in (run, f"run:{run}"):
        assert find(name).facts["model"] == "baseline"
        assert isinstance(evaluation.model(name), evaluation.Network)
        assert evaluation.model(name).name == str(run)
    assert evaluation.model("gbvs").name == "gbvs"


def test_several_names_are_told_apart():
    assert list(resolve_all(["gbvs", "itti:1998"])) == ["gbvs", "itti-1998"]
    assert list(resolve_all(["gbvs", "gbvs"])) == ["gbvs"]


def test_predictors_of_one_name_are_all_there_in_any_order(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    loaded = {path: LoadedPredictor("first", path) for path in ("../old/first", "first", "../new/first")}
    loaded |= {"gbvs": LoadedPredictor("gbvs", "gbvs"), "runs/gbvs": LoadedPredictor("gbvs", "runs/gbvs")}
    for order in itertools.permutations(loaded):
        assert list(by_names((path, loaded[path]) for path in order).values()) == list(order)
    found = by_names((path, loaded[path]) for path in ("../old/first", "first"))
    assert found == {"first": "../old/first", str(tmp_path / "first"): "first"}
    again = [(path, loaded["first"]) for path in ("first", "first", tmp_path / "first")]
    assert len(by_names([("../old/first", loaded["../old/first"]), *again])) == 2


def test_a_stream_leaves_out_what_is_refused_and_keeps_the_order():
    stimuli = [photo(40 + n, 60, seed=n) for n in range(12)]
    stimuli[3] = stimuli[3][:20]
    refused = []
    predictor = ClassicalPredictor("itti-saliency-toolbox")
    maps = list(predictor.stream(stimuli, on_error=lambda *error: refused.append(error), processes=1))
    assert [map_.shape[0] for map_ in maps] == [40 + n for n in range(12) if n != 3]
    assert {map_.dtype for map_ in maps} == {np.dtype("float32")}
    np.testing.assert_allclose(maps[-1], classical.itti(stimuli[-1], variant="saliency-toolbox"), atol=1e-6)
    assert [(index, "got 20x60" in str(error)) for index, error in refused] == [(3, True)]


def test_an_image_too_small_for_a_model_is_named(tmp_path):
    write_photo(tmp_path / "tiny.png", (16, 16))
    with pytest.raises(InputError, match=r"tiny\.png: gbvs needs an image of at least 128x128, got 16x16"):
        kerasal.predict(tmp_path / "tiny.png", "gbvs")
    with pytest.raises(InputError, match="image 1: aws needs an image of at least 32x32, got 1x1"):
        kerasal.predict([photo(), photo(1, 1)], "aws")


class Landscapes:
    """Refuses what an export of a fixed size would: a predictor without a stream of its own."""

    def saliency_maps(self, stimuli):
        if any(stimulus.shape[1] < 128 for stimulus in stimuli):
            raise InputError("needs 128 columns at least")
        return [stimulus[..., 0] / np.float32(255) for stimulus in stimuli]


@pytest.mark.parametrize(
    ("predictor", "words"),
    [(Mirrored(ClassicalPredictor("gbvs")), "at least 128x128"), (Landscapes(), "128 columns at least")],
)
def test_what_a_predictor_without_a_stream_refuses_is_left_out_too(tmp_path, predictor, words):
    paths = [tmp_path / "in" / f"{size}.png" for size in (140, 16, 150, 17, 18, 160)]
    for path in paths:
        write_photo(path, (140, int(path.stem)))
    skipped = []
    facts = predict_to_folder(predictor, paths, tmp_path / "out", Outputs(overlay=False), skipped=skipped)
    assert list(facts) == [str(paths[n]) for n in (0, 2, 5)]
    assert [line.partition(": ")[0] for line in skipped] == [str(paths[n]) for n in (1, 3, 4)]
    assert all(words in line for line in skipped)
    with pytest.raises(InputError, match=rf"16\.png: .*{words}"):
        kerasal.predict(paths[:2], predictor)


def test_a_folder_s_small_images_are_left_out_and_named(tmp_path):
    paths = [tmp_path / "in" / f"{size}.png" for size in (140, 16, 150)]
    for path in paths:
        write_photo(path, (int(path.stem), 130))
    skipped = []
    facts = predict_to_folder(
        ClassicalPredictor("gbvs"), paths, tmp_path / "out", Outputs(overlay=False), skipped=skipped
    )
    assert list(facts) == [str(paths[0]), str(paths[2])]
    assert skipped == [f"{paths[1]}: gbvs needs an image of at least 128x128, got 16x130"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["140.png", "150.png"]
    assert Image.open(tmp_path / "out" / "140.png").size == (130, 140)


def test_a_video_of_small_frames_is_named(tmp_path):
    import cv2

    writer = cv2.VideoWriter(str(tmp_path / "v.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 5, (64, 48))
    for n in range(3):
        writer.write(photo(48, 64, seed=n))
    writer.release()
    with pytest.raises(InputError, match=r"v\.mp4: gbvs needs an image of at least 128x128, got 48x64"):
        predict_video(ClassicalPredictor("gbvs"), tmp_path / "v.mp4", tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def test_a_server_answers_with_a_classical_map_or_says_why_not():
    pytest.importorskip("starlette")
    from kerasal.serving.app import _answer

    def answer(image):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "png")
        return _answer(ClassicalPredictor("gbvs"), file.getvalue(), "npy", 10**6)

    image = photo()
    np.testing.assert_allclose(np.load(io.BytesIO(answer(image))), classical.gbvs(image), atol=1e-6)
    with pytest.raises(InputError, match="at least 128x128, got 16x16"):
        answer(photo(16, 16))


@pytest.mark.slow
@pytest.mark.parametrize("name", models.NETWORKS)
def test_every_network_has_a_map_of_any_image(name):
    network = models.build(name, backbone_weights="random")
    grey = np.repeat(photo(33, 47)[..., :1], 3, axis=2)
    images = [photo(1, 1), photo(16, 16), grey, np.full((20, 30, 3), 127, np.uint8), photo(2000, 3000)]
    for image in images:
        (saliency_map,) = network.saliency_maps([image])
        assert saliency_map.shape == image.shape[:2]
        assert np.isfinite(saliency_map).all()
        assert 0 <= saliency_map.min() <= saliency_map.max() <= 1

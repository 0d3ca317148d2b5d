"""What people get wrong: each mistake is one line that says what came and what to do, and leaves nothing."""

import pytest
from click.testing import CliRunner
from conftest import write_photo, write_photo_folder

from kerasal_cli import main


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a dataset, a picture, a text file that is called a picture, and an empty folder."""
    folder = tmp_path_factory.mktemp("mistakes")
    write_photo_folder(folder / "photos")
    write_photo(folder / "photo.jpg", (60, 90))
    (folder / "text.jpg").write_text("a letter")
    (folder / "text.weights.h5").write_text("a letter")
    (folder / "text.yaml").write_text("epochs: [")
    (folder / "empty").mkdir()
    return folder


DATA = ["--data", "photos"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        # a file for a folder, a folder for a file, and what holds nothing
        (["train", "--data", "photo.jpg"], ["photo.jpg is a file", "folder with images/"]),
        (["train", "--data", "empty"], ["no folder", "empty/images", "fixations/ or maps/"]),
        (["train", *DATA, "--weights", "photos"], ["photos is not a run folder"]),
        (["train", *DATA, "--weights", "text.weights.h5"], ["text.weights.h5 is not a readable HDF5"]),
        (["train", *DATA, "--weights", "photo.jpg"], ["photo.jpg"]),
        (["train", *DATA, "--backbone-weights", "text.weights.h5"], ["text.weights.h5"]),
        (["train", "--resume", "photo.jpg"], ["photo.jpg", "not a run folder"]),
        (["train", "--config", "empty"], ["empty"]),
        (["train", "--config", "text.yaml"], ["text.yaml"]),
        (["evaluate", *DATA, "--maps", "photo.jpg"], ["photo.jpg: it is a file"]),
        (["evaluate", *DATA, "--maps", "empty"], ["empty"]),
        (["predict", "empty"], ["empty", ".jpg"]),
        (["predict", "--recursive", "empty"], ["empty"]),
        (["predict", "photo.jpg", "--model", "photo.jpg"], ["photo.jpg"]),
        (["predict", "photo.jpg", "--model", "photos"], ["photos is not a run folder"]),
        (["export", "empty"], ["empty is not a run folder"]),
        (["data", "check", "nowhere"], ["nowhere"]),
        (["data", "prepare", "empty"], ["empty"]),
        (["weights", "convert", "photo.jpg", "--to", "it.weights.h5"], ["photo.jpg"]),
        (["weights", "convert", "text.weights.h5", "--to", "it.weights.h5"], ["text.weights.h5"]),
        # a place that would be passed over
        (["train", *DATA, "--data-dir", "empty"], ["photos is a folder itself, and empty", "leave it out"]),
        (["evaluate", "--baseline", "chance", *DATA, "--data-dir", "empty"], ["photos", "empty"]),
        (["data", "check", "photos", "empty"], ["photos is a folder itself, and", "empty"]),
        (["data", "show", "photos", "empty"], ["photos is a folder itself, and empty"]),
        (["data", "prepare", "photos", "into"], ["photos is a folder itself, and into"]),
        (["train", "--data-dir", "photos"], ["synthetic data are generated", "photos", "--data"]),
        # numbers out of range
        (["train", *DATA, "--batch-size", "0"], ["batch_size must be at least 1, got 0"]),
        (["train", *DATA, "--epochs", "-3"], ["epochs must be at least 1, got -3"]),
        (["train", *DATA, "--learning-rate", "nan"], ["learning_rate must be positive, got nan"]),
        (["train", *DATA, "--learning-rate", "-1"], ["learning_rate must be positive, got -1"]),
        (["train", *DATA, "--seed", "-1"], ["seed must lie in 0..4294967295, got -1"]),
        (["train", *DATA, "--dropout", "1"], ["dropout must lie in [0, 1), got 1"]),
        (["train", "--data", "none-such", "--input-size", "16x16"], ["at least 32x32, got 16x16"]),
        (["train", *DATA, "--model", "sam-vgg", "--input-size", "100x100"], ["multiples of 8"]),
        (["quest", "--data", "none-such", "--input-size", "16x16"], ["at least 32x32, got 16x16"]),
        (["train", *DATA, "--input-size", "9000x9000"], ["9000x9000 is too large"]),
        (["train", *DATA, "--sigma", "-2"], ["sigma", "-2"]),
        (["train", *DATA, "--limit", "0"], ["--limit", "0"]),
        (["predict", "photo.jpg", "--opacity", "2"], ["opacity", "2"]),
        (["predict", "photo.jpg", "--crop", "16:9", "--crop-scale", "0"], ["crop", "0"]),
        (["serve", "--port", "99999"], ["99999", "65535"]),
        (["serve", "--max-megabytes", "nan"], ["--max-megabytes", "nan is no size in MB"]),
        (["serve", "--max-megapixels", "0"], ["--max-megapixels", "0 is no size in megapixels"]),
        (["quest", *DATA, "--search-rates", "-1"], ["search_rates must be positive, got -1"]),
        (["quest", *DATA, "--seeds", "0"], ["--seeds", "0"]),
        # names that there are not
        (["train", *DATA, "--loss", "kdl"], ["kdl", "kld"]),
        (["train", *DATA, "--loss", "kld,cc"], ["kld,cc"]),
        (["train", *DATA, "--activation", "tanh"], ["tanh", "sigmoid"]),
        (["train", *DATA, "--decay", "polynomial"], ["polynomial", "cosine"]),
        (["train", *DATA, "--precision", "float8"], ["float8", "bfloat16"]),
        (["train", "--data", "osie+"], ["osie+"]),
        (["train", "--data", "osie*0+scene"], ["must be positive, got osie*0+scene"]),
        (["evaluate", *DATA, "--baseline", "chance", "--split", "tests"], ["'tests'", "validation"]),
        (["evaluate", *DATA, "--baseline", "chance", "--metrics", ""], ["no metric chosen", "auc_judd"]),
        (["predict", "photo.jpg", "--model", "gvbs"], ["gvbs", "did you mean gbvs?"]),
        (["predict", "photo.jpg", "--precision", "float8"], ["float8", "bfloat16"]),
        (["predict", "*.jpeg"], ["*.jpeg"]),
        # names longer than any system takes
        (["predict", "n" * 5000], ["longer than the system allows: nnn"]),
        (["predict", "photo.jpg", "-o", "n" * 5000], ["longer than the system allows: nnn"]),
        (["data", "check", "n" * 5000], ["longer than the system allows: nnn"]),
        (["evaluate", "--model", "gbvs", *DATA, "--maps", "n" * 300], ["nnn"]),
        (["quest", *DATA, "--losses", "kldd"], ["kldd", "kld"]),
        (["quest", *DATA, "--losses", ""], ["loss"]),
        (["data", "info", "osei"], ["osei", "osie"]),
        (["data", "show", "photos", "--stimulus", "nobody"], ["nobody", "p"]),
        (["weights", "download", "sam"], ["sam", "sam-vgg.salicon2015"]),
        (["weights", "convert", "photo.jpg", "--to", "it.h5"], ["it.h5", ".weights.h5"]),
        (["compare", *DATA, "--stimuli", "nobody"], ["nobody"]),
        # what does not go together
        (["export", "--size", "480"], ["480", "ROWSxCOLUMNS"]),
        (["export", "--size", "480x640"], ["480x640", "onnx"]),
        (["export", "baseline.fine-tuned", "--model", "gbvs"], ["baseline.fine-tuned", "gbvs"]),
        (["train", *DATA, "--model", "sam-vgg", "--weights", "baseline.fine-tuned"], ["baseline", "sam-vgg"]),
        (["train", *DATA, "--clip-norm", "1", "--clip-value", "1"], ["clip_norm", "clip_value"]),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(place, monkeypatch, command, words):
    monkeypatch.chdir(place)
    monkeypatch.setenv("KERASAL_CACHE", str(place / "cache"))
    before = sorted(place.rglob("*"))
    result = CliRunner().invoke(main, command)
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert result.exit_code == 2, result.output
    assert len(lines) == 1, result.stderr
    for word in words:
        assert word in lines[0]
    assert sorted(place.rglob("*")) == before


def test_fixations_that_all_lie_beside_their_pictures_are_told(tmp_path, monkeypatch):
    folder = write_photo_folder(tmp_path / "photos")
    for path in (folder / "fixations").iterdir():
        path.write_text("x,y\n900,900\n950,20\n")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["evaluate", "--baseline", "chance", "--data", "photos"])
    assert "18 fixations" in result.stderr
    assert "Traceback" not in result.output

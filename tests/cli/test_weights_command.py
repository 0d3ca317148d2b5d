"""kerasal weights, and what takes a weights file, on small networks of the published names."""

import dataclasses
import hashlib
import http.server
import threading

import numpy as np
import pytest
import theano_reference as reference
from command_line import invoke
from conftest import write_photo

from kerasal import models
from kerasal.weights import PUBLISHED, published

TINY = {"input_size": (32, 48), "filters": 6, "backbone_filters": 4, "gaussians": 3}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A weights file in the published layout; networks small enough for it; a cache of its own."""

    class Small(models.SAMVGG):
        def __init__(self, **options):
            super().__init__(**{**TINY, **options})

    monkeypatch.setitem(
        models.NETWORKS, "sam-vgg", dataclasses.replace(models.NETWORKS["sam-vgg"], network=Small)
    )
    monkeypatch.setenv("KERASAL_CACHE", str(tmp_path / "cache"))
    reference.write_keras1(tmp_path / "sam.pkl", reference.synthetic_weights(6, 4, 3))
    return tmp_path


@pytest.mark.ci
def test_a_published_file_is_converted_and_both_predict_the_same_maps(small):
    result = invoke("weights", "convert", small / "sam.pkl", "--to", small / "new/sam.weights.h5")
    assert result.exit_code == 0, result.output
    assert "weights of sam-vgg" in result.stdout
    write_photo(small / "photo.png", (70, 100))
    for file in ("sam.pkl", "new/sam.weights.h5"):
        out = small / file.replace("/", "-")[:5]
        result = invoke("predict", "--model", small / file, small / "photo.png", "-o", out, "--npy")
        assert result.exit_code == 0, result.output
    one, other = (np.load(small / out / "photo.npy") for out in ("sam.p", "new-s"))
    np.testing.assert_array_equal(one, other)
    assert one.shape == (70, 100)


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("nowhere.pkl", "out.weights.h5", ["nowhere.pkl", "sam-vgg.salicon2015"]),
        ("photo.png", "out.weights.h5", ["photo.png", "HDF5"]),
        ("sam.pkl", "out.h5", ["out.h5", ".weights.h5"]),
        ("sam-vgg.salicon2015", "out.weights.h5", ["kerasal weights download sam-vgg.salicon2015"]),
    ],
)
def test_what_cannot_be_converted_is_one_line_and_leaves_nothing(small, monkeypatch, source, target, words):
    monkeypatch.chdir(small)
    write_photo(small / "photo.png", (7, 10))
    before = sorted(small.rglob("*"))
    result = invoke("weights", "convert", source, "--to", target)
    assert result.exit_code == 2
    assert all(word in result.stderr for word in words), result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(small.rglob("*")) == before


def test_the_list_names_every_file_with_its_licence_and_where_it_is(small):
    result = invoke("weights", "list")
    assert result.exit_code == 0, result.output
    for entry in PUBLISHED.values():
        assert entry.name in result.stdout
        assert entry.url in result.stdout  # none of them is here
    assert result.stdout.count("  MIT") == len(PUBLISHED) + 3  # and the shipped networks'
    assert "vgg16.imagenet" in result.stdout
    assert "baseline.osie+scene" in result.stdout
    assert "baseline.fine-tuned" in result.stdout


def test_a_download_is_kept_under_its_name_and_found_again(small, monkeypatch):
    content = (small / "sam.pkl").read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", len(content))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    entry = dataclasses.replace(
        PUBLISHED["sam-vgg.salicon2015"], url=f"http://127.0.0.1:{httpd.server_port}/sam.pkl"
    )
    monkeypatch.setitem(PUBLISHED, entry.name, entry)
    try:
        result = invoke("weights", "download", entry.name)
    finally:
        httpd.shutdown()
        httpd.server_close()
    assert result.exit_code == 0, result.output
    assert hashlib.sha256(content).hexdigest() in result.stdout
    assert published.published_path(entry.name).read_bytes() == content
    assert models.load_weights_file(entry.name).name == "sam-vgg"
    assert invoke("weights", "download", "sam").exit_code == 2


@pytest.mark.parametrize("command", [[], ["list"], ["download"], ["convert"]])
def test_help_comes_with_an_example(command):
    result = invoke("weights", *command, "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout

"""The HTTP endpoint, over real connections."""

import contextlib
import io
import json
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from serving_cases import Brightness, encoded, malformed, png_bomb, request, serving

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from kerasal.errors import InputError
from kerasal.serving import Limits, listen, receiving, server
from kerasal.visualize import overlay
from kerasal_cli import main

PHOTO = np.random.default_rng(0).integers(0, 256, (30, 41, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def port():
    limits = Limits(bytes=300_000, pixels=1_000_000, upload_seconds=1)
    with serving({"bright": Brightness(), "shifted": Brightness(5)}, limits) as port:
        yield port


def test_the_map_has_the_images_size_and_the_predictors_values(port):
    status, headers, body = request(port, body=encoded(PHOTO))
    assert status == 200
    assert headers["content-type"] == "image/png"
    brightness = PHOTO.mean(axis=2)
    np.testing.assert_allclose(
        np.array(Image.open(io.BytesIO(body))), brightness * 255 / brightness.max(), atol=1
    )


def test_models_and_formats_are_chosen_by_the_query(port):
    status, _, body = request(port, "/predict?model=shifted&format=npy", encoded(PHOTO))
    assert status == 200
    saliency_map = np.load(io.BytesIO(body), allow_pickle=False)
    np.testing.assert_allclose(saliency_map, np.roll(PHOTO.mean(axis=2) / 255, 5, axis=1), atol=1e-6)
    _, headers, body = request(port, "/predict?format=overlay", encoded(PHOTO))
    assert headers["content-type"] == "image/jpeg"
    found, expected = np.array(Image.open(io.BytesIO(body))), overlay(PHOTO, PHOTO.mean(axis=2) / 255)
    assert found.shape == expected.shape
    # JPEG keeps the brightness of noise, and little of its colours.
    assert np.corrcoef(found.mean(axis=2).ravel(), expected.mean(axis=2).ravel())[0, 1] > 0.95


def test_an_upload_is_turned_upright(port):
    image = Image.fromarray(PHOTO)
    exif = image.getexif()
    exif[0x0112] = 6
    _, _, body = request(port, "/predict?format=npy", encoded(PHOTO, "jpeg", exif=exif))
    assert np.load(io.BytesIO(body)).shape == (41, 30)


def test_the_page_and_what_it_needs_are_there(port):
    status, headers, body = request(port, "/", method="GET")
    assert status == 200
    assert "default-src 'self'" in headers["content-security-policy"]
    for name in ("page.css", "page.js", "icon.svg"):
        assert f"/page/{name}".encode() in body
        assert request(port, f"/page/{name}", method="GET")[0] == 200
    answer = json.loads(request(port, "/models", method="GET")[2])
    assert answer["models"] == ["bright", "shifted"]
    assert np.shape(answer["colors"]["inferno"]) == (256, 3)
    assert answer["limits"] == {"bytes": 300_000, "pixels": 1_000_000}


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ({"body": b""}, 400, "no body"),
        ({"body": b"no image"}, 400, "cannot read image upload: not a kind of image"),
        ({"body": encoded(PHOTO)[:300]}, 400, "cannot read image upload"),
        ({"body": encoded(PHOTO), "path": "/predict?model=best"}, 404, "bright, shifted"),
        ({"body": encoded(PHOTO), "path": "/predict?format=gif"}, 400, "png"),
        ({"body": encoded(PHOTO), "Content_Type": "multipart/form-data; boundary=x"}, 415, "--data-binary"),
        ({"body": encoded(PHOTO), "Origin": "http://elsewhere.example"}, 403, "own page"),
        ({"body": encoded(PHOTO), "Origin": "null"}, 403, "own page"),
        ({"body": encoded(PHOTO), "Origin": "http://["}, 403, "own page"),  # no address at all
        ({"body": encoded(np.zeros((1001, 1000), np.uint8))}, 413, "1000x1001"),
        ({"body": png_bomb(30_000, 30_000)}, 413, "900000000 pixels"),
        ({"body": bytes(300_001)}, 413, "300,000"),
        ({"method": "GET"}, 405, "Method"),
        ({"method": "GET", "path": "/page/../app.py"}, 404, "Not Found"),
    ],
)
def test_a_bad_request_gets_its_status_and_a_reason(port, arguments, status, words):
    answered, _, body = request(port, **arguments)
    assert answered == status
    assert words in json.loads(body)["error"]


def test_an_upload_without_a_length_is_stopped_at_the_limit(port):
    def chunks():
        for _ in range(400):
            yield bytes(1000)

    status, _, body = request(port, body=chunks())
    assert status == 413
    assert b"300,000" in body


@pytest.mark.parametrize("size", [400_000, 20_000_000, pytest.param(200_000_000, marks=pytest.mark.slow)])
def test_what_is_far_too_large_is_read_to_its_end_and_told_why(size):
    with serving({"bright": Brightness()}, Limits(bytes=300_000)) as port:  # with the usual time for it
        status, _, body = request(port, body=(bytes(50_000) for _ in range(size // 50_000)))
    assert status == 413
    assert b"300,000" in body


def test_a_name_that_merely_points_here_gets_nothing(port):
    status, _, body = request(port, "/", method="GET", Host="elsewhere.example")
    assert status == 400
    assert "its address" in json.loads(body)["error"]
    for host in ("[elsewhere.example]", "192.168.1.5.elsewhere.example", "[]", ""):
        assert request(port, "/", method="GET", Host=host)[0] == 400, host
    for host in ("localhost", f"127.0.0.1:{port}", "LOCALHOST:80", "[::1]"):
        assert request(port, "/", method="GET", Host=host)[0] == 200


def test_the_command_answers_by_a_proxy_s_name(monkeypatch):
    serve = sys.modules["kerasal_cli.serve"]
    answers = {}

    class Asked:
        """In place of a server that runs until Ctrl-C: one that is asked as nginx asks."""

        def __init__(self, app):
            self.uvicorn = server(app)

        def run(self, sockets):
            thread = threading.Thread(target=self.uvicorn.run, kwargs={"sockets": sockets})
            thread.start()
            try:
                for host in ("public.example", "other.example:8443", "elsewhere.example"):
                    page = {"Host": host, "Origin": f"https://{host}"}
                    port = sockets[0].getsockname()[1]
                    answers[host] = request(port, "/predict", encoded(PHOTO), **page)[0]
            finally:
                self.uvicorn.should_exit = True
                thread.join(timeout=20)

    monkeypatch.setattr("kerasal.serving.server", Asked)
    monkeypatch.setattr(serve, "_load", lambda *_: {"bright": Brightness()})
    names = ("--name", "public.example", "--name", "Other.example")
    result = CliRunner().invoke(main, ["serve", "--port", "0", *names])
    assert result.exit_code == 0, result.output
    assert answers == {"public.example": 200, "other.example:8443": 200, "elsewhere.example": 400}


def test_a_server_on_all_addresses_is_asked_by_each():
    with serving({"bright": Brightness()}, hosts=("0.0.0.0",)) as port:
        for host in ("192.168.1.5:8000", "10.0.0.1", "[fe80::1]:8000", "0.0.0.0:8000"):
            assert request(port, "/", method="GET", Host=host)[0] == 200, host
            page = {"Host": host, "Origin": f"http://{host}"}
            assert request(port, "/predict", encoded(PHOTO), **page)[0] == 200, host
        assert request(port, "/", method="GET", Host="elsewhere.example")[0] == 400


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/", "GET", {}),
        ("/models", "GET", {}),
        ("/page/page.js", "GET", {}),
        ("/nowhere", "GET", {}),
        ("/predict", "GET", {}),
        ("/predict?format=overlay", "POST", {}),
        ("/predict?format=gif", "POST", {}),
        ("/", "GET", {"Host": "elsewhere.example"}),
    ],
)
def test_every_answer_forbids_frames_and_guessing_of_types(port, path, method, headers):
    _, answered, _ = request(port, path, encoded(PHOTO) if method == "POST" else None, method, **headers)
    assert "frame-ancestors 'none'" in answered["content-security-policy"]
    assert answered["x-content-type-options"] == "nosniff"
    assert answered["x-frame-options"] == "DENY"


def raw(port, data: bytes, timeout=20) -> tuple[bytes, dict]:
    """The head and the JSON of what the server says to these bytes before it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as client:
        client.sendall(data)
        answer = b""
        while part := client.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, json.loads(body)


def test_what_is_no_http_is_told_so_in_json(port):
    head, body = raw(port, b"\x16\x03\x01 hello\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"x-frame-options: DENY" in head
    assert "Invalid HTTP" in body["error"]


def test_a_head_that_does_not_come_is_not_waited_for(port, monkeypatch):
    monkeypatch.setattr(sys.modules["kerasal.serving.server"], "HEAD_SECONDS", 0.5)
    finished = b"GET /models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for begun in (b"", b"GET / HT", b"POST /predict HTTP/1.1\r\nHost: localhost\r\nX: "):
        head, body = raw(port, begun)
        assert head.startswith(b"HTTP/1.1 408 ")
        assert "0.5 s" in body["error"]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:  # nor is a second one
        client.sendall(finished)
        assert client.recv(10**6).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET")
        rest = b""
        while part := client.recv(65536):
            rest += part
        assert b" 408 " in rest


@pytest.mark.parametrize(
    ("line", "headers", "status"),
    [
        ("/predict?model=best", "", 404),
        ("/predict?format=gif", "", 400),
        ("/predict", "Origin: http://elsewhere.example\r\n", 403),
        ("/predict", "Content-Type: multipart/form-data\r\n", 415),
        ("/predict", "Content-Length: 300001\r\n", 413),
    ],
)
def test_a_client_that_asks_before_it_sends_is_refused_by_its_head(port, line, headers, status):
    length = "" if "Length" in headers else "Content-Length: 1000\r\n"
    head, _ = raw(
        port,
        f"POST {line} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n{headers}{length}\r\n".encode(),
    )
    assert head.startswith(f"HTTP/1.1 {status} ".encode())


def test_slow_uploads_are_in_nobodys_way(monkeypatch):
    monkeypatch.setattr(receiving, "WINDOW", 1.0)  # of the seconds after which the slow are sent away, half
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 200000\r\n\r\n"
    limits = Limits(bytes=300_000, uploads=2, upload_seconds=60)
    with serving({"bright": Brightness()}, limits) as port, contextlib.ExitStack() as clients:
        for sent in (1, 1, 1000, 100_000, 150_000, 150_000, 150_000, 150_000):  # more than there is room for
            client = clients.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            client.sendall(head + bytes(sent))
        start = time.monotonic()
        large = encoded(np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8))
        assert 200_000 < len(large) < 300_000
        assert request(port, body=large)[0] == 200
        assert time.monotonic() - start < 30  # a few windows, and those who send nothing make room


def test_uploads_that_fill_the_room_all_come_through():
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (250, 300 + index, 3), dtype=np.uint8) for index in range(12)]
    with (
        serving({"bright": Brightness()}, Limits(bytes=300_000, uploads=1)) as port,
        ThreadPoolExecutor(12) as clients,
    ):
        answers = list(clients.map(lambda image: request(port, body=encoded(image)), images))
    assert [status for status, _, _ in answers] == [200] * 12


def test_a_slow_upload_is_ended_and_one_that_is_broken_off_forgotten(port):
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\nabc"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(head)
        assert client.recv(1000).startswith(b"HTTP/1.1 408")
    for _ in range(20):  # more than uploads may be in memory
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(head)
    assert request(port, body=encoded(PHOTO))[0] == 200


def test_malformed_uploads_each_get_a_4xx_and_the_server_goes_on(port):
    for upload in malformed(40):
        status, _, body = request(port, body=upload)
        assert 400 <= status < 500
        assert json.loads(body)["error"]
    assert request(port, body=encoded(PHOTO))[0] == 200


def test_many_at_once_are_queued_one_at_a_time_and_none_is_lost():
    class Slow(Brightness):
        busy, most = 0, 0

        def saliency_maps(self, stimuli):
            Slow.busy += 1
            Slow.most = max(Slow.most, Slow.busy)
            time.sleep(0.01)
            Slow.busy -= 1
            return super().saliency_maps(stimuli)

    images = [np.full((4, 5 + index), 255, np.uint8) for index in range(40)]
    with serving({"slow": Slow()}, Limits(uploads=3)) as port, ThreadPoolExecutor(40) as clients:
        answers = list(clients.map(lambda image: request(port, body=encoded(image)), images))
    assert [status for status, _, _ in answers] == [200] * 40
    assert [Image.open(io.BytesIO(body)).size[0] for _, _, body in answers] == [5 + n for n in range(40)]
    assert Slow.most == 1


def test_who_waits_too_long_is_told_so():
    release = threading.Event()

    class Stuck(Brightness):
        def saliency_maps(self, stimuli):
            release.wait(20)
            return super().saliency_maps(stimuli)

    with (
        serving({"stuck": Stuck()}, Limits(uploads=1, queue_seconds=0.2)) as port,
        ThreadPoolExecutor(2) as clients,
    ):
        answers = [clients.submit(request, port, body=encoded(PHOTO)) for _ in range(2)]
        while not any(answer.done() for answer in answers):
            time.sleep(0.02)
        late = next(answer for answer in answers if answer.done()).result()
        release.set()
        statuses = sorted(answer.result()[0] for answer in answers)
    assert late[0] == 503
    assert late[1]["retry-after"] == "30"
    assert statuses == [200, 503]


def test_a_predictors_own_error_is_a_500_and_the_next_upload_is_served():
    class Fails(Brightness):
        def saliency_maps(self, stimuli):
            if stimuli[0].max() == 0:
                raise RuntimeError("broken")
            return super().saliency_maps(stimuli)

    with serving({"fails": Fails()}, Limits(uploads=1)) as port:
        status, _, body = request(port, body=encoded(np.zeros((4, 4), np.uint8)))
        assert status == 500
        assert "failed" in json.loads(body)["error"]
        assert request(port, body=encoded(PHOTO))[0] == 200


def test_a_taken_port_and_a_foreign_host_are_refused():
    with listen("127.0.0.1", 0) as taken, pytest.raises(InputError, match="--port"):
        listen("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(InputError, match="--host"):
        listen("203.0.113.7", 0)  # TEST-NET-3: nobody's

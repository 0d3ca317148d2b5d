"""The downloader against a server of this machine that misbehaves as asked."""

import contextlib
import dataclasses
import errno
import hashlib
import http.client
import http.server
import os
import shutil
import ssl
import time

import numpy as np
import pytest
from comparators_reference import caffemodel
from conftest import loopback_server
from theano_reference import write_keras1

from kerasal._files import held
from kerasal.errors import InputError
from kerasal.weights import PUBLISHED, fetch_published
from kerasal.weights import download as module
from kerasal.weights.download import download

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0)


@contextlib.contextmanager
def server(**behaviour):
    """Serves CONTENT at /file, whatever follows; yields its address and the list of requests' Range headers.

    behaviour: cuts (bytes after which each connection in turn breaks off), ranges and if_range (False:
    ignored), etag, content, status (an error for every request), stall (seconds of silence in the middle),
    length (False: none is told).
    """
    requests, cuts = [], list(behaviour.get("cuts", ()))
    content = behaviour.get("content", CONTENT)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.headers.get("Range"))
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/file")
                self.end_headers()
                return
            if status := behaviour.get("status") or (not self.path.startswith("/file") and 404):
                self.send_error(status)
                return
            start, same = 0, self.headers.get("If-Range") in (None, behaviour.get("etag"))
            same = same or not behaviour.get("if_range", True)
            if requests[-1] and behaviour.get("ranges", True) and same:
                start = int(requests[-1].removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            if behaviour.get("length", True):
                self.send_header("Content-Length", len(content) - start)
            if "etag" in behaviour:
                self.send_header("ETag", behaviour["etag"])
            self.end_headers()
            body = content[start : start + cuts.pop(0)] if cuts else content[start:]
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                time.sleep(behaviour.get("stall", 0))
                self.wfile.write(body[len(body) // 2 :])

        def log_message(self, *_):
            pass

    with loopback_server(Handler) as address:
        yield f"{address}/file", requests


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_whole_with_its_progress_and_nothing_beside_it(tmp_path):
    told = []
    with server() as (url, _):
        path = download(url, tmp_path / "new/file.bin", sha256=SHA256, progress=lambda *now: told.append(now))
    assert path.read_bytes() == CONTENT
    assert names(tmp_path / "new") == ["file.bin"]
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


def test_a_file_that_is_there_and_fits_opens_no_connection(tmp_path):
    (tmp_path / "file.bin").write_bytes(CONTENT)
    with server() as (url, requests):
        download(url, tmp_path / "file.bin", sha256=SHA256, size=len(CONTENT))
        assert not requests
        (tmp_path / "file.bin").write_bytes(b"damaged")
        download(url, tmp_path / "file.bin", sha256=SHA256)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("behaviour", [{}, {"etag": '"one"'}, {"length": False}])
def test_a_connection_that_breaks_off_is_taken_up_where_it_ended(tmp_path, behaviour):
    with server(cuts=[300_000, 0, 200_000], **behaviour) as (url, requests):
        download(url, tmp_path / "file.bin", sha256=SHA256, size=len(CONTENT))
    assert requests == [None, "bytes=300000-", "bytes=300000-", "bytes=500000-"]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_network_that_is_gone_while_it_is_read_is_tried_again_and_then_one_line(tmp_path, monkeypatch):
    read = http.client.HTTPResponse.read1
    errors = [OSError(errno.ENETUNREACH, "Network is unreachable"), ssl.SSLError(1, "bad record mac")]

    def failing(response, size):
        if errors:
            raise errors.pop()
        return read(response, size)

    monkeypatch.setattr(http.client.HTTPResponse, "read1", failing)
    with server() as (url, _):
        download(url, tmp_path / "file.bin", sha256=SHA256)
        assert not errors
        errors += [OSError(errno.ENETUNREACH, "Network is unreachable")] * module.ATTEMPTS
        with pytest.raises(InputError, match="Network is unreachable"):
            download(url, tmp_path / "other.bin")
        errors += [OSError(errno.ENOSPC, "No space left on device")]
        with pytest.raises(OSError, match="No space left"):  # no reason to ask the server again
            download(url, tmp_path / "other.bin")


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such locks")
def test_a_file_that_another_process_fetches_is_left_to_it(tmp_path):
    lock = tmp_path / "file.bin.partial.lock"
    lock.touch()
    (tmp_path / "file.bin.partial").write_bytes(CONTENT[:1000])
    with server() as (url, requests):
        with held(lock), pytest.raises(InputError, match=r"another process .*file\.bin\.partial\.lock"):
            download(url, tmp_path / "file.bin", sha256=SHA256)
        assert not requests
        assert (tmp_path / "file.bin.partial").read_bytes() == CONTENT[:1000]
        download(url, tmp_path / "file.bin", sha256=SHA256)
    assert requests == ["bytes=1000-"]
    assert names(tmp_path) == ["file.bin"]


def test_a_later_call_goes_on_where_an_earlier_one_gave_up(tmp_path):
    with server(cuts=[300_000, 0, 0, 0], etag='"one"') as (url, requests):
        with pytest.raises(InputError, match=r"broke off.*300,000 bytes are kept"):
            download(url, tmp_path / "file.bin")
        assert not (tmp_path / "file.bin").exists()
        download(url, tmp_path / "file.bin")
    assert requests[-1] == "bytes=300000-"
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert names(tmp_path) == ["file.bin"]


@pytest.mark.parametrize("if_range", [True, False], ids=["if-range", "if-range ignored"])
@pytest.mark.parametrize("known", [{}, {"sha256": SHA256}])
def test_the_rest_of_another_file_is_never_joined_to_the_first_part(tmp_path, known, if_range):
    # Half of a file, and its ETag; meanwhile the server got another file.
    (tmp_path / "file.bin.partial").write_bytes(b"old" * 1000)
    (tmp_path / "file.bin.partial.etag").write_text('"old"')
    with server(etag='"new"', if_range=if_range) as (url, _):
        download(url, tmp_path / "file.bin", **known)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    # No ETag to tell by: a checksum finds out, and without one the download begins anew.
    (tmp_path / "other.bin.partial").write_bytes(b"old" * 1000)
    with server() as (url, requests):
        download(url, tmp_path / "other.bin", **known)
    assert (tmp_path / "other.bin").read_bytes() == CONTENT
    assert requests == (["bytes=3000-", None] if known else [None])


def test_a_server_without_ranges_is_asked_again_from_the_start(tmp_path):
    with server(cuts=[300_000, 400_000], ranges=False) as (url, requests):
        download(url, tmp_path / "file.bin", sha256=SHA256)
    assert len(requests) == 3
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_server_that_always_breaks_off_is_given_up(tmp_path):
    behaviour = {"cuts": [5000, 9000, 7000] * 9, "ranges": False}
    with server(**behaviour) as (url, requests), pytest.raises(InputError, match="broke off"):
        download(url, tmp_path / "file.bin")
    assert len(requests) == 2 + module.ATTEMPTS


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"size": 17}])
def test_another_checksum_or_size_is_refused_and_nothing_stays(tmp_path, wrong):
    with server() as (url, _), pytest.raises(InputError, match=r"/file is not the file that was expected"):
        download(url, tmp_path / "file.bin", **wrong)
    assert names(tmp_path) == []


def test_an_old_file_outlives_a_failed_download(tmp_path):
    (tmp_path / "file.bin").write_bytes(b"old")
    with server() as (url, _), pytest.raises(InputError, match="SHA-256"):
        download(url, tmp_path / "file.bin", sha256="0" * 64)
    assert (tmp_path / "file.bin").read_bytes() == b"old"


def test_a_missing_file_is_one_line_at_once_and_a_busy_server_is_tried_again(tmp_path):
    for status, tries in ((404, 1), (403, 1), (503, module.ATTEMPTS)):
        with server(status=status) as (url, requests):
            with pytest.raises(InputError, match=rf"/file.*HTTP {status}"):
                download(url, tmp_path / "file.bin")
            assert len(requests) == tries
    assert names(tmp_path) == []


def test_silence_ends_with_the_timeout_and_keeps_what_came(tmp_path):
    with server(stall=0.3) as (url, _), pytest.raises(InputError, match=r"0\.1 seconds.*bytes are kept"):
        download(url, tmp_path / "file.bin", sha256=SHA256, timeout=0.1)
    kept = (tmp_path / "file.bin.partial").read_bytes()
    assert CONTENT.startswith(kept)
    assert len(kept) >= len(CONTENT) // 2  # what comes before the first silence


def test_a_redirection_is_followed(tmp_path):
    with server() as (url, _):
        download(url.replace("/file", "/moved"), tmp_path / "file.bin", sha256=SHA256)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("url", ["ftp://example.org/file", "file:///etc/passwd", "sam.pkl"])
def test_other_addresses_are_refused(tmp_path, url):
    with pytest.raises(InputError, match="http"):
        download(url, tmp_path / "file.bin")


def test_a_server_that_is_not_there_and_a_full_disk_are_one_line(tmp_path, monkeypatch):
    with server() as (url, _):
        pass
    with pytest.raises(InputError, match="refused"):
        download(url, tmp_path / "file.bin")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 1000))
    with server() as (url, _), pytest.raises(InputError, match=r"needs 1.02 MB and 1.00 kB are free"):
        download(url, tmp_path / "file.bin")


def test_an_unknown_name_is_answered_with_those_that_can_be_downloaded_and_no_other_way():
    with pytest.raises(InputError) as refused:
        fetch_published("sam-vgg")
    assert str(refused.value) == f"unknown weights 'sam-vgg': one of {', '.join(PUBLISHED)}"


@pytest.mark.parametrize("page", [b"<html>Log in</html>", b"\n<!DOCTYPE html><p>Moved</p>"])
@pytest.mark.parametrize("suffix", [".npz", ".pkl", ".caffemodel"])
def test_a_page_in_place_of_published_weights_is_refused_and_the_next_call_fetches(
    tmp_path, monkeypatch, suffix, page
):
    monkeypatch.setenv("KERASAL_CACHE", str(tmp_path))
    whole = tmp_path / f"whole{suffix}"
    if suffix == ".npz":
        np.savez(whole, np.ones((2, 3), "float32"))
    elif suffix == ".caffemodel":
        whole.write_bytes(caffemodel({"conv1": [np.ones((2, 3, 1, 1), "float32")]}))
    else:
        write_keras1(whole, [("conv1", [np.ones((2, 3, 1, 1), "float32")])])
    name = next(name for name, entry in PUBLISHED.items() if entry.url.endswith(suffix))

    def serve(content):
        url, requests = stack.enter_context(server(content=content))
        monkeypatch.setitem(PUBLISHED, name, dataclasses.replace(PUBLISHED[name], url=url + suffix))
        return requests

    with contextlib.ExitStack() as stack:
        serve(page)
        with pytest.raises(InputError, match=f"{suffix} gave a page in place of weights"):
            fetch_published(name)
        folder = tmp_path / "weights"
        assert names(folder) == []
        serve(whole.read_bytes())
        path = fetch_published(name)
        assert path.read_bytes() == whole.read_bytes()
        requests = serve(whole.read_bytes())
        fetch_published(name)
        assert requests == []  # it is there
        path.write_bytes(page)  # as an earlier version left it
        assert fetch_published(name).read_bytes() == whole.read_bytes()
        assert names(folder) == [path.name]

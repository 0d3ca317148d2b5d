"""Fetching from a server of this machine, and unpacking archives that mean harm."""

import contextlib
import errno
import hashlib
import http.server
import io
import lzma
import os
import tarfile
import time
import zipfile
from dataclasses import replace

import pytest
from conftest import loopback_server
from layouts import LAYOUTS

from kerasal.data import INFO, load
from kerasal.data.extract import extract
from kerasal.data.fetch import fetch
from kerasal.data.info import Archive
from kerasal.errors import InputError
from kerasal.weights import download


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0)


def zipped(folder) -> bytes:
    """A zip of a folder's files, with the rubbish that systems add."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(folder))
        file.writestr("__MACOSX/._rubbish", "x")
        file.writestr("stimuli/.DS_Store", "x")
    return data.getvalue()


@contextlib.contextmanager
def server(content, behaviour="well"):
    """Serves `content` at every path; yields its address and the paths asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if behaviour == "404":
                return self.send_error(404)
            if behaviour == "redirect" and not self.path.startswith("/moved"):
                self.send_response(302)
                self.send_header("Location", f"/moved{self.path}")
                return self.end_headers()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            part = content if behaviour not in ("cuts", "stalls") else content[: len(content) // 2]
            with contextlib.suppress(ConnectionError):
                self.wfile.write(part)
                self.wfile.flush()
                if behaviour == "stalls":
                    time.sleep(0.6)

        def log_message(self, *_):
            pass

    with loopback_server(Handler) as address:
        yield address, asked


@pytest.fixture
def archive(tmp_path):
    """A zip of FiWi's miniature."""
    (tmp_path / "original").mkdir()
    LAYOUTS["fiwi"](tmp_path / "original")
    return zipped(tmp_path / "original")


def fiwi_from(address, content=None, md5=None):
    digest = hashlib.md5(content).hexdigest() if content is not None else md5
    return replace(INFO["fiwi"], archives=(Archive("pages.zip", f"{address}/pages.zip", digest),))


def quiet(_):
    pass


@pytest.mark.parametrize("behaviour", ["well", "redirect"])
def test_a_dataset_is_fetched_checked_and_unpacked(archive, tmp_path, behaviour):
    with server(archive, behaviour) as (address, asked):
        folder = fetch(fiwi_from(address, archive), tmp_path / "data/fiwi", report=quiet)
        assert "/pages.zip" in asked[0]
    assert len(load("fiwi", folder).samples) == 3
    assert not list(folder.rglob("*DS_Store"))
    assert not (folder / "__MACOSX").exists()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["fiwi"]  # the archive is gone


def test_another_file_beside_the_archives_stays_and_stops_nothing(archive, tmp_path):
    (tmp_path / "fiwi.archives").mkdir()
    (tmp_path / "fiwi.archives/.DS_Store").touch()
    with server(archive) as (address, _):
        fetch(fiwi_from(address, archive), tmp_path / "fiwi", report=quiet)
    assert [path.name for path in (tmp_path / "fiwi.archives").iterdir()] == [".DS_Store"]


@pytest.mark.parametrize(
    ("behaviour", "words"), [("cuts", "bytes are kept"), ("stalls", "bytes are kept"), ("404", "HTTP 404")]
)
def test_a_server_that_fails_leaves_no_dataset_and_a_clear_line(archive, tmp_path, behaviour, words):
    with (
        server(archive, behaviour) as (address, _),
        pytest.raises(InputError, match=words) as error,
    ):
        fetch(fiwi_from(address, archive), tmp_path / "data/fiwi", report=quiet, timeout=0.3)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "data/fiwi").exists()


def test_another_checksum_is_refused_with_both_sums_and_the_file_removed(archive, tmp_path):
    with server(archive) as (address, _), pytest.raises(InputError, match="MD5") as error:
        fetch(fiwi_from(address, md5="0" * 32), tmp_path / "data/fiwi", report=quiet)
    assert hashlib.md5(archive).hexdigest() in str(error.value)
    assert "0" * 32 in str(error.value)
    assert not list(tmp_path.rglob("*.zip"))
    assert not (tmp_path / "data/fiwi").exists()


def test_archives_that_are_there_are_not_downloaded(archive, tmp_path):
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads/pages.zip").write_bytes(archive)
    with server(b"other") as (address, asked):
        info = fiwi_from(address, archive)
        folder = fetch(info, tmp_path / "fiwi", archives=tmp_path / "downloads", report=quiet)
        assert not asked
    assert len(load("fiwi", folder).samples) == 3
    assert (tmp_path / "downloads/pages.zip").exists()  # the user's own


def test_an_archive_of_the_user_with_another_checksum_is_refused_and_kept(archive, tmp_path):
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads/pages.zip").write_bytes(archive[:1000])
    info = fiwi_from("http://127.0.0.1:9", archive)
    with pytest.raises(InputError, match="MD5"):
        fetch(info, tmp_path / "fiwi", archives=tmp_path / "downloads", report=quiet)
    assert (tmp_path / "downloads/pages.zip").exists()
    assert not (tmp_path / "fiwi").exists()


def test_a_dataset_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "fiwi").mkdir()
    with pytest.raises(InputError, match="kerasal data check fiwi"):
        fetch(INFO["fiwi"], tmp_path / "fiwi", report=quiet)


@pytest.mark.parametrize("name", ["salicon-2015", "salicon-2017", "scene"])
def test_what_a_program_cannot_get_says_where_to_get_it(tmp_path, name):
    with pytest.raises(InputError, match="by hand") as error:
        fetch(INFO[name], tmp_path / name, report=quiet)
    assert name.startswith("salicon") == ("fixations.zip" in str(error.value))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG])
def test_where_a_disk_takes_no_more_the_archive_is_not_called_damaged(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    (tmp_path / "pages.zip").write_bytes(zip_of(("a.txt", "x")))
    monkeypatch.setattr("kerasal.data.extract._write", refuse)
    info = replace(INFO["fiwi"], archives=(Archive("pages.zip", ""),))
    with pytest.raises(InputError, match=f"cannot write .*: {os.strerror(number)}"):
        fetch(info, tmp_path / "fiwi", archives=tmp_path, report=quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["pages.zip"]


def zip_of(*members) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
    return data.getvalue()


def zip_link() -> bytes:
    info = zipfile.ZipInfo("stimuli/link")
    info.external_attr = 0o120777 << 16
    return zip_of((info, "/etc/passwd"))


def tar_of(name, kind=tarfile.REGTYPE, link="", content=b"x") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as file:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, link, len(content) if kind == tarfile.REGTYPE else 0
        file.addfile(info, io.BytesIO(content))
    return data.getvalue()


def lying_zip() -> bytes:
    """A bomb whose directory says that it unpacks to ten bytes."""
    bomb = bytearray(zip_of(("bomb.mat", b"\0" * 20_000_000)))
    size = (20_000_000).to_bytes(4, "little")
    for _ in range(bomb.count(size)):
        place = bomb.index(size)
        bomb[place : place + 4] = (10).to_bytes(4, "little")
    return bytes(bomb)


EVIL = {
    "dots.zip": (zip_of(("good.txt", "x"), ("../evil.txt", "x")), "outside"),
    "deep-dots.zip": (zip_of(("a/../../evil.txt", "x")), "outside"),
    "backslash.zip": (zip_of(("..\\evil.txt", "x")), "outside"),
    "absolute.zip": (zip_of(("/tmp/evil-kerasal.txt", "x")), "outside"),
    "drive.zip": (zip_of(("C:/evil.txt", "x")), "outside"),
    "drive-below.zip": (zip_of(("a/C:/evil.txt", "x")), "outside"),
    "drive-below.tar.gz": (tar_of("a/b/d:evil.txt"), "outside"),
    "nul.zip": (zip_of(("a/bXevil.txt", "x")).replace(b"bXevil", b"b\0evil"), "outside"),
    "link.zip": (zip_link(), "link"),
    "twice.zip": (zip_of(("a.txt", "x"), ("b/../a.txt", "y")), "outside"),
    "bomb.zip": (zip_of(("bomb.mat", b"\0" * 100_000_000)), "100 times"),
    "lying.zip": (lying_zip(), "damaged|100 times"),
    "dots.tar.gz": (tar_of("../evil.txt"), "outside"),
    "absolute.tar.gz": (tar_of("/tmp/evil-kerasal.txt"), "outside"),
    "symlink.tar.gz": (tar_of("link", tarfile.SYMTYPE, "/etc"), "link"),
    "hardlink.tar.gz": (tar_of("link", tarfile.LNKTYPE, "/etc/passwd"), "link"),
    "device.tar.gz": (tar_of("null", tarfile.CHRTYPE), "link or device"),
    "bomb.tar.gz": (tar_of("bomb.mat", content=b"\0" * 50_000_000), "100 times"),
    "cut.zip": (zip_of(("a.txt", os.urandom(9999)))[:5000], "no .zip"),
    "cut.tar.gz": (tar_of("a", content=os.urandom(99_999))[:50_000], "damaged|no .zip"),
    "empty.zip": (b"", "no .zip"),
    "text.zip": (b"<html>not found</html>", "no .zip"),
    "file-and-folder.zip": (zip_of(("a", "x"), ("a/b", "x")), "as a file and as a folder"),
    "cut.tar.xz": (lzma.compress(tar_of("a", content=os.urandom(99_999)))[:50_000], "damaged|no .zip"),
    "nothing.zip": (zip_of(("__MACOSX/._x", "x")), "no files"),
}


@pytest.mark.parametrize("name", EVIL)
def test_an_archive_that_means_harm_is_refused_and_nothing_escapes(tmp_path, name):
    content, words = EVIL[name]
    with server(content) as (address, _):
        info = replace(INFO["fiwi"], archives=(Archive(name, f"{address}/{name}"),))
        with pytest.raises(InputError, match=words) as error:
            fetch(info, tmp_path / "data/fiwi", report=quiet)
    assert name in str(error.value)
    assert "\n" not in str(error.value)
    found = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert found == [f"data/fiwi.archives/{name}"]  # what was downloaded, and nothing of it
    assert not os.path.exists("/tmp/evil-kerasal.txt")


def test_a_bomb_in_plain_gzip_stops_at_the_limit(tmp_path):
    import gzip

    path = tmp_path / "maps.mat.gz"
    path.write_bytes(gzip.compress(b"a" * 50_000_000))
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="100 times"):
        extract(path, tmp_path / "out")
    assert sum(p.stat().st_size for p in (tmp_path / "out").iterdir()) < 12_000_000


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "gz"])
def test_every_kind_of_archive_is_unpacked(tmp_path, kind):
    import gzip

    content = os.urandom(5000)
    path = tmp_path / f"a.{kind}"
    if kind == "gz":
        path = tmp_path / "b.txt.gz"
        path.write_bytes(gzip.compress(content))
    elif kind == "zip":
        path.write_bytes(zip_of(("d/b.txt", content)))
    else:
        with tarfile.open(path, f"w:{kind[4:]}") as file:
            info = tarfile.TarInfo("d/b.txt")
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    (tmp_path / "out").mkdir()
    assert extract(path, tmp_path / "out") == 1
    found = tmp_path / "out" / ("b.txt" if kind == "gz" else "d/b.txt")
    assert found.read_bytes() == content

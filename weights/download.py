"""Fetching a file: on request only, resumed where it broke off, checked, never half in place."""

import contextlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from kerasal._files import check_space, held, make_folder, refusal
from kerasal.errors import InputError
from kerasal.weights.registry import sha256 as sha256_of

BLOCK = 1 << 18
ATTEMPTS = 3  # in a row without a new byte, before the user is asked to try again later
PAUSE = 1.0  # seconds before such an attempt

Progress = Callable[[int, int | None], None]  # bytes that are there, bytes in all where anyone knows


def download(
    url: str,
    target: Path | str,
    *,
    sha256: str | None = None,
    size: int | None = None,
    progress: Progress | None = None,
    timeout: float = 30,
) -> Path:
    """Fetch `url` to the file `target`; returns its path.

    A target that is there already and fits `sha256` and `size` is left alone. The bytes gather in
    TARGET.partial beside it. A call after one that broke off goes on from there if the server can (HTTP
    Range) and the file is still the same (its ETag or date, else `sha256`), and begins anew if not.

    Args:
        sha256: of the whole file, in hexadecimal, where it is known.
        size: bytes of the whole file, where it is known.
        progress: told the bytes that are there and the bytes in all, as they grow.
        timeout: seconds without a byte after which a connection counts as broken.

    InputError: no http(s) address; no such file on the server; a server that cannot be reached or breaks
    off again and again (the partial file stays); a file of another size or checksum (nothing stays); a
    disk without the space for it; another process that fetches the same file.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise InputError(f"cannot download {url}: an address begins with http:// or https://")
    target = Path(target)
    if target.is_file() and not _misfit(target, sha256, size):
        return target
    make_folder(target.parent)
    partial = _Partial(target)
    with partial.alone():
        if not (partial.validator or sha256):
            partial.clear()  # nothing could tell whether the rest belongs to it
        resumed = partial.size > 0
        _fetch(url, partial, size, progress, timeout)
        if resumed and _misfit(partial.path, sha256, size):
            partial.clear()  # it was the beginning of another file
            _fetch(url, partial, size, progress, timeout)
        if misfit := _misfit(partial.path, sha256, size):
            partial.clear()
            raise InputError(f"{url} is not the file that was expected: {misfit}")
        os.replace(partial.path, target)
        partial.clear()
    return target


class _Partial:
    """The bytes that are there, and which file they begin: its ETag or date, as If-Range wants it."""

    def __init__(self, target: Path):
        self.path = target.with_name(f"{target.name}.partial")
        self._validator = target.with_name(f"{target.name}.partial.etag")
        self._lock = target.with_name(f"{target.name}.partial.lock")

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """A block in which no other process may add to it. InputError: one does."""
        self._lock.touch()
        with held(self._lock):
            try:
                yield
            finally:
                self._lock.unlink(missing_ok=True)

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def validator(self) -> str:
        return self._validator.read_text(encoding="utf-8") if self._validator.is_file() else ""

    def begin(self, validator: str) -> None:
        self.clear()
        self.path.touch()
        if validator:
            self._validator.write_text(validator, encoding="utf-8")

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)
        self._validator.unlink(missing_ok=True)


def _fetch(url, partial, size, progress, timeout) -> None:
    """Fill the partial file, with as many connections as it takes."""
    failures, most = 0, partial.size
    while failures < ATTEMPTS:
        if failures:
            time.sleep(PAUSE)
        try:
            if _connect(url, partial, size, progress, timeout):
                return
            problem = "the connection broke off"
        except urllib.error.HTTPError as error:
            problem = f"HTTP {error.code} {error.reason}"
            if error.code < 500 and error.code not in (408, 429):  # it will not change its mind
                raise InputError(f"cannot download {url}: {problem}") from None
        except TimeoutError:
            problem = f"no answer for {timeout:g} seconds"
        except urllib.error.URLError as error:
            problem = str(error.reason)
        except (http.client.HTTPException, ConnectionError) as error:
            problem = f"the connection broke off ({type(error).__name__})"
        except OSError as error:  # of the network, or of TLS
            if error.filename or refusal(error):  # of the file that is written
                raise
            problem = str(error)
        failures = 0 if partial.size > most else failures + 1
        most = max(most, partial.size)
    kept = f"; {partial.size:,} bytes are kept, and a second try goes on from there" if partial.size else ""
    raise InputError(f"cannot download {url}: {problem}{kept}")


def _connect(url, partial, size, progress, timeout) -> bool:
    """Add what one connection brings; returns whether the file is whole then."""
    headers = {"User-Agent": "kerasal", "Accept-Encoding": "identity"}
    if partial.size:
        headers["Range"] = f"bytes={partial.size}-"
        if partial.validator:
            headers["If-Range"] = partial.validator
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not partial.size:
            raise
        if error.headers.get("Content-Range", "").endswith(f"/{partial.size}"):
            return True  # nothing was missing
        partial.clear()  # longer than the file
        return False
    with response:
        start, total = _extent(response)
        if size is not None and total not in (None, size):
            raise InputError(f"{url} is not the file that was expected: {total:,} bytes instead of {size:,}")
        total = total or size
        other = start and partial.validator and _validator(response) not in ("", partial.validator)
        if other or start != partial.size:  # the server knows no Range, or has another file now
            partial.clear()
        if start != partial.size:
            return False
        if start == 0:
            partial.begin(_validator(response))
        check_space(partial.path.parent, (total or 0) - start, "the download")
        done = start
        with open(partial.path, "ab") as file:
            while block := response.read1(BLOCK):
                file.write(block)
                done += len(block)
                if progress:
                    progress(done, total)
    return total in (None, partial.size)


def _extent(response) -> tuple[int, int | None]:
    """Where the body begins in the file, and the length of the whole file where the server says it."""
    if response.status != 206:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdigit() else None
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if not found:
        raise http.client.HTTPException("a part of the file without a Content-Range")
    return int(found[1]), None if found[2] == "*" else int(found[2])


def _validator(response) -> str:
    """What If-Range may hold (RFC 9110, section 13.1.5): a strong ETag, or the date."""
    etag = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


def _misfit(path: Path, sha256: str | None, size: int | None) -> str | None:
    """What is wrong with a file, or None."""
    if size is not None and path.stat().st_size != size:
        return f"{path.stat().st_size:,} bytes instead of {size:,}"
    if sha256 is not None and (found := sha256_of(path)) != sha256.lower():
        return f"its SHA-256 is {found} instead of {sha256.lower()}"
    return None

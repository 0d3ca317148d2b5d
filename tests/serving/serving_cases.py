"""A server to test, and uploads that are no images."""

import contextlib
import http.client
import io
import struct
import threading
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from kerasal.data.images import read_upload
from kerasal.errors import InputError


class Brightness:
    """A predictor whose maps can be computed by hand; `shift` tells two of them apart."""

    def __init__(self, shift: int = 0):
        self.shift = shift

    def saliency_maps(self, stimuli):
        return [
            np.roll(stimulus.mean(axis=2, dtype="float32") / 255, self.shift, axis=1) for stimulus in stimuli
        ]


@contextlib.contextmanager
def serving(predictors, limits=None, hosts=()) -> Iterator[int]:
    """A server in a thread, on a free port of 127.0.0.1; yields the port."""
    from kerasal.serving import create_app, listen, server

    with listen("127.0.0.1", 0) as socket:
        uvicorn = server(create_app(predictors, limits, hosts))
        thread = threading.Thread(target=uvicorn.run, kwargs={"sockets": [socket]})
        thread.start()
        try:
            yield socket.getsockname()[1]
        finally:
            uvicorn.should_exit = True
            thread.join(timeout=20)


def request(port, path="/predict", body=None, method="POST", timeout=60, **headers):
    """(status, headers, body) of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def encoded(array, format="png", **options) -> bytes:
    """An array as an image file."""
    file = io.BytesIO()
    Image.fromarray(array).save(file, format, **options)
    return file.getvalue()


def malformed(count: int, seed: int = 0) -> list[bytes]:
    """Uploads that are no readable images: fuzzed headers, truncated files, bombs, and other things."""
    random = np.random.default_rng(seed)
    picture = np.kron(random.integers(0, 256, (8, 9, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    files = [encoded(picture, format) for format in ("jpeg", "png", "gif", "bmp", "webp", "tiff")]
    uploads = [
        b"",
        b"\0" * 5000,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        png_bomb(30000, 30000),
    ]
    uploads += [png_bomb(2**31 - 1, 2**31 - 1), png_bomb(8000, 8000, honest=True), text_bomb()]
    while len(uploads) < count:
        file = bytearray(files[random.integers(len(files))])
        if random.uniform() < 0.4:
            del file[random.integers(1, len(file)) :]
        else:
            for place in random.integers(0, min(64, len(file)), random.integers(1, 9)):
                file[place] = random.integers(256)
        with contextlib.suppress(InputError):
            read_upload(bytes(file), 50_000_000)  # what the server takes at most, by default
            continue  # what was changed does not matter to a reader
        uploads.append(bytes(file))
    return uploads


def png_bomb(columns: int, rows: int, honest: bool = False) -> bytes:
    """A PNG file of a few kilobytes that claims, or `honest`ly holds, a huge black image."""
    packer = zlib.compressobj(1)
    data = (
        b"".join(packer.compress(bytes(min(columns, 10**6) + 1)) for _ in range(rows if honest else 1))
        + packer.flush()
    )
    return _png(columns, rows, [(b"IDAT", data)])


def black_png(columns: int, rows: int) -> bytes:
    """A one-bit PNG file of a few bytes, made without ever having its pixels."""
    return _png(columns, rows, [(b"IDAT", zlib.compress(bytes((1 + -(-columns // 8)) * rows), 9))], 1, 0)


def text_bomb() -> bytes:
    """A PNG file whose comment unpacks to 100 MB."""
    packer = zlib.compressobj(1)
    text = b"".join(packer.compress(bytes(10**6)) for _ in range(100)) + packer.flush()
    return _png(4, 4, [(b"zTXt", b"c\0\0" + text), (b"IDAT", zlib.compress(bytes(5)))])


def _png(columns, rows, chunks, bits=8, color=0):
    header = struct.pack(">IIBBBBB", columns, rows, bits, color, 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n"
    for kind, data in [(b"IHDR", header), *chunks, (b"IEND", b"")]:
        file += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return file

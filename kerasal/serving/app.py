"""The application: its addresses, what they answer, and its limits."""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from kerasal.data.images import ImageTooLarge, read_upload
from kerasal.errors import InputError
from kerasal.prediction.predictors import Predictor
from kerasal.visualize import color_table, grey, overlay

PAGE = Path(__file__).with_name("page")
COLORS = ("inferno", "viridis", "magma", "turbo", "gray")
FORMATS = {"png": "image/png", "npy": "application/octet-stream", "overlay": "image/jpeg"}
# The page needs nothing from elsewhere, and shows pictures that it makes itself.
POLICY = (
    "default-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Limits:
    """What one upload, and all uploads together, may take."""

    bytes: int = 20_000_000
    pixels: int = 50_000_000
    upload_seconds: float = 30  # from the first byte to the last
    queue_seconds: float = 300  # until an upload is taken up
    uploads: int = 8  # in memory at once: later ones wait, unread


def create_app(
    predictors: dict[str, Predictor], limits: Limits | None = None, hosts: tuple[str, ...] = ()
) -> Starlette:
    """The ASGI application.

    GET / is the page. GET /models lists the predictors' names, the first one being the default, colour maps
    and limits. POST /predict?model=NAME&format=png|npy|overlay takes an image file as its body and returns
    the map at the image's size: grey levels, float32 in [0, 1], or the heat map over the image. Errors are
    JSON, {"error": text}: 400 no image, 403 from another site, 404 no such model, 408 too slow, 413 too
    large, 415 a form, 503 waited too long.

    One image at a time is decoded and predicted, in the order they came; the others wait, and while more than
    `limits.uploads` wait, the rest are not even read. `hosts` are the names that the server is asked by,
    beside localhost: a web page that has its own name point here gets nothing.
    """
    limits = limits or Limits()
    worker = ThreadPoolExecutor(1, thread_name_prefix="predict")
    # The event loop that a semaphore belongs to is the one it is first used in.
    slots = asyncio.Semaphore(limits.uploads)

    async def predict(request: Request) -> Response:
        name = request.query_params.get("model") or next(iter(predictors))
        format = request.query_params.get("format", "png")
        try:
            async with _Slot(slots, limits.queue_seconds) as taken:
                content = await _body(request, limits.bytes if taken else 0, limits)
                if not taken:
                    raise HTTPException(503, "too many images are waiting: try again later")
                _check(request, name, format, predictors)
                if content is None:
                    raise HTTPException(413, f"the file has more than {limits.bytes:,} bytes")
                work = (predictors[name], content, format, limits.pixels)
                answer = await asyncio.get_running_loop().run_in_executor(worker, _answer, *work)
                return Response(answer, media_type=FORMATS[format])
        except ImageTooLarge as error:
            raise HTTPException(413, str(error)) from None
        except InputError as error:
            raise HTTPException(400, str(error)) from None
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it

    async def models(_: Request) -> Response:
        return JSONResponse(
            {
                "models": list(predictors),
                "colors": {name: color_table(name).round().astype(int).tolist() for name in COLORS},
                "limits": {"bytes": limits.bytes, "pixels": limits.pixels},
            }
        )

    async def page(_: Request) -> Response:
        headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        return FileResponse(PAGE / "index.html", headers=headers)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/models", models),
            Route("/predict", predict, methods=["POST"]),
            Mount("/page", StaticFiles(directory=PAGE)),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", "[::1]", *hosts])
        ],
        exception_handlers={HTTPException: _error, Exception: _bug},
    )


class _Slot:
    """One of the places for uploads; entering it says whether one came free in time."""

    def __init__(self, slots: asyncio.Semaphore, seconds: float):
        self.slots, self.seconds, self.taken = slots, seconds, False

    async def __aenter__(self) -> bool:
        try:
            await asyncio.wait_for(self.slots.acquire(), self.seconds)
        except asyncio.TimeoutError:  # not the built-in one before Python 3.11
            return False
        self.taken = True
        return True

    async def __aexit__(self, *_) -> None:
        if self.taken:
            self.slots.release()


async def _body(request: Request, most: int, limits: Limits) -> bytes | None:
    """The body, or None if it has more than `most` bytes.

    What is too much is still read, up to a point, and thrown away: a client that is cut off while it sends
    never comes to hear why.
    """

    async def read() -> bytes | None:
        content, size = bytearray(), 0
        async for chunk in request.stream():
            size += len(chunk)
            if size <= most:
                content += chunk
            elif size > 5 * limits.bytes:
                break
            else:
                content.clear()
        return bytes(content) if size <= most else None

    try:
        return await asyncio.wait_for(read(), limits.upload_seconds)
    except asyncio.TimeoutError:
        raise HTTPException(408, f"the upload took more than {limits.upload_seconds:g} s") from None


def _check(request: Request, name: str, format: str, predictors: dict[str, Predictor]) -> None:
    """Refuse what is no image sent by the page or a program for a model that there is."""
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "only this server's own page and programs may use it")
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise HTTPException(415, "send the image file itself: curl --data-binary @photo.jpg")
    if name not in predictors:
        raise HTTPException(404, f"no model {name}: one of {', '.join(predictors)}")
    if format not in FORMATS:
        raise HTTPException(400, f"unknown format {format}: one of {', '.join(FORMATS)}")


def _answer(predictor: Predictor, content: bytes, format: str, pixels: int) -> bytes:
    """All the work on one image. InputError: it is none."""
    if not content:
        raise InputError("the request has no body: send an image file")
    stimulus = read_upload(content, pixels)
    (saliency_map,) = predictor.saliency_maps([stimulus])
    file = io.BytesIO()
    if format == "npy":
        np.save(file, saliency_map)
    elif format == "overlay":
        Image.fromarray(overlay(stimulus, saliency_map)).save(file, "jpeg", quality=90)
    else:
        Image.fromarray(grey(saliency_map)).save(file, "png", compress_level=1)
    return file.getvalue()


async def _error(_: Request, error: HTTPException) -> Response:
    # What may be left of a refused body is not read: the connection ends with the answer.
    headers = {"Connection": "close", **({"Retry-After": "30"} if error.status_code == 503 else {})}
    return JSONResponse({"error": error.detail}, error.status_code, {**headers, **(error.headers or {})})


async def _bug(_: Request, __: Exception) -> Response:
    # The traceback goes to the server's stderr.
    return JSONResponse({"error": "the server failed on this image"}, 500)

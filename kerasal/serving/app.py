"""The application: its addresses, what they answer, and its limits."""

import asyncio
import contextlib
import io
import re
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path

import numpy as np
from PIL import Image
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kerasal.data.images import ImageTooLarge, read_upload
from kerasal.errors import InputError
from kerasal.prediction.predictor import Predictor
from kerasal.serving.receiving import WAITED, Limits, Uploads
from kerasal.visualize import color_table, grey, overlay

PAGE = Path(__file__).with_name("page")
COLORS = ("inferno", "viridis", "magma", "turbo", "gray")
FORMATS = {"png": "image/png", "npy": "application/octet-stream", "overlay": "image/jpeg"}
# The page needs nothing from elsewhere, and shows pictures that it makes itself.
POLICY = (
    "default-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
NO_HOST: ASGIApp = JSONResponse(
    {"error": "ask this server by its address, localhost or its --host or --name"}, 400
)
HEADERS = (  # of every answer
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)


def create_app(
    predictors: dict[str, Predictor], limits: Limits | None = None, hosts: tuple[str, ...] = ()
) -> ASGIApp:
    """The ASGI application.

    GET / is the page. GET /models lists the predictors' names, the first one being the default, colour maps
    and limits. POST /predict?model=NAME&format=png|npy|overlay takes an image file as its body and returns
    the map at the image's size: grey levels, float32 in [0, 1], or the heat map over the image. Errors are
    JSON, {"error": text}: 400 no image, 403 from another site, 404 no such model, 408 too slow, 413 too
    large, 415 a form, 503 waited too long.

    One image at a time is decoded and predicted, in the order they came; the others wait, and once they fill
    the memory that `limits` allows, the rest stays unread. What a request's head tells, its address, origin
    and length, is checked before. `hosts` are the names that the server is asked by, beside localhost and any
    address: a web page that has its own name point here gets nothing, and 400.
    """
    limits = limits or Limits()
    worker = ThreadPoolExecutor(1, thread_name_prefix="predict")
    uploads, turn = Uploads(limits), asyncio.Lock()

    async def predict(request: Request) -> Response:
        name = request.query_params.get("model") or next(iter(predictors))
        format = request.query_params.get("format", "png")
        try:
            try:
                _check(request, name, format, predictors)
                if int(request.headers.get("content-length", 0)) > limits.bytes:
                    raise uploads.too_large()
            except HTTPException:
                await uploads.throw_away(request)
                raise
            async with uploads.body(request) as content, _in_turn(turn, limits.queue_seconds):
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
        return FileResponse(PAGE / "index.html")

    app = Starlette(
        routes=[
            Route("/", page),
            Route("/models", models),
            Route("/predict", predict, methods=["POST"]),
            Mount("/page", StaticFiles(directory=PAGE)),
        ],
        exception_handlers={HTTPException: _error, Exception: _bug},
    )
    return _Guard(app, ["localhost", *hosts])


def _check(request: Request, name: str, format: str, predictors: dict[str, Predictor]) -> None:
    """Refuse, by its head, what is no image sent by the page or a program for a model that there is."""
    origin = request.headers.get("origin")
    if origin and origin.partition("://")[2] != request.headers.get("host"):
        raise HTTPException(403, "only this server's own page and programs may use it")
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise HTTPException(415, "send the image file itself: curl --data-binary @photo.jpg")
    if name not in predictors:
        raise HTTPException(404, f"no model {name}: one of {', '.join(predictors)}")
    if format not in FORMATS:
        raise HTTPException(400, f"unknown format {format}: one of {', '.join(FORMATS)}")


@contextlib.asynccontextmanager
async def _in_turn(turn: asyncio.Lock, seconds: float) -> AsyncIterator[None]:
    """The turn of an upload, in the order they came. HTTPException: 503, it did not come in time."""
    try:
        await asyncio.wait_for(turn.acquire(), seconds)
    except asyncio.TimeoutError:  # not the built-in one before Python 3.11
        raise HTTPException(503, WAITED) from None
    try:
        yield
    finally:
        turn.release()


class _Guard:
    """Around the application: who asks by another name gets nothing, and every answer has HEADERS."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]):
        self.app = app
        self.hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        name = re.sub(r":\d*$", "", Headers(scope=scope).get("host", "")).lower()
        app = self.app if name in self.hosts or _is_address(name) else NO_HOST
        await app(scope, receive, send_with_headers)


def _is_address(name: str) -> bool:
    """Whether it is an IP address, IPv6 in brackets, which no page elsewhere can have point here."""
    try:
        ip_address(name[1:-1] if name.startswith("[") else name)
    except ValueError:
        return False
    return True


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

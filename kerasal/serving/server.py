"""Running the application by uvicorn, with deadlines for what a client sends and takes."""

import asyncio
import http
import socket

import h11
import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from kerasal.errors import InputError
from kerasal.serving.app import HEADERS

HEAD_SECONDS = 10.0  # for the head of a request, from its first byte or the beginning of the connection
ANSWER_SECONDS = 120.0  # for taking an answer, once it waits in memory
SHUTDOWN_SECONDS = 10  # for the images that are being predicted when the server is stopped


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. InputError: the port is taken, or the host another's."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot listen on {host}:{port} ({reason}): name another --port or --host"
        ) from None


def server(app: ASGIApp) -> uvicorn.Server:
    """What serves the application: `server(app).run(sockets=[listen(host, port)])`."""
    config = uvicorn.Config(
        app,
        http=_Deadlines,
        ws="none",
        log_level="error",  # a stranger's broken request is no news
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        lifespan="off",
    )
    return uvicorn.Server(config)


class _Deadlines(H11Protocol):
    """A connection that does not wait for ever, and answers a broken head as the application would."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._head = self.loop.call_later(HEAD_SECONDS, self._refuse_head)
        self._answer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        coming = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if not coming:
            self._head.cancel()
        elif self._head.cancelled():
            self._head = self.loop.call_later(HEAD_SECONDS, self._refuse_head)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._answer = self.loop.call_later(ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._answer:
            self._answer.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._head, self._answer):
            if timer:
                timer.cancel()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, msg)

    def _refuse_head(self) -> None:
        self._refuse(408, f"the request's head took more than {HEAD_SECONDS:g} s")

    def _refuse(self, status: int, text: str) -> None:
        answer = JSONResponse({"error": text}, status, {"Connection": "close"})
        head = f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\n".encode()
        lines = b"".join(b"%s: %s\r\n" % header for header in (*answer.raw_headers, *HEADERS))
        if not self.transport.is_closing():
            self.transport.write(head + lines + b"\r\n" + answer.body)
            self.transport.close()

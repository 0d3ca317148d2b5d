"""Running the application by uvicorn."""

import socket

import uvicorn
from starlette.applications import Starlette

from kerasal.errors import InputError

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


def server(app: Starlette) -> uvicorn.Server:
    """What serves the application: `server(app).run(sockets=[listen(host, port)])`."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=SHUTDOWN_SECONDS, lifespan="off"
    )
    return uvicorn.Server(config)

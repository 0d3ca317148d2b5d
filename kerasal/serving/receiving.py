"""Receiving bodies: many at once, in bounded memory, with slow ones in nobody's way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

SLOWEST, WINDOW = 50_000, 2.0  # bytes a second, over so many seconds
WAITED = "too many images are waiting: try again later"


@dataclass(frozen=True)
class Limits:
    """What one upload, and all uploads together, may take."""

    bytes: int = 20_000_000
    pixels: int = 50_000_000
    upload_seconds: float = 30  # from the first byte to the last
    queue_seconds: float = 300  # until an upload is taken up
    uploads: int = 8  # of the largest size that have room in memory at once: the rest stays unread


class Uploads:
    """The bodies that are coming or wait for their turn, and the memory that they take together.

    A body takes memory for what has come of it, and not for what is announced. The one that has been coming
    for longest is always left room for all that it may become: so one at least goes on to its end. Where
    others wait for room, who sends less than SLOWEST bytes a second is sent away.
    """

    def __init__(self, limits: Limits):
        self.limits = limits
        self.used = 0  # bytes
        self.waiting = 0  # bodies, for room
        self.coming: list[object] = []  # a token for each body that may grow still, the oldest first
        # The event loop that it belongs to is the one it is first used in.
        self.changed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytearray]:
        """The body, whole, in memory until the end of the block.

        HTTPException: 408 too slow, 413 too large, 503 no room for it in time.
        """
        token, content = object(), bytearray()
        self.coming.append(token)
        try:
            chunks = self._chunks(request)
            async for chunk in chunks:
                if len(content) + len(chunk) > self.limits.bytes:
                    await self.throw_away(request, chunks)
                    raise self.too_large()
                await self._take(token, len(chunk))
                content += chunk
            await self._no_longer_coming(token)
            yield content
        finally:
            self.used -= len(content)
            await self._no_longer_coming(token)

    async def throw_away(self, request: Request, chunks: AsyncIterator[bytes] | None = None) -> None:
        """Read what is left of a body that nobody wants, for as long as an upload may take.

        A client that is cut off while it sends never comes to hear why. `chunks`: what is left of one that
        was begun; the request itself gives its body once.
        """
        if request.headers.get("expect", "").lower() == "100-continue":
            return  # it has sent nothing yet, and asks
        with contextlib.suppress(HTTPException):
            async for _ in chunks or self._chunks(request):
                pass

    def too_large(self) -> HTTPException:
        return HTTPException(413, f"the file has more than {self.limits.bytes:,} bytes")

    async def _chunks(self, request: Request) -> AsyncIterator[bytes]:
        """What comes of the body, until it is too slow; the time that the caller takes does not count."""
        stream, clock = request.stream(), asyncio.get_running_loop().time
        left, window, came = self.limits.upload_seconds, 0.0, 0
        while True:
            chunk = asyncio.ensure_future(anext(stream, None))
            try:
                while not chunk.done():
                    start = clock()
                    await asyncio.wait({chunk}, timeout=min(left, WINDOW))
                    left, window = left - (clock() - start), window + clock() - start
                    if left <= 0 and not chunk.done():
                        raise HTTPException(
                            408, f"the upload took more than {self.limits.upload_seconds:g} s"
                        )
                    if window >= WINDOW:
                        if self.waiting and came < window * SLOWEST:
                            raise HTTPException(
                                408, "the upload came too slowly while others waited for room"
                            )
                        window, came = 0.0, 0
            finally:
                chunk.cancel()
            if (received := chunk.result()) is None:
                return
            came += len(received)
            yield received

    async def _take(self, token: object, count: int) -> None:
        def fits() -> bool:
            kept = 0 if token is self.coming[0] else self.limits.bytes
            return self.used + count + kept <= self.limits.uploads * self.limits.bytes

        async with self.changed:
            self.waiting += 1
            try:
                await asyncio.wait_for(self.changed.wait_for(fits), self.limits.queue_seconds)
            except asyncio.TimeoutError:
                raise HTTPException(503, WAITED) from None
            finally:
                self.waiting -= 1
            self.used += count

    async def _no_longer_coming(self, token: object) -> None:
        async with self.changed:
            if token in self.coming:
                self.coming.remove(token)
            self.changed.notify_all()

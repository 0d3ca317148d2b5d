"""A body that turns out too large, by where it turns out so."""

import asyncio

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from kerasal.serving import Limits
from kerasal.serving.receiving import Uploads


@pytest.mark.parametrize("sizes", [[50], [150], [50, 150], [50, 150, 20], [150, 0], [100]])
def test_a_body_that_is_too_large_is_read_to_its_end_wherever_it_becomes_so(sizes):
    left = [bytes(size) for size in sizes]

    async def receive():
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    async def read():
        async with Uploads(Limits(bytes=100)).body(Request({"type": "http", "headers": []}, receive)) as body:
            return len(body)

    if sum(sizes) <= 100:
        assert asyncio.run(read()) == sum(sizes)
    else:
        with pytest.raises(HTTPException) as error:
            asyncio.run(read())
        assert error.value.status_code == 413
    assert left == []

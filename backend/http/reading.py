"""Reading a body: our own byte counter and two deadlines, for JSON and for forms alike."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestPayloadError

from backend.http.deadlines import DEADLINES
from backend.http.refusals import (
    MalformedRequest,
    PayloadTooLarge,
    RequestTimeout,
    UnsupportedMediaType,
)

BODY: Final = web.RequestKey("body", bytes)


def check_size(request: web.Request, bytes_max: int) -> None:
    """Refuse by what the header announces, before a byte of the body is read."""
    if (request.content_length or 0) > bytes_max:
        raise PayloadTooLarge(f"This route takes at most {bytes_max} bytes.")


def check_encoding(request: web.Request) -> None:
    """Refuse compressed bodies: ours are small or already compressed, and bombs are not."""
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMediaType("Content-Encoding is not supported.")


async def read_body(request: web.Request, bytes_max: int) -> bytes:
    """Read the whole body, at most `bytes_max`; what was read for a signature is there already."""
    if BODY not in request:
        request[BODY] = await _read(request, bytes_max)
    return request[BODY]


async def _read(request: web.Request, bytes_max: int) -> bytes:
    content = request.content
    if content.is_eof() and content.total_bytes <= bytes_max:
        # It arrived with the headers, as nearly every JSON body does: no deadline to set.
        return content.read_nowait()
    return b"".join([chunk async for chunk in body_chunks(request, bytes_max)])


async def body_chunks(request: web.Request, bytes_max: int) -> AsyncIterator[bytes]:
    """Give the body piece by piece, never more than `bytes_max` and never for too long.

    Raises:
        PayloadTooLarge: The counter passed the limit, whatever Content-Length said.
        RequestTimeout: Silent too long, or not finished in time.
        MalformedRequest: The transfer coding is broken.
    """
    deadlines = request.app[DEADLINES]
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + deadlines.body_total_s
    count = 0
    while chunk := await _next_chunk(
        request, until=min(loop.time() + deadlines.body_idle_s, ends_at)
    ):
        count += len(chunk)
        if count > bytes_max:
            raise PayloadTooLarge(f"This route takes at most {bytes_max} bytes.")
        yield chunk


async def _next_chunk(request: web.Request, *, until: float) -> bytes:
    try:
        async with asyncio.timeout_at(until):
            return await request.content.readany()
    except TimeoutError:
        raise RequestTimeout from None
    except (web.HTTPException, RequestPayloadError, ValueError):
        raise MalformedRequest("The body's transfer coding is broken.") from None

"""Cursor pagination: an opaque, signed position in one list of one principal.

The signature covers who asks, which list and which filters, so that a cursor opens nothing else and
a position needs no checking against them.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec
from aiohttp import web

from backend.http.refusals import InvalidCursor
from backend.http.routes import Call

PAGE_ROWS_DEFAULT: Final = 50  # two screens of a phone
PAGE_ROWS_MAX: Final = 200  # about 100 kB of transfers
CURSOR_CHARACTERS_MAX: Final = 1024  # a position is two or three values
TAG_BYTES: Final = 16  # HMAC-SHA256 shortened to 128 bits, RFC 2104 section 5

CURSOR_KEY: Final = web.AppKey("cursor_key", bytes)
Position = TypeVar("Position")
Row = Any  # a row of some query, which has an `id`
Shown = TypeVar("Shown")

_canonical = msgspec.json.Encoder(order="deterministic")


class PageQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of every list; lists with filters inherit it."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_ROWS_MAX)] = PAGE_ROWS_DEFAULT
    cursor: str | None = None


def position_of(call: Call[Any, Any], kind: type[Position]) -> Position | None:
    """Open the cursor of the call; None starts at the beginning.

    Raises:
        InvalidCursor: Not made here, or for another principal, list or filter.
    """
    cursor: str | None = call.query.cursor
    if cursor is None:
        return None
    sealed = _unpacked(cursor)
    position, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(call, position)):
        raise InvalidCursor
    try:
        return msgspec.json.decode(position, type=kind)
    except msgspec.DecodeError:
        raise InvalidCursor from None


def cursor_at(call: Call[Any, Any], position: object) -> str:
    """Make the cursor that continues this list after `position`."""
    encoded = msgspec.json.encode(position)
    return base64.urlsafe_b64encode(encoded + _tag(call, encoded)).decode().rstrip("=")


def page_of(
    call: Call[Any, Any], rows: Sequence[Row], render: Callable[[Row], Shown]
) -> tuple[list[Shown], str | None]:
    """The shown rows of one page, and the cursor after it; `rows` has one more when there is.

    A row's position is its `id`.
    """
    page = rows[: call.query.limit]
    cursor = cursor_at(call, page[-1].id) if len(rows) > len(page) else None
    return [render(row) for row in page], cursor


def _unpacked(cursor: str) -> bytes:
    if len(cursor) > CURSOR_CHARACTERS_MAX or not cursor.isascii():
        raise InvalidCursor
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidCursor from None


def _tag(call: Call[Any, Any], position: bytes) -> bytes:
    filters = msgspec.structs.asdict(call.query)
    del filters["limit"], filters["cursor"]
    asker = call.caller.id if call.caller else None
    bound = [asker, call.route.method, call.route.path, dict(call.path), filters]
    message = _canonical.encode(bound) + b"\0" + position
    return hmac.new(call.app[CURSOR_KEY], message, hashlib.sha256).digest()[:TAG_BYTES]

"""Multipart forms for photos, kept in memory and counted by ourselves.

aiohttp applies no size limit to `request.multipart()` and forgives broken forms; this reader takes
the one shape that browsers, WeChat and curl send. File names are never looked at.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from aiohttp import hdrs, web

from backend.http.problem import Fault
from backend.http.reading import body_chunks, check_encoding, check_size
from backend.http.refusals import MalformedMultipart, PayloadTooLarge, ValidationFailed
from backend.http.signed import check_digest
from backend.http.texts import unreadable

TEXT_BYTES_MAX: Final = 4 * 1024  # ids and short notes
FILE_BYTES_MAX: Final = 10 * 1024 * 1024  # a phone's 12 MP JPEG is 3 to 6 MB
FRAMING_BYTES_MAX: Final = 64 * 1024  # boundaries and part headers of all parts together
PARTS_MAX: Final = 10  # our forms have two
PART_HEADER_BYTES_MAX: Final = 8 * 1024  # room for a long file name, which nobody reads
TRANSFER_ENCODINGS: Final = frozenset({"binary", "8bit", "7bit"})  # the ones that encode nothing

# What helps somebody with a photo, where "send less" would not.
_SMALLER: Final = {
    "zh": ("照片文件超过 10 MB", "请把长边缩到 1600 像素以内再上传"),
    "en": (
        "The photo file is larger than 10 MB",
        "Scale the long side to 1600 pixels or less and upload again",
    ),
}
_BOUNDARY = re.compile(r"""boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)""", re.IGNORECASE)
_DISPOSITION = re.compile(
    r'form-data((?:\s*;\s*[a-z]+\*?=(?:"(?:[^"\\]|\\.)*"|[^\s;"]*))*)\s*+;?\s*',
    re.IGNORECASE | re.DOTALL,
)
_NAMED = re.compile(r';\s*([a-z]+\*?)=("(?:[^"\\]|\\.)*"|[^\s;"]*)', re.IGNORECASE | re.DOTALL)
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class FormField:
    """One part that a form may have, with its size limit in bytes."""

    name: str
    bytes_max: int
    is_file: bool
    required: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """The parts of a received form.

    Attributes:
        slot: What holds its upload slot.
    """

    parts: dict[str, bytes]
    slot: ExitStack = field(default_factory=ExitStack)

    def release(self) -> None:
        """Forget the parts and give the upload slot back, once all that is needed was read.

        The handler then waits for outcomes without keeping other uploads out, or their memory
        taken. A second call changes nothing.
        """
        self.parts.clear()
        self.slot.close()

    def text(self, name: str) -> str:
        """Give a text field; it was checked to be UTF-8 without NUL."""
        return self.parts[name].decode()

    def file(self, name: str) -> bytes:
        """Give the bytes of a file as they were sent."""
        return self.parts[name]


def text_field(name: str, bytes_max: int = TEXT_BYTES_MAX, *, required: bool = True) -> FormField:
    """Describe a text field."""
    return FormField(name, bytes_max, is_file=False, required=required)


def file_field(name: str, bytes_max: int = FILE_BYTES_MAX, *, required: bool = True) -> FormField:
    """Describe a file."""
    return FormField(name, bytes_max, is_file=True, required=required)


def form_bytes_max(fields: Sequence[FormField]) -> int:
    """Size of the largest acceptable form, framing included."""
    return sum(each.bytes_max for each in fields) + FRAMING_BYTES_MAX


async def read_form(request: web.Request, fields: Sequence[FormField]) -> Form:
    """Read a form that has exactly these fields.

    Raises:
        MalformedRequest: Another body than its Content-Digest says.
        MalformedMultipart: No such form, not finished, nested, or with encoded parts.
        PayloadTooLarge: A file, the number of parts or the whole is over its limit.
        ValidationFailed: A part is missing, repeated, unknown, or not the text it should be.
    """
    check_encoding(request)
    boundary = _boundary_of(request.headers.get(hdrs.CONTENT_TYPE, ""))
    try:
        body = await _read(request, form_bytes_max(fields))
    except PayloadTooLarge as error:
        error.words = _SMALLER
        raise
    check_digest(request, body)
    return _collect(_parts(body, boundary), {each.name: each for each in fields})


async def _read(request: web.Request, bytes_max: int) -> bytes:
    check_size(request, bytes_max)
    body = bytearray()
    async for chunk in body_chunks(request, bytes_max):
        body += chunk
    return bytes(body)


def _boundary_of(content_type: str) -> bytes:
    found = _BOUNDARY.findall(content_type)
    if len(found) != 1 or not content_type.isascii():
        raise MalformedMultipart("The content type has no usable boundary.")
    return "".join(found[0]).encode()


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[str, bytes]]:
    """Cut the body at its boundaries; gives the name and content of each part."""
    separator = b"\r\n--" + boundary
    body = body if body.startswith(b"\r\n") else b"\r\n" + body
    if not body.startswith(separator):
        raise MalformedMultipart("The form does not begin with its boundary.")
    position, count = len(separator), 0
    while body[position : position + 2] != b"--":
        count += 1
        if count > PARTS_MAX:
            raise PayloadTooLarge(f"A form has at most {PARTS_MAX} parts.")
        start = body.find(b"\r\n\r\n", position, position + PART_HEADER_BYTES_MAX)
        end = body.find(separator, start + 4)
        if start < 0 or end < 0 or body[position : position + 2] != b"\r\n":
            raise MalformedMultipart("The form is not finished, or a part has no end.")
        yield _name_of(body[position:start]), body[start + 4 : end]
        position = end + len(separator)


def _name_of(header: bytes) -> str:
    fields: dict[str, str] = {}
    for line in header.decode("utf-8", "replace").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or name.lower() in fields:
            raise MalformedMultipart("A part has a broken header.")
        fields[name.lower()] = value.strip()
    if fields.get("content-transfer-encoding", "binary").lower() not in TRANSFER_ENCODINGS:
        raise MalformedMultipart("Parts are sent as they are, without a transfer encoding.")
    if fields.get("content-type", "").lower().startswith("multipart/"):
        raise MalformedMultipart("Forms do not nest.")
    disposition = _DISPOSITION.fullmatch(fields.get("content-disposition", ""))
    named = _NAMED.findall(disposition[1]) if disposition else []
    names: list[str] = [value.strip('"') for key, value in named if key.lower() == "name"]
    if len(names) != 1:
        raise MalformedMultipart("A part has no name.")
    return names[0]


def _collect(parts: Iterator[tuple[str, bytes]], fields: Mapping[str, FormField]) -> Form:
    received: dict[str, bytes] = {}
    for name, content in parts:
        if name not in fields:
            pointer = f"/{name}" if _PLAIN_NAME.fullmatch(name) else ""
            raise ValidationFailed(errors=(Fault(pointer, "unknown_member"),))
        if name in received:
            raise ValidationFailed(errors=(Fault(f"/{name}", "repeated"),))
        _check_part(fields[name], content)
        received[name] = content
    for each in fields.values():
        if each.required and each.name not in received:
            raise ValidationFailed(errors=(Fault(f"/{each.name}", "missing"),))
    return Form(received)


def _check_part(field: FormField, content: bytes) -> None:
    is_long = len(content) > field.bytes_max
    if is_long and field.is_file:
        error = PayloadTooLarge(f"{field.name} has at most {field.bytes_max} bytes.")
        error.words = _SMALLER
        raise error
    if field.is_file:
        return
    if is_long:
        raise ValidationFailed(errors=(Fault(f"/{field.name}", "too_long"),))
    try:
        code = unreadable(content.decode())
    except UnicodeDecodeError:
        code = "not_utf8"
    if code:
        raise ValidationFailed(errors=(Fault(f"/{field.name}", code),))

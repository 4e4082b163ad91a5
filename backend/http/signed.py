"""What a signed request signs, as bytes, and the id that it signs it under.

Nothing here knows a key. The content is the body as it is. Where the address says more than where
to go, by a parameter in its path or by a query, and where there is no body, the line with method
and target is signed before it: nobody shall send the weight of one bag as that of another. A form
is too large to be read before somebody is let in, so its sender signs the `Content-Digest` of it,
which the form's reader checks.

Source:
    RFC 9530, sections 2 and 5 (read 2026-11-29).
"""

import base64
import hashlib
import re
from typing import Final

from aiohttp import hdrs, web

from backend.http.reading import check_encoding, check_size, read_body
from backend.http.refusals import MalformedRequest, SignatureNotValid

BODY_BYTES_MAX: Final = web.RequestKey("body_bytes_max", int)
SIGNED_ID: Final = web.RequestKey("signed_id", str)

_DIGEST_FIELD = "Content-Digest"
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


async def signed_content(request: web.Request) -> bytes:
    """What the signature of this request must be over.

    Raises:
        SignatureNotValid: A form without a digest, or content in header fields, where no signature
            covers it.
        PayloadTooLarge, RequestTimeout, MalformedRequest, UnsupportedMediaType: As for any body.
    """
    if any(name.lower().startswith("ce-") for name in request.headers):
        raise SignatureNotValid("Attributes in header fields are not signed: use structured mode.")
    body = await _signed_body(request)
    if body and not request.match_info and not request.query_string:
        return body
    line = f"{request.method} {request.raw_path}".encode()
    return line + b"\n" + body if body else line


async def _signed_body(request: web.Request) -> bytes:
    if request.headers.get(hdrs.CONTENT_TYPE, "").lower().startswith("multipart/"):
        digest = _digest_of(request)
        if digest is None:
            raise SignatureNotValid("A signed form needs a Content-Digest with sha-256.")
        return digest.encode()
    bytes_max = request.get(BODY_BYTES_MAX, 0)
    if not bytes_max:
        return b""
    check_encoding(request)
    check_size(request, bytes_max)
    return await read_body(request, bytes_max)


def check_digest(request: web.Request, body: bytes | bytearray) -> None:
    """Compare a body with the digest that was announced for it, if there is one.

    Raises:
        MalformedRequest: It is another body.
    """
    announced = _digest_of(request)
    if announced is None:
        return
    found = base64.b64encode(hashlib.sha256(body).digest()).decode()
    if announced != f"sha-256=:{found}:":
        raise MalformedRequest("The body is not the one of Content-Digest.")


def _digest_of(request: web.Request) -> str | None:
    fields = request.headers.getall(_DIGEST_FIELD, [])
    return fields[0] if len(fields) == 1 and _DIGEST.fullmatch(fields[0]) else None

"""Texts that make a careless pattern look at every place from every place, sent by anybody.

The service answers in the one loop that all callers share, so what counts is the time of this
process: a linear reader needs a thousandth of what is allowed here, a quadratic one all of it.
"""

import time

import pytest

from tests.http.sample_api import Server
from tests.http.test_multipart import form, upload

CPU_S = 0.1
LONG = " " * 8_000
UNFINISHED = b'{"a":' * 40 + b'"' + b'\\"' * 6_000
HOSTILE = {
    "media types": ("GET", "/v1/public", {"Accept": f"a,{LONG},b"}, b"", 406),
    "languages": ("GET", "/v1/public", {"Accept-Language": f"a,{LONG},b"}, b"", 200),
    "languages of a refusal": ("GET", "/nowhere", {"Accept-Language": f"c,{LONG},b"}, b"", 404),
    "an unfinished text": ("POST", "/v1/effects", {}, UNFINISHED, 400),
}


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"), HOSTILE.values(), ids=HOSTILE.keys()
)
async def test_a_hostile_text_is_read_once(
    server: Server, *, method, path, headers, body, status
) -> None:
    began = time.process_time()
    reply = await server.request(method, path, headers=headers, body=body)
    assert reply.status == status
    assert time.process_time() - began < CPU_S


async def test_a_hostile_form_is_read_once(server: Server) -> None:
    headed = f"Content-Disposition: form-data; name=a{LONG[:7_900]}b\r\n\r\n".encode()
    began = time.process_time()
    assert (await upload(server, form(headed))).status == 400
    assert time.process_time() - began < CPU_S

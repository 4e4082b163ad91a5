"""Forms as clients send them, and as attackers do."""

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from backend.http import Answer, Call, HttpSettings
from backend.http.upload_slots import UPLOADS
from tests.http.sample_api import (
    MEMBER,
    ROUTES,
    Bag,
    Server,
    Thing,
    Trip,
    make_app,
    start,
)

PHOTO = b"\xff\xd8\xff" + bytes(range(256)) * 40


def part(name, content, *, extra="", filename=None) -> bytes:
    named = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    return f"Content-Disposition: {named}\r\n{extra}\r\n".encode() + content


def form(*parts, boundary=b"frontier", end=b"--\r\n") -> bytes:
    delimiter = b"--" + boundary + b"\r\n"
    body = b"".join(delimiter + content + b"\r\n" for content in parts)
    return body + b"--" + boundary + end


CAPTURE = part("capture", b"capture-1")
SOUND = form(
    CAPTURE, part("photo", PHOTO, filename="plate.jpg", extra="Content-Type: image/jpeg\r\n")
)


async def upload(server, body, content_type="multipart/form-data; boundary=frontier", **fields):
    headers = MEMBER | {"Content-Type": content_type} | fields
    return await server.request("POST", "/v1/things", body=body, headers=headers)


async def test_a_form_arrives_whole(server):
    reply = await upload(server, SOUND)
    assert (reply.status, reply.json()) == (202, {"kind": "capture-1", "size": len(PHOTO)})


async def test_a_form_may_arrive_in_small_pieces(server):
    head = (
        "POST /v1/things HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer member\r\n"
        "Content-Type: multipart/form-data; boundary=frontier\r\n"
        f"Content-Length: {len(SOUND)}\r\n\r\n"
    )
    pieces = [SOUND[start : start + 997] for start in range(0, len(SOUND), 997)]
    reply = await server.send(head.encode(), *pieces)
    assert reply.json() == {"kind": "capture-1", "size": len(PHOTO)}


@pytest.mark.parametrize(
    "content_type",
    [
        'multipart/form-data; boundary="frontier"',
        "multipart/form-data;boundary=frontier",
        "Multipart/Form-Data; charset=utf-8; Boundary=frontier",
    ],
)
async def test_the_boundary_is_found_however_it_is_written(server, content_type):
    assert (await upload(server, SOUND, content_type)).status == 202


@pytest.mark.parametrize(
    "filename",
    [
        "../../etc/passwd",
        "a.jpg\0.php",
        "x" * 4_000,
        "CON",
        "光盘.jpg",
        'a; name=\\"photo\\"',
        "a;b",
    ],
)
async def test_file_names_are_ignored(server, filename):
    body = form(CAPTURE, part("photo", PHOTO, filename=filename))
    assert (await upload(server, body)).status == 202


async def test_an_encoded_file_name_is_ignored(server):
    photo = PHOTO.join(
        [b"Content-Disposition: form-data; name=photo; filename*=bad''%ff\r\n\r\n", b""]
    )
    assert (await upload(server, form(CAPTURE, photo))).status == 202


async def test_a_file_may_hold_what_looks_like_a_boundary(server):
    content = b"\r\n--front\r\n--other\r\n\r\n--" + PHOTO
    reply = await upload(server, form(CAPTURE, part("photo", content)))
    assert reply.json()["size"] == len(content)


BROKEN = {
    "no boundary": (SOUND, "multipart/form-data; charset=utf-8"),
    "empty boundary": (SOUND, "multipart/form-data; boundary="),
    "long boundary": (SOUND, "multipart/form-data; boundary=" + "b" * 71),
    "two boundaries": (SOUND, "multipart/form-data; boundary=frontier; boundary=b"),
    "other boundary": (SOUND, "multipart/form-data; boundary=other"),
    "no final boundary": (form(CAPTURE, part("photo", PHOTO), end=b"")[:-10], None),
    "cut within a part": (SOUND[:-200], None),
    "empty body": (b" ", None),
    "preamble": (b"hello\r\n" + SOUND, None),
    "nested": (
        form(CAPTURE, part("photo", SOUND, extra="Content-Type: multipart/mixed; boundary=x\r\n")),
        None,
    ),
    "base64": (
        form(CAPTURE, part("photo", b"AAAA", extra="Content-Transfer-Encoding: base64\r\n")),
        None,
    ),
    "quoted-printable": (
        form(
            CAPTURE, part("photo", b"=41", extra="Content-Transfer-Encoding: quoted-printable\r\n")
        ),
        None,
    ),
    "300 headers": (
        form(
            CAPTURE,
            part("photo", PHOTO, extra="".join(f"X-{n}: {'v' * 40}\r\n" for n in range(300))),
        ),
        None,
    ),
    "repeated header": (
        form(CAPTURE, part("photo", PHOTO, extra="Content-Disposition: x\r\n")),
        None,
    ),
    "header without colon": (form(CAPTURE, part("photo", PHOTO, extra="nonsense\r\n")), None),
    "no disposition": (form(CAPTURE, b"Content-Type: image/jpeg\r\n\r\n" + PHOTO), None),
    "no name": (form(CAPTURE, b"Content-Disposition: form-data\r\n\r\n" + PHOTO), None),
    "two names": (
        form(CAPTURE, b'Content-Disposition: form-data; name="a"; name="photo"\r\n\r\nx'),
        None,
    ),
    "attachment": (form(CAPTURE, b'Content-Disposition: attachment; name="photo"\r\n\r\nx'), None),
}


@pytest.mark.parametrize(("body", "content_type"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_form_is_malformed(server, body, content_type):
    reply = await upload(server, body, content_type or "multipart/form-data; boundary=frontier")
    assert (reply.status, reply.problem["type"]) == (400, "/problems/malformed-multipart")


WRONG = {
    "missing part": (form(CAPTURE), "/photo", "missing"),
    "no parts": (form(), "/capture", "missing"),
    "repeated part": (form(CAPTURE, CAPTURE), "/capture", "repeated"),
    "unknown part": (form(CAPTURE, part("balance", b"9")), "/balance", "unknown_member"),
    "hostile name": (form(CAPTURE, part("<canary>", b"9")), "", "unknown_member"),
    "text not utf-8": (form(part("capture", b"\xff")), "/capture", "not_utf8"),
    "long text": (form(part("capture", b"x" * 4_097)), "/capture", "too_long"),
    "nul in text": (form(part("capture", b"a\0b")), "/capture", "nul_character"),
    "escape in text": (form(part("capture", b"a\x1bb")), "/capture", "control_character"),
}


@pytest.mark.parametrize(("body", "pointer", "code"), WRONG.values(), ids=WRONG.keys())
async def test_a_form_with_other_parts_is_invalid(server, body, pointer, code):
    reply = await upload(server, body)
    assert (reply.status, reply.problem["errors"]) == (422, [{"pointer": pointer, "code": code}])
    assert b"canary" not in reply.body


LARGE = {
    "photo": form(CAPTURE, part("photo", b"x" * 1_000_001)),
    "whole form": form(CAPTURE, part("photo", b"x" * 1_200_000)),
}


@pytest.mark.parametrize("body", LARGE.values(), ids=LARGE.keys())
async def test_a_part_over_its_limit_is_too_large(server, body):
    reply = await upload(server, body)
    assert (reply.status, reply.problem["type"]) == (413, "/problems/payload-too-large")


async def test_five_thousand_parts_are_too_many(server):
    reply = await upload(server, form(*[part("capture", b"x")] * 5_000))
    assert reply.status in {413, 422}
    reply = await upload(server, form(*[part(f"a{n}", b"x") for n in range(11)]))
    assert reply.status in {413, 422}


async def test_a_chunked_form_is_counted_too(server):
    head = (
        b"POST /v1/things HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer member\r\n"
        b"Content-Type: multipart/form-data; boundary=frontier\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"20000\r\n" + b"x" * 0x20000 + b"\r\n"
    assert (await server.send(head, *[chunk] * 10)).status == 413


async def test_a_compressed_form_is_refused(server):
    assert (await upload(server, SOUND, **{"Content-Encoding": "gzip"})).status == 415


async def test_a_dripping_upload_times_out(server):
    head = (
        b"POST /v1/things HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer member\r\n"
        b"Content-Type: multipart/form-data; boundary=frontier\r\nContent-Length: 500000\r\n\r\n"
    )
    reply = await server.send(head, *[b"x"] * 12, pause_s=0.05)
    assert (reply.status, reply.problem["type"]) == (408, "/problems/request-timeout")


HALF = (
    b"POST /v1/things HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer %s\r\n"
    b"Content-Type: multipart/form-data; boundary=frontier\r\nContent-Length: 500\r\n\r\n"
)


@asynccontextmanager
async def half_sent(server, *callers, held):
    """Uploads of these callers that have begun and do not go on; so many of them hold a slot."""
    opened = [await asyncio.open_connection("127.0.0.1", server.port) for _ in callers]
    for (_, writer), caller in zip(opened, callers, strict=True):
        writer.write(HALF % caller)
    await slots_held(server, held)
    yield
    for _, writer in opened:
        writer.close()
    await slots_held(server, 0)


async def slots_held(server, count):
    for _ in range(500):
        if server.app[UPLOADS].held == count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(server.app[UPLOADS].held)


@pytest.fixture
async def few_slots():
    """A service with room for six uploads at a time."""
    settings = HttpSettings(cursor_key=b"k" * 32, uploads_max=6)
    app = make_app(settings=settings)
    runner, port = await start(app)
    yield Server(app, port)
    await runner.cleanup()


async def test_more_uploads_than_slots_are_told_to_come_back(few_slots):
    async with half_sent(few_slots, *[b"member"] * 3, *[b"other"] * 3, held=6):
        reply = await upload(few_slots, SOUND)
    assert (reply.status, reply.problem["type"]) == (503, "/problems/overloaded")
    assert 1 <= int(reply.fields["retry-after"]) <= 3


async def test_nobody_holds_more_slots_than_four_while_others_want_one(few_slots):
    async with half_sent(few_slots, *[b"other"] * 5, held=4):
        refused = await upload(few_slots, SOUND, Authorization="Bearer other")
        assert (await upload(few_slots, SOUND)).status == 202
    assert (refused.status, refused.problem["type"]) == (429, "/problems/too-many-uploads")
    assert 1 <= int(refused.fields["retry-after"]) <= 3


async def test_who_was_told_to_come_back_is_let_in_when_her_uploads_have_ended(few_slots):
    for _ in range(2):
        async with half_sent(few_slots, *[b"member"] * 4, held=4):
            assert (await upload(few_slots, SOUND)).status == 429
        assert (await upload(few_slots, SOUND)).status == 202


async def test_a_form_that_was_released_is_in_nobodys_memory_and_holds_no_slot():
    holders, may_end = asyncio.Queue(), asyncio.Event()

    async def keep(call: Call[Trip | Bag, None]) -> Answer:
        photo = call.form.file("photo")
        call.form.release()
        call.form.release()
        holders.put_nowait(sys.getrefcount(photo))
        await may_end.wait()
        return Answer(Thing("kept", len(photo)), 202)

    [route] = [each for each in ROUTES if each.form]
    app = make_app([replace(route, handler=keep)])
    runner, port = await start(app)
    waiting = []
    for _ in range(5):  # more than one caller may have arriving
        waiting.append(asyncio.ensure_future(upload(Server(app, port), SOUND)))
        found = await asyncio.wait_for(holders.get(), 10)
        assert found == 2, "the handler's own name, and the argument of the count"
    may_end.set()
    assert [(await each).status for each in waiting] == [202] * 5
    await runner.cleanup()

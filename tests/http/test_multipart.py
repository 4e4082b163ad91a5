"""Forms as clients send them, and as attackers do."""

import asyncio

import pytest

from tests.http.sample_api import MEMBER, Server, make_app, start

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


async def test_more_uploads_than_slots_are_told_to_come_back():
    app = make_app()
    runner, port = await start(app)
    server = Server(app, port)
    try:
        head = (
            b"POST /v1/things HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer member\r\n"
            b"Content-Type: multipart/form-data; boundary=frontier\r\nContent-Length: 500\r\n\r\n"
        )
        waiting = [await asyncio.open_connection("127.0.0.1", port) for _ in range(32)]
        for _, writer in waiting:
            writer.write(head)
        await asyncio.sleep(0.05)
        reply = await upload(server, SOUND)
        for _, writer in waiting:
            writer.close()
    finally:
        await runner.cleanup()
    assert (reply.status, reply.problem["type"]) == (503, "/problems/overloaded")
    assert 1 <= int(reply.fields["retry-after"]) <= 3

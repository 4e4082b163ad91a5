"""Requests that are no good HTTP, over raw sockets: every one gets a problem, none an echo."""

import asyncio
import json

import pytest

from backend.http import HttpSettings
from tests.http.sample_api import MEMBER, THING_ID, Server, make_app, read_reply, start

GET = b"GET /v1/public HTTP/1.1\r\n"
POST = b"POST /v1/effects HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
BROKEN = {
    "length and chunked": (
        POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    "negative length": (POST + b"Content-Length: -2\r\n\r\n{}", 400),
    "plus length": (POST + b"Content-Length: +2\r\n\r\n{}", 400),
    "list of lengths": (POST + b"Content-Length: 2,2\r\n\r\n{}", 400),
    "bad chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\ncanary\r\n", 400),
    "bare line feeds": (b"GET /v1/public HTTP/1.1\nHost: t\ncanary: 1\n\n", 400),
    "folded field": (GET + b"Host: t\r\nX-A: a\r\n canary\r\n\r\n", 400),
    "no host": (GET + b"\r\n", 400),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03canary" + b"\0" * 40 + b"\r\n\r\n", 400),
    "no version": (b"GET /canary\r\n\r\n", 400),
    "unknown version": (b"GET /canary HTTP/9.9\r\nHost: t\r\n\r\n", 400),
    "bad method": (b"GE\x01canary / HTTP/1.1\r\nHost: t\r\n\r\n", 400),
    "nul in a field": (GET + b"Host: t\r\nX-A: can\0ary\r\n\r\n", 400),
    "space in a field name": (GET + b"Host: t\r\nX canary: 1\r\n\r\n", 400),
    "long field": (GET + b"Host: t\r\nX-A: " + b"canary" * 1_500 + b"\r\n\r\n", 431),
    "long cookie": (GET + b"Host: t\r\nCookie: " + b"canary;" * 2_000 + b"\r\n\r\n", 431),
    "64 KB token": (GET + b"Host: t\r\nAuthorization: Bearer " + b"a" * 65_536 + b"\r\n\r\n", 431),
    "many fields": (GET + b"Host: t\r\n" + b"X-A: canary\r\n" * 200 + b"\r\n", 431),
    "long address": (b"GET /v1/public?" + b"canary" * 1_500 + b" HTTP/1.1\r\nHost: t\r\n\r\n", 414),
}


@pytest.mark.parametrize(("raw", "status"), BROKEN.values(), ids=BROKEN.keys())
async def test_broken_http_gets_a_problem_and_a_closed_connection(server, raw, status) -> None:
    reply = await server.send(raw)
    assert reply.status == status
    assert reply.head.startswith("HTTP/1.1 ")
    assert reply.problem["status"] == status
    assert reply.fields["connection"] == "close"
    assert b"canary" not in reply.body


WRONG = {
    "unknown path": ("GET", "/v1/canary", {}, 404, "not-found"),
    "empty segments": ("GET", "//v1//public", {}, 404, "not-found"),
    "encoded traversal": ("GET", "/v1/%2e%2e%2fpublic", {}, 404, "not-found"),
    "nul in path": ("GET", "/v1/bags/CANARY00%00", {}, 404, "not-found"),
    "bad utf-8 in path": ("GET", "/v1/bags/CANARY00%ff", {}, 404, "not-found"),
    "lower-case code": ("GET", "/v1/bags/canary00", {}, 404, "not-found"),
    "full-width digits": ("GET", "/v1/bags/%EF%BC%91%EF%BC%92345678", {}, 404, "not-found"),
    "a thousand segments": ("GET", "/a" * 1_000, {}, 404, "not-found"),
    "trace": ("TRACE", "/v1/public", {}, 405, "method-not-allowed"),
    "patch": ("PATCH", "/v1/public", {}, 405, "method-not-allowed"),
    "options": ("OPTIONS", "/v1/public", {}, 405, "method-not-allowed"),
    "xml": ("GET", "/v1/public", {"Accept": "application/xml"}, 406, "not-acceptable"),
    "no json": ("GET", "/v1/public", {"Accept": "application/json;q=0"}, 406, "not-acceptable"),
    "no token": ("GET", f"/v1/things/{THING_ID}", {}, 401, "unauthenticated"),
    "wrong role": ("GET", "/v1/operators-only", MEMBER, 403, "forbidden"),
    "unknown parameter": ("GET", "/v1/public?canary=1", {}, 422, "validation"),
    "wait in words": ("GET", "/v1/public?wait=canary", {}, 422, "validation"),
    "repeated parameter": ("GET", "/v1/public?wait=1&wait=2", {}, 400, "malformed-request"),
    "parameter not utf-8": ("GET", "/v1/public?wait=%ff", {}, 400, "malformed-request"),
    "too slow": ("GET", "/v1/slow", {}, 503, "overloaded"),
}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "slug"), WRONG.values(), ids=WRONG.keys()
)
async def test_a_wrong_request_gets_its_problem(
    server, *, method, path, headers, status, slug
) -> None:
    reply = await server.request(method, path, headers=headers)
    assert (reply.status, reply.problem["type"]) == (status, f"/problems/{slug}")
    assert b"canary" not in reply.body.lower()


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("language", "lang", "title", "next_step"),
    [
        ("zh-CN,zh;q=0.9", "zh-CN", "没有找到", "请检查地址或编号"),
        ("en-GB,en;q=0.9", "en", "Not found", "Check the address or the identifier"),
    ],
)
async def test_a_browser_is_refused_with_a_page(server, *, language, lang, title, next_step):
    headers = {"Accept": BROWSER, "Accept-Language": language}
    reply = await server.request("GET", "/v1/canary", headers=headers)
    page = reply.body.decode()
    assert (reply.status, reply.fields["content-type"]) == (404, "text/html; charset=utf-8")
    assert reply.fields["content-language"] == lang
    assert page.startswith(f'<!doctype html><html lang="{lang}">')
    assert f"<h1>{title}</h1>" in page
    assert f"<p>{next_step}</p>" in page
    assert reply.fields["x-request-id"] in page
    assert "canary" not in page


async def test_who_opens_the_bare_address_is_led_to_the_api_page(server) -> None:
    reply = await server.request("GET", "/")
    assert (reply.status, reply.fields["location"]) == (302, "/docs")


@pytest.mark.parametrize(
    "thing_id",
    [
        "1",
        "{" + THING_ID + "}",
        f"urn:uuid:{THING_ID}",
        THING_ID.upper(),
        THING_ID.replace("-", ""),
        THING_ID + "%0a",
        THING_ID[:-1] + "%EF%BC%91",
    ],
)
async def test_an_id_in_another_form_is_not_found(server, thing_id) -> None:
    reply = await server.request("GET", f"/v1/things/{thing_id}", headers=MEMBER)
    assert (reply.status, reply.problem["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize(
    "query",
    [
        "limit=abc",
        "limit=-1",
        "limit=0",
        "limit=201",
        "limit=1000000000",
        "limit=" + "9" * 3_000,
        "limit=%EF%BC%91%EF%BC%92",
        "limit=1_0",
        "limit=%2012%0a",
        "limit=+12",
        "limit=",
        "limit=1.0",
        "open=yes",
        "open=1",
        f"account_id={THING_ID.upper()}",
        "account_id=1",
        "district=%00",
        "is_admin=true",
    ],
)
async def test_a_parameter_in_another_form_is_invalid(server, query) -> None:
    reply = await server.request("GET", f"/v1/things?{query}", headers=MEMBER)
    assert (reply.status, reply.problem["type"]) == (422, "/problems/validation")


async def test_an_unknown_parameter_is_answered_with_the_known_ones(server) -> None:
    for language, said in (("en", "Known: "), ("zh-CN", "可用参数:")):
        headers = {**MEMBER, "Accept-Language": language}
        reply = await server.request("GET", "/v1/things?canary=1", headers=headers)
        [fault] = reply.problem["errors"]
        assert fault["code"] == "unknown_parameter"
        assert fault["detail"].startswith(said)
        known = set(fault["detail"].removeprefix(said).split(", "))
        assert {"limit", "open", "district"} <= known
        assert "canary" not in str(reply.problem)


async def test_sound_parameters_are_read(server) -> None:
    query = f"limit=2&open=true&district=%E9%9D%92%E7%A6%BE&account_id={THING_ID}"
    reply = await server.request("GET", f"/v1/things?{query}", headers=MEMBER)
    assert (reply.status, reply.json()["rows"]) == (200, [0, 1])


async def test_a_file_is_no_json(server) -> None:
    reply = await server.request("GET", "/v1/photo", headers={"Accept": "image/jpeg"})
    assert (reply.status, reply.body) == (200, b"\xff\xd8")
    assert reply.fields["content-type"] == "image/jpeg"


async def test_method_not_allowed_names_the_methods(server) -> None:
    reply = await server.request("DELETE", "/v1/public")
    assert reply.fields["allow"] == "GET,HEAD"


async def test_head_answers_like_get_without_a_body(server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"HEAD /v1/public HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
    raw = await reader.read()
    writer.close()
    assert raw.startswith(b"HTTP/1.1 200 ")
    assert raw.endswith(b"\r\n\r\n")


async def test_method_override_and_identity_fields_are_ignored(server) -> None:
    headers = {"X-HTTP-Method-Override": "DELETE", "X-User-Id": "1", "X-Forwarded-For": "9.9.9.9"}
    assert (await server.request("GET", "/v1/public", headers=headers)).status == 200


async def test_expect_with_too_large_a_body_is_refused_before_it_is_sent(server) -> None:
    reply = await server.send(POST + b"Content-Length: 100000000\r\nExpect: 100-continue\r\n\r\n")
    assert (reply.status, reply.problem["type"]) == (413, "/problems/payload-too-large")


async def test_expect_continues_when_the_body_may_come(server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    key = b"Idempotency-Key: 0123456789abcdef\r\n"
    writer.write(POST + key + b"Content-Length: 12\r\nExpect: 100-continue\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
    writer.write(b'{"mass_g":1}')
    assert (await read_reply(reader)).status == 200
    writer.close()


async def test_another_expectation_fails(server) -> None:
    reply = await server.request("GET", "/v1/public", Expect="canary")
    assert (reply.status, reply.problem["type"]) == (417, "/problems/expectation-failed")


async def test_connect_is_refused(server) -> None:
    reply = await server.send(b"CONNECT canary:443 HTTP/1.1\r\nHost: canary\r\n\r\n")
    assert 400 <= reply.status < 500
    assert b"canary" not in reply.body


async def test_headers_that_never_end_are_refused_in_time(server) -> None:
    reply = await server.send(GET, b"X-A: 1\r\n", b"X-B: 1\r\n", b"X-C: 1\r\n", pause_s=0.06)
    assert (reply.status, reply.problem["type"]) == (408, "/problems/request-timeout")
    assert reply.fields["connection"] == "close"


async def test_slow_headers_are_refused_on_a_kept_connection_too(server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(GET + b"Host: t\r\n\r\n")
    assert (await read_reply(reader)).status == 200
    writer.write(GET + b"Host: t\r\n")
    assert (await read_reply(reader)).status == 408
    assert await reader.read() == b""
    writer.close()


async def test_an_idle_connection_is_closed(server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    async with asyncio.timeout(3):
        assert await reader.read() == b""
    writer.close()


async def test_a_silent_body_times_out(server) -> None:
    reply = await server.send(
        POST + b"Idempotency-Key: 0123456789abcdef\r\nContent-Length: 90\r\n\r\n{"
    )
    assert (reply.status, reply.problem["type"]) == (408, "/problems/request-timeout")


async def test_a_dripping_body_times_out(server) -> None:
    drops = [b" "] * 12
    reply = await server.send(POST + b"Content-Length: 900\r\n\r\n", *drops, pause_s=0.05)
    assert reply.status == 408


async def test_a_body_that_ends_early_reaches_no_handler(server, logs) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(POST + b"Idempotency-Key: 0123456789abcdef\r\nContent-Length: 90\r\n\r\n{")
    writer.write_eof()
    raw = await asyncio.wait_for(reader.read(), 3)
    writer.close()
    assert raw == b"" or raw.startswith(b"HTTP/1.1 4")
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


async def test_a_client_that_goes_away_is_no_error_of_ours(server, logs) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(POST + b"Idempotency-Key: 0123456789abcdef\r\nContent-Length: 90\r\n\r\n{")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.transport.abort()
    await asyncio.sleep(0.05)
    assert (await server.request("GET", "/v1/public")).status == 200
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


async def test_two_requests_in_one_segment_are_both_answered(server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write((GET + b"Host: t\r\n\r\n") * 2)
    assert [(await read_reply(reader)).status for _ in range(2)] == [200, 200]
    writer.close()


async def test_every_answer_carries_the_security_headers(server: Server) -> None:
    for path, status in (("/v1/public", 200), ("/v1/none", 404), ("/livez", 200)):
        reply = await server.request("GET", path, headers={"X-Request-Id": "canary"})
        assert reply.status == status
        assert reply.fields["x-content-type-options"] == "nosniff"
        assert reply.fields["content-security-policy"].startswith("default-src 'none'")
        assert reply.fields["referrer-policy"] == "no-referrer"
        assert reply.fields["server"] == "tanhui"
        assert reply.fields["cache-control"] == "no-store"
        assert "canary" not in reply.fields["x-request-id"]


EARLY = {
    "refused by the parser": b"GE\x01 canary\r\n\r\n",
    "refused before the body": POST + b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n",
    "refused by the clock": GET,
}


@pytest.mark.parametrize("raw", EARLY.values(), ids=EARLY.keys())
async def test_early_refusals_carry_the_security_headers_too(server, raw) -> None:
    reply = await server.send(raw)
    assert reply.problem["status"] == reply.status
    assert reply.fields["x-content-type-options"] == "nosniff"
    assert reply.fields["content-security-policy"].startswith("default-src 'none'")
    assert reply.fields["cache-control"] == "no-store"
    assert reply.fields["server"] == "tanhui"
    assert reply.fields["connection"] == "close"


@pytest.mark.parametrize(
    ("accept_language", "title", "language"),
    [
        ("", "没有找到", "zh-CN"),
        ("en", "Not found", "en"),
        ("en-GB,zh;q=0.3", "Not found", "en"),
        ("zh-TW,en;q=0.9", "没有找到", "zh-CN"),
        ("fr", "没有找到", "zh-CN"),
        ("fr, en;q=0.2", "Not found", "en"),
        (";;;q=,,=", "没有找到", "zh-CN"),
    ],
)
async def test_problems_speak_the_readers_language(
    server, accept_language, title, language
) -> None:
    reply = await server.request("GET", "/x", headers={"Accept-Language": accept_language})
    assert (reply.problem["title"], reply.fields["content-language"]) == (title, language)


async def test_a_refusal_of_a_room_is_rendered_with_its_facts(server) -> None:
    reply = await server.weigh({"mass_g": 1, "note": "lapsed"}, **{"Accept-Language": "en"})
    problem = reply.problem
    assert problem.pop("request_id") == reply.fields["x-request-id"]
    assert problem == {
        "type": "/problems/bag-lapsed",
        "title": "Bag lapsed",
        "status": 409,
        "detail": "The bag was bound too long ago.",
        "next": "Bind a new bag",
        "bound_on": "2026-11-01",
    }


@pytest.mark.parametrize("note", ["unmapped", "broken"])
async def test_a_bug_answers_500_without_its_reason(server, note, logs) -> None:
    reply = await server.weigh({"mass_g": 1, "note": note})
    assert (reply.status, reply.problem["type"]) == (500, "/problems/internal")
    assert b"secret" not in reply.body
    assert [entry["request_id"] for entry in logs] == [reply.problem["request_id"]]


@pytest.mark.parametrize(
    "keys",
    [[], ["short"], ["a" * 129], ["0123456789abcde!"], ["0123456789abcdé0"], [""], ["0" * 16] * 2],
)
async def test_an_effect_needs_exactly_one_sound_key(server, keys) -> None:
    fields = "".join(f"Idempotency-Key: {key}\r\n" for key in keys).encode()
    reply = await server.send(POST + fields + b'Content-Length: 12\r\n\r\n{"mass_g":1}')
    assert (reply.status, reply.problem["type"]) == (400, "/problems/idempotency-key-missing")


async def test_the_request_hash_ignores_spelling_and_sees_content(server) -> None:
    hashes = []
    for body in (b'{"mass_g":1,"note":"a"}', b'{ "note": "a", "mass_g": 1 }', b'{"mass_g":2}'):
        reply = await server.request(
            "POST", "/v1/effects", body=body, headers={"Idempotency-Key": "0" * 16}
        )
        hashes.append(reply.json()["hash"])
    assert hashes[0] == hashes[1] != hashes[2]


async def test_what_a_request_said_cannot_be_guessed_from_its_hash_without_the_key(server) -> None:
    settings = HttpSettings(cursor_key=b"another" * 8)
    runner, port = await start(other := make_app(settings=settings))
    asked = {"body": b'{"mass_g":1,"note":"li"}', "headers": {"Idempotency-Key": "0" * 16}}
    replies = [
        await each.request("POST", "/v1/effects", **asked) for each in (server, Server(other, port))
    ]
    await runner.cleanup()
    assert len({reply.json()["hash"] for reply in replies}) == 2


@pytest.mark.parametrize(
    ("path", "prefer", "wait_s"),
    [
        ("/v1/public", None, 0),
        ("/v1/public?wait=3", None, 3),
        ("/v1/public?wait=3", "wait=7", 3),
        ("/v1/public", "wait=7", 7),
        ("/v1/public", "respond-async, wait=7", 7),
        ("/v1/public", "wait=9999999999999999999", 10),
        ("/v1/public?wait=99", None, 10),
        ("/v1/public?wait=-1", None, 0),
        ("/v1/public", "wait=soon", 0),
    ],
)
async def test_the_client_says_how_long_it_waits(server, path, prefer, wait_s) -> None:
    reply = await server.request("GET", path, headers={"Prefer": prefer})
    assert (reply.status, reply.json()["wait_s"]) == (200, wait_s)


async def test_a_scope_opens_what_a_role_opens(server) -> None:
    headers = {"Authorization": "Bearer scale"}
    weighed = await server.request("POST", "/v1/weighings", body={"mass_g": 1}, headers=headers)
    listed = await server.request("GET", "/v1/things", headers=headers)
    assert (weighed.status, listed.status) == (201, 403)


async def test_an_unknown_caller_is_refused_before_the_body_is_read(server) -> None:
    reply = await server.send(
        b"POST /v1/weighings HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
        b"Content-Length: 50\r\n\r\n"
    )
    assert reply.status == 401
    assert reply.fields["www-authenticate"] == "Bearer"


async def test_two_authorization_fields_are_no_identity(server) -> None:
    raw = b"GET /v1/things HTTP/1.1\r\nHost: t\r\n" + b"Authorization: Bearer member\r\n" * 2
    assert (await server.send(raw + b"\r\n")).status == 401


async def test_hostile_text_is_stored_as_text(server) -> None:
    for text in (
        "'; DROP TABLE account;--",
        "{{7*7}}",
        "=HYPERLINK(1)",
        "\u200fא",
        "\r\nlevel=x",
    ):
        reply = await server.weigh(json.dumps({"mass_g": 1, "note": text}).encode())
        assert reply.status == 201

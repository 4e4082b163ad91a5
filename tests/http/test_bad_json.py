import pytest

MALFORMED = {
    "unfinished": b'{"a":',
    "only white space": b"  ",
    "trailing bytes": b'{"mass_g":1}x',
    "two documents": b'{"mass_g":1}{}',
    "invalid utf-8": b'{"note":"\xff","mass_g":1}',
    "utf-16": '{"mass_g":1}'.encode("utf-16"),
    "utf-16 without mark": '{"mass_g":1}'.encode("utf-16-le"),
    "byte order mark": b'\xef\xbb\xbf{"mass_g":1}',
    "depth 60,000": b"[" * 60_000,
    "depth 33": b"[" * 33 + b"]" * 33,
    "objects nested": b'{"a":' * 10_000,
    "integer of 5,000 digits": b'{"mass_g":' + b"9" * 5_000 + b"}",
    "NaN": b'{"mass_g":NaN}',
    "Infinity": b'{"mass_g":Infinity}',
    "minus Infinity": b'{"mass_g":-Infinity}',
    "1e999": b'{"mass_g":1e999}',
    "duplicate names": b'{"mass_g":1,"mass_g":900}',
    "duplicate by escape": b'{"mass_g":1,"mass\\u005fg":900}',
    "nested duplicate": b'{"mass_g":1,"note":{"a":1,"a":1}}',
    "lone surrogate": b'{"mass_g":1,"note":"\\ud800"}',
    "raw control character": b'{"mass_g":1,"note":"\x01"}',
    "leading zero": b'{"mass_g":01}',
    "plus": b'{"mass_g":+1}',
    "hexadecimal": b'{"mass_g":0x10}',
    "single quotes": b"{'mass_g':1}",
    "comment": b'{"mass_g":1/**/}',
}
INVALID = {
    "negative": ('{"mass_g":-1}', "/mass_g", "unexpected"),
    "zero": ('{"mass_g":0}', "/mass_g", "unexpected"),
    "minus zero": ('{"mass_g":-0}', "/mass_g", "unexpected"),
    "half": ('{"mass_g":0.5}', "/mass_g", "unexpected"),
    "whole float": ('{"mass_g":1.0}', "/mass_g", "unexpected"),
    "exponent": ('{"mass_g":1e3}', "/mass_g", "unexpected"),
    "string": ('{"mass_g":"1"}', "/mass_g", "unexpected"),
    "boolean": ('{"mass_g":true}', "/mass_g", "unexpected"),
    "null": ('{"mass_g":null}', "/mass_g", "unexpected"),
    "over the maximum": ('{"mass_g":100001}', "/mass_g", "unexpected"),
    "2^53+1": ('{"mass_g":9007199254740993}', "/mass_g", "unexpected"),
    "2^63": ('{"mass_g":9223372036854775808}', "/mass_g", "out_of_range"),
    "10^30": ('{"mass_g":1000000000000000000000000000000}', "/mass_g", "out_of_range"),
    "nul": ('{"mass_g":1,"note":"\\u0000"}', "/note", "nul_character"),
    "bell": ('{"mass_g":1,"note":"a\\u0007"}', "/note", "control_character"),
    "delete, unescaped": ('{"mass_g":1,"note":"a\x7f"}', "/note", "control_character"),
    "turned direction": ('{"mass_g":1,"note":"a\u202eb"}', "/note", "control_character"),
    "only spaces": ('{"mass_g":1,"note":"  "}', "/note", "blank"),
    "only characters of no width": ('{"mass_g":1,"note":"\u200b\u3000"}', "/note", "blank"),
    "unknown member": ('{"mass_g":1,"is_admin":true}', "/is_admin", "unknown_member"),
    "missing member": ("{}", "/mass_g", "missing"),
    "array": ("[]", "", "unexpected"),
    "string document": ('"x"', "", "unexpected"),
    "null document": ("null", "", "unexpected"),
    "long text": ('{"mass_g":1,"note":"' + "x" * 201 + '"}', "/note", "unexpected"),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_document_that_parties_read_differently_is_malformed(server, body) -> None:
    reply = await server.weigh(body)
    assert (reply.status, reply.problem["type"]) == (400, "/problems/malformed-json")


@pytest.mark.parametrize(("body", "pointer", "code"), INVALID.values(), ids=INVALID.keys())
async def test_a_wrong_value_is_named_by_its_pointer(server, body, pointer, code) -> None:
    reply = await server.weigh(body.encode())
    assert (reply.status, reply.problem["type"]) == (422, "/problems/validation")
    fault = reply.problem["errors"][0]
    assert (fault["pointer"], fault["code"]) == (pointer, code)


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"kind": "train", "distance_m": 5}, "/kind", "unknown_value"),
        ({"kind": 5}, "/kind", "unexpected"),
        ({"distance_m": 5}, "/kind", "missing"),
        ({"kind": "trip", "distance_m": 5, "code": "x"}, "/code", "unknown_member"),
        (
            {"kind": "trip", "distance_m": 5, "stops": [{"mass_g": 1}, {"mass_g": 0}]},
            "/stops/1/mass_g",
            "unexpected",
        ),
        ({"kind": "trip", "distance_m": 5, "stops": [{"mass_g": 1}] * 101}, "/stops", "unexpected"),
    ],
)
async def test_a_tagged_union_names_the_fault_too(server, body, pointer, code) -> None:
    headers = {"Authorization": "Bearer member"}
    reply = await server.request("POST", "/v1/things", body=body, headers=headers)
    fault = reply.problem["errors"][0]
    assert (reply.status, fault["pointer"], fault["code"]) == (422, pointer, code)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/xml",
        "application/json; charset=utf-7",
        "application/json; charset=foo",
        "application/json; charset=punycode",
        "application/json5",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
async def test_only_json_in_utf8_is_taken(server, content_type) -> None:
    reply = await server.weigh({"mass_g": 1}, **{"Content-Type": content_type})
    assert (reply.status, reply.problem["type"]) == (415, "/problems/unsupported-media-type")


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", ';charset="UTF-8"', " ; charset=Utf-8"])
async def test_json_may_name_its_charset(server, charset) -> None:
    fields = {"Content-Type": f"application/json{charset}"}
    assert (await server.weigh({"mass_g": 1}, **fields)).status == 201


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "foo", "gzip,gzip"])
async def test_compressed_bodies_are_refused_unread(server, encoding) -> None:
    reply = await server.weigh(b"not compressed at all", **{"Content-Encoding": encoding})
    assert (reply.status, reply.problem["type"]) == (415, "/problems/unsupported-media-type")


async def test_a_body_over_the_limit_is_too_large(server) -> None:
    reply = await server.weigh(b'{"note":"' + b"x" * 65_536 + b'"}')
    assert (reply.status, reply.problem["type"]) == (413, "/problems/payload-too-large")


async def test_a_chunked_body_over_the_limit_is_too_large(server) -> None:
    head = (
        b"POST /v1/weighings HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer member\r\n"
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    reply = await server.send(head, *[chunk] * 6)
    assert reply.status == 413


async def test_braces_inside_text_do_not_nest(server) -> None:
    assert (await server.weigh({"mass_g": 1, "note": '[{"' * 60})).status == 201


async def test_unusual_but_sound_documents_pass(server) -> None:
    for body in (b' {"mass_g" : 5 } \n', b'{"mass_g":5,"note":"\\ud83c\\udf31 \xe7\xa2\xb3"}'):
        reply = await server.weigh(body)
        assert (reply.status, reply.json()) == (201, {"kind": "weighing", "size": 5})


@pytest.mark.parametrize("body", [b'{"mass_g":"<canary>"}', b'{"<canary>":1}', b"<canary>"])
async def test_no_refusal_repeats_the_input(server, body) -> None:
    reply = await server.weigh(body)
    assert b"canary" not in reply.body
    assert "canary" not in reply.head

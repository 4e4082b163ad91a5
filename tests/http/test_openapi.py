import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from backend.errors import DomainError
from backend.http import PUBLIC, Answer, Call, HttpSettings, Rate, Route
from tests.http.sample_api import ROUTES, Bag, make_app


async def described(server):
    return (await server.request("GET", "/openapi.json")).json()


async def test_the_description_is_valid_openapi(server):
    OpenAPIV31SpecValidator(await described(server)).validate()


async def test_every_route_is_described_and_nothing_else(server):
    paths = (await described(server))["paths"]
    listed = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert listed == {(route.method, route.path) for route in ROUTES}


async def test_a_route_describes_what_it_takes_and_answers(server):
    operation = (await described(server))["paths"]["/v1/weighings"]["post"]
    assert operation["security"] == [{"bearer": ["bag.weigh", "member"]}]
    assert operation["requestBody"]["content"] == {
        "application/json": {"schema": {"$ref": "#/components/schemas/Weighing"}}
    }
    answer = operation["responses"]["201"]["content"]["application/json"]
    assert answer["example"] == {"kind": "weighing", "size": 5}
    assert set(
        operation["responses"]["409"]["content"]["application/problem+json"]["examples"]
    ) == {"bag-lapsed"}


async def test_a_form_and_a_union_are_both_described(server):
    content = (await described(server))["paths"]["/v1/things"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "multipart/form-data"}
    assert content["multipart/form-data"]["schema"]["required"] == ["capture", "photo"]
    assert content["application/json"]["schema"]["discriminator"]["propertyName"] == "kind"


async def test_parameters_are_described_with_their_bounds(server):
    parameters = (await described(server))["paths"]["/v1/things"]["get"]["parameters"]
    limit = next(p for p in parameters if p.get("name") == "limit")
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}


async def test_an_idempotency_key_is_described(server):
    parameters = (await described(server))["paths"]["/v1/effects"]["post"]["parameters"]
    key = next(p for p in parameters if p.get("name") == "Idempotency-Key")
    assert key["required"]


async def test_every_problem_type_has_its_page(server):
    rows = (await server.request("GET", "/problems")).json()["problems"]
    assert {row["status"] for row in rows} >= {400, 401, 403, 404, 409, 422, 500, 503}
    for row in rows:
        reply = await server.request("GET", row["type"])
        assert (reply.status, reply.json()) == (200, row)
        assert row["title"]["zh-CN"] != row["title"]["en"]
    assert (await server.request("GET", "/problems/none")).status == 404


async def test_the_api_page_loads_only_its_own_files(server):
    page = await server.request("GET", "/docs")
    assert page.fields["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'; script-src 'self'" in page.fields["content-security-policy"]
    for name, kind in (("api.js", "text/javascript"), ("api.css", "text/css")):
        assert f"/docs/{name}".encode() in page.body
        reply = await server.request("GET", f"/docs/{name}")
        assert reply.fields["content-type"].startswith(kind)
        assert b"http://" not in reply.body
        assert b"https://" not in reply.body
    assert (await server.request("GET", "/docs/none.js")).status == 404


async def do_nothing(_: Call[None, None]) -> Answer:
    raise NotImplementedError


def test_a_route_without_a_policy_does_not_start():
    with pytest.raises(TypeError):
        Route("GET", "/v1/open", do_nothing, answers={}, summary="Open to whom?")
    with pytest.raises(TypeError):
        Route("GET", "/v1/open", do_nothing, policy=None, answers={}, summary="Open to whom?")


def test_a_handler_of_other_types_does_not_start() -> None:
    with pytest.raises(TypeError, match="other types"):
        Route("POST", "/v1/x", do_nothing, policy=PUBLIC, body=Bag, answers={}, summary="x")


def test_a_refusal_without_a_row_does_not_start():
    class Nameless(DomainError):
        """Nobody wrote a row for this."""

    route = Route(
        "GET", "/v1/x", do_nothing, policy=PUBLIC, answers={}, problems=(Nameless,), summary="x"
    )
    with pytest.raises(ValueError, match="Nameless"):
        make_app([route])


def test_a_rate_that_is_not_set_does_not_start():
    route = Route("GET", "/v1/x", do_nothing, policy=PUBLIC, answers={}, summary="x", rate="photo")
    settings = HttpSettings(cursor_key=b"k" * 32, rates={"read": Rate(1, 1)})
    with pytest.raises(ValueError, match="photo"):
        make_app([route], settings=settings)

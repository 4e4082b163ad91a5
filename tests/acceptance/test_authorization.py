"""Every route of the API description, called by every kind of principal, against one table."""

from tests.acceptance.bag_matrix import BAG_ROUTES
from tests.acceptance.campaign_matrix import CAMPAIGN_ROUTES
from tests.acceptance.canteen_matrix import CANTEEN_ROUTES, CARD_ROUTES
from tests.acceptance.marine_matrix import MARINE_ROUTES
from tests.acceptance.methodology_matrix import METHODOLOGY_ROUTES
from tests.acceptance.partner_matrix import PARTNER_ROUTES
from tests.acceptance.reward_matrix import REWARD_ROUTES
from tests.acceptance.running_service import Caller, make_photo
from tests.acceptance.tree_matrix import TREE_ROUTES

CALLERS = ("nobody", "member", "other", "partner", "device", "operator")
UNKNOWN_ID = "019ff7a0-0000-7000-8000-000000000000"

# Status by caller, in the order of CALLERS. A member is the owner of what is asked for, the other
# one is not. 422 and 400 are answers to an empty request of somebody who may call the route.
MATRIX = {
    "GET /v1/client-config": (200, 200, 200, 200, 200, 200),
    "GET /v1/public/totals": (200, 200, 200, 200, 200, 200),
    "POST /v1/captures": (401, 201, 201, 403, 403, 403),
    "POST /v1/captures/{id}/evidence": (401, 422, 422, 403, 403, 403),
    "POST /v1/check-ins": (401, 422, 422, 422, 403, 403),
    "GET /v1/check-ins": (401, 200, 200, 403, 403, 403),
    "GET /v1/check-ins/{id}": (401, 200, 404, 403, 403, 403),
    "GET /v1/check-ins/{id}/calculation": (401, 200, 404, 403, 403, 200),
    "POST /v1/operator/check-ins/{id}/reversals": (401, 403, 403, 403, 403, 422),
    "GET /v1/operator/reversals": (401, 403, 403, 403, 403, 200),
    "POST /v1/operator/reversals/{id}/decisions": (401, 403, 403, 403, 403, 422),
    "GET /v1/account": (401, 200, 200, 403, 403, 403),
    "GET /v1/account/balance": (401, 422, 422, 403, 403, 403),
    "GET /v1/account/transfers": (401, 200, 200, 403, 403, 403),
    "GET /v1/event-types": (200, 200, 200, 200, 200, 200),
    "POST /v1/events": (401, 403, 403, 415, 415, 403),
    "GET /v1/operator/summary": (401, 403, 403, 403, 403, 200),
    "GET /v1/review/check-ins": (401, 403, 403, 403, 403, 200),
    "GET /v1/review/check-ins/{id}": (401, 403, 403, 403, 403, 404),
    "GET /v1/review/check-ins/{id}/evidence": (401, 403, 403, 403, 403, 404),
    "PUT /v1/review/check-ins/{id}/lease": (401, 403, 403, 403, 403, 409),
    "POST /v1/review/check-ins/{id}/decisions": (401, 403, 403, 403, 403, 422),
    "POST /v1/check-ins/{id}/appeal": (401, 409, 404, 403, 403, 403),  # a weighed bag
    **BAG_ROUTES,
    **CAMPAIGN_ROUTES,
    **MARINE_ROUTES,
    **CANTEEN_ROUTES,
    **CARD_ROUTES,
    "POST /v1/operator/meter-averages": (401, 403, 403, 403, 403, 422),
    "POST /v1/operator/meter-averages/{id}/approve": (401, 403, 403, 403, 403, 404),
    "GET /v1/meter-averages": (200, 200, 200, 200, 200, 200),
    "GET /v1/meter-readings": (401, 403, 403, 200, 200, 403),
    **METHODOLOGY_ROUTES,
    **PARTNER_ROUTES,
    **REWARD_ROUTES,
    **TREE_ROUTES,
    "POST /v1/webhook-endpoints": (401, 403, 403, 403, 403, 422),
    "GET /v1/webhook-endpoints": (401, 403, 403, 403, 403, 200),
    "GET /v1/webhook-endpoints/{id}": (401, 403, 403, 403, 403, 404),
    "PATCH /v1/webhook-endpoints/{id}": (401, 403, 403, 403, 403, 404),
    "DELETE /v1/webhook-endpoints/{id}": (401, 403, 403, 403, 403, 404),
    "POST /v1/webhook-endpoints/{id}/secrets": (401, 403, 403, 403, 403, 400),
    "POST /v1/webhook-endpoints/{id}/pings": (401, 403, 403, 403, 403, 404),
    "POST /v1/webhook-endpoints/{id}/replays": (401, 403, 403, 403, 403, 422),
    "GET /v1/webhook-endpoints/{id}/deliveries": (401, 403, 403, 403, 403, 404),
    "GET /v1/webhook-endpoints/{id}/deliveries/{delivery_id}": (401, 403, 403, 403, 403, 404),
    "POST /dev-issuer/token": (422, 422, 422, 422, 422, 422),
    "GET /dev-issuer/jwks": (200, 200, 200, 200, 200, 200),
    "GET /dev-issuer/.well-known/openid-configuration": (200, 200, 200, 200, 200, 200),
}
PROBLEM_OF = {401: "unauthenticated", 403: "forbidden", 404: "not-found"}


async def callers(service):
    named = {
        "nobody": service.nobody,
        "member": await service.member("li"),
        "other": await service.member("wang"),
        "partner": service.by_key("metro"),
        "device": service.by_key("scale"),
        "operator": await service.caller("op", "operator"),
    }
    return [named[name] for name in CALLERS]


async def saved_check_in(service) -> str:
    member, scale = await service.member("li"), service.by_key("scale")
    await member.bind("BAG00001")
    weighed = await scale.weigh("BAG00001", mass_g=1_000)
    return weighed.json()["id"]


async def routes(service):
    paths = (await service.nobody.get("/openapi.json")).json()["paths"]
    return [
        f"{method.upper()} {path}"
        for path, operations in paths.items()
        for method in operations
        if method in {"get", "post", "put", "patch", "delete"}
    ]


async def call(caller, route, check_in_id):
    method, path = route.split(" ")
    path = path.replace("{id}", check_in_id).replace("{code}", "BAG00001").replace("{ticket}", "1")
    path = path.replace("{hash}", "0" * 64).replace("{key}", "0" * 16)
    path = path.replace("{delivery_id}", UNKNOWN_ID)
    path = path.replace("{total_id}", UNKNOWN_ID)
    path = path.replace("{day}", "2026-11-20")
    path = path.replace("{region}", "330100").replace("{slot}", "morning")
    has_body = method in {"POST", "PATCH", "PUT"}
    return await caller.send(method, path, **({"json": {}} if has_body else {}))


async def test_every_route_is_in_the_matrix(service):
    assert set(await routes(service)) == set(MATRIX)


async def test_everybody_may_what_the_matrix_says(service):
    check_in_id = await saved_check_in(service)
    asked = await callers(service)
    found = {}
    for route in MATRIX:
        replies = [await call(caller, route, check_in_id) for caller in asked]
        found[route] = tuple(reply.status for reply in replies)
        for reply in replies:
            assert reply.problem == PROBLEM_OF.get(reply.status, reply.problem), route
    assert found == MATRIX


async def test_who_may_not_call_is_told_nothing_of_what_exists(service):
    check_in_id = await saved_check_in(service)
    for caller in (service.nobody, service.by_key("scale")):
        for route in ("GET /v1/check-ins/{id}", "GET /v1/check-ins/{id}/calculation"):
            there = await call(caller, route, check_in_id)
            absent = await call(caller, route, UNKNOWN_ID)
            assert there.status == absent.status in {401, 403}


async def test_credentials_that_are_not_good_are_nobodys(service):
    member, scale = await service.member(), service.by_key("scale")
    header, payload, signature = member.bearer.split(".")
    for bearer in (
        "",
        "x",
        "thk_",
        "thk_0000000000000000_00",
        scale.bearer[:-1],
        scale.bearer[:-1] + ("0" if scale.bearer[-1] != "0" else "1"),
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        "eyJhbGciOiJub25lIn0." + payload + ".",
        "é" * 10,
        "x" * 6_000,
    ):
        reply = await Caller(service.session, bearer or " ").get("/v1/account")
        assert (reply.status, reply.problem) == (401, "unauthenticated"), bearer
        assert reply.headers["WWW-Authenticate"] == "Bearer"


async def test_a_revoked_key_stops_working(service):
    await service.execute("UPDATE partner_key SET is_revoked = true")
    reply = await service.by_key("scale").weigh("BAG00001", mass_g=1_000)
    assert (reply.status, reply.problem) == (401, "unauthenticated")


async def test_keys_take_no_photos_and_bind_no_bags(service):
    metro, member = service.by_key("metro"), await service.member()
    capture = await member.capture()
    before = await service.row_counts()
    assert (await metro.bind("BAG00001")).status in {403, 404}
    assert (await metro.send_photo(make_photo(1), capture)).status in {403, 404}
    assert await service.row_counts() == before


async def test_no_client_sets_what_the_server_decides(service):
    member = await service.member()
    for name, value in (
        ("tier", "documented"), ("status", "credited"), ("grams", 1), ("points", 1_000),
        ("account_id", str(member.account_id)), ("id", UNKNOWN_ID), ("reported_by", "partner"),
    ):  # fmt: skip
        for path, body in (
            ("/v1/check-ins", {"kind": "bag", "code": "BAG00001"}),
            ("/v1/captures", {}),
        ):
            reply = await member.post(path, {**body, name: value})
            assert (reply.status, reply.problem) == (422, "validation"), (path, name)
    spoofed = await service.nobody.get("/v1/account", x_user_id="li", x_forwarded_user="li")
    assert spoofed.status == 401

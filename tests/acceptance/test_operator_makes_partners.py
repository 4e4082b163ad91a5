"""An operator makes a partner and its keys, rotates one with an overlap, revokes and suspends."""

import asyncio

import pytest

from backend.demo.city import CITY_REGION, DISTRICTS
from tests.acceptance.running_service import METRO, Caller, make_key
from tests.unit.test_signatures import FILE

TRIP = "tanhui.trip.v1"
PARTNER = f"/v1/operator/partners/{METRO}"
PATH = f"{PARTNER}/keys"
NOBODYS = "019ff7a0-0000-7000-8000-000000000000"


@pytest.fixture
async def operator(api_alone):
    return await api_alone.caller("op", "operator")


async def made(operator, path, body, key=None):
    reply = await operator.post(path, body, idempotency_key=key or make_key())
    assert reply.status == 201, reply.body
    return reply.json()


async def opens(service, key):
    """Whether a bearer is let in: its empty body is then refused."""
    reply = await Caller(service.session, key).post("/v1/check-ins", {})
    assert reply.status in {401, 422}
    return reply.status == 422


async def test_a_partner_has_a_source_that_no_other_one_touches(operator):
    bus = {"name_zh": "公交", "name_en": "Bus", "source": "urn:qinghe:bus"}
    key = make_key()
    first = await made(operator, "/v1/operator/partners", bus, key)
    assert first == await made(operator, "/v1/operator/partners", bus, key)
    for source in ("urn:qinghe:bus", "urn:qinghe:bus:line-4", "urn:qinghe", "urn:metro:bus"):
        body = {**bus, "source": source}
        reply = await operator.post("/v1/operator/partners", body, idempotency_key=make_key())
        assert (reply.status, reply.problem) == (409, "source-taken"), source
    near = await made(operator, "/v1/operator/partners", {**bus, "source": "urn:qinghe:bus2"})
    page = (await operator.get("/v1/operator/partners?limit=1")).json()
    assert page["items"] == [near]
    rest = (await operator.get(f"/v1/operator/partners?cursor={page['next_cursor']}")).json()
    assert rest["items"][0] == first


async def test_a_key_is_shown_once_and_rotates_with_an_overlap(api_alone, operator):
    intention, terms = make_key(), {"scopes": ["trip.report"], "event_types": [TRIP]}
    first = await made(operator, PATH, terms, intention)
    replayed = await made(operator, PATH, terms, intention)
    assert (replayed["id"], replayed["key"]) == (first["id"], None)
    assert await opens(api_alone, first["key"])

    rotation = f"/v1/operator/partner-keys/{first['id']}/rotations"
    second = await made(operator, rotation, {"overlap_h": 24})
    assert (second["replaces"], second["event_types"]) == (first["id"], [TRIP])
    assert await opens(api_alone, first["key"])
    assert await opens(api_alone, second["key"])
    third = await made(
        operator, f"/v1/operator/partner-keys/{second['id']}/rotations", {"overlap_h": 0}
    )
    items = (await operator.get(f"{PATH}?limit=3")).json()["items"]
    assert [each["id"] for each in items] == [third["id"], second["id"], first["id"]]
    assert [each["last_used_on"] is not None for each in items] == [False, True, True]
    assert all("key" not in each and "secret" not in each for each in items)
    ended = await operator.post(
        f"/v1/operator/partner-keys/{second['id']}/rotations",
        {"overlap_h": 1},
        idempotency_key=make_key(),
    )
    assert (ended.status, ended.problem) == (409, "key-ended")


async def test_a_key_that_was_revoked_or_whose_partner_is_suspended_opens_nothing(
    api_alone, operator
):
    keys = [await made(operator, PATH, {"scopes": ["trip.report"]}) for _ in range(3)]
    for _ in range(2):
        path = f"/v1/operator/partner-keys/{keys[0]['id']}"
        assert (await operator.send("DELETE", path)).status == 204
    assert not await opens(api_alone, keys[0]["key"])
    replies = [await suspend(operator, reason="its key leaked") for _ in range(2)]
    assert replies[0].json() == replies[1].json()
    assert not await opens(api_alone, keys[1]["key"])
    resumed = await resume(operator, reason="it has new keys")
    assert resumed.json()["suspended_at"] is None
    assert await opens(api_alone, keys[2]["key"])


async def suspend(operator, **body):
    return await operator.send("PATCH", PARTNER, json={"is_suspended": True, **body})


async def resume(operator, **body):
    return await operator.send("PATCH", PARTNER, json={"is_suspended": False, **body})


async def test_who_suspends_or_resumes_a_partner_is_on_record_with_the_reason(api_alone, operator):
    second, auditor = [
        await api_alone.caller(*who) for who in (("op2", "operator"), ("au", "auditor"))
    ]
    suspended = (await suspend(operator, reason="its key leaked")).json()
    await suspend(second, reason="me too")
    await resume(operator, reason="it has new keys")
    assert (await resume(second, reason="again")).status == 200
    page = (await auditor.get(f"{PARTNER}/changes?limit=1")).json()
    rest = (await auditor.get(f"{PARTNER}/changes?cursor={page['next_cursor']}")).json()
    assert rest["next_cursor"] is None
    resumption, suspension = *page["items"], *rest["items"]
    assert (resumption["what"], resumption["reason"]) == ("resumed", "it has new keys")
    assert (suspension["what"], suspension["reason"]) == ("suspended", "its key leaked")
    assert suspension["changed_at"] == suspended["suspended_at"] < resumption["changed_at"]
    assert {each["changed_by"].rpartition("|")[2] for each in (resumption, suspension)} == {"op"}


async def test_of_operators_who_suspend_at_once_one_is_on_record(operator):
    await asyncio.gather(*(suspend(operator, reason=f"call {n}") for n in range(8)))
    assert len((await operator.get(f"{PARTNER}/changes")).json()["items"]) == 1


async def test_a_suspension_without_a_reason_or_of_nobody_is_refused(operator):
    assert (await suspend(operator)).json()["errors"][0]["pointer"] == "/reason"
    assert (await suspend(operator, reason="x")).status == 422
    nobodys, body = f"/v1/operator/partners/{NOBODYS}", {"is_suspended": True, "reason": "leaked"}
    assert (await operator.send("PATCH", nobodys, json=body)).status == 404
    assert (await operator.get(f"{nobodys}/changes")).status == 404


async def test_keys_that_sign_are_made_and_rotated_with_their_own_material(operator):
    shared = await made(operator, PATH, {"scopes": ["event.send"], "algorithm": "v1"})
    assert shared["secret"].startswith("whsec_")
    assert (shared["key"], shared["name"]) == (None, f"thk_{shared['id']}")
    public = FILE["ed25519_public_key"]
    pair = {"scopes": ["event.send"], "algorithm": "v1a", "public_key": public}
    owned = await made(operator, PATH, pair)
    assert (owned["key"], owned["secret"]) == (None, None)
    rotations = f"/v1/operator/partner-keys/{owned['id']}/rotations"
    for body, problem in (
        ({"overlap_h": 1}, "public-key-misplaced"),
        ({"overlap_h": 1, "public_key": "whpk_AAAA"}, "public-key-not-valid"),
    ):
        reply = await operator.post(rotations, body, idempotency_key=make_key())
        assert (reply.status, reply.problem) == (422, problem)
    assert (await made(operator, rotations, {"overlap_h": 1, "public_key": public}))["replaces"]


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"scopes": ["ledger.write"]}, "/scopes/0"),
        ({"event_types": ["tanhui.trip.corrected.v1"]}, "/event_types/0"),
        ({"regions": ["330100", "999999"]}, "/regions/1"),
        ({"sources": ["urn:metropolis"]}, "/sources/0"),
    ],
)
async def test_terms_that_nobody_could_use_are_refused(operator, terms, pointer):
    body = {"scopes": ["event.send"], **terms}
    reply = await operator.post(PATH, body, idempotency_key=make_key())
    assert (reply.status, reply.problem) == (422, "validation")
    assert reply.json()["errors"][0]["pointer"] == pointer


async def test_a_key_takes_every_region_that_a_check_in_can_have(operator):
    terms = {"scopes": ["event.send"], "regions": ["330000", CITY_REGION, *DISTRICTS]}
    assert (await made(operator, PATH, terms))["regions"] == terms["regions"]

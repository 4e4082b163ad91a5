"""A member links her metro card, looks, unlinks: with consent, and nobody links a stranger's."""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from backend.partners.consent import CONSENTS, CURRENT
from backend.partners.linking import LINKS_PER_PARTNER_MAX
from backend.partners.queries import issue_key
from tests.acceptance.running_service import METRO, Caller, make_key

AGREED = {"consent_version": CURRENT.version}
# What was shown to people is never edited; a change is a new version with a line of its own.
SHOWN = {"2026-11": "3366ea5c5fe5c086"}


@pytest.fixture
async def metro(api_alone):
    async with api_alone.engine.begin() as conn:
        scopes = ["customer.link", "trip.report"]
        key = await issue_key(conn, METRO, kind="partner", scopes=scopes)
    return Caller(api_alone.session, key)


async def code_for(metro, token="card-1"):
    reply = await metro.post("/v1/partner/link-codes", {"subject_token": token})
    assert reply.status == 201, reply.body
    return reply.json()["code"]


async def report(metro, token="card-1"):
    """A ride of a customer; 404 while she is not linked."""
    trip = {
        "kind": "trip", "mode": "metro", "subject_token": token, "distance_m": 12_000,
        "started_at": "2026-06-01T00:00:00Z", "ended_at": "2026-06-01T00:30:00Z",
    }  # fmt: skip
    return await metro.report(trip, make_key())


def test_a_consent_that_was_shown_keeps_its_words():
    found = {
        each.version: sha256(f"{each.text_zh}\n{each.text_en}".encode()).hexdigest()[:16]
        for each in CONSENTS
    }
    assert found == SHOWN


async def test_a_member_agrees_before_anything_is_linked(api_alone, metro):
    member = await api_alone.member()
    code = await code_for(metro)
    asked = await member.post("/v1/links", {"code": code}, accept_language="en")
    assert (asked.status, asked.problem) == (409, "consent-needed")
    assert asked.json()["partner"] == {"id": str(METRO), "name_zh": "地铁", "name_en": "Metro"}
    assert asked.json()["consent"]["version"] == CURRENT.version
    assert await api_alone.value("SELECT count(*) FROM partner_link") == 0
    typed = f" {code.lower().replace('-', ' ')} "
    linked = await member.post("/v1/links", {"code": typed, **AGREED}, accept_language="en")
    assert linked.status == 201, linked.body
    link = linked.json()
    assert link["partner"] == {"id": str(METRO), "name": "Metro"}
    assert (link["subject_token"], link["unlinked_at"]) == ("card-1", None)
    assert link["consent_version"] == CURRENT.version
    again = await member.post("/v1/links", {"code": code, **AGREED}, accept_language="en")
    assert (again.status, again.json()) == (200, link)


async def test_a_link_that_was_ended_credits_nothing_new_and_can_be_made_again(api_alone, metro):
    member = await api_alone.member()
    code = await code_for(metro)
    link = (await member.post("/v1/links", {"code": code, **AGREED})).json()
    assert (await report(metro)).problem != "subject-not-linked"
    for _ in range(2):
        assert (await member.send("DELETE", f"/v1/links/{link['id']}")).status == 204
    assert (await report(metro)).problem == "subject-not-linked"
    after = await member.post("/v1/links", {"code": code, **AGREED})
    assert (after.status, after.problem) == (422, "link-code-not-valid")

    anew = await member.post("/v1/links", {"code": await code_for(metro), **AGREED})
    assert anew.status == 201
    first_page = (await member.get("/v1/links?limit=1")).json()
    assert [each["id"] for each in first_page["items"]] == [anew.json()["id"]]
    rest = (await member.get(f"/v1/links?limit=1&cursor={first_page['next_cursor']}")).json()
    assert [each["id"] for each in rest["items"]] == [link["id"]]
    assert rest["items"][0]["unlinked_at"] is not None
    assert rest["next_cursor"] is None


async def test_nobody_links_what_is_not_hers(api_alone, metro):
    member, other = await api_alone.member("li"), await api_alone.member("wang")
    code = await code_for(metro)
    for wrong in ("2222222222", code[:-1] + ("2" if code[-1] != "2" else "3"), "x" * 24):
        reply = await other.post("/v1/links", {"code": wrong, **AGREED})
        assert (reply.status, reply.problem) == (422, "link-code-not-valid")
    newer = await code_for(metro)
    replaced = await member.post("/v1/links", {"code": code, **AGREED})
    assert replaced.problem == "link-code-not-valid"

    replies = await asyncio.gather(
        *(caller.post("/v1/links", {"code": newer, **AGREED}) for caller in (member, other) * 3)
    )
    assert {reply.status for reply in replies} == {200, 201, 422}
    assert await api_alone.value("SELECT count(*) FROM partner_link") == 1
    linked = await metro.post("/v1/partner/link-codes", {"subject_token": "card-1"})
    assert (linked.status, linked.problem) == (409, "subject-already-linked")
    link_id = await api_alone.value("SELECT id FROM partner_link")
    stranger = other if replies[0].status in {200, 201} else member
    assert (await stranger.send("DELETE", f"/v1/links/{link_id}")).status == 404
    assert (await stranger.get("/v1/links")).json()["items"] == []


async def test_a_code_is_over_after_a_while_and_with_its_partner(api_alone, metro):
    member = await api_alone.member()
    code = await code_for(metro)
    await api_alone.execute("UPDATE partner SET suspended_at = now()")
    reply = await member.post("/v1/links", {"code": code, **AGREED})
    assert reply.problem == "link-code-not-valid"
    await api_alone.execute("UPDATE partner SET suspended_at = NULL")
    await api_alone.execute("UPDATE link_code SET expires_at = now()")
    reply = await member.post("/v1/links", {"code": code, **AGREED})
    assert reply.problem == "link-code-not-valid"


async def test_one_person_needs_few_links(api_alone, metro):
    member = await api_alone.member()
    for number in range(LINKS_PER_PARTNER_MAX):
        code = await code_for(metro, f"card-{number}")
        assert (await member.post("/v1/links", {"code": code, **AGREED})).status == 201
    more = await member.post("/v1/links", {"code": await code_for(metro, "card-9"), **AGREED})
    assert (more.status, more.problem) == (409, "links-used-up")


async def test_a_ride_that_came_before_the_link_is_credited_by_it(service):
    async with service.engine.begin() as conn:
        scopes = ["customer.link", "event.send"]
        metro = Caller(service.session, await issue_key(conn, METRO, kind="partner", scopes=scopes))
    ended_at = datetime.now(UTC) - timedelta(minutes=10)
    ride = {
        "specversion": "1.0", "id": "ride-1", "source": "urn:metro", "type": "tanhui.trip.v1",
        "subject": "card-1", "time": ended_at.isoformat(),
        "data": {
            "record": "ride", "mode": "metro", "distance_m": 12_000, "region": "330100",
            "started_at": (ended_at - timedelta(minutes=30)).isoformat(),
            "ended_at": ended_at.isoformat(),
        },
    }  # fmt: skip
    waiting = await metro.post("/v1/events", ride, content_type="application/cloudevents+json")
    assert waiting.json()["results"][0]["status"] == "parked", waiting.body
    member = await service.member()
    code = await code_for(metro)
    assert (await member.post("/v1/links", {"code": code, **AGREED})).status == 201
    await service.drained()
    assert await member.balance() == (560, 10)  # 12 km x 46.7 g, rounded down

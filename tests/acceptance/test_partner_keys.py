"""What opens a partner's doors, and when they close."""

import asyncio

import pytest

from backend.verify import check_invariants
from tests.acceptance.running_service import Caller, make_key


async def status_of(scale):
    """401 without a key that works; 422 is the answer to the key's empty weighing."""
    return (await scale.post("/v1/bags/BAG00001/weighings", {})).status


@pytest.mark.parametrize(
    "closing",
    [
        "UPDATE partner_key SET is_revoked = true",
        "UPDATE partner_key SET expires_at = now()",
        "UPDATE partner SET suspended_at = now()",
    ],
)
async def test_a_key_that_was_closed_opens_nothing(api_alone, closing):
    await api_alone.execute(closing)
    assert await status_of(api_alone.by_key("scale")) == 401


async def test_a_key_works_until_the_end_of_its_overlap_and_its_day_of_use_is_noted(api_alone):
    await api_alone.execute("UPDATE partner_key SET expires_at = now() + interval '1 hour'")
    assert await status_of(api_alone.by_key("scale")) == 422
    used = await api_alone.fetch(
        "SELECT scopes, last_used_on = (now() AT TIME ZONE 'Asia/Shanghai')::date AS is_today"
        " FROM partner_key ORDER BY scopes"
    )
    scale, metro = ["bag.weigh", "event.send"], ["trip.report", "event.send"]
    assert [tuple(row) for row in used] == [(scale, True), (metro, None)]


ROTATIONS = "/v1/partner/key/rotations"


async def rotate(caller, key=None, **body):
    return await caller.post(ROTATIONS, {"overlap_h": 2, **body}, idempotency_key=key or make_key())


async def is_let_in(service, key):
    reply = await Caller(service.session, key).post("/v1/check-ins", {})
    assert reply.status in {401, 422}
    return reply.status == 422


async def test_a_partner_rotates_its_own_key_and_the_old_one_ends_with_the_overlap(api_alone):
    metro = api_alone.by_key("metro")
    made = await rotate(metro)
    assert made.status == 201, made.body
    new = made.json()
    assert (new["scopes"], new["kind"]) == (["trip.report", "event.send"], "partner")
    assert new["created_by"] == f"key:{new['replaces']}"
    assert await is_let_in(api_alone, metro.bearer)
    assert await is_let_in(api_alone, new["key"])
    ends = "SELECT expires_at - created_at BETWEEN '1 hour' AND '2 hours 1 minute' FROM partner_key"
    assert await api_alone.value(f"{ends} WHERE id = :id", id=new["replaces"]) is True
    again = await rotate(metro)
    assert (again.status, again.problem) == (409, "key-ended"), "its place is taken"
    assert await check_invariants(api_alone.engine) == []


async def test_a_rotation_whose_answer_was_lost_is_made_anew(api_alone):
    metro, intention = api_alone.by_key("metro"), make_key()
    lost = (await rotate(metro, intention)).json()
    replayed = await rotate(metro, intention)
    assert (replayed.headers["Idempotency-Replayed"], replayed.json()["key"]) == ("true", None)
    second = (await rotate(metro)).json()
    assert second["id"] != lost["id"]
    assert not await is_let_in(api_alone, lost["key"])
    assert await is_let_in(api_alone, second["key"])
    longer = await api_alone.value(
        "SELECT expires_at > now() + interval '2 hours' FROM partner_key WHERE id = :id",
        id=second["replaces"],
    )
    assert longer is False, "the overlap of the first rotation stands"


async def test_of_two_rotations_at_once_one_key_works(api_alone):
    metro = api_alone.by_key("metro")
    replies = await asyncio.gather(*(rotate(metro) for _ in range(4)))
    assert {reply.status for reply in replies} == {201}
    works = [await is_let_in(api_alone, reply.json()["key"]) for reply in replies]
    assert works.count(True) == 1


async def test_a_key_does_not_rotate_itself_without_an_overlap_and_a_device_not_at_all(api_alone):
    at_once = await rotate(api_alone.by_key("metro"), overlap_h=0)
    assert (at_once.status, at_once.problem) == (422, "validation")
    device = await rotate(api_alone.by_key("scale"))
    assert (device.status, device.problem) == (403, "forbidden")
    assert await api_alone.value("SELECT count(*) FROM partner_key WHERE replaces IS NOT NULL") == 0

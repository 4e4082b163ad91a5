"""A settlement is taken back after its ten minutes by two operators, and counts once."""

import asyncio

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from backend.db import run
from backend.verify import check_invariants
from tests.acceptance.shop import decide, open_shop, points_of, propose, redeem, rich_member, settle

CORRECTIONS = "/v1/operator/settlement-corrections"
UNKNOWN = {"id": "019ff7a0-0000-7000-8000-000000000000"}
WHY = "商户来电"


@pytest.fixture
async def shop(service):
    return await open_shop(service)


@pytest.fixture
async def member(service):
    return await rich_member(service)


async def settled(shop, member):
    voucher = (await redeem(member, await shop.offer())).json()
    reply = await settle(shop.cashier, voucher)
    assert reply.status == 201, reply.body
    return reply.json()


async def asked(service, settlement, reason=WHY):
    reply = await propose(service, settlement, reason)
    assert reply.status == 202, reply.body
    return reply.json()


async def merchant_points(shop):
    return (await shop.manager.get("/v1/merchant")).json()["points"]


async def test_nobody_approves_their_own_correction_and_nothing_moves_before(service, shop, member):
    settlement = await settled(shop, member)
    proposed = await asked(service, settlement)
    assert (proposed["outcome"], proposed["points"]) == ("pending", 30)
    for decision in ("approve", "decline"):
        alone = await decide(service, proposed["id"], decision, "op")
        assert (alone.status, alone.problem) == (403, "second-person-needed")
    assert (await points_of(member), await merchant_points(shop)) == ((70, 0), 30)
    shown = (await shop.cashier.get(f"/v1/settlements/{settlement['id']}")).json()
    assert shown["status"] == "settled"
    approved = await decide(service, proposed["id"], "approve", "op-2")
    assert (approved.status, approved.json()["outcome"]) == (200, "done")
    persons = (approved.json()["proposed_by"], approved.json()["decided_by"])
    assert [each.rpartition("|")[2] for each in persons] == ["op", "op-2"]
    assert approved.json()["is_by_one"] is False
    assert (await points_of(member), await merchant_points(shop)) == ((100, 0), 0)
    [undo] = await service.fetch("SELECT undone_by, approved_by FROM settlement_undo")
    assert (undo.undone_by, undo.approved_by) == persons
    assert await check_invariants(service.engine) == []


async def test_the_same_proposal_and_the_same_decision_are_replays(service, shop, member):
    settlement = await settled(shop, member)
    proposed = await asked(service, settlement)
    again = await propose(service, settlement, WHY)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (proposed, "true")
    other = await propose(service, settlement, "另一原因")
    assert (other.status, other.problem) == (409, "correction-asked")
    assert other.json()["correction_id"] == proposed["id"]
    first = await decide(service, proposed["id"], "approve", "op-2")
    repeated = await decide(service, proposed["id"], "approve", "op-2")
    assert (repeated.json(), repeated.headers["Idempotency-Replayed"]) == (first.json(), "true")
    for decision, by in (("decline", "op-2"), ("approve", "op-3")):
        late = await decide(service, proposed["id"], decision, by)
        assert (late.status, late.problem) == (409, "correction-decided")
    assert await points_of(member) == (100, 0)
    assert (await propose(service, UNKNOWN, WHY)).status == 404
    assert (await decide(service, UNKNOWN["id"], "approve", "op-2")).status == 404


async def test_approvals_that_race_have_one_effect(service, shop, member):
    correction = await asked(service, await settled(shop, member))
    people = ["op-2", "op-2", "op-3", "op-4", "op-5", "op-2"]
    replies = await asyncio.gather(
        *(decide(service, correction["id"], "approve", by) for by in people)
    )
    fresh = [
        reply
        for reply in replies
        if reply.status == 200 and "Idempotency-Replayed" not in reply.headers
    ]
    assert len(fresh) == 1
    told = {reply.problem for reply in replies if reply.status != 200}
    assert told == {"correction-decided"}
    assert await service.value("SELECT count(*) FROM settlement_undo") == 1
    assert (await points_of(member), await merchant_points(shop)) == ((100, 0), 0)
    assert await check_invariants(service.engine) == []


async def test_proposals_that_race_become_one(service, shop, member):
    settlement = await settled(shop, member)
    replies = await asyncio.gather(
        *(propose(service, settlement, WHY, by) for by in ("op", "op", "op-2", "op-3"))
    )
    assert await service.value("SELECT count(*) FROM settlement_correction") == 1
    assert {reply.problem for reply in replies if reply.status != 202} == {"correction-asked"}


async def test_what_was_declined_stands_and_can_be_proposed_again(service, shop, member):
    settlement = await settled(shop, member)
    proposed = await asked(service, settlement)
    declined = await decide(service, proposed["id"], "decline", "op-2")
    assert (declined.status, declined.json()["outcome"]) == (200, "declined")
    assert (await points_of(member), await merchant_points(shop)) == ((70, 0), 30)
    again = await asked(service, settlement)
    assert again["id"] != proposed["id"]
    assert (await decide(service, again["id"], "approve", "op-2")).status == 200
    assert await points_of(member) == (100, 0)


async def test_what_the_till_took_back_first_is_not_corrected(service, shop, member):
    settlement = await settled(shop, member)
    proposed = await asked(service, settlement)
    path = f"/v1/settlements/{settlement['id']}/undo"
    assert (await shop.cashier.post(path, {"reason": "换货"})).status == 200
    late = await decide(service, proposed["id"], "approve", "op-2")
    assert (late.status, late.problem) == (409, "settlement-undone")
    assert (await decide(service, proposed["id"], "decline", "op-2")).status == 200
    assert (await propose(service, settlement, WHY)).problem == "settlement-undone"
    assert await points_of(member) == (100, 0)
    assert await check_invariants(service.engine) == []


async def test_proposals_are_listed_by_outcome_in_pages(service, shop, member):
    ids = [(await asked(service, await settled(shop, member)))["id"] for _ in range(3)]
    auditor = await service.caller("au", "auditor")
    page = (await auditor.get(f"{CORRECTIONS}?limit=2")).json()
    rest = (await auditor.get(f"{CORRECTIONS}?limit=2&cursor={page['next_cursor']}")).json()
    assert [each["id"] for each in page["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None
    await decide(service, ids[0], "approve", "op-2")
    done = (await auditor.get(f"{CORRECTIONS}?outcome=done")).json()["items"]
    assert [each["id"] for each in done] == [ids[0]]
    refused = await auditor.post(f"{CORRECTIONS}/{ids[1]}/decisions", {"decision": "approve"})
    assert refused.status == 403


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("outcome = 'done', decided_by = proposed_by, decided_at = now()", "two_persons"),
        ("outcome = 'done', decided_at = now()", "decided_by_somebody"),
    ],
)
async def test_the_database_itself_refuses_a_correction_by_one(
    service, shop, member, change, constraint
):
    await asked(service, await settled(shop, member))
    with pytest.raises(IntegrityError, match=constraint):
        async with service.engine.begin() as conn:
            await run(conn, f"UPDATE settlement_correction SET {change}")


async def test_the_application_cannot_mark_a_correction_as_one_of_before(service, shop, member):
    await asked(service, await settled(shop, member))
    with pytest.raises(DBAPIError, match="permission denied"):
        async with service.engine.begin() as conn:
            await run(conn, "UPDATE settlement_correction SET is_by_one = true")


async def test_a_manager_sees_which_corrections_wait_and_what_became_of_them(service, shop, member):
    other = await open_shop(service, "bakery")
    proposed = await asked(service, await settled(shop, member))
    mine = "/v1/merchant/settlement-corrections"
    [waits] = (await shop.manager.get(mine)).json()["items"]
    assert (waits["id"], waits["outcome"], waits["reason"]) == (proposed["id"], "pending", WHY)
    assert not {"proposed_by", "decided_by"} & waits.keys(), "the programme decides, no person"
    assert (await other.manager.get(mine)).json()["items"] == []
    assert (await shop.cashier.get(mine)).status == 403
    await decide(service, proposed["id"], "decline", "op-2")
    assert (await shop.manager.get(mine)).json()["items"] == []
    [decided] = (await shop.manager.get(f"{mine}?outcome=declined")).json()["items"]
    assert decided["decided_at"] is not None

"""What is uncertain goes to a person: the queue, the decision, the appeal, the second decision."""

import asyncio
from datetime import datetime
from io import BytesIO

import pytest
from PIL import Image
from yarl import URL

from backend.checkins.domain import NO_PLATE_KEPT
from backend.checkins.reasons import REASONS
from backend.db import make_engine, run
from backend.evidence_store import EvidenceStore
from backend.review.deletion import delete_due_evidence
from backend.verify import check_invariants
from tests.acceptance.running_service import make_photo
from tests.fakes import make_score

PLATE_G, PLATE_POINTS = 125, 5
UNKNOWN_ID = "019ff7a0-0000-7000-8000-000000000000"
CLEAN = {"outcome": "accept", "label": "clean"}
LEFTOVER = {"outcome": "reject", "label": "leftover"}
NAMES_SOMEBODY = {"account_id", "natural_key", "subject", "reviewer", "member"}


async def reviewer(service, name="rev"):
    return await service.caller(name, "reviewer")


async def in_review(service, member=None, *, seed=1, reason="uncertain"):
    """The id of a check-in that waits for a person."""
    member = member or await service.member()
    photo = await service.script(make_photo(seed), "in_review", reason)
    answer = (await member.photograph(photo)).json()
    assert answer["status"] == "in_review", answer
    return answer["id"]


async def rejected(service, member=None, *, seed=1, reason="leftovers"):
    """The id of a check-in that the model rejected."""
    member = member or await service.member()
    photo = await service.script(make_photo(seed), "rejected", reason)
    answer = (await member.photograph(photo)).json()
    assert answer["status"] == "rejected", answer
    return answer["id"]


async def decide(caller, check_in_id, decision):
    return await caller.post(f"/v1/review/check-ins/{check_in_id}/decisions", decision)


async def appeal(member, check_in_id, **body):
    return await member.post(f"/v1/check-ins/{check_in_id}/appeal", body)


async def queue(caller, query=""):
    reply = await caller.get(f"/v1/review/check-ins{query}")
    assert reply.status == 200, reply.body
    return reply.json()["items"]


async def check_in(member, check_in_id, query=""):
    return (await member.get(f"/v1/check-ins/{check_in_id}{query}")).json()


async def test_the_queue_shows_what_a_reviewer_needs_and_no_person(service):
    first = await in_review(service, await service.member("li"), seed=1)
    second = await in_review(
        service, await service.member("wang"), seed=2, reason="looks_like_screen"
    )
    items = await queue(await reviewer(service))
    assert [item["id"] for item in items] == [first, second]
    item = items[1]
    assert (
        item
        | {
            "action": "clean_plate",
            "methodology_id": "TPH-FOOD-01",
            "region": "330100",
            "reason": "looks_like_screen",
            "message": REASONS["looks_like_screen"].text_zh,
            "tier": "documented",
            "look_alikes": [],
            "appeal": None,
            "lease": None,
            "evidence": [f"/v1/review/check-ins/{second}/evidence"],
        }
        == item
    )
    model = item["model"]
    assert (model["verdict"], model["reason"]) == ("in_review", "looks_like_screen")
    assert sum(model["scores"].values()) == 10_000
    assert not NAMES_SOMEBODY & item.keys()
    assert (await (await reviewer(service)).get(f"/v1/review/check-ins/{second}")).json() == item


async def test_the_queue_is_paged_and_filtered(service):
    member = [await service.member(f"m{n}") for n in range(5)]
    ids = [await in_review(service, member[n], seed=n) for n in range(4)]
    odd = await in_review(service, member[4], seed=9, reason="looks_like_screen")
    rev = await reviewer(service)
    seen, path = [], "/v1/review/check-ins?limit=2"
    while path:
        page = (await rev.get(path)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        path = f"/v1/review/check-ins?limit=2&cursor={cursor}" if cursor else None
    assert seen == [*ids, odd]
    found = await queue(rev, "?reason=looks_like_screen")
    assert [item["id"] for item in found] == [odd]
    assert len(await queue(rev, "?methodology=TPH-FOOD-01&region=330100")) == 5
    assert await queue(rev, "?methodology=TPH-MOB-05") == []
    assert await queue(rev, "?region=110100") == []


async def test_a_reviewer_sees_the_photo_and_nobody_may_keep_it(service):
    check_in_id = await in_review(service)
    rev = await reviewer(service)
    reply = await rev.get(f"/v1/review/check-ins/{check_in_id}/evidence")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "image/jpeg")
    assert reply.headers["Cache-Control"] == "private, no-store"
    assert Image.open(BytesIO(reply.body)).size == (240, 180)


async def test_a_photo_that_no_person_has_to_see_is_not_shown(service):
    rev = await reviewer(service)
    credited = (await (await service.member("li")).photograph(make_photo(1))).json()["id"]
    refused = await rejected(service, await service.member("wang"), seed=2, reason="no_plate")
    assert await queue(rev) == []
    for check_in_id in (credited, refused):
        for suffix in ("", "/evidence"):
            reply = await rev.get(f"/v1/review/check-ins/{check_in_id}{suffix}")
            assert (reply.status, reply.problem) == (404, "not-found")


async def test_what_a_reviewer_accepts_is_credited_while_the_phone_waits(service):
    member, rev = await service.member(), await reviewer(service)
    check_in_id = await in_review(service, member)
    waiting = asyncio.create_task(check_in(member, check_in_id, "?wait=10"))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    reply = await decide(rev, check_in_id, CLEAN)
    assert reply.status == 201, reply.body
    decision = reply.json()
    assert (
        decision
        | {
            "check_in_id": check_in_id,
            "outcome": "accepted",
            "label": "clean",
            "is_on_appeal": False,
            "is_final": True,
        }
        == decision
    )
    assert len(decision["model_sha256"]) == 64
    answer = await waiting
    assert (answer["status"], answer["reason"], answer["grams"]) == ("credited", None, PLATE_G)
    assert await member.balance() == (PLATE_G, PLATE_POINTS)
    assert await queue(rev) == []


REASON_OF = {
    "residue": "residue",
    "leftover": "leftovers",
    "full": "leftovers",
    "not_a_plate": "no_plate",
    "recaptured": "recaptured",
    "edited": "edited",
}


async def test_what_a_reviewer_rejects_says_why_to_its_member(service):
    rev = await reviewer(service)
    for seed, (label, reason) in enumerate(REASON_OF.items()):
        member = await service.member(label)
        check_in_id = await in_review(service, member, seed=seed)
        decision = {"outcome": "reject", "label": label, "note": "看盘子左边"}
        assert (await decide(rev, check_in_id, decision)).status == 201
        answer = await check_in(member, check_in_id)
        assert (answer["status"], answer["reason"]) == ("rejected", reason)
        assert answer["message"] == REASONS[reason].text_zh
        assert answer["appeal_until"] > answer["decided_at"]
        assert await member.balance() == (0, 0)


async def test_the_credit_step_keeps_its_rules_after_a_reviewer(service):
    member, rev = await service.member(), await reviewer(service)
    check_in_id = await in_review(service, member, seed=1)
    await member.photograph(make_photo(2))
    await decide(rev, check_in_id, CLEAN)
    answer = await check_in(member, check_in_id, "?wait=10")
    assert (answer["status"], answer["reason"]) == ("rejected", "meal_already_counted")
    assert answer["appeal_until"] is None
    assert await member.balance() == (PLATE_G, PLATE_POINTS)


async def test_the_same_decision_again_is_the_same_answer(service):
    rev = await reviewer(service)
    check_in_id = await in_review(service)
    first, again = [await decide(rev, check_in_id, LEFTOVER) for _ in range(2)]
    assert (again.status, again.json()) == (first.status, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    changed = await decide(rev, check_in_id, CLEAN)
    assert (changed.status, changed.problem) == (409, "already-decided")
    other = await decide(await reviewer(service, "other"), check_in_id, LEFTOVER)
    assert (other.status, other.problem) == (409, "already-decided")
    assert other.json()["decided_at"] == first.json()["decided_at"]
    assert await service.value("SELECT count(*) FROM review_decision") == 1


async def test_of_many_reviewers_at_once_one_decides(service):
    member = await service.member()
    check_in_id = await in_review(service, member)
    reviewers = [await reviewer(service, f"rev{n}") for n in range(6)]
    decisions = [CLEAN if n % 2 else LEFTOVER for n in range(6)]
    replies = await asyncio.gather(
        *(
            decide(each, check_in_id, what)
            for each, what in zip(reviewers, decisions, strict=True)
            for _ in range(2)
        )
    )
    [outcome] = {reply.json()["outcome"] for reply in replies if reply.status == 201}
    assert {reply.problem for reply in replies} == {None, "already-decided"}
    assert len([reply for reply in replies if reply.status == 201]) == 2
    await service.drained()
    status = (await check_in(member, check_in_id))["status"]
    assert status == {"accepted": "credited", "rejected": "rejected"}[outcome]
    assert await service.value("SELECT count(*) FROM review_decision") == 1
    assert await service.value("SELECT count(*) FROM credit") == (outcome == "accepted")


async def test_nobody_reviews_their_own_check_in_in_whatever_role(service):
    member = await service.member("li")
    check_in_id = await in_review(service, member)
    for own in (
        await service.caller("li", "reviewer"),
        await service.caller("li", "member", "reviewer"),
    ):
        assert await queue(own) == []
        for reply in (
            await own.get(f"/v1/review/check-ins/{check_in_id}"),
            await own.get(f"/v1/review/check-ins/{check_in_id}/evidence"),
            await own.send("PUT", f"/v1/review/check-ins/{check_in_id}/lease"),
            await decide(own, check_in_id, CLEAN),
        ):
            assert (reply.status, reply.problem) == (403, "own-check-in")
    assert await member.balance() == (0, 0)


async def test_a_clean_plate_is_rejected_only_beside_one_that_looks_alike(service):
    rev = await reviewer(service)
    alone = await in_review(service, await service.member("li"), seed=1)
    unclear = {"outcome": "reject", "label": "clean"}
    assert (await decide(rev, alone, unclear)).problem == "decision-not-clear"
    assert (await decide(rev, alone, LEFTOVER | {"outcome": "accept"})).status == 422
    other = await in_review(service, await service.member("wang"), seed=2)
    await service.execute(
        "INSERT INTO near_match (first_id, second_id, yields, kind, distance_bits) VALUES"
        " (least(CAST(:a AS uuid), CAST(:b AS uuid)), greatest(CAST(:a AS uuid), CAST(:b AS uuid)),"
        " :b, 'near', 12)",
        a=alone,
        b=other,
    )
    [_, item] = await queue(rev)
    [look_alike] = item["look_alikes"]
    assert (look_alike["check_in_id"], look_alike["kind"], look_alike["same_member"]) == (
        *(alone, "near"),
        False,
    )
    assert (await rev.get(look_alike["evidence"])).status == 200
    assert (await decide(rev, other, unclear)).status == 201
    answer = await check_in(await service.member("wang"), other)
    assert (answer["status"], answer["reason"]) == ("rejected", "photo_already_used")


async def test_a_lease_keeps_other_reviewers_away_until_it_ends(service):
    first, other = await reviewer(service, "first"), await reviewer(service, "other")
    check_in_id = await in_review(service)
    path = f"/v1/review/check-ins/{check_in_id}/lease"
    lease = await first.send("PUT", path)
    assert (lease.status, lease.json()["is_mine"]) == (200, True)
    assert (await first.send("PUT", path)).json()["expires_at"] >= lease.json()["expires_at"]
    assert [item["lease"]["is_mine"] for item in await queue(other)] == [False]
    for reply in (await other.send("PUT", path), await decide(other, check_in_id, LEFTOVER)):
        assert (reply.status, reply.problem) == (409, "taken-by-another")
        assert reply.json()["expires_at"] >= lease.json()["expires_at"]
    await service.execute("UPDATE review_lease SET expires_at = now() - interval '1 second'")
    assert [item["lease"] for item in await queue(other)] == [None]
    assert (await decide(other, check_in_id, LEFTOVER)).status == 201
    late = await decide(first, check_in_id, LEFTOVER)
    assert (late.status, late.problem) == (409, "already-decided")
    assert await service.value("SELECT count(*) FROM review_lease") == 0


async def test_a_rejected_photo_can_be_appealed_once_and_is_decided_by_somebody_else(service):
    member, first = await service.member(), await reviewer(service, "first")
    check_in_id = await in_review(service, member)
    await decide(first, check_in_id, LEFTOVER)
    sent = await appeal(member, check_in_id, text="那是柠檬皮")
    assert sent.status == 201, sent.body
    answer = sent.json()
    assert (answer["status"], answer["reason"]) == ("in_review", "appealed")
    assert answer["appeal_until"] is None
    [item] = await queue(await reviewer(service, "other"))
    assert (item["appeal"]["text"], item["appeal"]["rejected_for"]) == ("那是柠檬皮", "leftovers")

    again = await appeal(member, check_in_id, text="那是柠檬皮")
    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
    changed = await appeal(member, check_in_id, text="再看看")
    assert (changed.status, changed.problem) == (409, "already-appealed")

    repeated = await decide(first, check_in_id, LEFTOVER)
    assert (repeated.status, repeated.headers.get("Idempotency-Replayed")) == (201, "true")
    refused = await decide(first, check_in_id, CLEAN)
    assert (refused.status, refused.problem) == (403, "decided-before")
    accepted = await decide(await reviewer(service, "other"), check_in_id, CLEAN)
    assert (accepted.status, accepted.json()["is_on_appeal"]) == (201, True)
    answer = await check_in(member, check_in_id, "?wait=10")
    assert (answer["status"], answer["grams"]) == ("credited", PLATE_G)


async def wait_for_three_days(service, server):
    """Only the owner may change what a member has said, and when."""
    owner = make_engine(server.url(service.engine.url.database))
    async with owner.begin() as conn:
        await run(conn, "UPDATE appeal SET appealed_at = appealed_at - interval '3 days'")
    await owner.dispose()


async def test_without_a_second_reviewer_an_operator_decides_after_three_days(service, server):
    member, first = await service.member(), await reviewer(service, "first")
    # The only reviewer has the role too, and stays the one who rejected it.
    both, operator = (
        await service.caller("first", "operator"),
        await service.caller("op", "operator"),
    )
    check_in_id = await in_review(service, member)
    early = await decide(operator, check_in_id, LEFTOVER)
    assert (early.status, early.problem) == (409, "appeal-not-overdue")
    await decide(first, check_in_id, LEFTOVER)
    await appeal(member, check_in_id, text="那是柠檬皮")
    path = f"/v1/review/check-ins/{check_in_id}"
    early = await decide(operator, check_in_id, CLEAN)
    assert (early.status, early.problem) == (409, "appeal-not-overdue")
    assert early.json()["operator_from"] is not None
    assert await queue(operator) == []
    for hidden in (path, f"{path}/evidence"):
        assert (await operator.get(hidden)).status == 404
    await wait_for_three_days(service, server)
    assert [item["id"] for item in await queue(operator)] == [check_in_id]
    assert (await operator.get(f"{path}/evidence")).status == 200
    refused = await decide(both, check_in_id, CLEAN)
    assert (refused.status, refused.problem) == (403, "decided-before")
    accepted = await decide(operator, check_in_id, CLEAN)
    assert (accepted.status, accepted.json()["is_on_appeal"]) == (201, True)
    answer = await check_in(member, check_in_id, "?wait=10")
    assert (answer["status"], answer["grams"]) == ("credited", PLATE_G)


async def test_after_the_second_decision_nothing_can_be_appealed(service):
    member = await service.member()
    check_in_id = await rejected(service, member)
    assert (await appeal(member, check_in_id)).status == 201
    final = await decide(await reviewer(service), check_in_id, LEFTOVER)
    assert (final.json()["is_on_appeal"], final.json()["is_final"]) == (True, True)
    answer = await check_in(member, check_in_id)
    assert (answer["status"], answer["reason"], answer["appeal_until"]) == (
        *("rejected", "leftovers"),
        None,
    )
    refused = await appeal(member, check_in_id, text="再看一次")
    assert (refused.status, refused.problem) == (409, "already-appealed")


async def test_only_what_a_look_can_change_is_appealed(service):
    member = await service.member()
    credited = (await member.photograph(make_photo(1))).json()["id"]
    second = (await member.photograph(make_photo(2))).json()["id"]  # meal_already_counted
    waiting = await in_review(service, await service.member("wang"), seed=3)
    bag = (await member.bind("BAG00001")).json()["id"]
    for check_in_id in (credited, second, bag):
        reply = await appeal(member, check_in_id)
        assert (reply.status, reply.problem) == (409, "not-appealable")
    assert (await appeal(member, waiting)).status == 404
    assert (await appeal(await service.member("wang"), waiting)).problem == "not-appealable"


async def test_an_appeal_has_its_time(service):
    member = await service.member()
    check_in_id = await rejected(service, member)
    await service.execute("UPDATE check_in SET appeal_until = now() - interval '1 second'")
    refused = await appeal(member, check_in_id)
    assert (refused.status, refused.problem) == (409, "appeal-closed")
    assert (await check_in(member, check_in_id))["status"] == "rejected"


async def test_of_many_appeals_at_once_one_counts(service):
    member = await service.member()
    check_in_id = await rejected(service, member)
    replies = await asyncio.gather(*(appeal(member, check_in_id, text="请看") for _ in range(8)))
    assert {reply.status for reply in replies} == {201}
    assert len([r for r in replies if "Idempotency-Replayed" not in r.headers]) == 1
    assert await service.value("SELECT count(*) FROM appeal") == 1


async def test_an_appeal_that_races_a_decision_leaves_one_open_or_one_closed_case(service):
    member, rev = await service.member(), await reviewer(service)
    check_in_id = await rejected(service, member)
    await appeal(member, check_in_id)
    other = await reviewer(service, "other")
    decided, final, repeated = await asyncio.gather(
        decide(rev, check_in_id, LEFTOVER), decide(other, check_in_id, CLEAN),
        appeal(member, check_in_id),
    )  # fmt: skip
    assert sorted((decided.status, final.status)) == [201, 409]
    assert repeated.status == 201
    await service.drained()
    status = (await check_in(member, check_in_id))["status"]
    assert status == ("credited" if final.status == 201 else "rejected")


async def test_reviewers_may_review_and_nothing_else(service):
    check_in_id = await in_review(service)
    rev = await reviewer(service)
    for path in ("/v1/check-ins", "/v1/account", "/v1/operator/summary"):
        assert (await rev.get(path)).status == 403
    assert (await appeal(rev, check_in_id)).status == 403
    assert (await rev.post("/v1/captures", {})).status == 403


async def test_odd_decisions_and_appeals_are_refused_and_change_nothing(service):
    member, rev = await service.member("li"), await reviewer(service)
    waiting = await in_review(service, member, seed=1)
    refused = await rejected(service, await service.member("wang"), seed=2)
    before = await service.row_counts()
    for body in (
        {}, [], {"outcome": "accept"}, {"label": "clean"}, LEFTOVER | {"outcome": "maybe"},
        CLEAN | {"outcome": "credited"}, CLEAN | {"label": "CLEAN"}, CLEAN | {"label": None},
        CLEAN | {"note": ""}, CLEAN | {"note": "x" * 501}, CLEAN | {"note": 1},
        CLEAN | {"note": "a\x00b"}, CLEAN | {"note": "\ud800"}, CLEAN | {"reviewer": "me"},
        CLEAN | {"is_on_appeal": True}, CLEAN | {"model_sha256": "0" * 64},
    ):  # fmt: skip
        reply = await decide(rev, waiting, body)
        assert (reply.status in {400, 422}, reply.problem is not None) == (True, True), body
    owner = await service.member("wang")
    for body in ({"text": ""}, {"text": "x" * 501}, {"text": ["x"]}, {"reason": "x"}, []):
        reply = await owner.post(f"/v1/check-ins/{refused}/appeal", body)
        assert (reply.status in {400, 422}, reply.problem is not None) == (True, True), body
    for query in ("limit=0", "limit=201", "reason=X", "region=1", "methodology=%00", "cursor=x",
                  "status=credited", "reason=a&reason=b"):  # fmt: skip
        reply = await rev.get(f"/v1/review/check-ins?{query}")
        assert (reply.status in {400, 422}, reply.problem is not None) == (True, True), query
    for check_in_id in (UNKNOWN_ID, UNKNOWN_ID.upper(), "x", "%00", "..%2f..%2f", "null"):
        for method, suffix in (
            ("GET", ""), ("GET", "/evidence"), ("PUT", "/lease"), ("POST", "/decisions"),
        ):  # fmt: skip
            sent = {"json": CLEAN} if method == "POST" else {}
            path = URL(f"{service.base}/v1/review/check-ins/{check_in_id}{suffix}", encoded=True)
            reply = await rev.send(method, path, **sent)
            assert reply.status in {400, 404}, (check_in_id, suffix, reply.status)
    assert await service.row_counts() == before


async def test_a_cursor_of_one_reviewer_opens_nothing_for_another(service):
    for number in range(2):
        await in_review(service, await service.member(f"m{number}"), seed=number)
    page = (await (await reviewer(service)).get("/v1/review/check-ins?limit=1")).json()
    other = await reviewer(service, "other")
    reply = await other.get(f"/v1/review/check-ins?limit=1&cursor={page['next_cursor']}")
    assert reply.problem == "invalid-cursor"


async def test_whatever_people_decide_the_books_fit(service):
    first, second = await reviewer(service, "first"), await reviewer(service, "second")
    members = [await service.member(f"m{number}") for number in range(6)]
    ids = [await in_review(service, each, seed=n) for n, each in enumerate(members)]
    for check_in_id in ids[:4]:
        await decide(first, check_in_id, LEFTOVER)
    await decide(first, ids[4], CLEAN)
    for member, check_in_id in zip(members[:3], ids[:3], strict=True):
        await appeal(member, check_in_id, text="请再看一次")
    await decide(second, ids[0], CLEAN)
    await decide(second, ids[1], {"outcome": "reject", "label": "not_a_plate"})
    await service.drained()
    statuses = [(await check_in(m, id))["status"] for m, id in zip(members, ids, strict=True)]
    assert statuses == [
        *("credited", "rejected", "in_review"),
        *("rejected", "credited", "in_review"),
    ]
    assert await check_invariants(service.engine) == []


async def test_a_photo_of_no_plate_reaches_a_reviewer_only_when_it_is_appealed(service):
    member, rev = await service.member(), await reviewer(service)
    check_in_id = await rejected(service, member, reason="no_plate")
    answer = await check_in(member, check_in_id)
    open_for = datetime.fromisoformat(answer["appeal_until"]) - datetime.fromisoformat(
        answer["decided_at"]
    )
    assert open_for == NO_PLATE_KEPT
    assert await queue(rev) == []
    await appeal(member, check_in_id, text="盘子在左边")
    [item] = await queue(rev)
    assert (item["id"], item["appeal"]["rejected_for"]) == (check_in_id, "no_plate")
    assert (await rev.get(item["evidence"][0])).status == 200
    await decide(rev, check_in_id, CLEAN)
    assert (await check_in(member, check_in_id, "?wait=10"))["status"] == "credited"


@pytest.mark.parametrize("comes_first", ["copy", "original"])
async def test_a_copy_that_was_rejected_for_another_reason_is_shown_as_one_when_it_is_appealed(
    service, comes_first
):
    """Darkened, so that the model says no before it is compared with anything."""
    verdicts = {"original": {}, "copy": {"verdict": "rejected", "reason": "too_dark"}}
    sent = {}
    for seed, name in enumerate(sorted(verdicts, reverse=comes_first == "original")):
        jpeg = (await service.scorer.sanitise(make_photo(seed))).jpeg
        seen = make_score(jpeg, fingerprint=bytes(range(32)), **verdicts[name])
        service.scorer.answers[jpeg] = seen
        answer = await (await service.member(name)).photograph(make_photo(seed))
        sent[name] = answer.json()
    assert (sent["original"]["status"], sent["copy"]["reason"]) == ("credited", "too_dark")
    await appeal(await service.member("copy"), sent["copy"]["id"])
    await service.drained()
    rev = await reviewer(service)
    [item] = await queue(rev)
    assert [(each["check_in_id"], each["kind"]) for each in item["look_alikes"]] == [
        (sent["original"]["id"], "near")
    ]
    unclear = {"outcome": "reject", "label": "clean"}
    assert (await decide(rev, sent["copy"]["id"], unclear)).status == 201
    answer = await check_in(await service.member("copy"), sent["copy"]["id"])
    assert (answer["status"], answer["reason"]) == ("rejected", "photo_already_used")
    original = await check_in(await service.member("original"), sent["original"]["id"])
    assert original["status"] == "credited"


async def test_a_deleted_photo_that_is_sent_again_is_shown_to_nobody(service, tmp_path):
    member, rev = await service.member(), await reviewer(service)
    photo = await service.script(make_photo(1), "rejected", "no_plate")
    capture = await member.capture()
    check_in_id = (await member.send_photo(photo, capture, prefer="wait=10")).json()["id"]
    await appeal(member, check_in_id)
    [item] = await queue(rev)
    decision = {"outcome": "reject", "label": "not_a_plate"}
    assert (await decide(rev, check_in_id, decision)).status == 201
    assert (await rev.get(item["evidence"][0])).status == 200
    store, day_s = EvidenceStore(tmp_path / "evidence"), 86_400
    assert await delete_due_evidence(service.engine, store, clock_shift_s=day_s) == 1
    assert (await rev.get(item["evidence"][0])).status == 404
    again = await member.send_photo(photo, capture)
    assert (again.json()["id"], again.json()["status"]) == (check_in_id, "rejected")
    assert (await rev.get(item["evidence"][0])).status == 404


async def test_decisions_and_waits_are_counted(service):
    member = await service.member()
    check_in_id = await in_review(service, member)
    label = 'tanhui_review_decisions_total{label="full",on_appeal="false",outcome="rejected"}'

    async def counted():
        lines = (await service.nobody.get("/metrics")).body.decode().splitlines()
        return [float(line.rpartition(" ")[2]) for line in lines if line.startswith(label)]

    before = sum(await counted())
    for _ in range(2):
        await decide(await reviewer(service), check_in_id, {"outcome": "reject", "label": "full"})
    assert await counted() == [before + 1]


async def test_photos_of_something_else_are_shown_one_by_one_and_have_their_own_labels(service):
    member, rev = await service.member(), await reviewer(service)
    await service.execute(
        "INSERT INTO check_in (id, account_id, action, status, reason, tier, reported_by, region,"
        " occurred_at, received_at, stopped_at, in_review_since, quantities, natural_key)"
        " VALUES (:id, :account, 'no_drive', 'in_review', 'odometers_to_compare', 'documented',"
        " 'member', '330100', now(), now(), now(), now(), '{}', 'two odometers')",
        id=UNKNOWN_ID,
        account=member.account_id,
    )
    await service.execute(
        "INSERT INTO check_in_evidence (check_in_id, part, capture_id, evidence_sha256, taken_at)"
        " VALUES (:id, 'morning', uuidv7(), repeat('a', 64), now())",
        id=UNKNOWN_ID,
    )
    [item] = await queue(rev)
    [morning] = item["evidence"]
    assert (item["model"], morning.endswith("?part=morning")) == (None, True)
    assert (await rev.get(morning)).problem == "evidence-missing"  # a row, and no file behind it
    assert (await rev.get(morning.replace("morning", "evening"))).problem == "not-found"
    assert (await rev.get(morning.replace("morning", "noon"))).problem == "validation"
    assert (await decide(rev, UNKNOWN_ID, LEFTOVER)).problem == "decision-not-clear"
    not_shown = {"outcome": "reject", "label": "not_shown"}
    assert (await decide(rev, UNKNOWN_ID, not_shown)).status == 201
    answer = await check_in(member, UNKNOWN_ID)
    assert (answer["status"], answer["reason"]) == ("rejected", "evidence_does_not_show")

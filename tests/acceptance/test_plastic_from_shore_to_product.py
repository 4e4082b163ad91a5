import asyncio
import csv
import io
from datetime import UTC, datetime

from backend.cards.sheets import make_blanks
from backend.partners.cards import insert_blanks
from backend.units import shanghai_day
from backend.verify import check_invariants
from tests.acceptance.event_sender import make_event, send
from tests.acceptance.harbour import carded, moment, open_harbour
from tests.acceptance.running_service import make_key

CSV_FORMULA = "=1+1"


async def asked(member, material="sorted_plastic"):
    reply = await member.post(
        "/v1/marine/hand-ins", {"material": material}, idempotency_key=make_key()
    )
    assert reply.status == 201, reply.body
    return reply.json()


async def test_a_members_hand_in_is_weighed_credited_and_paid(service):
    harbour, member = await open_harbour(service), await service.member("li")
    request = await asked(member)
    assert (request["mass_g"], len(request["code"])) == (None, 12)
    weighed = await harbour.weigh(5_000, code=request["code"])
    assert weighed.status == 201, weighed.body
    # 5 kg of sorted plastic x 1,298.7 g = 6,493.5, rounded down
    assert (await member.balance())[0] == 6_493
    again = await harbour.weigh(5_000, code=request["code"])
    assert (again.status, again.json()) == (200, weighed.json())
    other = await harbour.weigh(4_000, code=request["code"])
    assert (other.status, other.problem) == (409, "hand-in-weighed")
    assert (await harbour.weigh(1, code="0" * 12)).problem == "hand-in-unknown"

    path, body = (
        f"/v1/marine/hand-ins/{request['id']}/payout",
        {
            "fen_per_kg": 133,
            "reference": CSV_FORMULA,
            "paid_at": moment(),
        },
    )
    keeper = harbour.keys["shore"]
    paid = [await keeper.post(path, body) for _ in range(2)]
    assert [reply.status for reply in paid] == [200, 200], paid[0].body
    assert paid[0].json() == paid[1].json()
    assert paid[0].json()["amount_fen"] == 665  # 5.000 kg x 133 fen
    dearer = await keeper.post(path, {**body, "fen_per_kg": 200})
    assert (dearer.status, dearer.problem) == (409, "hand-in-paid")
    shown = (await member.get(f"/v1/marine/hand-ins/{request['id']}")).json()
    assert (shown["amount_fen"], shown["mass_g"]) == (665, 5_000)
    stranger = await service.member("wang")
    assert (await stranger.get(f"/v1/marine/hand-ins/{request['id']}")).status == 404
    assert await check_invariants(service.engine) == []


async def test_people_without_a_phone_are_helped_by_the_keeper(service):
    harbour = await open_harbour(service)
    member = await carded(service, harbour, "li")
    key = make_key()
    first = await harbour.weigh(5_000, subject_token="card-li", material="unsorted_waste", key=key)
    assert first.status == 201, first.body
    assert (await member.balance())[0] == 1_062  # 5 kg x 212.5 = 1,062.5
    nobody = await harbour.weigh(2_000)
    assert (nobody.status, nobody.json()["check_in_id"]) == (201, None)
    unknown = await harbour.weigh(2_000, subject_token="card-nobody")
    assert (unknown.status, unknown.problem) == (404, "subject-not-linked")
    both = await harbour.weigh(1, subject_token="card-li", code="0" * 12)
    assert (both.status, both.problem) == (422, "shore-weighing-not-clear")
    late = await harbour.weigh(2_000, weighed_at=moment(days=8))
    assert (late.status, late.problem) == (422, "evidence-too-late")
    own = (await member.get("/v1/marine/hand-ins")).json()["items"]
    assert [each["id"] for each in own] == [first.json()["id"]]
    assert await check_invariants(service.engine) == []


async def test_a_card_of_the_programme_names_its_holder_at_the_shore(service):
    harbour = await open_harbour(service)
    [card] = make_blanks(1)
    async with service.engine.begin() as conn:
        await insert_blanks(conn, [card], datetime.now(UTC))
    desk = await service.caller("desk-1", "desk")
    held = {"card_token": card.token, "pin": "274916"}
    bound = await desk.post("/v1/desk/cards", held, idempotency_key=make_key())
    assert bound.status == 201, bound.body
    await harbour.weighed(1_000, subject_token=card.token)
    assert (await desk.post("/v1/desk/card-balances", held)).json()["grams"] == 1_298


async def test_a_weighing_and_an_event_of_one_hand_in_count_once(service):
    harbour = await open_harbour(service)
    member = await carded(service, harbour, "li")
    request = await asked(member)
    data = {"handed_in_at": moment(), "sorted_plastic_g": 5_000, "receipt": request["code"]}
    event = make_event("tanhui.marine.handed_in.v1", data, source="urn:shore", subject="card-li")
    assert (await harbour.weigh(5_000, code=request["code"])).status == 201
    [told] = await send(harbour.keys["shore"], event)
    assert told["problem"]["type"] == "/problems/evidence-already-used"
    assert (await member.balance())[0] == 6_493


async def test_payouts_add_up_per_keeper_and_their_file_holds_no_formula(service):
    harbour = await open_harbour(service)
    ids = [await harbour.weighed(mass_g) for mass_g in (5_000, 2_000)]
    today = shanghai_day(datetime.now(UTC)).isoformat()
    period = f"since={today}&until={today}"
    for hand_in_id, fen in zip(ids, (40, 133), strict=True):
        path = f"/v1/marine/hand-ins/{hand_in_id}/payout"
        body = {"fen_per_kg": fen, "reference": CSV_FORMULA, "paid_at": moment()}
        assert (await harbour.keys["shore"].post(path, body)).status == 200
    operator = await service.caller("op", "operator")
    totals = (await operator.get(f"/v1/marine/payouts/totals?{period}")).json()
    # 5 kg x 40 fen + 2 kg x 133 fen
    assert (totals["hand_ins"], totals["mass_g"], totals["amount_fen"]) == (2, 7_000, 466)
    file = await operator.get(f"/v1/marine/payouts.csv?{period}", accept_language="en")
    lines = list(csv.reader(io.StringIO(file.body.decode("utf-8-sig"))))
    assert [line[3:7] for line in lines[1:]] == [
        ["2000", "133", "266", "'=1+1"],
        ["5000", "40", "200", "'=1+1"],
    ]
    elsewhere = await harbour.keys["port"].get(f"/v1/marine/payouts?{period}")
    assert elsewhere.json()["items"] == []
    wrong = await operator.get("/v1/marine/payouts/totals?since=2026-02-01&until=2026-01-01")
    assert wrong.problem == "payout-period-not-valid"
    assert await check_invariants(service.engine) == []


async def two_lots(harbour):
    """Five kilograms and one, gathered at the shore."""
    ids = [await harbour.weighed(mass_g) for mass_g in (3_000, 2_000, 1_000)]
    first, second = await harbour.gather(ids[:2]), await harbour.gather(ids[2:])
    assert (first.status, second.status) == (201, 201), first.body
    answer = first.json()
    assert (answer["kind"], answer["taken_g"], answer["made_g"]) == ("gathered", 5_000, 5_000)
    again = await harbour.gather(ids[:1])
    assert (again.status, again.problem) == (409, "hand-in-gathered")
    return answer["made"][0], second.json()["made"][0]


async def test_what_a_step_makes_and_loses_is_what_it_takes(service):
    harbour = await open_harbour(service)
    big, small = await two_lots(harbour)
    plastic = [("sorted_plastic", 5_500)]
    for taken, problem in (
        ({big: 5_001}, "more-than-left"),
        ({big: 5_000}, "mass-not-balanced"),  # 500 g more than came in
        ({big: 5_000, small: 1_000}, "mass-not-balanced"),  # 500 g vanished unsaid
        ({big: 5_000, "0" * 12: 1}, "lot-unknown"),
    ):
        refused = await harbour.step("port", taken, plastic)
        assert (refused.status // 100, refused.problem) == (4, problem)
    lots = (await harbour.keys["shore"].get("/v1/marine/lots")).json()["items"]
    assert [each["left_g"] for each in lots] == [1_000, 5_000]
    same = {"key": make_key(), "at": moment()}
    taken, lost = {big: 5_000, small: 1_000}, (500, "drying")
    merged = [await harbour.step("port", taken, plastic, lost, **same) for _ in range(2)]
    assert [reply.status for reply in merged] == [201, 201], merged[0].body
    assert merged[0].json() == merged[1].json()
    assert await check_invariants(service.engine) == []


async def test_a_lot_is_split_and_moves_on_only(service):
    harbour = await open_harbour(service)
    lot, _ = await two_lots(harbour)
    [lot] = await harbour.made("port", {lot: 5_000}, [("sorted_plastic", 5_000)])
    [part] = await harbour.made("recycler", {lot: 1_500}, [("sorted_plastic", 1_500)])
    left = (await harbour.keys["port"].get("/v1/marine/lots?is_left=true")).json()["items"]
    assert [(each["code"], each["left_g"]) for each in left] == [(lot, 3_500)]
    back = await harbour.step("port", {part: 1_500}, [("sorted_plastic", 1_500)])
    assert (back.status, back.problem) == (409, "lot-elsewhere")
    too_early = await harbour.step("port", {lot: 3_500}, [("product", 3_500)])
    assert too_early.problem == "material-not-made-here"
    harbour.sites["port"] = harbour.sites["sorter"]
    foreign = await harbour.step("port", {lot: 1}, [("sorted_plastic", 1)])
    assert (foreign.status, foreign.problem) == (403, "marine-site-elsewhere")


async def test_two_steps_cannot_take_the_same_grams(service):
    harbour = await open_harbour(service)
    lot, _ = await two_lots(harbour)
    async with asyncio.TaskGroup() as group:
        asked = [
            group.create_task(harbour.step("port", {lot: 3_000}, [("sorted_plastic", 3_000)]))
            for _ in range(4)
        ]
    replies = [task.result() for task in asked]
    assert sorted(reply.status for reply in replies) == [201, 422, 422, 422]
    assert {reply.problem for reply in replies} == {None, "more-than-left"}
    assert await check_invariants(service.engine) == []


async def test_a_product_is_traced_without_persons_or_exact_places(service):
    harbour = await open_harbour(service)
    people = [await carded(service, harbour, f"person{number}") for number in range(10)]
    ids = [
        await harbour.weighed(1_000, subject_token=f"card-person{number}")
        for number in range(len(people))
    ]
    [lot] = (await harbour.gather(ids)).json()["made"]
    product = await harbour.product(lot, 10_000)
    reply = await service.nobody.get(f"/v1/public/trace/{product}")
    assert reply.status == 200, reply.body
    trace = reply.json()
    assert (trace["mass_g"], trace["is_withheld"]) == (9_000, False)
    assert [(each["stage"], each["kind"], each["taken_g"]) for each in trace["passages"]] == [
        ("shore", "gathered", 10_000),
        ("port", "moved", 10_000),
        ("sorter", "moved", 10_000),
        ("recycler", "moved", 10_000),
        ("recycler", "processed", 10_000),
    ]
    assert trace["passages"][-1]["losses"] == [{"reason": "residue", "mass_g": 1_000}]
    shore = trace["passages"][0]["regions"]
    assert [each["code"] for each in shore] == ["331000"]  # the prefecture, not 331081
    assert shore[0]["name_zh"].startswith("浙江省")
    told = reply.body.decode()
    secrets = [str(each.account_id) for each in people] + list(harbour.sites.values())
    assert [secret for secret in secrets if secret in told] == []
    page = await service.nobody.get(f"/trace/{product}", accept="text/html")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "9.000 kg" in page.body.decode()
    assert "<svg" in page.body.decode()
    # Lots on the way are nobody's business.
    assert (await service.nobody.get(f"/v1/public/trace/{lot}")).status == 404


async def test_few_people_hide_all_masses_of_a_trace(service):
    harbour = await open_harbour(service)
    ids = [await harbour.weighed(1_000) for _ in range(12)]  # all of them may be one person
    [lot] = (await harbour.gather(ids)).json()["made"]
    product = await harbour.product(lot, 12_000)
    trace = (await service.nobody.get(f"/v1/public/trace/{product}")).json()
    month = f"{shanghai_day(datetime.now(UTC)):%Y-%m}"
    assert (trace["is_withheld"], trace["mass_g"], trace["made_on"]) == (True, None, month)
    assert {(each["taken_g"], each["first"]) for each in trace["passages"]} == {(None, month)}
    page = await service.nobody.get(f"/trace/{product}")
    assert "隐私" in page.body.decode()

import asyncio
from datetime import UTC, datetime, timedelta

from backend.cards.sheets import make_blanks, sheet_of
from backend.partners.cards import insert_blanks
from backend.units import shanghai_day
from backend.verify import check_invariants
from tests.acceptance.canteen import open_camera
from tests.acceptance.event_sender import make_event, send
from tests.acceptance.running_service import Caller, make_key, make_photo, serving, until
from tests.acceptance.shop import give_points, open_shop, rich_member

PIN, OTHER_PIN, WRONG = "274916", "805162", "111112"
METRO_12_KM_G = 560  # floor(12 x 46.7)


async def blank(service):
    """A card of nobody, as it comes from the printer."""
    [card] = make_blanks(1)
    async with service.engine.begin() as conn:
        now = await service.value("SELECT now()")
        await insert_blanks(conn, [card], now)
    return card


async def desk_of(service) -> Caller:
    return await service.caller("desk-1", "desk")


async def bind(service, card, pin=PIN, **body):
    desk = await desk_of(service)
    body = {"card_token": card.token, "pin": pin, **body}
    return await desk.post("/v1/desk/cards", body, idempotency_key=make_key())


async def holder(service, points=100):
    """A card whose holder has points, and its id."""
    card = await blank(service)
    bound = await bind(service, card)
    assert bound.status == 201, bound.body
    person = Caller(service.session, account_id=await account_of(service, bound.json()["id"]))
    await give_points(service, person, points)
    return card, bound.json()["id"]


async def account_of(service, card_id):
    return await service.value("SELECT account_id FROM card WHERE id = :id", id=card_id)


async def scan(caller, card, reward):
    body = {"card_token": card.token, "reward_id": reward["id"]}
    return await caller.post("/v1/card-requests", body)


async def type_pin(caller, request, pin=PIN):
    return await caller.post(f"/v1/card-requests/{request['id']}/pin", {"pin": pin})


async def balance(service, card, pin=PIN):
    body = {"card_token": card.token, "pin": pin}
    return await (await desk_of(service)).post("/v1/desk/card-balances", body)


async def test_a_person_without_a_phone_eats_and_spends(service):
    camera, shop = await open_camera(service), await open_shop(service)
    reward, card = await shop.offer(points=3), await blank(service)
    waiting = await camera.see(make_photo(1), card.token)
    assert waiting.json()["status"] == "waiting", "a blank card is nobody's"
    assert (await bind(service, card)).status == 201
    eaten = await camera.see(make_photo(2), card.token)
    assert eaten.json()["status"] == "joined"
    await service.drained()
    assert (await balance(service, card)).json() == {
        "grams": 125,
        "reduction_text": "125 克",
        "points": 5,
    }
    asked = await scan(shop.cashier, card, reward)
    assert asked.status == 201, asked.body
    assert not {"balance", "grams", "points_available"} & asked.json().keys()
    done = await type_pin(shop.cashier, asked.json())
    assert (done.status, done.json()["status"]) == (200, "confirmed"), done.body
    again = await type_pin(shop.cashier, asked.json(), WRONG)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert (await balance(service, card)).json()["points"] == 2
    assert await check_invariants(service.engine) == []


async def test_the_desk_and_the_phone_say_the_same_of_points_that_are_over(service):
    member, card = await rich_member(service), await blank(service)
    code = (await member.get("/v1/member-code")).json()["code"]
    assert (await bind(service, card, member_code=code)).status == 201
    today = shanghai_day(datetime.now(UTC))
    await give_points(service, member, 50, expires_on=today - timedelta(days=1))
    await give_points(service, member, 7, expires_on=today)
    account = await member.account()
    assert account["points"] == 107
    assert (await balance(service, card)).json()["points"] == account["points"]


async def test_a_member_with_a_phone_can_have_a_card_too_but_only_one(service, tmp_path):
    member, card = await rich_member(service), await blank(service)
    code = (await member.get("/v1/member-code")).json()["code"]
    assert (await bind(service, card, member_code=code)).status == 201
    assert (await balance(service, card)).json()["points"] == 100
    used = await bind(service, await blank(service), member_code=code)
    assert (used.status, used.problem) == (422, "member-code-not-valid")
    taken = await bind(service, card)
    assert (taken.status, taken.problem) == (409, "card-not-blank")
    async with serving(service.engine, tmp_path / "b", clock_shift_s=60) as later:
        fresh = (await (await later.member()).get("/v1/member-code")).json()["code"]
        second = await bind(later, await blank(later), member_code=fresh)
    assert (second.status, second.problem) == (409, "card-held")


async def test_five_wrong_pins_lock_a_card_however_many_come_at_once(service):
    shop = await open_shop(service)
    reward, (card, card_id) = await shop.offer(), await holder(service)
    request = (await scan(shop.cashier, card, reward)).json()
    replies = await asyncio.gather(*(type_pin(shop.cashier, request, WRONG) for _ in range(9)))
    found = sorted(reply.problem for reply in replies)
    assert found == ["card-locked"] * 5 + ["pin-wrong"] * 4
    left = {r.json()["tries_left"] for r in replies if r.problem == "pin-wrong"}
    assert left == {1, 2, 3, 4}
    assert (await type_pin(shop.cashier, request)).problem == "card-locked"
    assert (await scan(shop.cashier, card, reward)).problem == "card-locked"
    assert (await balance(service, card)).problem == "card-locked"
    desk = await desk_of(service)
    assert (await desk.post(f"/v1/desk/cards/{card_id}/pin", {"pin": OTHER_PIN})).status == 200
    assert (await balance(service, card)).problem == "pin-wrong"
    assert (await balance(service, card, OTHER_PIN)).json()["points"] == 100
    history = (await desk.get(f"/v1/desk/cards/{card_id}/changes")).json()["items"]
    assert [each["what"] for each in history] == ["pin_set", "locked", "bound"]


async def test_the_right_pin_forgives_the_wrong_ones(service):
    card, _ = await holder(service)
    for _ in range(2):
        for _ in range(4):
            assert (await balance(service, card, WRONG)).problem == "pin-wrong"
        assert (await balance(service, card)).status == 200


async def test_a_lost_card_is_dead_at_once_and_its_points_are_on_the_new_one(service):
    shop, camera = await open_shop(service), await open_camera(service)
    reward, (lost, lost_id), fresh = await shop.offer(), await holder(service), await blank(service)
    request = (await scan(shop.cashier, lost, reward)).json()
    desk = await desk_of(service)
    [found] = (await desk.get(f"/v1/desk/cards?number={lost.number}")).json()["items"]
    assert (found["id"], found["status_text"]) == (lost_id, "使用中")
    path = f"/v1/desk/cards/{lost_id}/replacements"
    body = {"card_token": fresh.token, "pin": OTHER_PIN}
    replaced = await desk.post(path, body, idempotency_key=make_key())
    assert replaced.status == 201, replaced.body
    assert (await type_pin(shop.cashier, request)).problem == "card-not-valid"
    assert (await scan(shop.cashier, lost, reward)).problem == "card-not-valid"
    assert (await camera.see(make_photo(1), lost.token)).json()["status"] == "waiting"
    assert (await balance(service, fresh, OTHER_PIN)).json()["points"] == 100
    once_more = await desk.post(
        path, {**body, "card_token": (await blank(service)).token}, idempotency_key=make_key()
    )
    assert (once_more.status, once_more.problem) == (409, "card-not-held")
    assert await check_invariants(service.engine) == []


async def test_a_blocked_card_neither_spends_nor_collects_until_it_is_unblocked(service):
    shop, camera = await open_shop(service), await open_camera(service)
    reward, (card, card_id) = await shop.offer(), await holder(service)
    desk = await desk_of(service)
    path = f"/v1/desk/cards/{card_id}/changes"
    for status in ("blocked", "blocked"):
        assert (await desk.post(path, {"status": status, "note": "lost?"})).status == 200
    assert (await scan(shop.cashier, card, reward)).problem == "card-not-valid"
    assert (await balance(service, card)).problem == "card-not-valid"
    assert (await camera.see(make_photo(1), card.token)).json()["status"] == "waiting"
    assert (await desk.post(path, {"status": "active", "note": "found"})).status == 200
    assert (await scan(shop.cashier, card, reward)).status == 201
    what = [each["what"] for each in (await desk.get(path)).json()["items"]]
    assert what == ["unblocked", "blocked", "bound"]


async def test_the_pin_is_typed_where_the_card_was_scanned(service):
    shop = await open_shop(service)
    reward, (card, _) = await shop.offer(), await holder(service)
    till, bakery = await shop.till(), await open_shop(service, "bakery")
    request = (await scan(till, card, reward)).json()
    elsewhere = await type_pin(shop.cashier, request)
    assert (elsewhere.status, elsewhere.problem) == (403, "request-elsewhere")
    assert (await type_pin(bakery.cashier, request)).status == 404
    assert await service.value("SELECT pin_tries FROM card") == 0, "no try is lost by that"
    replies = await asyncio.gather(*(type_pin(till, request) for _ in range(3)))
    assert {reply.status for reply in replies} == {200}, [reply.body for reply in replies]
    assert (await balance(service, card)).json()["points"] == 70


async def test_what_a_phone_must_confirm_no_pin_confirms(service):
    shop, member = await open_shop(service), await rich_member(service)
    reward, code = await shop.offer(), (await member.get("/v1/member-code")).json()["code"]
    body = {"member_code": code, "reward_id": reward["id"]}
    request = (await shop.cashier.post("/v1/settlement-requests", body)).json()
    assert (await type_pin(shop.cashier, request)).status == 404


async def test_simple_pins_are_refused_and_none_is_kept_readable(service):
    card = await blank(service)
    for simple in ("000000", "123456", "987654", "567890"):
        reply = await bind(service, card, simple)
        assert (reply.status, reply.problem) == (422, "pin-too-simple"), simple
    assert (await bind(service, card, "12345")).problem == "validation"
    await bind(service, card)
    [row] = await service.fetch("SELECT * FROM card")
    assert PIN not in str(row)
    assert card.token not in str(row)


async def test_a_sheet_has_a_code_and_a_slip_for_each_card():
    blanks = make_blanks(7)
    page = sheet_of(blanks, "青禾 <b>")
    assert page.count("<svg") == 7
    assert "青禾 &lt;b&gt;" in page
    assert "<b>" not in page
    assert all(page.count(f"{b.number[:4]} {b.number[4:8]} {b.number[8:]}") == 2 for b in blanks)
    assert not any(blank.token in page for blank in blanks), "only the picture holds it"
    assert "http://" not in page.replace("http://www.w3.org", "")


async def ride(service, card):
    """What a ride with the card becomes at the gate of the metro."""
    [result] = await send(service.by_key("metro"), make_event(subject=card.token))
    return result


async def has_grams(service, card_id, grams):
    account_id = await account_of(service, card_id)
    found = await service.fetch(
        "SELECT coalesce(sum(grams), 0)::bigint AS grams FROM credit WHERE account_id = :account",
        account=account_id,
    )
    return found[0].grams == grams


async def test_a_ride_with_a_card_of_nobody_waits_and_counts_when_the_card_is_bound(service):
    card = await blank(service)
    waiting = await ride(service, card)
    assert (waiting["status"], waiting["waits_for"]) == ("parked", "link")
    bound = await bind(service, card)
    await until(lambda: has_grams(service, bound.json()["id"], METRO_12_KM_G))
    assert await service.value("SELECT count(*) FROM parked_event") == 0
    assert await check_invariants(service.engine) == []


async def test_a_ride_counts_when_its_card_replaces_a_lost_one(service):
    _, lost_id = await holder(service)
    fresh = await blank(service)
    assert (await ride(service, fresh))["status"] == "parked"
    body = {"card_token": fresh.token, "pin": PIN}
    path = f"/v1/desk/cards/{lost_id}/replacements"
    replaced = await (await desk_of(service)).post(path, body, idempotency_key=make_key())
    await until(lambda: has_grams(service, replaced.json()["id"], METRO_12_KM_G))


async def test_a_ride_with_a_blocked_card_counts_when_the_card_works_again(service):
    card, card_id = await holder(service)
    desk, path = await desk_of(service), f"/v1/desk/cards/{card_id}/changes"
    assert (await desk.post(path, {"status": "blocked", "note": "lost"})).status == 200
    assert (await ride(service, card))["status"] == "parked"
    assert (await desk.post(path, {"status": "active", "note": "found"})).status == 200
    await until(lambda: has_grams(service, card_id, METRO_12_KM_G))


async def test_no_ride_is_left_waiting_when_it_comes_while_its_card_is_bound(service):
    cards = [await blank(service) for _ in range(6)]
    async with asyncio.TaskGroup() as group:
        for card in cards:
            group.create_task(ride(service, card))
        bindings = [group.create_task(bind(service, card)) for card in cards]
    for each in bindings:
        assert each.result().status == 201
        card_id = each.result().json()["id"]
        await until(lambda card_id=card_id: has_grams(service, card_id, METRO_12_KM_G))
    assert await service.value("SELECT count(*) FROM parked_event") == 0

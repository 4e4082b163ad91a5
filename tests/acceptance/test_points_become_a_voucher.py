import asyncio
import io
from datetime import UTC, datetime, timedelta

from PIL import Image

from backend.rewards.codes import are_digits_good, plain_code
from backend.units import shanghai_day
from backend.verify import check_invariants
from tests.acceptance.running_service import make_key, serving
from tests.acceptance.shop import (
    give_points,
    left_of,
    open_shop,
    points_of,
    post,
    redeem,
    rich_member,
)


async def test_a_redemption_holds_points_and_stock_and_gives_a_voucher(service):
    shop, member = await open_shop(service), await rich_member(service)
    reward = await shop.offer(stock=3)
    reply = await redeem(member, reward)
    assert reply.status == 201, reply.body
    voucher = reply.json()
    assert reply.headers["Location"] == f"/v1/vouchers/{voucher['id']}"
    assert (voucher["status"], voucher["status_text"]) == ("issued", "待使用")
    assert (voucher["reward"], voucher["merchant"], voucher["points"]) == ("咖啡", "青禾咖啡", 30)
    assert [len(group) for group in voucher["digits"].split()] == [4, 4, 4]
    assert are_digits_good(plain_code(voucher["digits"]))
    issued, expires = (datetime.fromisoformat(voucher[at]) for at in ("issued_at", "expires_at"))
    assert expires - issued == timedelta(days=30)
    assert await points_of(member) == (70, 30)
    assert await left_of(shop, reward) == 2
    assert await check_invariants(service.engine) == []


async def test_the_code_is_drawn_as_svg_and_png(service):
    shop, member = await open_shop(service), await rich_member(service)
    voucher = (await redeem(member, await shop.offer())).json()
    svg = await member.get(voucher["qr_svg"])
    assert (svg.status, svg.headers["Content-Type"]) == (200, "image/svg+xml")
    assert svg.body.startswith(b"<?xml")
    png = await member.get(voucher["qr_png"])
    assert (png.status, png.headers["Content-Type"]) == (200, "image/png")
    picture = Image.open(io.BytesIO(png.body))
    assert picture.size == (264, 264)
    other = await service.member("wang")
    assert (await other.get(voucher["qr_png"])).status == 404


async def test_the_same_key_redeems_once(service):
    shop, member = await open_shop(service), await rich_member(service)
    reward, key = await shop.offer(), make_key()
    replies = await asyncio.gather(*(redeem(member, reward, key) for _ in range(20)))
    assert {reply.status for reply in replies} == {201}
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert [reply.headers.get("Idempotency-Replayed") for reply in replies].count(None) == 1
    assert await points_of(member) == (70, 30)
    other = await redeem(member, await shop.offer(), key)
    assert (other.status, other.problem) == (422, "idempotency-key-reused")
    assert await points_of(member) == (70, 30)


async def test_fifty_members_who_race_for_ten_pieces_get_exactly_ten(service):
    shop = await open_shop(service)
    reward = await shop.offer(stock=10)
    members = [await rich_member(service, f"m{number}") for number in range(50)]
    replies = await asyncio.gather(*(redeem(member, reward) for member in members))
    assert sorted(reply.status for reply in replies) == [201] * 10 + [409] * 40
    assert {reply.problem for reply in replies if reply.status == 409} == {"out-of-stock"}
    assert await left_of(shop, reward) == 0
    assert await service.value("SELECT count(*) FROM voucher") == 10
    assert await check_invariants(service.engine) == []


async def test_pieces_of_a_sliced_stock_are_all_found(service):
    shop = await open_shop(service)
    reward = await shop.offer(stock=1_000, points=1)
    await service.execute("UPDATE reward_stock SET available = least(available, 1)")
    await service.execute("UPDATE reward SET stock = 8")
    members = [await rich_member(service, f"m{number}") for number in range(12)]
    replies = await asyncio.gather(*(redeem(member, reward) for member in members))
    assert sorted(reply.status for reply in replies) == [201] * 8 + [409] * 4


async def test_points_are_not_promised_twice(service):
    shop, member = await open_shop(service), await rich_member(service)
    reward = await shop.offer()
    replies = await asyncio.gather(*(redeem(member, reward) for _ in range(100)))
    assert sorted(reply.status for reply in replies) == [201] * 3 + [422] * 97
    refused = next(reply for reply in replies if reply.status == 422)
    assert refused.problem == "insufficient-points"
    assert (refused.json()["needed"], refused.json()["available"]) == (30, 10)
    assert await points_of(member) == (10, 90)
    assert await check_invariants(service.engine) == []


async def test_limits_per_member_and_per_period_hold_under_a_race(service):
    shop, member = await open_shop(service), await rich_member(service, points=1_000)
    ever = await shop.offer(limit_per_member=2)
    daily = await shop.offer(limit_per_period=1, period="day")
    for reward, allowed in ((ever, 2), (daily, 1)):
        replies = await asyncio.gather(*(redeem(member, reward) for _ in range(6)))
        assert sorted(reply.status for reply in replies) == [201] * allowed + [409] * (6 - allowed)
        assert {r.problem for r in replies if r.status == 409} == {"limit-reached"}
    tomorrow = "UPDATE voucher SET issued_at = issued_at - interval '24 hours'"
    await service.execute(tomorrow)
    assert (await redeem(member, daily)).status == 201
    assert (await redeem(member, ever)).problem == "limit-reached"


async def test_what_expires_first_is_held_first_and_what_has_expired_never(service):
    shop, member = await open_shop(service), await service.member()
    today = shanghai_day(datetime.now(UTC))
    await give_points(service, member, 50, expires_on=today - timedelta(days=1))
    await give_points(service, member, 20, expires_on=today)
    await give_points(service, member, 50)
    assert (await redeem(member, await shop.offer(points=71))).problem == "insufficient-points"
    assert (await redeem(member, await shop.offer(points=30))).status == 201
    # The processor may or may not have taken the points of yesterday by now; nothing holds them.
    lots = {lot["expires_on"]: lot["held"] for lot in (await member.account())["lots"]}
    assert lots.pop(str(today - timedelta(days=1)), 0) == 0
    assert list(lots.values()) == [20, 10]


async def test_a_reward_that_is_paused_elsewhere_or_unknown_is_refused(service):
    shop, member = await open_shop(service), await rich_member(service)
    reward = await shop.offer(regions=["310000"])
    assert (await redeem(member, reward)).problem == "reward-elsewhere"
    assert (await redeem(member, reward, region="310115")).status == 201
    path = f"/v1/merchant/rewards/{reward['id']}/changes"
    await post(shop.manager, path, {"is_offered": False})
    assert (await redeem(member, reward, region="310115")).problem == "reward-not-offered"
    unknown = {"id": "019ff7a0-0000-7000-8000-000000000000"}
    assert (await redeem(member, unknown)).problem == "not-found"


async def test_the_first_redemption_needs_a_phone_and_some_days(engine, tmp_path):
    async with serving(
        engine, tmp_path, redemption_needs_phone=True, redemption_account_age_h=72
    ) as service:
        shop, member = await open_shop(service), await rich_member(service)
        reward = await shop.offer()
        assert (await redeem(member, reward)).problem == "phone-not-bound"
        asked = {"subject": "li", "roles": ["member"], "phone_number_verified": True}
        plain = member.bearer
        member.bearer = (await service.nobody.post("/dev-issuer/token", asked)).json()[
            "access_token"
        ]
        refused = await redeem(member, reward)
        assert (refused.status, refused.problem) == (403, "account-too-young")
        redeem_from = datetime.fromisoformat(refused.json()["redeem_from"])
        assert timedelta(hours=71) < redeem_from - datetime.now(UTC) < timedelta(hours=72)
        await service.execute("UPDATE account SET opened_at = opened_at - interval '72 hours'")
        assert (await redeem(member, reward)).status == 201
        member.bearer = plain
        assert (await redeem(member, reward)).status == 201, "only the first asks for a phone"


async def test_vouchers_are_paged_and_only_their_owners(service):
    shop, member = await open_shop(service), await rich_member(service, points=1_000)
    reward = await shop.offer()
    made = [(await redeem(member, reward)).json()["id"] for _ in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = (await member.get(f"/v1/vouchers?status=issued&limit=2{cursor}")).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]
    assert (await member.get("/v1/vouchers?status=settled")).json()["items"] == []
    other = await service.member("wang")
    assert (await other.get("/v1/vouchers")).json()["items"] == []
    assert (await other.get(f"/v1/vouchers/{made[0]}")).status == 404

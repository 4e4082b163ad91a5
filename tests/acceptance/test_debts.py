"""What a member owes, when several things happen to it in one request, and who pays it back."""

from datetime import timedelta
from functools import partial

from backend.batches import run_batch
from backend.intake.tallies import write_tallies
from backend.intake.tally import TallyKey, TallyReport
from backend.rewards.ends import expire_vouchers
from backend.verify import check_invariants
from tests.acceptance.event_sender import make_event, make_ride, make_withdrawal, send, yesterday_at
from tests.acceptance.shop import open_shop, redeem, settle
from tests.busy_database import RULES, hold

RIDE_POINTS = 10
MONTH_AHEAD_S = 40 * 86_400


async def owing_member(service):
    """Her ride was withdrawn after its points had gone into a voucher."""
    await service.link_card("card-1", "li")
    member, ride = await service.member("li"), make_event()
    await send(service.by_key("metro"), ride)
    await hold(service.engine, member.account_id, RIDE_POINTS)
    await send(service.by_key("metro"), make_withdrawal(ride))
    assert (await member.account())["points_debt"] == RIDE_POINTS
    return member


async def test_a_ride_that_repays_a_debt_and_is_withdrawn_at_once_leaves_it_as_it_was(
    service,
):
    member = await owing_member(service)
    ride = make_event(data=make_ride(yesterday_at(10)))
    results = await send(service.by_key("metro"), ride, make_withdrawal(ride))
    assert [each["status"] for each in results] == ["withdrawn", "withdrawn"]
    account = await member.account()
    assert (account["points"], account["points_debt"]) == (0, RIDE_POINTS)
    assert await check_invariants(service.engine) == []


WALKING_POINTS = 5
WALKING_EARNS = (
    "INSERT INTO campaign_action (campaign_id, action, points, self_declared_points)"
    " SELECT id, 'walking', 0, 5 FROM campaign WHERE is_default"
)


async def tell_steps(service, *totals):
    """Readings of one request each, written in one batch: (days ago, steps), the later counts."""
    account_id = (await service.member("li")).account_id
    reports = [
        TallyReport(
            TallyKey(account_id, "walking", yesterday_at(8).date() - timedelta(days=days)),
            "phone",
            steps,
            None,
            "330100",
        )
        for days, steps in totals
    ]
    answers = await run_batch(service.engine, partial(write_tallies, rules=RULES), reports)
    assert not any(isinstance(each, Exception) for each in answers), answers


async def test_a_new_total_that_repays_a_debt_and_a_lower_one_beside_it_add_up(service):
    await service.execute(WALKING_EARNS)
    member = await service.member("li")
    await tell_steps(service, (1, 5_000), (2, 5_000))
    await hold(service.engine, member.account_id, 2 * WALKING_POINTS)
    await tell_steps(service, (1, 0))
    assert (await member.account())["points_debt"] == WALKING_POINTS
    await tell_steps(service, (3, 5_000), (2, 0))
    account = await member.account()
    assert (account["points"], account["points_debt"]) == (0, WALKING_POINTS)
    assert await check_invariants(service.engine) == []


async def member_who_owes_what_she_redeemed(service, shop, price):
    """Two rides gave twenty points; both were withdrawn after a part had gone into a voucher."""
    reward = await shop.offer(points=price)
    await service.link_card("card-1", "li")
    member, metro = await service.member("li"), service.by_key("metro")
    rides = [make_event(data=make_ride(yesterday_at(hour))) for hour in (8, 10)]
    await send(metro, *rides)
    voucher = (await redeem(member, reward)).json()
    await send(metro, *(make_withdrawal(ride) for ride in rides))
    assert await points_of(member) == (0, price, price)
    return member, voucher


async def points_of(member):
    """Available, held and owed points."""
    account = await member.account()
    return account["points"], account["points_held"], account["points_debt"]


async def test_points_of_a_voucher_that_is_given_back_repay_what_is_owed_first(service):
    member, voucher = await member_who_owes_what_she_redeemed(service, await open_shop(service), 15)
    await send(service.by_key("metro"), make_event(data=make_ride(yesterday_at(12))))
    assert await points_of(member) == (0, 15, 5)
    voided = await member.send("POST", f"/v1/vouchers/{voucher['id']}/void")
    assert voided.status == 200, voided.body
    assert await points_of(member) == (10, 0, 0)
    assert await check_invariants(service.engine) == []


async def test_points_of_a_settlement_that_is_undone_repay_what_is_owed(service):
    shop = await open_shop(service)
    member, voucher = await member_who_owes_what_she_redeemed(service, shop, 15)
    settled = await settle(shop.cashier, voucher)
    path = f"/v1/settlements/{settled.json()['id']}/undo"
    assert (await shop.cashier.post(path, {"reason": "换货"})).status == 200
    assert await points_of(member) == (0, 0, 0)
    lines = (await member.get("/v1/account/transfers")).json()["items"]
    assert ("repay", -15) in [(line["purpose"], line["amount"]) for line in lines]
    assert await check_invariants(service.engine) == []


async def test_points_of_a_voucher_that_nobody_used_repay_what_is_owed(service):
    member, _ = await member_who_owes_what_she_redeemed(service, await open_shop(service), 15)
    assert await expire_vouchers(service.engine, MONTH_AHEAD_S) == 1
    assert await points_of(member) == (0, 0, 0)
    assert await check_invariants(service.engine) == []

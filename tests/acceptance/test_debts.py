"""What a member owes, when several things happen to it in one request."""

from datetime import timedelta
from functools import partial

from backend.batches import run_batch
from backend.intake.tallies import write_tallies
from backend.intake.tally import TallyKey, TallyReport
from backend.verify import check_invariants
from tests.acceptance.event_sender import make_event, make_ride, make_withdrawal, send, yesterday_at
from tests.busy_database import RULES, hold

RIDE_POINTS = 10


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

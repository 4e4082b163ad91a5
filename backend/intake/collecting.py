"""What collectors report from the door, in bulk and late: each report counts once.

A report is written in a savepoint of its own, so that a refused one leaves nothing and stops no
other. Unlike stations collectors are few, and a request is one collector's: statements per report
are affordable here, and each report sees the bags as the one before left them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.crediting.steps import Rulebook
from backend.errors import DomainError
from backend.events import PICKUP_MISSED, Event
from backend.intake.bags import write_weighings
from backend.intake.domain import Received, Weighing
from backend.intake.handing_over import HandOver, write_hand_overs
from backend.ledger.queries import lock_accounts
from backend.members.steps import find_account
from backend.outbox import append
from backend.recycling.domain import Actor, By, Step
from backend.recycling.pickup_queries import (
    insert_report,
    lock_pickups,
    pickups_by_id,
    reports_by_id,
    update_pickup,
)
from backend.recycling.pickups import (
    Pickup,
    PickupNotYours,
    PickupStatus,
    Report,
    ReportKind,
    ReportReused,
    after,
    check_open,
    check_report,
)
from backend.recycling.queries import find_bags


class Recorded(NamedTuple):
    """A report that stands; a replay was made before.

    Attributes:
        waits: The weight is out of range, and an operator looks first.
    """

    id: UUID
    is_replay: bool = False
    waits: bool = False


Answer = Recorded | DomainError


async def write_reports(
    conn: AsyncConnection, collector: str, reports: Sequence[Report], rules: Rulebook
) -> list[Answer]:
    """Write one collector's reports in their order, and answer each.

    The same report again is a replay; its id with other content is refused. Appends `PickupMissed`
    for pickups at which nobody was at home.
    """
    now = await _lock(conn, reports, rules)
    answers: list[Answer] = []
    for report in reports:
        try:
            async with conn.begin_nested():
                answers.append(await _record(conn, collector, report, rules, now))
        except DomainError as refusal:
            answers.append(refusal)
    return answers


async def _lock(conn: AsyncConnection, reports: Sequence[Report], rules: Rulebook) -> datetime:
    """Lock the accounts of all bags and pickups first and in one order, as every batch does."""
    bags = await find_bags(conn, [each.code for each in reports if each.code])
    pickups = await pickups_by_id(conn, [each.pickup_id for each in reports])
    owners = [bag.account_id for bag in bags.values() if bag.account_id]
    owners += [pickup.account_id for pickup in pickups.values()]
    return (await lock_accounts(conn, owners, clock_shift_s=rules.clock_shift_s)).now


async def _record(
    conn: AsyncConnection, collector: str, report: Report, rules: Rulebook, now: datetime
) -> Recorded:
    standing = (await reports_by_id(conn, collector, [report.id])).get(report.id)
    if standing is not None:
        if standing != report:
            raise ReportReused
        return Recorded(report.id, is_replay=True)
    check_report(report, now)
    pickup = (await lock_pickups(conn, [report.pickup_id])).get(report.pickup_id)
    if pickup is None or pickup.collector != collector:
        raise PickupNotYours
    waits = False
    if report.kind is ReportKind.PICKED_UP:
        check_open(pickup, report)
        counts = await _counts(conn, pickup, report)
        waits = await _pick_up(conn, report, rules, counts=counts)
    await insert_report(conn, collector, report, now)
    moved = after(pickup, report, now)
    if moved != pickup:
        await update_pickup(conn, moved)
    if (pickup.status, moved.status) == (PickupStatus.OPEN, PickupStatus.NOT_HOME):
        await append(conn, [Event(PICKUP_MISSED, [pickup.id])])
    return Recorded(report.id, waits=waits)


async def _counts(conn: AsyncConnection, pickup: Pickup, report: Report) -> bool:
    """Whether a weight at the door is credited: to whose door it is, and never to who weighs.

    Any other bag is taken over as well, and the station's scale says what it is worth.
    """
    bag = (await find_bags(conn, [report.code or ""])).get(report.code or "")
    is_theirs = bag is not None and bag.account_id == pickup.account_id
    own = await find_account(conn, pickup.collector or "")
    return is_theirs and pickup.account_id != own


async def _pick_up(conn: AsyncConnection, report: Report, rules: Rulebook, *, counts: bool) -> bool:
    """Take a bag over at the door, and credit it where it was weighed there."""
    assert report.code is not None, "checked before"
    by = By(Actor.COLLECTOR)
    over = HandOver(report.code, Step.PICKED_UP, by, report.occurred_at, report.mass_g)
    [taken] = await write_hand_overs(conn, [over], rules)
    _raise_refused(taken)
    if report.mass_g is None or not counts:
        return False
    weighing = Weighing(
        report.code,
        {"mass_g": report.mass_g},
        actor=Actor.COLLECTOR,
        weighed_at=report.occurred_at,
    )
    [weighed] = await write_weighings(conn, [weighing], rules)
    return _raise_refused(weighed).waits


def _raise_refused(answer: Received | DomainError) -> Received:
    if isinstance(answer, DomainError):
        raise answer
    return answer

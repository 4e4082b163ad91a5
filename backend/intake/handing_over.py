"""The batches that follow a bag outside the scale: handed in, lost, or never weighed."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.checkins.bag_reasons import BAG_NOT_WEIGHED, BAG_REPORTED_LOST
from backend.checkins.domain import Change, Status
from backend.checkins.queries import announce_outcomes, settle_check_ins
from backend.crediting.steps import Rulebook
from backend.errors import DomainError, NotFound
from backend.events import BAG_LAPSED, Event
from backend.http.principal import Reach
from backend.intake.domain import Received
from backend.intake.weighing import why_unreached
from backend.ledger.queries import Locked, lock_accounts
from backend.outbox import append
from backend.recycling.codes import why_unknown
from backend.recycling.custody_queries import custody_of, record_custody
from backend.recycling.domain import (
    LATE_WINDOW,
    Actor,
    Bag,
    BagLapsed,
    BagNotBound,
    BagNotLosable,
    BagUsed,
    By,
    Custody,
    Step,
)
from backend.recycling.doubt_queries import open_doubts
from backend.recycling.queries import (
    find_bags,
    lapse_bags,
    lock_bags,
    lose_bags,
    overdue_bags,
    wait_again,
)

Answer = Received | DomainError
LAPSED_PER_TRANSACTION = 500  # some 100 kB of rows, far below a second of locks
# From the member's hands into somebody else's.
_HANDED_OVER = frozenset({Step.HANDED_IN, Step.PICKED_UP})


class HandOver(NamedTuple):
    """A bag left its owner's hands: at a station's counter, or at her door.

    Attributes:
        occurred_at: None is the time of the batch.
        mass_g: Where it was weighed on the way, which credits nothing yet.
        reach: Where the station's key may report from; None is everywhere.
    """

    code: str
    step: Step
    by: By
    occurred_at: datetime | None = None
    mass_g: int | None = None
    reach: Reach | None = None


class Loss(NamedTuple):
    """A member says that her bag is lost."""

    account_id: UUID
    code: str


async def write_hand_overs(
    conn: AsyncConnection, told: Sequence[HandOver], rules: Rulebook
) -> list[Answer]:
    """Take bags over from their owners; the first report of a step stands, a second is a replay.

    From then on the bag has the station's two weeks to be weighed.
    """
    locked = await _lock_owners(conn, [each.code for each in told], rules)
    bags = await lock_bags(conn, [each.code for each in told])
    chains = await custody_of(conn, list(bags))
    standing = {(code, link.step) for code, chain in chains.items() for link in chain}
    answers: list[Answer] = []
    links: list[Custody] = []
    for each in told:
        answer = _hand_over(each, bags.get(each.code), standing, locked, rules)
        if isinstance(answer, Received) and not answer.is_replay:
            standing.add((each.code, each.step))
            links.append(_link(each, bags[each.code], locked.now))
        answers.append(answer)
    await record_custody(conn, links)
    await wait_again(conn, [each.code for each in links], locked.now)
    return answers


def _hand_over(
    told: HandOver,
    bag: Bag | None,
    standing: set[tuple[str, Step]],
    locked: Locked,
    rules: Rulebook,
) -> Answer:
    if bag is None:
        return why_unknown(rules.claim_secret, told.code)
    if bag.account_id is None or bag.check_in_id is None:
        return BagNotBound()
    _refuse_raced(bag, locked)
    if (unreached := why_unreached(bag, told.reach)) is not None:
        return unreached
    if (told.code, told.step) in standing:
        return Received(bag.check_in_id, is_replay=True)
    if (ended := bag.why_ended()) is not None:
        return ended
    if bag.weighed_at is not None:
        return BagUsed()
    return BagLapsed() if bag.is_late(told.occurred_at or locked.now) else Received(bag.check_in_id)


def _link(told: HandOver, bag: Bag, now: datetime) -> Custody:
    assert bag.bound_at is not None, "only bound bags are handed over"
    at = max(bag.bound_at, min(told.occurred_at or now, now))
    actor, partner_id, place = told.by
    return Custody(told.code, told.step, at, now, actor, partner_id, place, told.mass_g)


async def write_losses(
    conn: AsyncConnection, losses: Sequence[Loss], rules: Rulebook
) -> list[Answer]:
    """End bags that their owners have lost; whoever finds one is told so when it is weighed."""
    accounts = [each.account_id for each in losses]
    locked = await lock_accounts(conn, accounts, clock_shift_s=rules.clock_shift_s)
    bags = await lock_bags(conn, [each.code for each in losses])
    chains = await custody_of(conn, list(bags))
    gone = {code for code, chain in chains.items() if _HANDED_OVER & {link.step for link in chain}}
    gone.update(await open_doubts(conn, list(bags)))
    lost: dict[str, UUID] = {}
    answers: list[Answer] = []
    for each in losses:
        answer = _lose(each, bags.get(each.code), gone, rules)
        if isinstance(answer, Received) and not answer.is_replay:
            answer = answer._replace(is_replay=each.code in lost)
            lost[each.code] = answer.check_in_id
        answers.append(answer)
    await lose_bags(conn, list(lost), locked.now)
    await _end(conn, lost, Step.LOST, Actor.MEMBER, locked.now)
    return answers


def _lose(loss: Loss, bag: Bag | None, gone: set[str], rules: Rulebook) -> Answer:
    if bag is None:
        return why_unknown(rules.claim_secret, loss.code)
    if bag.account_id != loss.account_id or bag.check_in_id is None:
        return NotFound()
    if bag.lost_at is not None:
        return Received(bag.check_in_id, is_replay=True)
    if bag.weighed_at is not None:
        return BagUsed(check_in_id=str(bag.check_in_id))
    if bag.code in gone:
        return BagNotLosable()
    return bag.why_ended() or Received(bag.check_in_id)


async def lapse_next(
    conn: AsyncConnection, *, clock_shift_s: int = 0, limit: int = LAPSED_PER_TRANSACTION
) -> int:
    """Let the next bags lapse that nobody weighed in time; return how many were looked at.

    Appends `BagLapsed`. What was weighed, doubted, lost or handed in since the look is left alone:
    it is looked at again under its lock.
    """
    clock = await lock_accounts(conn, (), clock_shift_s=clock_shift_s)
    seen = await overdue_bags(conn, clock.now - LATE_WINDOW, limit=limit)
    locked = await lock_accounts(conn, seen.values(), clock_shift_s=clock_shift_s)
    bags = await lock_bags(conn, list(seen))
    doubted = await open_doubts(conn, list(bags))
    late = {
        code: bag.check_in_id
        for code, bag in bags.items()
        if bag.check_in_id and not bag.is_ended and bag.is_late(locked.now) and code not in doubted
    }
    await lapse_bags(conn, list(late), locked.now)
    await _end(conn, late, Step.LAPSED, Actor.PROGRAMME, locked.now)
    if late:
        await append(conn, [Event(BAG_LAPSED, list(late.values()))])
    return len(late)


async def _end(
    conn: AsyncConnection, ended: dict[str, UUID], step: Step, actor: Actor, now: datetime
) -> None:
    """Let check-ins say that their bags will not be weighed, and whoever waits hear of it."""
    if not ended:
        return
    reason = BAG_REPORTED_LOST if step is Step.LOST else BAG_NOT_WEIGHED
    changes = [Change(each, Status.BOUND, Status.LAPSED, reason) for each in ended.values()]
    if len(await settle_check_ins(conn, changes, now)) != len(changes):
        raise BatchRaced
    await record_custody(conn, [Custody(code, step, now, now, actor) for code in ended])
    await announce_outcomes(conn)


async def _lock_owners(conn: AsyncConnection, codes: Sequence[str], rules: Rulebook) -> Locked:
    seen = await find_bags(conn, codes)
    owners = [bag.account_id for bag in seen.values() if bag.account_id]
    return await lock_accounts(conn, owners, clock_shift_s=rules.clock_shift_s)


def _refuse_raced(bag: Bag, locked: Locked) -> None:
    """A bag that was bound after we had looked whose accounts to lock is looked at again."""
    if bag.account_id not in locked.points_debt:
        raise BatchRaced

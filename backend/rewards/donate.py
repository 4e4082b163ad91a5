"""The batch of donations: points go from members to a charity project, without a voucher."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.errors import DomainError, NotFound
from backend.idempotency import (
    Follows,
    IdempotencyKeyReused,
    Intention,
    Replay,
    find_effects,
    record_effects,
    stand,
)
from backend.ids import uuid7
from backend.ledger.domain import LotBalance, Portion, Purpose, Transfer, take_earliest, without
from backend.ledger.holds import spendable_lots
from backend.ledger.queries import lock_accounts, post
from backend.rewards.donation_queries import Donation, insert_donations, projects_by_id
from backend.rewards.refusals import ProjectEnded
from backend.units import shanghai_day


class Donating(NamedTuple):
    """A member gives points to a project."""

    account_id: UUID
    project_id: UUID
    points: int
    intention: Intention


class Donated(NamedTuple):
    """A donation by its id; a replay names the earlier one."""

    id: UUID
    is_replay: bool = False


Answer = Donated | DomainError


async def write_donations(
    conn: AsyncConnection, donatings: Sequence[Donating], clock_shift_s: int
) -> list[Answer]:
    """Move points to projects, earliest expiry first; the same key again is the same donation."""
    accounts = sorted({each.account_id for each in donatings})
    locked = await lock_accounts(conn, accounts, clock_shift_s=clock_shift_s)
    day = shanghai_day(locked.now)
    intentions = [each.intention for each in donatings]
    standing = stand(intentions, await find_effects(conn, intentions))
    ends = await projects_by_id(conn, [each.project_id for each in donatings])
    found = await spendable_lots(conn, accounts, day)
    lots = {id: [lot.balance for lot in each] for id, each in found.items()}
    answers: list[Answer] = []
    made: list[_Made] = []
    for each, stands in zip(donatings, standing, strict=True):
        if stands is not None:
            answers.append(_again(stands, answers))
            continue
        try:
            portions = _take(each, ends, lots, locked.now)
        except DomainError as refusal:
            answers.append(refusal)
            continue
        donation = Donation(uuid7(), each.project_id, each.account_id, each.points, locked.now)
        made.append(_Made(each, donation, portions))
        answers.append(Donated(donation.id))
    await _write(conn, made, locked.now)
    return answers


class _Made(NamedTuple):
    asked: Donating
    donation: Donation
    portions: Sequence[Portion]


async def _write(conn: AsyncConnection, made: Sequence[_Made], now: datetime) -> None:
    await insert_donations(conn, [each.donation for each in made])
    day = shanghai_day(now)
    transfers = [_transfers(each.donation, each.portions, day) for each in made]
    await post(conn, list(chain.from_iterable(transfers)), now)
    recorded = [(each.asked.intention, each.donation.id) for each in made]
    if not await record_effects(conn, recorded, now):
        raise BatchRaced


def _again(stands: Replay | Follows | IdempotencyKeyReused, earlier: Sequence[Answer]) -> Answer:
    if isinstance(stands, Replay):
        return Donated(stands.resource_id, is_replay=True)
    if isinstance(stands, DomainError):
        return stands
    leader = earlier[stands.leader]
    return leader._replace(is_replay=True) if isinstance(leader, Donated) else leader


def _take(
    each: Donating,
    ends: Mapping[UUID, datetime | None],
    lots: dict[UUID, list[LotBalance]],
    now: datetime,
) -> Sequence[Portion]:
    if each.project_id not in ends:
        raise NotFound
    ends_at = ends[each.project_id]
    if ends_at is not None and now >= ends_at:
        raise ProjectEnded(ended_at=ends_at.isoformat())
    portions = take_earliest(lots[each.account_id], each.points)
    lots[each.account_id] = without(lots[each.account_id], portions)
    return portions


def _transfers(donation: Donation, portions: Sequence[Portion], day: date) -> list[Transfer]:
    return [
        Transfer(
            donation.account_id,
            donation.id,
            Purpose.SETTLE,
            portion.lot_id,
            donation.account_id,
            donation.project_id,
            portion.amount,
            day,
        )
        for portion in portions
    ]

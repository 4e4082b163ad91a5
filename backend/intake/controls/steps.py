"""State a day's control totals: the same again changes nothing, others replace them."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.errors import DomainError
from backend.http.principal import Reach
from backend.http.problem import Fault, Words
from backend.http.refusals import Forbidden, ValidationFailed
from backend.intake.controls.bodies import ControlTotalBody, ListedEvent
from backend.intake.controls.queries import Day, insert_total, lock_total, put_part, replace_total
from backend.intake.domain import TimeNotPlausible
from backend.intake.events.amounts import names_of
from backend.intake.events.domain import EventTypeUnknown, Role
from backend.intake.events.kinds import TYPES
from backend.units import FIRST_DAY, shanghai_day


class ListNotComplete(DomainError):
    """Differences by event need all events of the day, and not all were listed."""


def check_speaks_for(reach: Reach | None, told: ControlTotalBody) -> None:
    """Refuse statements of sources and types that a key, or a partner's files, do not speak for.

    A statement has no region: a key of one region states what its partner has of all.

    Raises:
        EventTypeUnknown, SourceNotGranted, TypeNotGranted, Forbidden.
    """
    if told.type not in TYPES or TYPES[told.type][1] != Role.REPORTED:
        raise EventTypeUnknown
    if reach is None:
        raise Forbidden
    refusal = reach.refusal_of(source=told.source, event_type=told.type, region=None)
    if refusal is not None:
        raise refusal


async def state(
    conn: AsyncConnection, partner_id: UUID, told: ControlTotalBody, now: datetime
) -> UUID:
    """Write what a partner says of a day, and the part of its events that came along.

    Other totals begin a new statement, whose parts are to be sent anew.

    Raises:
        TimeNotPlausible: The day has not begun, or nothing counted on it.
        ValidationFailed: An event is listed twice, more are listed than counted, or an amount has a
            name that no event of this type has.
    """
    if not FIRST_DAY <= told.day <= shanghai_day(now):
        raise TimeNotPlausible
    _check_amounts(told)
    _check_count(told)
    listed = None if told.events is None else _by_id(told.events)
    day = Day(partner_id, told.source, told.type, told.day)
    total_id = await _total_of(conn, day, told, now)
    if listed is not None:
        await put_part(conn, total_id, told.part, listed)
    return total_id


def _check_amounts(told: ControlTotalBody) -> None:
    known = names_of(TYPES[told.type][0])
    listed = ", ".join(sorted(known))
    words = Words(f"Known: {listed or 'none'}.", f"可选:{listed or '无'}。")
    places = [("/sums", told.sums)]
    places += [(f"/events/{at}/amounts", one.amounts) for at, one in enumerate(told.events or ())]
    for place, amounts in places:
        for name in amounts.keys() - known:
            raise ValidationFailed(errors=(Fault(f"{place}/{name}", "unknown_member", words),))


def _check_count(told: ControlTotalBody) -> None:
    listed = len(told.events or ())
    if listed > told.count:
        words = Words(
            f"{listed} events are listed of a count of {told.count}.",
            f"列出 {listed} 条,多于 count 的 {told.count} 条。",
        )
        raise ValidationFailed(errors=(Fault("/events", "more_than_count", words),))


async def _total_of(conn: AsyncConnection, day: Day, told: ControlTotalBody, now: datetime) -> UUID:
    """The statement that says this: the one on record, or a new one in its place."""
    standing = await lock_total(conn, day)
    if standing is not None:
        if standing.stated_count == told.count and msgspec.json.decode(standing.sums) == told.sums:
            total_id: UUID = standing.id
            return total_id
        await replace_total(conn, standing.id, now)
    return await insert_total(conn, day, told.count, told.sums, now)


def _by_id(events: list[ListedEvent]) -> Mapping[str, Mapping[str, int]]:
    listed: dict[str, Mapping[str, int]] = {}
    for place, event in enumerate(events):
        if event.id in listed:
            raise ValidationFailed(errors=(Fault(f"/events/{place}/id", "listed_twice"),))
        listed[event.id] = event.amounts
    return listed

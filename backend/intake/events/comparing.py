"""Readings of meters meet their baselines before anything is decided about them.

A reading is kept whatever becomes of its event: the days that it covers are the baseline of the
next ones, also when nobody is linked yet or the methodology is a draft. It is compared with what
is known when it is told; a reading that comes later does not change what was credited.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.errors import DomainError
from backend.intake.events.deciding import Story
from backend.intake.events.domain import EventKey, PartnerEvent
from backend.intake.events.metered import Compared, Electricity, Gas, Water, medium_of, used_of
from backend.meters.domain import MeterPeriod, baseline_of
from backend.meters.queries import averages_in_force, keep_readings, readings_before


async def compare_readings(
    conn: AsyncConnection, stories: Mapping[EventKey, Story], now: datetime
) -> None:
    """Keep the readings of these stories, and put its baseline beside each of them."""
    events = {
        each.key: each
        for story in stories.values()
        for each in story.events
        if isinstance(each.data, (Electricity, Gas, Water))
    }
    if not events:
        return
    periods = {key: _period(each) for key, each in events.items()}
    fresh = [
        (periods[key], used_of(each.data))
        for key, each in events.items()
        if not each.is_waiting and _is_over(each, now)
    ]
    await keep_readings(conn, fresh, now)
    averages = await averages_in_force(conn)
    before = await readings_before(conn, list(periods.values()))
    baselines = {
        key: baseline_of(period, averages, readings)
        for (key, period), readings in zip(periods.items(), before, strict=True)
    }
    for story in stories.values():
        if story.report is not None:
            story.report = _compared(story.report, baselines)
        story.changes = [_compared(each, baselines) for each in story.changes]


def _period(event: PartnerEvent) -> MeterPeriod:
    data = event.data
    return MeterPeriod(
        event.key.partner_id,
        medium_of(data),
        data.meter,
        data.first_day,
        data.days,
        data.persons,
        data.region or event.region,
    )


def _is_over(event: PartnerEvent, now: datetime) -> bool:
    """Whether its period is plausible; a reading of the future is refused and not kept."""
    try:
        event.kind.check(event.kind.deed(event.data), now)
    except DomainError:
        return False
    return True


def _compared(event: PartnerEvent, baselines: Mapping[EventKey, int | None]) -> PartnerEvent:
    if event.key not in baselines:
        return event
    return event._replace(data=Compared(event.data, baselines[event.key]))

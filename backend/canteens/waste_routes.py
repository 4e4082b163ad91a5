"""Waste over HTTP: a day's figure, its corrections, and grams credited beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY, BatchRaced
from backend.canteens.bodies import Note
from backend.canteens.queries import find_canteen
from backend.canteens.refusals import WasteDayNotValid
from backend.canteens.waste_queries import (
    WasteEntry,
    current_entry,
    days_of,
    entries_of,
    insert_entry,
)
from backend.db import clock
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import Principal, scopes
from backend.http.problem import Language
from backend.http.routes import Answer, Call, Route, replayed
from backend.partners.domain import RegionNotGranted
from backend.rewards.route_kinds import AUDITS, OPERATES, lists
from backend.units import format_reduction, shanghai_day
from backend.writing import write_alone

WASTE = scopes("canteen.waste")  # a canteen's own system, for its own canteens
DAY_PATTERN = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
ENTERED_WITHIN = timedelta(days=400)  # last year's figure is still corrected when the year is told
PERIOD_DAYS_MAX = 366
PERIOD_DEFAULT = timedelta(days=29)  # with today thirty days
# Fewer people than this could be told apart by those who saw them eat (ADR 0008).
MEMBERS_SHOWN_MIN = 10
PARTS = 10_000

_HIDDEN = ("少于 10 名会员,不显示", "fewer than 10 members, not shown")


class WasteBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What was thrown away on a day, in grams; a correction says why in `note`."""

    mass_g: Annotated[int, msgspec.Meta(ge=0, le=50_000_000)]
    note: Note | None = None


class WasteAnswer(msgspec.Struct, kw_only=True):
    """One figure of a day; the highest `entry` counts."""

    canteen_id: UUID
    day: date
    entry: int
    mass_g: int
    note: str | None
    entered_by: str
    entered_at: datetime


class WastePage(msgspec.Struct, kw_only=True):
    """One page of the figures of a day, the one that counts first."""

    items: list[WasteAnswer]
    next_cursor: str | None


class DaysQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """First and last Shanghai day; by default the thirty days up to today."""

    since: date | None = None
    until: date | None = None


class DayAnswer(msgspec.Struct, kw_only=True):
    """One day of a canteen.

    `meals` are trays that its devices saw, whoever's they were. What belongs to members is null
    below ten of them: `clean_per_10000` of the trays that were judged, and the `grams` credited.
    `waste_corrected` says that the figure is not the first one that was entered.
    """

    day: date
    meals: int
    members: int | None
    clean_per_10000: int | None
    grams: int | None
    reduction_text: str
    waste_mass_g: int | None
    waste_g_per_meal: int | None
    waste_corrected: bool


class DaysPage(msgspec.Struct, kw_only=True):
    """One page of a canteen's days, newest first."""

    items: list[DayAnswer]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class WasteDesk:
    """What entering and reading waste needs."""

    engine: AsyncEngine
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of waste."""
        return [
            Route(
                "PUT",
                "/v1/operator/canteens/{id}/waste/{day}",
                self.put_waste,
                policy=OPERATES | WASTE,
                summary="Say how much a canteen threw away on a day, or correct it",
                summary_zh="填报或更正食堂当日厨余量",
                body=WasteBody,
                parameters={"day": DAY_PATTERN},
                answers={200: WasteAnswer, 201: WasteAnswer},
                problems=(NotFound, RegionNotGranted, WasteDayNotValid, *BUSY),
            ),
            Route(
                "GET",
                "/v1/operator/canteens/{id}/waste/{day}",
                self.list_entries,
                policy=AUDITS | WASTE,
                summary="List the figures of a day, the one that counts first",
                summary_zh="当日厨余量的填报与更正记录",
                query=PageQuery,
                parameters={"day": DAY_PATTERN},
                answers={200: WastePage},
                problems=(NotFound, RegionNotGranted, WasteDayNotValid),
            ),
            lists(
                "/v1/operator/canteens/{id}/days",
                self.list_days,
                policy=AUDITS | WASTE,
                page=DaysPage,
                words=(
                    "List a canteen's days: meals, clean plates, grams credited against waste",
                    "食堂日报:用餐数、光盘率、减碳量与厨余量",
                ),
                query=DaysQuery,
                problems=(NotFound, RegionNotGranted, WasteDayNotValid),
            ),
        ]

    async def put_waste(self, call: Call[WasteBody, None]) -> Answer:
        """Enter a figure; the one that counts again changes nothing, another one corrects it."""
        body, canteen_id, day = call.body, call.path_id(), _day(call)

        async def enter(conn: AsyncConnection, now: datetime) -> tuple[WasteEntry, bool]:
            await self._check(conn, call.principal, canteen_id)
            if not timedelta(0) <= shanghai_day(now) - day <= ENTERED_WITHIN:
                raise WasteDayNotValid
            known = await current_entry(conn, canteen_id, day)
            if known is not None and known.mass_g == body.mass_g:
                return known, False
            number = known.entry + 1 if known else 1
            entry = WasteEntry(
                canteen_id, day, number, body.mass_g, body.note, call.principal.id, now
            )
            if not await insert_entry(conn, entry):
                raise BatchRaced
            return entry, True

        entry, is_new = await write_alone(self.engine, enter, clock_shift_s=self.clock_shift_s)
        headers = replayed(is_replay=not is_new)
        return Answer(WasteAnswer(**entry._asdict()), 201 if is_new else 200, headers)

    async def list_entries(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the figures of a day."""
        limit, before = call.query.limit, position_of(call, int)
        async with self.engine.connect() as conn:
            await self._check(conn, call.principal, call.path_id())
            entries = await entries_of(
                conn, call.path_id(), _day(call), before=before, limit=limit + 1
            )
        items = [WasteAnswer(**each._asdict()) for each in entries[:limit]]
        cursor = cursor_at(call, items[-1].entry) if len(entries) > limit else None
        return Answer(WastePage(items=items, next_cursor=cursor))

    async def list_days(self, call: Call[None, DaysQuery]) -> Answer:
        """Answer one page of days."""
        query, before = call.query, position_of(call, date)
        async with self.engine.connect() as conn:
            await self._check(conn, call.principal, call.path_id())
            today = shanghai_day(await clock(conn, self.clock_shift_s))
            since, until = _period(query, today)
            newest = before - timedelta(days=1) if before else until
            oldest = newest - min(newest - since, timedelta(days=query.limit - 1))
            rows = await days_of(conn, call.path_id(), since=oldest, until=newest)
        items = [_rendered(row, call.language) for row in rows]
        cursor = cursor_at(call, oldest) if items and oldest > since else None
        return Answer(DaysPage(items=items, next_cursor=cursor))

    async def _check(self, conn: AsyncConnection, principal: Principal, canteen_id: UUID) -> None:
        """Whether there is such a canteen, and whether the caller may speak of it."""
        place = await find_canteen(conn, canteen_id)
        if place is None or principal.partner_id not in {None, place.partner_id}:
            raise NotFound
        refusal = principal.reach.refusal_at(place.region) if principal.reach else None
        if refusal is not None:
            raise refusal


def _day(call: Call[Any, Any]) -> date:
    try:
        return date.fromisoformat(call.path["day"])
    except ValueError:  # the 30th of February
        raise WasteDayNotValid from None


def _period(query: DaysQuery, today: date) -> tuple[date, date]:
    until = query.until or today
    try:
        since = query.since or until - PERIOD_DEFAULT
    except OverflowError:  # the first days of the year 1
        raise WasteDayNotValid from None
    if since == date.min or not timedelta(0) <= until - since < timedelta(days=PERIOD_DAYS_MAX):
        raise WasteDayNotValid  # the driver takes the very first day for minus infinity
    return since, until


def _rendered(row: Row[Any], language: Language) -> DayAnswer:
    is_shown = row.members >= MEMBERS_SHOWN_MIN
    judged = row.clean + row.not_clean
    return DayAnswer(
        day=row.day,
        meals=row.meals,
        members=row.members if is_shown else None,
        clean_per_10000=row.clean * PARTS // judged if is_shown and judged else None,
        grams=row.grams if is_shown else None,
        reduction_text=(
            format_reduction(row.grams, language) if is_shown else _HIDDEN[language != "zh"]
        ),
        waste_mass_g=row.mass_g,
        waste_g_per_meal=row.mass_g // row.meals if row.mass_g is not None and row.meals else None,
        waste_corrected=(row.entry or 0) > 1,
    )

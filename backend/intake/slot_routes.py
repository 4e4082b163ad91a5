"""Slots of pickups over HTTP: members see what is free, operators say how many an area takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route
from backend.intake.bodies import Region
from backend.intake.pickup_bodies import SLOT_HOURS
from backend.intake.pickup_slots import find_free
from backend.recycling.pickups import SLOT_NAMES, Slot
from backend.recycling.slot_queries import lift_capacity, list_capacities, set_capacity
from backend.recycling.slots import PLACES_MAX, Capacity, FreeSlot
from backend.writing import write_alone

_PATH = "/v1/operator/pickup-capacities"
_NAMED = {"region": "[0-9]{6}", "slot": "|".join(SLOT_HOURS)}
_OPERATOR = roles("operator")


class SlotQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Slots of this region; of the programme's own unless told."""

    region: Region | None = None


class SlotAnswer(msgspec.Struct, kw_only=True):
    """A slot that can be booked; `places_left` is null where the area takes any number."""

    day: date
    slot: str
    slot_text: str
    places_left: int | None


class SlotPage(msgspec.Struct, kw_only=True):
    """One page of free slots, the next ones first."""

    items: list[SlotAnswer]
    next_cursor: str | None


class CapacityBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How many pickups the area takes in this part of every day; 0 closes it."""

    places: Annotated[int, msgspec.Meta(ge=0, le=PLACES_MAX)]


class CapacityAnswer(msgspec.Struct, kw_only=True):
    """What an area takes in a part of every day."""

    region: str
    slot: str
    places: int
    set_by: str
    set_at: datetime


class CapacityPage(msgspec.Struct, kw_only=True):
    """One page of capacities, in the order of regions and hours."""

    items: list[CapacityAnswer]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class SlotDesk:
    """What slots need; one per process."""

    engine: AsyncEngine
    region: str
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of slots and capacities."""
        return [self._slots_route(), *self._capacity_routes()]

    def _slots_route(self) -> Route[None, SlotQuery]:
        return Route(
            "GET",
            "/v1/pickup-slots",
            self.list_slots,
            policy=roles("member"),
            summary="List the slots in which somebody can still come",
            summary_zh="可预约的上门时段",
            query=SlotQuery,
            answers={200: SlotPage},
        )

    def _capacity_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                _PATH,
                self.list_all,
                policy=_OPERATOR,
                summary="List how many pickups each area takes",
                summary_zh="各区域各时段的上门名额",
                query=PageQuery,
                answers={200: CapacityPage},
            ),
            Route(
                "PUT",
                f"{_PATH}/{{region}}/{{slot}}",
                self.put_capacity,
                policy=_OPERATOR,
                summary="Say how many pickups an area takes in a part of every day",
                summary_zh="设定区域在某时段的上门名额",
                body=CapacityBody,
                parameters=_NAMED,
                answers={200: CapacityAnswer},
                problems=BUSY,
            ),
            Route(
                "DELETE",
                f"{_PATH}/{{region}}/{{slot}}",
                self.delete_capacity,
                policy=_OPERATOR,
                summary="Let an area take any number again",
                summary_zh="取消区域在某时段的名额限制",
                parameters=_NAMED,
                answers={204: None},
                problems=BUSY,
            ),
        ]

    async def list_slots(self, call: Call[None, SlotQuery]) -> Answer:
        """Answer one page of free slots."""
        after, query = position_of(call, Slot), call.query
        region = query.region or self.region
        found = await write_alone(
            self.engine,
            lambda conn, now: find_free(conn, region, now),
            clock_shift_s=self.clock_shift_s,
        )
        rest = [each for each in found if after is None or each.slot > after]
        page = rest[: query.limit]
        more = cursor_at(call, page[-1].slot) if len(rest) > query.limit else None
        return Answer(SlotPage(items=[_slot(each) for each in page], next_cursor=more))

    async def list_all(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of capacities."""
        after, limit = position_of(call, tuple[str, int]), call.query.limit
        async with self.engine.connect() as conn:
            found = await list_capacities(conn, after=after, limit=limit + 1)
        page = found[:limit]
        more = cursor_at(call, page[-1][:2]) if len(found) > limit else None
        return Answer(CapacityPage(items=[_capacity(each) for each in page], next_cursor=more))

    async def put_capacity(self, call: Call[CapacityBody, None]) -> Answer:
        """State it; what is booked already stays booked."""
        region, hour = call.path["region"], SLOT_HOURS[call.path["slot"]]
        places, by = call.body.places, call.principal.id

        async def state(conn: AsyncConnection, now: datetime) -> Capacity:
            capacity = Capacity(region, hour, places, by, now)
            await set_capacity(conn, capacity)
            return capacity

        stated = await write_alone(self.engine, state, clock_shift_s=self.clock_shift_s)
        return Answer(_capacity(stated))

    async def delete_capacity(self, call: Call[None, None]) -> Answer:
        """Lift it; a second time changes nothing."""
        region, hour = call.path["region"], SLOT_HOURS[call.path["slot"]]
        by = call.principal.id
        await write_alone(
            self.engine,
            lambda conn, now: lift_capacity(conn, region, hour, by=by, now=now),
            clock_shift_s=self.clock_shift_s,
        )
        return Answer(None, 204)


def _slot(free: FreeSlot) -> SlotAnswer:
    day, hour = free.slot
    return SlotAnswer(
        day=day, slot=SLOT_NAMES[hour], slot_text=free.slot.hours, places_left=free.places_left
    )


def _capacity(capacity: Capacity) -> CapacityAnswer:
    return CapacityAnswer(
        region=capacity.region,
        slot=SLOT_NAMES[capacity.slot_hour],
        places=capacity.places,
        set_by=capacity.set_by,
        set_at=capacity.set_at,
    )

"""Pickups over HTTP for the member who asks and the operator who sends somebody."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import roles
from backend.http.refusals import IdempotencyKeyMissing
from backend.http.routes import Answer, Call, Route
from backend.idempotency import IdempotencyKeyReused
from backend.intake.pickup_bodies import (
    CollectorBody,
    DispatchAnswer,
    DispatchPage,
    DispatchQuery,
    PickupAnswer,
    PickupBody,
    PickupPage,
    SlotBody,
    render_dispatch,
    render_pickup,
)
from backend.intake.pickup_steps import Asked, ask, assign, cancel, place_of, reschedule
from backend.recycling.pickup_queries import Place, list_own, list_round, pickups_by_id
from backend.recycling.pickups import Pickup, PickupClosed, PickupOpen, SlotNotBookable
from backend.recycling.slots import SlotFull
from backend.sealing import Sealer
from backend.writing import intention_of, write_alone, write_once

_MEMBER, _OPERATOR = roles("member"), roles("operator")


@dataclass(frozen=True, slots=True)
class PickupDesk:
    """What asking for pickups needs; one per process."""

    engine: AsyncEngine
    sealer: Sealer
    region: str
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of members and operators."""
        return [self._ask_route(), *self._reads(), *self._changes(), *self._dispatch_routes()]

    def _ask_route(self) -> Route[PickupBody, None]:
        return Route(
            "POST",
            "/v1/pickups",
            self.post_pickup,
            policy=_MEMBER,
            summary="Ask for my bags to be picked up at the door",
            summary_zh="预约上门收取",
            body=PickupBody,
            answers={201: PickupAnswer},
            problems=(SlotNotBookable, SlotFull, PickupOpen, IdempotencyKeyReused, *BUSY),
            idempotency="required",
        )

    def _reads(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                "/v1/pickups",
                self.list_pickups,
                policy=_MEMBER,
                summary="List my pickups, newest first",
                summary_zh="我的上门收取",
                query=PageQuery,
                answers={200: PickupPage},
            ),
            Route(
                "GET",
                "/v1/pickups/{id}",
                self.get_pickup,
                policy=_MEMBER,
                summary="See one of my pickups",
                summary_zh="查看一次上门收取",
                answers={200: PickupAnswer},
                problems=(NotFound,),
            ),
        ]

    def _changes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "POST",
                "/v1/pickups/{id}/cancel",
                self.post_cancel,
                policy=_MEMBER,
                summary="Call a pickup off; its address is erased",
                summary_zh="取消上门收取",
                answers={200: PickupAnswer},
                problems=(NotFound, PickupClosed, *BUSY),
            ),
            Route(
                "POST",
                "/v1/pickups/{id}/reschedule",
                self.post_reschedule,
                policy=_MEMBER,
                summary="Choose another slot for a pickup",
                summary_zh="改约上门时间",
                body=SlotBody,
                answers={200: PickupAnswer},
                problems=(NotFound, PickupClosed, SlotNotBookable, SlotFull, *BUSY),
            ),
        ]

    def _dispatch_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                "/v1/operator/pickups",
                self.list_dispatch,
                policy=_OPERATOR,
                summary="List pickups in the order of their slots, without addresses",
                summary_zh="上门收取列表(不含地址)",
                query=DispatchQuery,
                answers={200: DispatchPage},
            ),
            Route(
                "PUT",
                "/v1/operator/pickups/{id}/collector",
                self.put_collector,
                policy=_OPERATOR,
                summary="Say which collector goes there",
                summary_zh="指派收运员",
                body=CollectorBody,
                answers={200: DispatchAnswer},
                problems=(NotFound, PickupClosed, *BUSY),
            ),
        ]

    async def post_pickup(self, call: Call[PickupBody, None]) -> Answer:
        """Ask; the same Idempotency-Key again gives the same pickup."""
        intention, body = intention_of(call), call.body
        if intention is None:
            raise IdempotencyKeyMissing
        region = body.region or self.region
        asked = Asked(call.principal.own_account, region, body.value, body.bags, body.address)
        made = await write_once(
            self.engine,
            intention,
            lambda conn, now: ask(conn, asked, now, self.sealer),
            clock_shift_s=self.clock_shift_s,
        )
        headers = {"Location": f"/v1/pickups/{made.id}", **made.headers}
        return Answer(self._shown(await self._own(call, made.id), call), 201, headers)

    async def list_pickups(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the caller's pickups."""
        before, limit = position_of(call, UUID), call.query.limit
        async with self.engine.connect() as conn:
            found = await list_own(
                conn, call.principal.own_account, before_id=before, limit=limit + 1
            )
        page = found[:limit]
        after = cursor_at(call, page[-1].id) if len(found) > limit else None
        items = [self._shown(each, call) for each in page]
        return Answer(PickupPage(items=items, next_cursor=after))

    async def get_pickup(self, call: Call[None, None]) -> Answer:
        """Answer one pickup."""
        return Answer(self._shown(await self._own(call, call.path_id()), call))

    async def post_cancel(self, call: Call[None, None]) -> Answer:
        """Call it off; a second time is the same answer."""
        pickup_id, account_id = call.path_id(), call.principal.own_account
        return await self._changed(call, lambda conn, now: cancel(conn, pickup_id, account_id, now))

    async def post_reschedule(self, call: Call[SlotBody, None]) -> Answer:
        """Move it; a second time is the same answer."""
        pickup_id, account_id = call.path_id(), call.principal.own_account
        slot = call.body.value
        return await self._changed(
            call, lambda conn, now: reschedule(conn, pickup_id, account_id, slot, now)
        )

    async def _changed(
        self,
        call: Call[Any, None],
        change: Callable[[AsyncConnection, datetime], Awaitable[None]],
    ) -> Answer:
        await write_alone(self.engine, change, clock_shift_s=self.clock_shift_s)
        return Answer(self._shown(await self._own(call, call.path_id()), call))

    async def list_dispatch(self, call: Call[None, DispatchQuery]) -> Answer:
        """Answer one page of pickups for whoever sends collectors."""
        place, query = position_of(call, Place), call.query
        async with self.engine.connect() as conn:
            found = await list_round(
                conn,
                collector=None,
                is_open=query.open,
                day=query.day,
                after=place,
                limit=query.limit + 1,
            )
        page = found[: query.limit]
        after = cursor_at(call, place_in_round(page[-1])) if len(found) > query.limit else None
        return Answer(DispatchPage(items=[render_dispatch(e) for e in page], next_cursor=after))

    async def put_collector(self, call: Call[CollectorBody, None]) -> Answer:
        """Assign; the same collector again changes nothing."""
        pickup_id, collector = call.path_id(), call.body.collector
        await write_alone(
            self.engine,
            lambda conn, _: assign(conn, pickup_id, collector),
            clock_shift_s=self.clock_shift_s,
        )
        async with self.engine.connect() as conn:
            pickups = await pickups_by_id(conn, [pickup_id])
        return Answer(render_dispatch(pickups[pickup_id]))

    async def _own(self, call: Call[Any, Any], pickup_id: UUID) -> Pickup:
        async with self.engine.connect() as conn:
            pickup = (await pickups_by_id(conn, [pickup_id])).get(pickup_id)
        if pickup is None or pickup.account_id != call.principal.own_account:
            raise NotFound
        return pickup

    def _shown(self, pickup: Pickup, call: Call[Any, Any]) -> PickupAnswer:
        return render_pickup(pickup, opened(self.sealer, pickup), call.language)


def opened(sealer: Sealer, pickup: Pickup) -> str | None:
    """The address of a pickup; None once it is erased."""
    if pickup.sealed_address is None:
        return None
    return sealer.unseal(pickup.sealed_address, place=place_of(pickup.id)).decode()


def place_in_round(pickup: Pickup) -> Place:
    """Where the page that ends with this pickup ends."""
    return Place(pickup.slot_on, pickup.slot_hour, pickup.region, pickup.id)

"""Canteens and their devices for operators: add, watch, suspend, and enrol again."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.canteens.bodies import (
    CanteenAnswer,
    CanteenBody,
    CanteenPage,
    DeviceAnswer,
    DeviceBody,
    DeviceChangeAnswer,
    DeviceChangeBody,
    DeviceChangePage,
    DevicePage,
)
from backend.canteens.queries import Canteen, find_canteen, insert_canteen, list_canteens
from backend.canteens.refusals import CanteenUnknown, DeviceNotEnrolled
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.routes import Answer, Call, Route
from backend.ids import uuid7
from backend.partners.devices import (
    changes_of,
    insert_device,
    lock_device,
    record_change,
    set_code,
    set_status,
    shown_device,
    shown_devices,
)
from backend.partners.queries import partner_exists
from backend.rewards.codes import make_till_code
from backend.rewards.route_kinds import AUDITS, OPERATES, lists, makes
from backend.writing import Made, intention_of, write_alone, write_once

# The operator stands beside the device, or is on the telephone with somebody who does. Forty bits
# for ten minutes: a thousand guesses a second would find one of them in twenty thousand years.
CODE_LIFE = timedelta(minutes=10)
SUSPENDED, RESUMED = "suspended", "resumed"

Make = Callable[[AsyncConnection, datetime], Awaitable[UUID]]


@dataclass(frozen=True, slots=True)
class DeviceDesk:
    """What running canteens and devices needs."""

    engine: AsyncEngine
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of operators."""
        return [*self._canteen_routes(), *self._device_routes(), *self._change_routes()]

    def _canteen_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            makes(
                "/v1/operator/canteens",
                self.post_canteen,
                policy=OPERATES,
                body=CanteenBody,
                answer=CanteenAnswer,
                words=("Add a canteen and name the partner that runs it", "新增食堂"),
                problems=(CanteenUnknown,),
            ),
            lists(
                "/v1/operator/canteens",
                self.list_canteens,
                policy=AUDITS,
                page=CanteenPage,
                words=("List canteens, newest first", "食堂列表"),
            ),
        ]

    def _device_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            makes(
                "/v1/operator/devices",
                self.post_device,
                policy=OPERATES,
                body=DeviceBody,
                answer=DeviceAnswer,
                words=(
                    "Add a device; the answer carries its one-time code for ten minutes",
                    "新增设备并取得 10 分钟内有效的绑定码",
                ),
                problems=(CanteenUnknown,),
            ),
            lists(
                "/v1/operator/devices",
                self.list_devices,
                policy=AUDITS,
                page=DevicePage,
                words=("List devices with their last heartbeats, newest first", "设备列表与心跳"),
            ),
            makes(
                "/v1/operator/devices/{id}/codes",
                self.post_code,
                policy=OPERATES,
                body=None,
                answer=DeviceAnswer,
                words=(
                    "Make a new one-time code, to enrol the device again or in another's place",
                    "重新生成绑定码(重新绑定或更换设备)",
                ),
                problems=(NotFound,),
            ),
        ]

    def _change_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "POST",
                "/v1/operator/devices/{id}/changes",
                self.post_change,
                policy=OPERATES,
                summary="Suspend a device, or let it send again",
                summary_zh="停用或恢复设备",
                body=DeviceChangeBody,
                answers={200: DeviceAnswer},
                problems=(NotFound, DeviceNotEnrolled, *BUSY),
            ),
            lists(
                "/v1/operator/devices/{id}/changes",
                self.list_changes,
                policy=AUDITS,
                page=DeviceChangePage,
                words=("List what was done with a device, newest first", "设备变更记录"),
                problems=(NotFound,),
            ),
        ]

    async def post_canteen(self, call: Call[CanteenBody, None]) -> Answer:
        """Add a canteen."""
        body = call.body

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            if not await partner_exists(conn, body.partner_id):
                raise CanteenUnknown
            canteen = Canteen(
                uuid7(), body.partner_id, body.name_zh, body.name_en, body.region, now
            )
            await insert_canteen(conn, canteen)
            return canteen.id

        made = await self._once(call, make)
        async with self.engine.connect() as conn:
            canteen = await find_canteen(conn, made.id)
        assert canteen is not None, "it was just written"
        return Answer(CanteenAnswer(**canteen._asdict()), 201, made.headers)

    async def list_canteens(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of canteens."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            rows = await list_canteens(conn, before_id=before, limit=limit + 1)
        items = [CanteenAnswer(**row._mapping) for row in rows[:limit]]  # noqa: SLF001
        cursor = cursor_at(call, items[-1].id) if len(rows) > limit else None
        return Answer(CanteenPage(items=items, next_cursor=cursor))

    async def post_device(self, call: Call[DeviceBody, None]) -> Answer:
        """Add a device; a replay does not show the code again."""
        body, code = call.body, make_till_code()

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            place = await find_canteen(conn, body.canteen_id)
            if place is None:
                raise CanteenUnknown
            device_id = uuid7()
            await insert_device(
                conn,
                device_id,
                place.partner_id,
                kind=body.kind,
                name=body.name,
                place_id=place.id,
                now=now,
            )
            await record_change(conn, device_id, "added", by=call.principal.id, now=now)
            await set_code(conn, device_id, _digest(code), now + CODE_LIFE)
            return device_id

        made = await self._once(call, make)
        shown = None if made.is_replay else code
        return Answer(await self._shown(made.id, shown), 201, made.headers)

    async def post_code(self, call: Call[None, None]) -> Answer:
        """Give a device another code; its key works until the code is used."""
        code = make_till_code()

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            device = await lock_device(conn, call.path_id())
            if device is None:
                raise NotFound
            await set_code(conn, device.id, _digest(code), now + CODE_LIFE)
            await record_change(conn, device.id, "code_made", by=call.principal.id, now=now)
            return device.id

        made = await self._once(call, make)
        shown = None if made.is_replay else code
        return Answer(await self._shown(made.id, shown), 201, made.headers)

    async def list_devices(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of devices."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            rows = await shown_devices(conn, before_id=before, limit=limit + 1)
        items = [DeviceAnswer(**row._mapping) for row in rows[:limit]]  # noqa: SLF001
        cursor = cursor_at(call, items[-1].id) if len(rows) > limit else None
        return Answer(DevicePage(items=items, next_cursor=cursor))

    async def post_change(self, call: Call[DeviceChangeBody, None]) -> Answer:
        """Suspend or resume; what is so already stays, without a second line of history."""
        body = call.body

        async def change(conn: AsyncConnection, now: datetime) -> UUID:
            device = await lock_device(conn, call.path_id())
            if device is None:
                raise NotFound
            if device.key_id is None:
                raise DeviceNotEnrolled
            if device.status != body.status:
                what = SUSPENDED if body.status == SUSPENDED else RESUMED
                await set_status(conn, device.id, body.status)
                by = call.principal.id
                await record_change(conn, device.id, what, by=by, now=now, note=body.note)
            return device.id

        return Answer(await self._shown(await self._alone(change)))

    async def list_changes(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the history of a device."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            if await shown_device(conn, call.path_id()) is None:
                raise NotFound
            rows = await changes_of(conn, call.path_id(), before_id=before, limit=limit + 1)
        items = [DeviceChangeAnswer(**row._mapping) for row in rows[:limit]]  # noqa: SLF001
        cursor = cursor_at(call, items[-1].id) if len(rows) > limit else None
        return Answer(DeviceChangePage(items=items, next_cursor=cursor))

    async def _shown(self, device_id: UUID, code: str | None = None) -> DeviceAnswer:
        async with self.engine.connect() as conn:
            row = await shown_device(conn, device_id)
        assert row is not None, "it was just written, or found"
        return DeviceAnswer(**row._mapping, code=code)  # noqa: SLF001

    async def _once(self, call: Call[Any, None], make: Make) -> Made:
        shift = self.clock_shift_s
        return await write_once(self.engine, intention_of(call), make, clock_shift_s=shift)

    async def _alone(self, make: Make) -> UUID:
        return await write_alone(self.engine, make, clock_shift_s=self.clock_shift_s)


def _digest(code: str) -> bytes:
    return sha256(code.encode()).digest()

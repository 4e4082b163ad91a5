"""Partners and their keys over HTTP, for operators: make, list, suspend, rotate, revoke.

Where grams or money change by hand a second person is asked for. A key changes neither: it opens a
door to evidence, which is refused, reviewed and reversed as any other, so one person makes it and
her name stays with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route
from backend.idempotency import IdempotencyKeyReused
from backend.partners.desk import (
    KeyEnded,
    Known,
    NewKey,
    PublicKeyMisplaced,
    SourceTaken,
    add_key,
    add_partner,
    rotate,
)
from backend.partners.desk_bodies import (
    KEY_ID_PATTERN,
    KeyAnswer,
    KeyBody,
    KeyPage,
    NewKeyAnswer,
    PartnerAnswer,
    PartnerBody,
    PartnerChangeAnswer,
    PartnerChangeBody,
    PartnerChangePage,
    PartnerPage,
    RotationBody,
)
from backend.partners.desk_queries import (
    find_partner,
    insert_change,
    list_changes,
    list_keys,
    list_partners,
    revoke,
    set_suspended,
)
from backend.partners.new_keys import answer_new_key
from backend.partners.signing_keys import PublicKeyNotValid
from backend.sealing import Sealer
from backend.writing import intention_of, write_alone, write_once

OPERATES: Final = roles("operator", "admin")
AUDITS: Final = OPERATES | roles("auditor")
_MAKES = (NotFound, PublicKeyMisplaced, PublicKeyNotValid, IdempotencyKeyReused, *BUSY)


@dataclass(frozen=True, slots=True)
class PartnerDesk:
    """What looking after partners needs."""

    engine: AsyncEngine
    sealer: Sealer
    known: Known

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of partners and of keys."""
        partners = [*self._partner_routes(), *self._suspension_routes()]
        return [*partners, *self._key_routes(), *self._ending_routes()]

    def _partner_routes(self) -> Sequence[Route[Any, Any]]:
        path = "/v1/operator/partners"
        return [
            Route(
                "POST",
                path,
                self.post_partner,
                policy=OPERATES,
                summary="Make a partner, which alone speaks for its source",
                summary_zh="新建合作方及其事件来源",
                body=PartnerBody,
                answers={201: PartnerAnswer},
                problems=(SourceTaken, IdempotencyKeyReused, *BUSY),
                idempotency="required",
            ),
            Route(
                "GET",
                path,
                self.list_partners,
                policy=AUDITS,
                summary="List partners, newest first",
                summary_zh="合作方列表",
                query=PageQuery,
                answers={200: PartnerPage},
            ),
        ]

    def _suspension_routes(self) -> Sequence[Route[Any, Any]]:
        one = "/v1/operator/partners/{id}"
        return [
            Route(
                "PATCH",
                one,
                self.patch_partner,
                policy=OPERATES,
                summary="Suspend a partner, whose keys then open nothing, or let it in again",
                summary_zh="暂停或恢复合作方",
                body=PartnerChangeBody,
                answers={200: PartnerAnswer},
                problems=(NotFound, *BUSY),
            ),
            Route(
                "GET",
                f"{one}/changes",
                self.list_changes,
                policy=AUDITS,
                summary="List who suspended a partner or let it in again, and why, newest first",
                summary_zh="合作方暂停与恢复记录",
                query=PageQuery,
                answers={200: PartnerChangePage},
                problems=(NotFound,),
            ),
        ]

    def _key_routes(self) -> Sequence[Route[Any, Any]]:
        path = "/v1/operator/partners/{id}/keys"
        return [
            Route(
                "POST",
                path,
                self.post_key,
                policy=OPERATES,
                summary="Make a key for a partner's server or a device; its secret is shown once",
                summary_zh="为合作方或设备生成密钥,只显示一次",
                body=KeyBody,
                answers={201: NewKeyAnswer},
                problems=_MAKES,
                idempotency="required",
            ),
            Route(
                "GET",
                path,
                self.list_keys,
                policy=AUDITS,
                summary="List a partner's keys with the day of their last use, newest first",
                summary_zh="合作方密钥列表及最近使用日期",
                query=PageQuery,
                answers={200: KeyPage},
                problems=(NotFound,),
            ),
        ]

    def _ending_routes(self) -> Sequence[Route[Any, Any]]:
        path, parameters = "/v1/operator/partner-keys/{key}", {"key": KEY_ID_PATTERN}
        return [
            Route(
                "POST",
                f"{path}/rotations",
                self.post_rotation,
                policy=OPERATES,
                summary="Make a key in the place of another one; both work for some hours",
                summary_zh="更换密钥,新旧密钥在重叠期内都有效",
                body=RotationBody,
                parameters=parameters,
                answers={201: NewKeyAnswer},
                problems=(KeyEnded, *_MAKES),
                idempotency="required",
            ),
            Route(
                "DELETE",
                path,
                self.delete_key,
                policy=OPERATES,
                summary="Revoke a key for ever; it opens nothing from within five seconds on",
                summary_zh="立即吊销密钥",
                parameters=parameters,
                answers={204: None},
                problems=(NotFound, *BUSY),
            ),
        ]

    async def post_partner(self, call: Call[PartnerBody, None]) -> Answer:
        """Make a partner once for each Idempotency-Key."""

        async def make(conn: AsyncConnection, _: datetime) -> UUID:
            return await add_partner(conn, call.body)

        made = await write_once(self.engine, intention_of(call), make)
        return Answer(await self._partner(made.id), 201, made.headers)

    async def list_partners(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of partners."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            rows = await list_partners(conn, before_id=before, limit=limit + 1)
        items = [PartnerAnswer(**row._mapping) for row in rows[:limit]]  # noqa: SLF001
        cursor = cursor_at(call, items[-1].id) if len(rows) > limit else None
        return Answer(PartnerPage(items=items, next_cursor=cursor))

    async def patch_partner(self, call: Call[PartnerChangeBody, None]) -> Answer:
        """Suspend or let in again; the same again changes nothing, without a second record."""
        partner_id, by = call.path_id(), call.principal.id
        asked, what = call.body, "suspended" if call.body.is_suspended else "resumed"

        async def change(conn: AsyncConnection, now: datetime) -> None:
            if await set_suspended(conn, partner_id, since=now if asked.is_suspended else None):
                await insert_change(conn, partner_id, what, reason=asked.reason, by=by, now=now)
            elif await find_partner(conn, partner_id) is None:
                raise NotFound

        await write_alone(self.engine, change)
        return Answer(await self._partner(partner_id))

    async def list_changes(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the history of a partner."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            if await find_partner(conn, call.path_id()) is None:
                raise NotFound
            rows = await list_changes(conn, call.path_id(), before_id=before, limit=limit + 1)
        items = [PartnerChangeAnswer(**row._mapping) for row in rows[:limit]]  # noqa: SLF001
        cursor = cursor_at(call, items[-1].id) if len(rows) > limit else None
        return Answer(PartnerChangePage(items=items, next_cursor=cursor))

    async def post_key(self, call: Call[KeyBody, None]) -> Answer:
        """Make a key; a replay shows nothing secret."""

        async def make(conn: AsyncConnection, _: datetime) -> NewKey:
            return await add_key(
                conn,
                call.path_id(),
                call.body,
                known=self.known,
                sealer=self.sealer,
                by=call.principal.id,
            )

        return await answer_new_key(self.engine, call, make)

    async def post_rotation(self, call: Call[RotationBody, None]) -> Answer:
        """Make a key on the terms of another one."""

        async def make(conn: AsyncConnection, now: datetime) -> NewKey:
            return await rotate(
                conn,
                call.path["key"],
                call.body,
                sealer=self.sealer,
                by=call.principal.id,
                now=now,
            )

        return await answer_new_key(self.engine, call, make)

    async def list_keys(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of a partner's keys."""
        limit, before = call.query.limit, position_of(call, tuple[datetime, str])
        async with self.engine.connect() as conn:
            if await find_partner(conn, call.path_id()) is None:
                raise NotFound
            rows = await list_keys(conn, call.path_id(), before=before, limit=limit + 1)
        items = [KeyAnswer(**row._mapping) for row in rows[:limit]]  # noqa: SLF001
        last = items[-1] if len(rows) > limit else None
        cursor = cursor_at(call, (last.created_at, last.id)) if last else None
        return Answer(KeyPage(items=items, next_cursor=cursor))

    async def delete_key(self, call: Call[None, None]) -> Answer:
        """Revoke; the second time changes nothing."""

        async def end(conn: AsyncConnection, _: datetime) -> None:
            if not await revoke(conn, call.path["key"], by=call.principal.id):
                raise NotFound

        await write_alone(self.engine, end)
        return Answer(None, 204)

    async def _partner(self, partner_id: UUID) -> PartnerAnswer:
        async with self.engine.connect() as conn:
            row: Row[Any] | None = await find_partner(conn, partner_id)
        assert row is not None, "partners are never deleted"
        return PartnerAnswer(**row._mapping)  # noqa: SLF001

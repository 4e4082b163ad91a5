"""The member's code, and the requests made with it, over HTTP."""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY, Batcher
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.routes import Answer, Call, Route
from backend.ledger.queries import lock_accounts
from backend.rewards.codes import PASS_DIGITS, STEP_S, member_pass
from backend.rewards.counters import counter_of
from backend.rewards.refusals import (
    MemberCodeNotValid,
    NotStaff,
    RequestDecided,
    RequestExpired,
    RewardNotOffered,
    TillUnknown,
)
from backend.rewards.request_bodies import (
    MemberCodeAnswer,
    RequestAnswer,
    RequestBody,
    RequestPage,
    render_request,
)
from backend.rewards.request_queries import MemberCode, shown_request, shown_requests
from backend.rewards.requests import (
    CODE_LIFE,
    Confirmation,
    Confirmed,
    member_code,
    request_by_code,
    write_decline,
)
from backend.rewards.route_kinds import LOOK_EVERY_S, SETTLES, lists, makes
from backend.rewards.rules import RewardRules
from backend.rewards.voucher_routes import MEMBER, WHY_NOT
from backend.writing import Made, intention_of, write_alone, write_once


@dataclass(frozen=True, slots=True)
class RequestDesk:
    """What member codes and requests need."""

    engine: AsyncEngine
    rules: RewardRules
    confirmations: Batcher[Confirmation, Confirmed]

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of member codes and requests."""
        return [
            Route(
                "GET",
                "/v1/member-code",
                self.get_code,
                policy=MEMBER,
                summary="Get my member code and what my phone needs to show the next ones",
                summary_zh="我的会员码",
                answers={200: MemberCodeAnswer},
                problems=BUSY,
            ),
            makes(
                "/v1/settlement-requests",
                self.post_request,
                policy=SETTLES,
                body=RequestBody,
                answer=RequestAnswer,
                words=("Ask the member whose code was scanned to confirm", "扫会员码发起兑换"),
                problems=(NotFound, NotStaff, TillUnknown, MemberCodeNotValid, RewardNotOffered),
                idempotency="optional",
            ),
            lists(
                "/v1/settlement-requests",
                self.list_requests,
                policy=MEMBER,
                page=RequestPage,
                words=("List what tills have asked me to confirm, newest first", "待我确认的兑换"),
            ),
            self._read_route(),
            *(self._decision(verb) for verb in ("confirm", "decline")),
        ]

    def _read_route(self) -> Route[None, None]:
        return Route(
            "GET",
            "/v1/settlement-requests/{id}",
            self.get_request,
            policy=MEMBER | SETTLES,
            summary="See a request, waiting for the member's answer if asked to",
            summary_zh="查看兑换请求,可等待结果",
            answers={200: RequestAnswer},
            problems=(NotFound, NotStaff, TillUnknown),
            waits=True,
        )

    def _decision(self, verb: str) -> Route[None, None]:
        is_yes = verb == "confirm"
        return Route(
            "POST",
            f"/v1/settlement-requests/{{id}}/{verb}",
            self.post_confirm if is_yes else self.post_decline,
            policy=MEMBER,
            summary="Redeem and settle what a till asked for" if is_yes else "Say no to a till",
            summary_zh="确认兑换" if is_yes else "拒绝兑换",
            answers={200: RequestAnswer},
            problems=(*WHY_NOT, RequestDecided, RequestExpired, *BUSY),
        )

    async def get_code(self, call: Call[None, None]) -> Answer:
        """Answer the code of this moment."""

        async def make(conn: AsyncConnection, now: datetime) -> tuple[MemberCode, datetime]:
            return await member_code(conn, call.principal.own_account, now), now

        shift = self.rules.clock_shift_s
        code, now = await write_alone(self.engine, make, clock_shift_s=shift)
        step = int(now.timestamp()) // STEP_S
        return Answer(
            MemberCodeAnswer(
                code=code.handle + member_pass(code.secret, step),
                expires_at=datetime.fromtimestamp((step + 1) * STEP_S, UTC),
                handle=code.handle,
                secret=base64.b64encode(code.secret).decode(),
                step_s=STEP_S,
                digits=PASS_DIGITS,
                renew_at=code.made_at + CODE_LIFE,
            )
        )

    async def post_request(self, call: Call[RequestBody, None]) -> Answer:
        """Ask the member; the answer is seen by reading the request."""
        body = call.body

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            return await request_by_code(
                conn,
                body.member_code,
                counter=await counter_of(conn, call.principal, body.till_key),
                reward_id=body.reward_id,
                now=now,
            )

        shift = self.rules.clock_shift_s
        made = await write_once(self.engine, intention_of(call), make, clock_shift_s=shift)
        return Answer(await self._rendered(call, made.id), 201, made.headers)

    async def list_requests(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the caller's requests."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            now = await self._now(conn)
            account_id = call.principal.own_account
            rows = await shown_requests(conn, account_id, before_id=before, limit=limit + 1)
        page = rows[:limit]
        cursor = cursor_at(call, page[-1].id) if len(rows) > limit else None
        items = [render_request(row, call.language, now) for row in page]
        return Answer(RequestPage(items=items, next_cursor=cursor))

    async def get_request(self, call: Call[None, None]) -> Answer:
        """Answer a request; with `wait`, once it is decided or the time is over."""
        ends_at = asyncio.get_running_loop().time() + call.wait_s
        row, now = await self._visible(call)
        while row.status == "pending" and asyncio.get_running_loop().time() < ends_at:
            await asyncio.sleep(LOOK_EVERY_S)
            row, now = await self._visible(call)
        return Answer(render_request(row, call.language, now))

    async def post_confirm(self, call: Call[None, None]) -> Answer:
        """Redeem and settle in one."""
        principal = call.principal
        confirmed = await self.confirmations.submit(
            Confirmation(call.path_id(), principal.own_account, principal.is_phone_verified)
        )
        made = Made(*confirmed)
        return Answer(await self._rendered(call, made.id), headers=made.headers)

    async def post_decline(self, call: Call[None, None]) -> Answer:
        """Say no; nothing was held."""

        async def decline(conn: AsyncConnection, _: datetime) -> Confirmed:
            account_id, shift = call.principal.own_account, self.rules.clock_shift_s
            return await write_decline(conn, call.path_id(), account_id, shift)

        made = Made(*await write_alone(self.engine, decline))
        return Answer(await self._rendered(call, made.id), headers=made.headers)

    async def _visible(self, call: Call[Any, Any]) -> tuple[Row[Any], datetime]:
        """The request, if it is the member's own or of the caller's merchant."""
        async with self.engine.connect() as conn:
            row, now = await shown_request(conn, call.path_id()), await self._now(conn)
            if row is None:
                raise NotFound
            if row.account_id != call.principal.account_id:
                if call.principal.account_id is not None:
                    raise NotFound
                counter = await counter_of(conn, call.principal, None)
                if row.merchant_id != counter.merchant_id:
                    raise NotFound
        return row, now

    async def _now(self, conn: AsyncConnection) -> datetime:
        return (await lock_accounts(conn, (), clock_shift_s=self.rules.clock_shift_s)).now

    async def _rendered(self, call: Call[Any, Any], request_id: UUID) -> RequestAnswer:
        async with self.engine.connect() as conn:
            row, now = await shown_request(conn, request_id), await self._now(conn)
        assert row is not None, "it was just written, or found"
        return render_request(row, call.language, now)

"""Partner calls over HTTP: the merchant's endpoint, the list of calls, and a person's decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY, run_batch
from backend.calling.addresses import UrlForbidden, read_url
from backend.errors import DomainError, NotFound
from backend.http.cursors import cursor_at, position_of
from backend.http.principal import Policy
from backend.http.routes import Answer, Call, Route
from backend.rewards.call_bodies import (
    CallEndpointAnswer,
    CallEndpointBody,
    DecisionBody,
    FulfilledBody,
    PartnerCallAnswer,
    PartnerCallPage,
    PartnerCallQuery,
    RefusedBody,
    render_call,
)
from backend.rewards.call_domain import CallStatus
from backend.rewards.call_endpoints import Setting, find_endpoint, put_endpoint
from backend.rewards.call_queries import shown_call, shown_calls
from backend.rewards.call_steps import ASK_AGAIN, Decided, Deciding, write_decision
from backend.rewards.domain import MANAGER
from backend.rewards.refusals import NotStaff, PartnerCallDecided, PartnerCallGoesOn
from backend.rewards.route_kinds import AUDITS, MANAGES, OPERATES, lists, makes, merchant_of
from backend.sealing import Sealer
from backend.writing import Made, intention_of, write_once


@dataclass(frozen=True, slots=True)
class CallDesk:
    """What managing partner calls needs.

    Attributes:
        is_anywhere: Tests and the demo call this machine.
    """

    engine: AsyncEngine
    sealer: Sealer
    is_anywhere: bool
    clock_shift_s: int

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of partner calls."""
        return [*self._endpoint_routes(), *self._call_routes()]

    def _endpoint_routes(self) -> Sequence[Route[Any, Any]]:
        path = "/v1/merchant/call-endpoint"
        return [
            makes(
                path,
                self.post_endpoint,
                policy=MANAGES,
                body=CallEndpointBody,
                answer=CallEndpointAnswer,
                words=(
                    "Set where my system is called to fulfil; the answer shows the secret once",
                    "设置直充接口地址,签名密钥只显示一次",
                ),
                problems=(NotStaff, UrlForbidden),
            ),
            Route(
                "GET",
                path,
                self.get_endpoint,
                policy=MANAGES,
                summary="See where my system is called",
                summary_zh="查看直充接口地址",
                answers={200: CallEndpointAnswer},
                problems=(NotStaff, NotFound),
            ),
        ]

    def _call_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            lists(
                "/v1/partner-calls",
                self.list_calls,
                policy=MANAGES | AUDITS,
                page=PartnerCallPage,
                words=("List calls of merchants' systems, newest first", "直充调用列表"),
                problems=(NotStaff,),
                query=PartnerCallQuery,
            ),
            Route(
                "POST",
                "/v1/partner-calls/{id}/decisions",
                self.post_decision,
                policy=MANAGES | OPERATES,
                summary="Say what happened where a partner never answered; once",
                summary_zh="人工核实直充结果",
                body=DecisionBody,
                answers={200: PartnerCallAnswer},
                problems=(NotStaff, NotFound, PartnerCallGoesOn, PartnerCallDecided, *BUSY),
            ),
        ]

    async def post_endpoint(self, call: Call[CallEndpointBody, None]) -> Answer:
        """Make or change the endpoint; a replay does not show the secret again."""
        url = read_url(call.body.url, is_anywhere=self.is_anywhere)
        shown: list[str | None] = [None]

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            merchant_id = await merchant_of(conn, call, MANAGER)
            setting = Setting(merchant_id, url, call.body.new_secret, call.principal.id)
            shown[0] = await put_endpoint(conn, setting, self.sealer, now)
            return merchant_id

        made = await write_once(
            self.engine, intention_of(call), make, clock_shift_s=self.clock_shift_s
        )
        secret = None if made.is_replay else shown[0]
        return Answer(await self._endpoint(made.id, secret), 201, made.headers)

    async def get_endpoint(self, call: Call[None, None]) -> Answer:
        """Answer the endpoint of the caller's merchant."""
        async with self.engine.connect() as conn:
            merchant_id = await merchant_of(conn, call, MANAGER)
        return Answer(await self._endpoint(merchant_id, None))

    async def _endpoint(self, merchant_id: UUID, secret: str | None) -> CallEndpointAnswer:
        async with self.engine.connect() as conn:
            row = await find_endpoint(conn, merchant_id)
        if row is None:
            raise NotFound
        return CallEndpointAnswer(**row._mapping, secret=secret)  # noqa: SLF001

    async def list_calls(self, call: Call[None, PartnerCallQuery]) -> Answer:
        """Answer one page of calls: a manager sees her merchant's, officials see all."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            rows = await shown_calls(
                conn,
                merchant_id=await _merchant_of(conn, call, AUDITS),
                status=call.query.status,
                before_id=before,
                limit=limit + 1,
            )
        page = rows[:limit]
        cursor = cursor_at(call, page[-1].voucher_id) if len(rows) > limit else None
        items = [render_call(row, call.language) for row in page]
        return Answer(PartnerCallPage(items=items, next_cursor=cursor))

    async def post_decision(self, call: Call[DecisionBody, None]) -> Answer:
        """Decide; the same decision again is the same answer."""
        async with self.engine.connect() as conn:
            merchant_id = await _merchant_of(conn, call, OPERATES)
        outcome, words = _said(call.body)
        asked = Deciding(call.path_id(), merchant_id, outcome, words, call.principal.id)
        write = partial(_write_decisions, clock_shift_s=self.clock_shift_s)
        [decided] = await run_batch(self.engine, write, [asked])
        if isinstance(decided, DomainError):
            raise decided
        row = await self._shown(decided.voucher_id)
        headers = Made(decided.voucher_id, decided.is_replay).headers
        return Answer(render_call(row, call.language), headers=headers)

    async def _shown(self, voucher_id: UUID) -> Row[Any]:
        async with self.engine.connect() as conn:
            row = await shown_call(conn, voucher_id)
        assert row is not None, "it was just decided"
        return row


async def _write_decisions(
    conn: AsyncConnection, decidings: Sequence[Deciding], clock_shift_s: int
) -> list[Decided | DomainError]:
    return [await write_decision(conn, each, clock_shift_s) for each in decidings]


async def _merchant_of(
    conn: AsyncConnection, call: Call[Any, Any], officials: Policy
) -> UUID | None:
    """Whose calls the caller may see or decide; None for these officials, who may all.

    Somebody who is an auditor beside her work for a merchant sees all and decides her own.
    """
    if officials.allows(call.principal):
        return None
    return await merchant_of(conn, call, MANAGER)


def _said(body: DecisionBody) -> tuple[str, str | None]:
    match body:
        case FulfilledBody(reference=reference):
            return CallStatus.FULFILLED, reference
        case RefusedBody(reason=reason):
            return CallStatus.REFUSED, reason
        case _:
            return ASK_AGAIN, None

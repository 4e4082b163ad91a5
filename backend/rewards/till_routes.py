"""Tills: a manager adds one and reads out its code; a device is enrolled with it, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.errors import NotFound
from backend.http.cursors import PageQuery
from backend.http.routes import Answer, Call, Route
from backend.ids import uuid7
from backend.partners.queries import issue_key
from backend.rewards.codes import make_till_code, plain_code
from backend.rewards.domain import MANAGER
from backend.rewards.merchant_bodies import (
    EnrolmentAnswer,
    EnrolmentBody,
    TillAnswer,
    TillBody,
    TillPage,
)
from backend.rewards.merchant_queries import (
    Till,
    enrol_till,
    find_one,
    insert_till,
    lock_waiting_till,
)
from backend.rewards.merchant_routes import page_of
from backend.rewards.refusals import NotStaff, TillCodeNotValid
from backend.rewards.route_kinds import (
    MANAGES,
    VOUCHER_SETTLE,
    WORKS,
    lists,
    makes,
    merchant_of,
)
from backend.writing import intention_of, write_alone, write_once

CODE_LIFE = timedelta(hours=24)  # the manager makes it in the evening, the till opens early


@dataclass(frozen=True, slots=True)
class TillDesk:
    """What adding and enrolling tills needs."""

    engine: AsyncEngine
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of tills."""
        return [
            makes(
                "/v1/merchant/tills",
                self.post_till,
                policy=MANAGES,
                body=TillBody,
                answer=TillAnswer,
                words=(
                    "Add a till; the answer carries its one-time enrolment code",
                    "新增收银台并取得一次性绑定码",
                ),
                problems=(NotStaff, NotFound),
            ),
            lists(
                "/v1/merchant/tills",
                self.list_tills,
                policy=MANAGES,
                page=TillPage,
                words=("List my merchant's tills, newest first", "收银台列表"),
                problems=(NotStaff,),
            ),
            Route(
                "POST",
                "/v1/tills/enrolments",
                self.post_enrolment,
                policy=WORKS,
                summary="Enrol this device as a till with its one-time code; gives its key once",
                summary_zh="用一次性绑定码绑定收银台",
                body=EnrolmentBody,
                answers={201: EnrolmentAnswer},
                problems=(NotStaff, TillCodeNotValid, *BUSY),
            ),
        ]

    async def post_till(self, call: Call[TillBody, None]) -> Answer:
        """Add a till; a replay does not show the code again."""
        body, code = call.body, make_till_code()

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            till = Till(uuid7(), await merchant_of(conn, call, MANAGER), body.store_id)
            if not await insert_till(
                conn,
                till,
                name=body.name,
                code_sha256=sha256(code.encode()).digest(),
                code_expires_at=now + CODE_LIFE,
            ):
                raise NotFound
            return till.id

        made = await write_once(
            self.engine, intention_of(call), make, clock_shift_s=self.clock_shift_s
        )
        async with self.engine.connect() as conn:
            row = await find_one(conn, "till", made.id)
        assert row is not None, "it was just written"
        shown = None if made.is_replay else code
        return Answer(TillAnswer(**row._mapping, code=shown), 201, made.headers)  # noqa: SLF001

    async def list_tills(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the tills of the caller's merchant."""
        async with self.engine.connect() as conn:
            merchant_id = await merchant_of(conn, call, MANAGER)
        items, cursor = await page_of(self.engine, call, "till", merchant_id)
        return Answer(TillPage(items=[TillAnswer(**item) for item in items], next_cursor=cursor))

    async def post_enrolment(self, call: Call[EnrolmentBody, None]) -> Answer:
        """Enrol a till: of two devices with one code, the second is refused."""
        digest = sha256(plain_code(call.body.code).encode()).digest()

        async def enrol(conn: AsyncConnection, now: datetime) -> EnrolmentAnswer:
            merchant_id = await merchant_of(conn, call)
            till_id = await lock_waiting_till(conn, merchant_id, digest, now)
            if till_id is None:
                raise TillCodeNotValid
            key = await issue_key(conn, merchant_id, kind="device", scopes=[VOUCHER_SETTLE])
            await enrol_till(conn, till_id, key.split("_")[1], now)
            return EnrolmentAnswer(till_id=till_id, key=key)

        answer = await write_alone(self.engine, enrol, clock_shift_s=self.clock_shift_s)
        return Answer(answer, 201)

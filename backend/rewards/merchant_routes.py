"""Setting up merchants over HTTP: operators make them, managers add stores."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.routes import Answer, Call, Route
from backend.ids import uuid7
from backend.ledger.queries import open_account
from backend.partners.queries import make_partner
from backend.rewards.domain import MANAGER
from backend.rewards.merchant_bodies import (
    MerchantAnswer,
    MerchantBody,
    MerchantPage,
    StoreAnswer,
    StoreBody,
    StorePage,
)
from backend.rewards.merchant_queries import (
    find_one,
    insert_merchant,
    insert_store,
    list_of,
    points_of_merchant,
)
from backend.rewards.refusals import NotStaff, StaffElsewhere
from backend.rewards.route_kinds import (
    AUDITS,
    MANAGES,
    OPERATES,
    WORKS,
    lists,
    makes,
    merchant_of,
)
from backend.rewards.staff_queries import Staff, put_staff
from backend.rewards.staff_routes import subject_of
from backend.writing import intention_of, write_once


@dataclass(frozen=True, slots=True)
class MerchantDesk:
    """What setting up merchants needs."""

    engine: AsyncEngine

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of operators and managers."""
        return [
            makes(
                "/v1/operator/merchants",
                self.post_merchant,
                policy=OPERATES,
                body=MerchantBody,
                answer=MerchantAnswer,
                words=("Make a merchant and name its first manager", "新建商户并指定管理员"),
                problems=(StaffElsewhere,),
            ),
            lists(
                "/v1/operator/merchants",
                self.list_merchants,
                policy=AUDITS,
                page=MerchantPage,
                words=("List merchants, newest first", "商户列表"),
            ),
            Route(
                "GET",
                "/v1/merchant",
                self.get_own,
                policy=WORKS,
                summary="See the merchant that I work for, with what was settled with it",
                summary_zh="查看我所在的商户",
                answers={200: MerchantAnswer},
                problems=(NotStaff,),
            ),
            *self._part_routes(),
        ]

    def _part_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            makes(
                "/v1/merchant/stores",
                self.post_store,
                policy=MANAGES,
                body=StoreBody,
                answer=StoreAnswer,
                words=("Add a store", "新增门店"),
                problems=(NotStaff,),
            ),
            lists(
                "/v1/merchant/stores",
                self.list_stores,
                policy=WORKS,
                page=StorePage,
                words=("List my merchant's stores, newest first", "门店列表"),
                problems=(NotStaff,),
            ),
        ]

    async def post_merchant(self, call: Call[MerchantBody, None]) -> Answer:
        """Make a merchant with its account, the partner of its tills, and its manager."""
        body = call.body
        manager = subject_of(call, body.manager)

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            merchant_id = uuid7()
            await open_account(conn, merchant_id, "merchant")
            await insert_merchant(conn, merchant_id, name_zh=body.name_zh, name_en=body.name_en)
            await make_partner(
                conn,
                merchant_id,
                name_zh=body.name_zh,
                name_en=body.name_en,
                source=f"urn:tanhui:merchant:{merchant_id}",
            )
            staff = Staff(manager, merchant_id, MANAGER, body.manager)
            await put_staff(conn, staff, is_movable=True, by=call.principal.id, now=now)
            return merchant_id

        made = await write_once(self.engine, intention_of(call), make)
        return Answer(await self._merchant(made.id), 201, made.headers)

    async def list_merchants(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of all merchants."""
        items, cursor = await self._page(call, "merchant", None)
        return Answer(
            MerchantPage(items=[MerchantAnswer(**item) for item in items], next_cursor=cursor)
        )

    async def get_own(self, call: Call[None, None]) -> Answer:
        """Answer the caller's merchant."""
        async with self.engine.connect() as conn:
            merchant_id = await merchant_of(conn, call)
        return Answer(await self._merchant(merchant_id))

    async def post_store(self, call: Call[StoreBody, None]) -> Answer:
        """Add a store to the caller's merchant."""
        body = call.body

        async def make(conn: AsyncConnection, _: datetime) -> UUID:
            merchant_id, store_id = await merchant_of(conn, call, MANAGER), uuid7()
            await insert_store(
                conn,
                store_id,
                merchant_id,
                name_zh=body.name_zh,
                name_en=body.name_en,
                region=body.region,
            )
            return store_id

        made = await write_once(self.engine, intention_of(call), make)
        async with self.engine.connect() as conn:
            row = await find_one(conn, "store", made.id)
        assert row is not None, "it was just written"
        return Answer(StoreAnswer(**row._mapping), 201, made.headers)  # noqa: SLF001

    async def list_stores(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the stores of the caller's merchant."""
        async with self.engine.connect() as conn:
            merchant_id = await merchant_of(conn, call)
        items, cursor = await self._page(call, "store", merchant_id)
        return Answer(StorePage(items=[StoreAnswer(**item) for item in items], next_cursor=cursor))

    async def _merchant(self, merchant_id: UUID) -> MerchantAnswer:
        async with self.engine.connect() as conn:
            row = await find_one(conn, "merchant", merchant_id)
            points = await points_of_merchant(conn, merchant_id)
        assert row is not None, "staff and keys name merchants that are there"
        return MerchantAnswer(**row._mapping, points=points)  # noqa: SLF001

    async def _page(
        self, call: Call[None, PageQuery], table: str, merchant_id: UUID | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        return await page_of(self.engine, call, table, merchant_id)


async def page_of(
    engine: AsyncEngine, call: Call[None, PageQuery], table: str, merchant_id: UUID | None
) -> tuple[list[dict[str, Any]], str | None]:
    """One page of a kind as keyword arguments of its answer, and the cursor after it."""
    limit, before = call.query.limit, position_of(call, UUID)
    async with engine.connect() as conn:
        rows = await list_of(
            conn, table, merchant_id=merchant_id, before_id=before, limit=limit + 1
        )
    items = [dict(row._mapping) for row in rows[:limit]]  # noqa: SLF001  # SQLAlchemy's public name
    return items, cursor_at(call, items[-1]["id"]) if len(rows) > limit else None

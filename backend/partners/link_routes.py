"""Links over HTTP: a partner asks for a code, the member types it, looks and unlinks."""

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
from backend.http.principal import roles, scopes
from backend.http.problem import Language
from backend.http.refusals import Forbidden
from backend.http.routes import Answer, Call, Route
from backend.partners.link_bodies import (
    LinkAnswer,
    LinkBody,
    LinkCodeAnswer,
    LinkCodeBody,
    LinkedPartner,
    LinkPage,
)
from backend.partners.link_queries import shown_link, shown_links
from backend.partners.linking import (
    ConsentNeeded,
    LinkCodeNotValid,
    Linked,
    LinksUsedUp,
    NewCode,
    SubjectAlreadyLinked,
    link_by_code,
    make_code,
    unlink,
)
from backend.partners.queries import Customer
from backend.writing import write_alone

CUSTOMER_LINK: Final = "customer.link"  # of a server that signs customers in, not of a gate


@dataclass(frozen=True, slots=True)
class LinkDesk:
    """What linking needs."""

    engine: AsyncEngine
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of links."""
        return [
            Route(
                "POST",
                "/v1/partner/link-codes",
                self.post_code,
                policy=scopes(CUSTOMER_LINK),
                summary="Make a short-lived code that links this customer; the last one counts",
                summary_zh="为顾客生成短时关联码,以最后一个为准",
                body=LinkCodeBody,
                answers={201: LinkCodeAnswer},
                problems=(SubjectAlreadyLinked, *BUSY),
            ),
            Route(
                "POST",
                "/v1/links",
                self.post_link,
                policy=roles("member"),
                summary="Link a partner's account by the code that it shows, with my consent",
                summary_zh="凭合作方显示的关联码并同意授权,关联我的账户",
                body=LinkBody,
                answers={200: LinkAnswer, 201: LinkAnswer},
                problems=(
                    *(LinkCodeNotValid, ConsentNeeded, SubjectAlreadyLinked, LinksUsedUp),
                    *BUSY,
                ),
            ),
            *self._own_routes(),
        ]

    def _own_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                "/v1/links",
                self.list_links,
                policy=roles("member"),
                summary="List my links with partners, newest first",
                summary_zh="我与合作方的关联列表",
                query=PageQuery,
                answers={200: LinkPage},
            ),
            Route(
                "DELETE",
                "/v1/links/{id}",
                self.delete_link,
                policy=roles("member"),
                summary="Unlink: nothing new is credited, what was credited stays",
                summary_zh="解除关联:不再计入新的行为,已入账的保留",
                answers={204: None},
                problems=(NotFound, *BUSY),
            ),
        ]

    async def post_code(self, call: Call[LinkCodeBody, None]) -> Answer:
        """Make a code for a customer of the caller."""
        if call.principal.partner_id is None:
            raise Forbidden
        customer = Customer(call.principal.partner_id, call.body.subject_token)

        async def make(conn: AsyncConnection, now: datetime) -> NewCode:
            return await make_code(conn, customer, now)

        made = await write_alone(self.engine, make, clock_shift_s=self.clock_shift_s)
        return Answer(LinkCodeAnswer(code=made.code, expires_at=made.expires_at), 201)

    async def post_link(self, call: Call[LinkBody, None]) -> Answer:
        """Link the caller's account; the code is the natural key."""
        account_id = call.principal.own_account

        async def make(conn: AsyncConnection, now: datetime) -> Linked:
            return await link_by_code(
                conn,
                account_id,
                call.body.code,
                consent_version=call.body.consent_version,
                now=now,
            )

        linked = await write_alone(self.engine, make, clock_shift_s=self.clock_shift_s)
        async with self.engine.connect() as conn:
            row = await shown_link(conn, account_id, linked.id)
        if row is None:
            raise NotFound  # unlinked and erased in between
        return Answer(
            _answer(row, call.language),
            200 if linked.is_replay else 201,
            {"Location": f"/v1/links/{linked.id}"},
        )

    async def list_links(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the caller's links."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            rows = await shown_links(
                conn, call.principal.own_account, before_id=before, limit=limit + 1
            )
        items = [_answer(row, call.language) for row in rows[:limit]]
        cursor = cursor_at(call, items[-1].id) if len(rows) > limit else None
        return Answer(LinkPage(items=items, next_cursor=cursor))

    async def delete_link(self, call: Call[None, None]) -> Answer:
        """End a link of the caller."""
        account_id, link_id = call.principal.own_account, call.path_id()

        async def end(conn: AsyncConnection, _: datetime) -> None:
            await unlink(conn, account_id, link_id)

        await write_alone(self.engine, end)
        return Answer(None, 204)


def _answer(row: Row[Any], language: Language) -> LinkAnswer:
    name = row.name_zh if language == "zh" else row.name_en
    return LinkAnswer(
        id=row.id,
        partner=LinkedPartner(id=row.partner_id, name=name),
        subject_token=row.subject_token,
        consent_version=row.consent_version,
        linked_at=row.linked_at,
        unlinked_at=row.unlinked_at,
    )

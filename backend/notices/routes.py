"""A member's notices: the list, and marking one as read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.db import clock
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route
from backend.notices.domain import Stored, words_of
from backend.notices.queries import mark_read, notices_of, unread_count
from scoring.methodology import Catalogue


class NoticeAnswer(msgspec.Struct, kw_only=True):
    """One notice; `arguments` has the numbers that the text is made of, in base units."""

    id: UUID
    kind: str
    title: str
    text: str
    arguments: dict[str, Any]
    created_at: datetime
    read_at: datetime | None


class NoticePage(msgspec.Struct, kw_only=True):
    """One page of notices, newest first, and how many are unread in all."""

    items: list[NoticeAnswer]
    unread: int
    next_cursor: str | None


class NoticeQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`unread=true` leaves out what was read."""

    unread: bool = False


@dataclass(frozen=True, slots=True)
class NoticeReader:
    """What reading notices needs."""

    engine: AsyncEngine
    catalogue: Catalogue
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the member's notices."""
        return [
            Route(
                "GET",
                "/v1/notices",
                self.list_notices,
                policy=roles("member"),
                summary="List what I was told about my points and credits",
                summary_zh="我的通知",
                query=NoticeQuery,
                answers={200: NoticePage},
            ),
            Route(
                "POST",
                "/v1/notices/{id}/read",
                self.read_notice,
                policy=roles("member"),
                summary="Mark a notice as read; again changes nothing",
                summary_zh="标记通知为已读",
                answers={200: NoticeAnswer},
                problems=(NotFound,),
            ),
        ]

    async def list_notices(self, call: Call[None, NoticeQuery]) -> Answer:
        """Answer one page of the caller's notices."""
        before = position_of(call, UUID)
        account_id, limit = call.principal.own_account, call.query.limit
        async with self.engine.connect() as conn:
            found = await notices_of(
                conn,
                account_id,
                before_id=before,
                unread_only=call.query.unread,
                limit=limit + 1,
            )
            unread = await unread_count(conn, account_id)
        page = found[:limit]
        after = cursor_at(call, page[-1].id) if len(found) > limit else None
        items = [self._answer(call, each) for each in page]
        return Answer(NoticePage(items=items, unread=unread, next_cursor=after))

    async def read_notice(self, call: Call[None, None]) -> Answer:
        """Note that the caller has read a notice."""
        account_id = call.principal.own_account
        async with self.engine.begin() as conn:
            now = await clock(conn, self.clock_shift_s)
            found = await mark_read(conn, account_id, call.path_id(), now)
        if found is None:
            raise NotFound
        return Answer(self._answer(call, found))

    def _answer(self, call: Call[Any, Any], notice: Stored) -> NoticeAnswer:
        words = words_of(
            notice, is_zh=call.language == "zh", action_names=self._names(call.language)
        )
        return NoticeAnswer(
            id=notice.id,
            kind=notice.kind,
            title=words.title,
            text=words.text,
            arguments=dict(notice.arguments),
            created_at=notice.created_at,
            read_at=notice.read_at,
        )

    def _names(self, language: str) -> dict[str, str]:
        catalogue = self.catalogue
        return {
            action: catalogue.versions_of(catalogue.methodology_of(action))[-1].title[language]
            for action in catalogue.actions
        }

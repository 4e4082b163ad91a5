"""Methodologies for anybody: what counts, by which factors, from which sources."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from aiohttp import hdrs
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.db import clock
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import PUBLIC
from backend.http.routes import Answer, Call, Route
from backend.methodologies.answers import (
    MethodologyAnswer,
    MethodologyPage,
    MethodologySummary,
    render_version,
)
from backend.methodologies.domain import (
    IN_FORCE,
    PUBLIC_STATUSES,
    Standing,
    is_closed,
    was_in_force,
)
from backend.methodologies.queries import standings
from backend.methodologies.register import installed
from backend.units import shanghai_day
from scoring.methodology import Catalogue, MethodologyVersion

ID_PATTERN = "[A-Z]{2,12}(?:-[A-Z]{1,12}){1,3}-[0-9]{2}"
CACHED = "public, max-age=300"  # a version is announced days before it counts
_encode = msgspec.json.Encoder().encode

Versions = Sequence[tuple[MethodologyVersion, Standing]]


@dataclass(frozen=True, slots=True)
class MethodologyReader:
    """What reading methodologies needs; `packaged` holds every installed version."""

    engine: AsyncEngine
    packaged: Catalogue
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the public methodologies."""
        return [
            Route(
                "GET",
                "/v1/methodologies",
                self.list_methodologies,
                policy=PUBLIC,
                summary="List the methodologies by which grams are counted",
                summary_zh="方法学目录",
                query=PageQuery,
                answers={200: MethodologyPage, 304: None},
            ),
            Route(
                "GET",
                "/v1/methodologies/{id}",
                self.get_methodology,
                policy=PUBLIC,
                parameters={"id": ID_PATTERN},
                summary="See a methodology: versions, formula, caps, factors and their sources",
                summary_zh="查看方法学:版本、公式、上限、排放因子及来源",
                answers={200: MethodologyAnswer, 304: None},
                problems=(NotFound,),
            ),
        ]

    async def list_methodologies(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of methodologies by id."""
        after = position_of(call, str) or ""
        shown, today = await self._shown()
        ids = [each for each in sorted(shown) if each > after]
        page = ids[: call.query.limit]
        more = len(ids) > len(page)
        answer = MethodologyPage(
            items=[_summary(shown[each], today, call) for each in page],
            next_cursor=cursor_at(call, page[-1]) if more else None,
        )
        return _cached(call, answer)

    async def get_methodology(self, call: Call[None, None]) -> Answer:
        """Answer one methodology with all versions that the public may see."""
        shown, today = await self._shown()
        versions = shown.get(call.path["id"])
        if versions is None:
            raise NotFound
        newest = versions[-1][0]
        answer = MethodologyAnswer(
            id=newest.methodology_id,
            action=newest.action,
            title=newest.title[call.language],
            kind=newest.kind,
            versions=[
                render_version(
                    version,
                    standing,
                    is_open=was_in_force(standing) and not is_closed(standing, today),
                    language=call.language,
                )
                for version, standing in reversed(versions)
            ],
        )
        return _cached(call, answer)

    async def _shown(self) -> tuple[Mapping[str, Versions], date]:
        """Public versions by methodology, oldest first, and today's Shanghai day."""
        async with self.engine.connect() as conn:
            recorded = await standings(conn)
            today = shanghai_day(await clock(conn, self.clock_shift_s))
        files = {each.hash: each for each in installed(self.packaged)}
        shown: dict[str, list[tuple[MethodologyVersion, Standing]]] = {}
        for standing in recorded:
            if standing.status in PUBLIC_STATUSES and standing.hash in files:
                pair = (files[standing.hash], standing)
                shown.setdefault(standing.methodology_id, []).append(pair)
        return shown, today


def _summary(versions: Versions, today: date, call: Call[Any, Any]) -> MethodologySummary:
    counting = [
        pair
        for pair in versions
        if was_in_force(pair[1]) and pair[0].valid_from <= today and pair[1].status in IN_FORCE
    ]
    version, standing = (counting or versions)[-1]
    return MethodologySummary(
        id=version.methodology_id,
        action=version.action,
        title=version.title[call.language],
        kind=version.kind,
        status=standing.status,
        version=version.version,
        hash=version.hash,
        valid_from=version.valid_from,
        review_due=version.review_due,
        versions=len(versions),
    )


def _cached(call: Call[Any, Any], answer: object) -> Answer:
    """The answer with its tag, or 304 when the client has it already (RFC 9110, section 13.1.2)."""
    tag = f'"{hashlib.sha256(_encode(answer)).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": CACHED, "Vary": "Accept-Language"}
    asked = call.request.headers.get(hdrs.IF_NONE_MATCH, "")
    if asked == "*" or tag in {each.strip().removeprefix("W/") for each in asked.split(",")}:
        return Answer(None, 304, headers)
    return Answer(answer, headers=headers)

"""Certificates over HTTP: for their holders, and without names for everybody."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.errors import NotFound
from backend.http.cursors import PageQuery, page_of, position_of
from backend.http.principal import PUBLIC
from backend.http.routes import Answer, Call, Route
from backend.paper import PAPER_HEADERS, Letterhead
from backend.trees.bodies import (
    CertificateAnswer,
    CertificatePage,
    PrintBody,
    PublicCertificate,
    render_certificate,
    render_public,
)
from backend.trees.certificate_page import draw_certificate, masked
from backend.trees.domain import NUMBER_PATTERN, NotTheHolder, is_same_name, name_hmac
from backend.trees.queries import certificate_by_number, certificates_of
from backend.trees.route_kinds import MEMBER

_NUMBER = {"number": NUMBER_PATTERN}


@dataclass(frozen=True, slots=True)
class CertificateReader:
    """What certificates need; `secret` keys the hashes of names."""

    engine: AsyncEngine
    secret: bytes
    letterhead: Letterhead

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of holders and of everybody."""
        return [*self._own_routes(), *self._public_routes()]

    def _own_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                "/v1/trees/certificates",
                self.list_own,
                policy=MEMBER,
                summary="List my certificates of trees planted, newest first",
                summary_zh="我的尽责证书",
                query=PageQuery,
                answers={200: CertificatePage},
            ),
            Route(
                "GET",
                "/v1/trees/certificates/{number}",
                self.get_own,
                policy=MEMBER,
                parameters=_NUMBER,
                summary="See one of my certificates",
                summary_zh="查看我的一张尽责证书",
                answers={200: CertificateAnswer},
                problems=(NotFound,),
            ),
            Route(
                "POST",
                "/v1/trees/certificates/{number}/print",
                self.post_print,
                policy=MEMBER,
                parameters=_NUMBER,
                summary="Draw my certificate with my name on it; the name is not kept",
                summary_zh="打印尽责证书",
                body=PrintBody,
                answers={200: bytes},
                problems=(NotFound, NotTheHolder),
            ),
        ]

    def _public_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                "/v1/public/certificates/{number}",
                self.get_public,
                policy=PUBLIC,
                parameters=_NUMBER,
                summary="Verify a certificate by its number",
                summary_zh="按编号核验尽责证书",
                answers={200: PublicCertificate},
                problems=(NotFound,),
            ),
            Route(
                "GET",
                "/certificates/{number}",
                self.get_page,
                policy=PUBLIC,
                parameters=_NUMBER,
                summary="The same as a page, to which the QR code of a certificate leads",
                summary_zh="尽责证书核验页",
                answers={200: bytes},
                problems=(NotFound,),
            ),
        ]

    async def list_own(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the caller's certificates."""
        before, limit = position_of(call, UUID), call.query.limit
        account_id = call.principal.own_account
        async with self.engine.connect() as conn:
            rows = await certificates_of(conn, account_id, before_id=before, limit=limit + 1)
        items, cursor = page_of(call, rows, render_certificate)
        return Answer(CertificatePage(items=items, next_cursor=cursor))

    async def get_own(self, call: Call[None, None]) -> Answer:
        """Answer one of the caller's certificates."""
        return Answer(render_certificate(await self._own(call)))

    async def post_print(self, call: Call[PrintBody, None]) -> Answer:
        """Draw the caller's certificate with the name that it was pledged for."""
        row, name = await self._own(call), call.body.name
        given = name_hmac(self.secret, row.pledge_id, name)
        if row.name_hmac is None or not is_same_name(given, row.name_hmac):
            raise NotTheHolder
        return await self._drawn(call, row, name.strip())

    async def get_public(self, call: Call[None, None]) -> Answer:
        """Answer what everybody may know."""
        return Answer(render_public(await self._certificate(call)))

    async def get_page(self, call: Call[None, None]) -> Answer:
        """Draw what everybody may know."""
        row = await self._certificate(call)
        return await self._drawn(call, row, masked(row.initial))

    async def _drawn(self, call: Call[Any, Any], row: Row[Any], holder: str) -> Answer:
        origin = self.letterhead.public_url or str(call.request.url.origin())
        shown = render_public(row)
        uri = f"{origin}/certificates/{shown.number}"
        banner = self.letterhead.banner
        page = await asyncio.to_thread(draw_certificate, shown, holder, uri, banner)
        return Answer(page, headers=PAPER_HEADERS)

    async def _own(self, call: Call[Any, Any]) -> Row[Any]:
        row = await self._certificate(call)
        if row.account_id != call.principal.own_account:
            raise NotFound
        return row

    async def _certificate(self, call: Call[Any, Any]) -> Row[Any]:
        async with self.engine.connect() as conn:
            row = await certificate_by_number(conn, call.path["number"])
        if row is None:
            raise NotFound
        return row

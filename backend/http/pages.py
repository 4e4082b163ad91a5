"""What describes the API: the OpenAPI document, the page that shows it offline, the problem types.

The page is static and loads nothing from elsewhere, so its content security policy is one line.
"""

import asyncio
import mimetypes
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, Final

import msgspec
from aiohttp import web

from backend.errors import NotFound
from backend.http.problem import ProblemTable, ProblemType

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

# Read at import: a request must never wait for a disk.
_FILES: Final[Mapping[str, bytes]] = {
    entry.name: entry.read_bytes() for entry in files("backend.http").joinpath("static").iterdir()
}


def mount_pages(
    app: web.Application, *, describe: Callable[[], object], table: ProblemTable
) -> None:
    """Add `/openapi.json`, `/docs`, to which `/` leads, and `/problems` to the application."""
    app.router.add_get("/", _lead_to_page)
    app.router.add_get("/openapi.json", _Description(describe).answer)
    app.router.add_get("/docs", _answer_page)
    app.router.add_get("/docs/{name:[a-z]+\\.[a-z]+}", _answer_file)
    catalogue = _Catalogue(table)
    app.router.add_get("/problems", catalogue.answer_all)
    app.router.add_get("/problems/{slug:[a-z0-9-]{1,64}}", catalogue.answer_one)


class _Description:
    """A JSON document, made once it is asked for: that takes 0.2 s, which no start waits for."""

    def __init__(self, describe: Callable[[], object]) -> None:
        self._describe = describe
        self._content: bytes | None = None

    async def answer(self, _: web.Request) -> web.Response:
        if self._content is None:
            self._content = await asyncio.to_thread(lambda: msgspec.json.encode(self._describe()))
        return _json(self._content)


def _json(content: bytes) -> web.Response:
    return web.Response(body=content, content_type="application/json")


class _Catalogue:
    """Every problem type under its own address, in both languages."""

    def __init__(self, table: ProblemTable) -> None:
        kinds = sorted(table.values(), key=lambda kind: (kind.status, kind.slug))
        self._rows = {kind.slug: _row(kind) for kind in kinds}

    async def answer_all(self, _: web.Request) -> web.Response:
        return _json(msgspec.json.encode({"problems": [*self._rows.values()]}))

    async def answer_one(self, request: web.Request) -> web.Response:
        row = self._rows.get(request.match_info["slug"])
        if row is None:
            raise NotFound
        return _json(msgspec.json.encode(row))


def _row(kind: ProblemType) -> dict[str, Any]:
    return {
        "type": kind.uri,
        "status": kind.status,
        "title": {"zh-CN": kind.title_zh, "en": kind.title_en},
        "next": {"zh-CN": kind.next_zh, "en": kind.next_en},
    }


async def _lead_to_page(_: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/docs"})


async def _answer_page(_: web.Request) -> web.Response:
    return _file("index.html")


async def _answer_file(request: web.Request) -> web.Response:
    return _file(request.match_info["name"])


def _file(name: str) -> web.Response:
    if name not in _FILES:
        raise NotFound
    content_type = mimetypes.guess_type(name, strict=True)[0] or "application/octet-stream"
    headers = {
        "Content-Type": f"{content_type}; charset=utf-8",
        "Content-Security-Policy": PAGE_POLICY,
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cache-Control": "no-cache",
    }
    return web.Response(body=_FILES[name], headers=headers)

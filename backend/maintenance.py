"""Commands for operators: migrate, dead letters, funds, partner keys, bag codes."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import funds, top_up
from backend.db import make_engine
from backend.deployment import DATABASE, database_url, start_embedded
from backend.evidence_store import EvidenceStore
from backend.ids import uuid7
from backend.migrations import migrate
from backend.outbox import dead_letters, replay
from backend.partners.queries import issue_key, make_partner
from backend.recycling.queries import add_bags
from backend.review.export import Exported, NotAnExport, Period, export_decided
from backend.settings import Settings

Result = TypeVar("Result")


def migrate_database(settings: Settings) -> int:
    """Bring the schema to the newest revision, as its owner."""
    url = settings.migrate_url
    if not url and settings.database_url:
        raise SystemExit("TANHUI_MIGRATE_URL is needed: the address of the owner role.")
    asyncio.run(migrate(url or start_embedded(settings).url(DATABASE)))
    print("The schema is current.")
    return 0


def list_dead_letters(settings: Settings, *, after: int, limit: int) -> int:
    """Print rows of work that were given up, one JSON object a line."""
    rows = _in_transaction(settings, lambda conn: dead_letters(conn, after=after, limit=limit))
    for row in rows:
        print(json.dumps(dict(row._mapping), default=str, ensure_ascii=False))  # noqa: SLF001
    if len(rows) == limit:
        print(json.dumps({"next": f"tanhui outbox --after {rows[-1].id}"}))
    return 0


def replay_dead_letters(settings: Settings, ids: Sequence[str]) -> int:
    """Put dead rows back to work; `all` means every one."""

    async def put_back(conn: AsyncConnection) -> int:
        if ids == ["all"]:
            count, after = 0, 0
            while rows := await dead_letters(conn, after=after, limit=1_000):
                after = rows[-1].id
                count += await replay(conn, [row.id for row in rows])
            return count
        return await replay(conn, [int(text) for text in ids])

    print(json.dumps({"replayed": _in_transaction(settings, put_back)}))
    return 0


def show_funds(settings: Settings, *, top_up_points: int | None) -> int:
    """Print each fund; first add points to the programme's fund if asked to."""
    if top_up_points is not None and top_up_points <= 0:
        raise SystemExit("A top-up is a number of points above zero.")

    async def show(conn: AsyncConnection) -> None:
        if top_up_points:
            await top_up(conn, PROGRAMME_FUND, top_up_points)
        for row in await funds(conn):
            print(json.dumps(dict(row._mapping), default=str, ensure_ascii=False))  # noqa: SLF001

    _in_transaction(settings, show)
    return 0


def make_partner_key(settings: Settings, *, name: str, kind: str, scopes: Sequence[str]) -> int:
    """Make a partner with one key and print the key, once."""

    async def make(conn: AsyncConnection) -> str:
        partner_id = uuid7()
        source = f"urn:tanhui:partner:{partner_id}"
        await make_partner(conn, partner_id, name_zh=name, name_en=name, source=source)
        return await issue_key(conn, partner_id, kind=kind, scopes=scopes)

    print(_in_transaction(settings, make))
    return 0


def register_bags(settings: Settings, file: Path) -> int:
    """Register the codes of a file, one per line."""
    codes = [line.strip() for line in file.read_text().splitlines() if line.strip()]
    _in_transaction(settings, lambda conn: add_bags(conn, codes))
    print(json.dumps({"codes": len(codes)}))
    return 0


def export_reviewed(
    settings: Settings, folder: Path, *, since: date | None, until: date | None
) -> int:
    """Write decided photos with their labels into a folder, and print how many."""

    async def export() -> Exported:
        engine = make_engine(await database_url(settings))
        store = EvidenceStore(settings.evidence_url or settings.data_dir / "evidence")
        try:
            return await export_decided(engine, store, folder, Period(since, until))
        finally:
            await engine.dispose()

    try:
        print(json.dumps(asdict(asyncio.run(export()))))
    except NotAnExport:
        raise SystemExit(
            f"{folder / 'manifest.csv'} has other columns: choose a folder of its own."
        ) from None
    return 0


def _in_transaction(
    settings: Settings, work: Callable[[AsyncConnection], Awaitable[Result]]
) -> Result:
    async def run() -> Result:
        engine = make_engine(await database_url(settings))
        try:
            async with engine.begin() as conn:
                return await work(conn)
        finally:
            await engine.dispose()

    return asyncio.run(run())

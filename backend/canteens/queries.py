"""The statements of canteens and trays; each takes part in the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.canteens.domain import Tray, TrayClaim
from backend.db import copy_rows, fetch, fetch_one, run
from backend.ids import LAST_ID

_COLUMNS = ", ".join(Tray._fields)

TrayKey = tuple[UUID, int]


class Canteen(NamedTuple):
    """A canteen, and the partner that runs it."""

    id: UUID
    partner_id: UUID
    name_zh: str
    name_en: str
    region: str
    created_at: datetime


async def insert_canteen(conn: AsyncConnection, canteen: Canteen) -> None:
    """Write a canteen."""
    await run(
        conn,
        "INSERT INTO canteen (id, partner_id, name_zh, name_en, region, created_at)"
        " VALUES (:id, :partner_id, :name_zh, :name_en, :region, :created_at)",
        **canteen._asdict(),
    )


async def find_canteen(conn: AsyncConnection, canteen_id: UUID) -> Canteen | None:
    """One canteen, or None."""
    row = await fetch_one(
        conn,
        "SELECT id, partner_id, name_zh, name_en, region, created_at FROM canteen WHERE id = :id",
        id=canteen_id,
    )
    return Canteen._make(row) if row else None


async def list_canteens(
    conn: AsyncConnection, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Canteens, newest first."""
    return await fetch(
        conn,
        "SELECT id, partner_id, name_zh, name_en, region, created_at FROM canteen"
        " WHERE id < :before ORDER BY id DESC LIMIT :limit",
        before=before_id or LAST_ID,
        limit=limit,
    )


async def trays_by_key(conn: AsyncConnection, keys: Iterable[TrayKey]) -> Mapping[TrayKey, Tray]:
    """Trays by device and sequence; unknown ones are missing."""
    asked = sorted(set(keys))
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM tray JOIN unnest(CAST(:devices AS uuid[]),"
        " CAST(:sequences AS bigint[])) AS asked(device_id, sequence) USING (device_id, sequence)",
        devices=[device_id for device_id, _ in asked],
        sequences=[sequence for _, sequence in asked],
    )
    return {(row.device_id, row.sequence): Tray._make(row) for row in rows}


async def trays_by_code(conn: AsyncConnection, codes: Iterable[bytes]) -> Mapping[bytes, Tray]:
    """Trays by the code that was shown beside them; unknown ones are missing."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM tray WHERE code_sha256 = ANY(CAST(:codes AS bytea[]))",
        codes=sorted(set(codes)),
    )
    return {row.code_sha256: Tray._make(row) for row in rows}


async def trays_by_id(conn: AsyncConnection, ids: Iterable[UUID]) -> Mapping[UUID, Tray]:
    """Trays by id."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM tray WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=sorted(set(ids)),
    )
    return {row.id: Tray._make(row) for row in rows}


async def insert_trays(conn: AsyncConnection, trays: Sequence[Tray]) -> None:
    """Write trays; a sequence that the device used before is a class 23 error."""
    await copy_rows(conn, "tray", Tray._fields, trays)


async def settle_trays(conn: AsyncConnection, trays: Sequence[Tray]) -> int:
    """Write what became of waiting trays; return how many still waited."""
    if not trays:
        return 0
    return await run(
        conn,
        "UPDATE tray SET status = given.status, check_in_id = given.check_in_id,"
        " subject_token = NULL FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]),"
        " CAST(:check_ins AS uuid[])) AS given(id, status, check_in_id)"
        " WHERE tray.id = given.id AND tray.status = 'waiting'",
        ids=[tray.id for tray in trays],
        statuses=[tray.status for tray in trays],
        check_ins=[tray.check_in_id for tray in trays],
    )


async def claims_by_code(
    conn: AsyncConnection, codes: Iterable[bytes]
) -> Mapping[bytes, TrayClaim]:
    """Who scanned these codes; codes that nobody scanned are missing."""
    rows = await fetch(
        conn,
        "SELECT code_sha256, account_id, claimed_at FROM tray_claim"
        " WHERE code_sha256 = ANY(CAST(:codes AS bytea[]))",
        codes=sorted(set(codes)),
    )
    return {row.code_sha256: TrayClaim._make(row) for row in rows}


async def insert_claims(conn: AsyncConnection, claims: Sequence[TrayClaim]) -> int:
    """Give trays to the members who scanned them first; return how many were still free."""
    if not claims:
        return 0
    ordered = sorted(claims)
    return await run(
        conn,
        "INSERT INTO tray_claim (code_sha256, account_id, claimed_at)"
        " SELECT * FROM unnest(CAST(:codes AS bytea[]), CAST(:accounts AS uuid[]),"
        " CAST(:times AS timestamptz[])) ON CONFLICT DO NOTHING",
        codes=[claim.code_sha256 for claim in ordered],
        accounts=[claim.account_id for claim in ordered],
        times=[claim.claimed_at for claim in ordered],
    )


async def places_of(conn: AsyncConnection, trays: Iterable[Tray]) -> Mapping[UUID, Canteen]:
    """The canteens of these trays, by id."""
    rows = await fetch(
        conn,
        "SELECT id, partner_id, name_zh, name_en, region, created_at FROM canteen"
        " WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=sorted({tray.canteen_id for tray in trays}),
    )
    return {row.id: Canteen._make(row) for row in rows}


async def last_sequence(conn: AsyncConnection, device_id: UUID) -> int | None:
    """The highest sequence that we have of a device, from which one that forgot counts on."""
    row = await fetch_one(
        conn, "SELECT max(sequence) AS last FROM tray WHERE device_id = :id", id=device_id
    )
    return row.last if row else None

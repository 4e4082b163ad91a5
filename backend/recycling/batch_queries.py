"""Batches of printed codes, and what has become of their bags."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one


class Print(NamedTuple):
    """Somebody asks for codes.

    Attributes:
        created_by: Principal, or `command line`.
    """

    codes: int
    note: str | None
    created_by: str


class BagBatch(NamedTuple):
    """Codes that were printed together; the fields are the columns of `bag_batch`."""

    id: UUID
    number: int
    codes: int
    note: str | None
    created_by: str
    created_at: datetime


class BatchCounts(NamedTuple):
    """How many bags of a batch are where in their life; the sum is its codes."""

    printed: int = 0
    waiting: int = 0
    weighed: int = 0
    sorted: int = 0
    lapsed: int = 0
    lost: int = 0


_COLUMNS = ", ".join(BagBatch._fields)


async def insert_batch(
    conn: AsyncConnection,
    batch_id: UUID,
    asked: Print,
    now: datetime,
) -> BagBatch:
    """Write a batch; the database gives its number."""
    row = await fetch_one(
        conn,
        "INSERT INTO bag_batch (id, codes, note, created_by, created_at)"
        f" VALUES (:id, :codes, :note, :by, :now) RETURNING {_COLUMNS}",
        id=batch_id,
        codes=asked.codes,
        note=asked.note,
        by=asked.created_by,
        now=now,
    )
    assert row is not None, "an INSERT without a conflict gives its row back"
    return BagBatch._make(row)


async def batches_by_id(conn: AsyncConnection, ids: Sequence[UUID]) -> Mapping[UUID, BagBatch]:
    """These batches; those that do not exist are missing."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM bag_batch WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=list(ids),
    )
    return {row.id: BagBatch._make(row) for row in rows}


async def list_batches(
    conn: AsyncConnection, *, before_number: int | None, limit: int
) -> list[BagBatch]:
    """Batches, newest first."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM bag_batch"
        " WHERE CAST(:before AS bigint) IS NULL OR number < :before"
        " ORDER BY number DESC LIMIT :limit",
        before=before_number,
        limit=limit,
    )
    return [BagBatch._make(row) for row in rows]


async def counts_of(conn: AsyncConnection, ids: Sequence[UUID]) -> Mapping[UUID, BatchCounts]:
    """What has become of the bags of these batches; read by the index on the batch."""
    rows = await fetch(
        conn,
        "SELECT batch_id, count(*) FILTER (WHERE bound_at IS NULL),"
        " count(*) FILTER (WHERE bound_at IS NOT NULL"
        " AND num_nonnulls(weighed_at, lapsed_at, lost_at) = 0),"
        " count(*) FILTER (WHERE weighed_at IS NOT NULL AND sorted_at IS NULL),"
        " count(*) FILTER (WHERE sorted_at IS NOT NULL),"
        " count(*) FILTER (WHERE lapsed_at IS NOT NULL),"
        " count(*) FILTER (WHERE lost_at IS NOT NULL)"
        " FROM bag WHERE batch_id = ANY(CAST(:ids AS uuid[])) GROUP BY batch_id",
        ids=list(ids),
    )
    return {row.batch_id: BatchCounts._make(row[1:]) for row in rows}


async def codes_of(conn: AsyncConnection, batch_id: UUID, *, after: int, limit: int) -> list[str]:
    """Codes of a batch in the order of print, which is that of their serials, after so many."""
    rows = await fetch(
        conn,
        "SELECT code FROM bag WHERE batch_id = :id ORDER BY code OFFSET :after LIMIT :limit",
        id=batch_id,
        after=after,
        limit=limit,
    )
    return [row.code for row in rows]

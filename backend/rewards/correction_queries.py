"""The statements of corrections: proposals of one operator that a second one decides."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID

PENDING, DONE, DECLINED = "pending", "done", "declined"


class Correction(NamedTuple):
    """A settlement that an operator wants to take back.

    Attributes:
        outcome: `pending`, then `done` or `declined`.
        is_by_one: From the time when one operator was enough; nobody approved it.
    """

    id: UUID
    settlement_id: UUID
    merchant_id: UUID
    points: int
    reason: str
    proposed_by: str
    proposed_at: datetime
    outcome: str = PENDING
    decided_by: str | None = None
    decided_at: datetime | None = None
    is_by_one: bool = False


_COLUMNS = ", ".join(Correction._fields)


async def insert_correction(conn: AsyncConnection, correction: Correction) -> bool:
    """Write a proposal; False when the settlement has had one in between."""
    names = Correction._fields[:8]
    written = await run(
        conn,
        f"INSERT INTO settlement_correction ({', '.join(names)})"
        f" VALUES ({', '.join(f':{name}' for name in names)}) ON CONFLICT DO NOTHING",
        **{name: getattr(correction, name) for name in names},
    )
    return written == 1


async def locked_correction(conn: AsyncConnection, correction_id: UUID) -> Correction | None:
    """A proposal that nobody else decides until this transaction ends."""
    row = await fetch_one(
        conn,
        f"SELECT {_COLUMNS} FROM settlement_correction WHERE id = :id FOR UPDATE",
        id=correction_id,
    )
    return None if row is None else Correction._make(row)


async def standing_correction(conn: AsyncConnection, settlement_id: UUID) -> Correction | None:
    """The proposal for a settlement that waits or was carried out."""
    row = await fetch_one(
        conn,
        f"SELECT {_COLUMNS} FROM settlement_correction"
        " WHERE settlement_id = :settlement AND outcome <> 'declined'",
        settlement=settlement_id,
    )
    return None if row is None else Correction._make(row)


async def decide_correction(conn: AsyncConnection, decided: Correction) -> None:
    """Write the decision on a proposal that is locked."""
    await run(
        conn,
        "UPDATE settlement_correction SET outcome = :outcome, decided_by = :by, decided_at = :at"
        " WHERE id = :id",
        id=decided.id,
        outcome=decided.outcome,
        by=decided.decided_by,
        at=decided.decided_at,
    )


async def corrections_before(
    conn: AsyncConnection,
    outcome: str,
    *,
    merchant_id: UUID | None = None,
    before_id: UUID | None,
    limit: int,
) -> Sequence[Correction]:
    """Proposals of one outcome, of one merchant or of all, newest first."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM settlement_correction WHERE outcome = :outcome AND id < :before"
        " AND (CAST(:merchant AS uuid) IS NULL OR merchant_id = :merchant)"
        " ORDER BY id DESC LIMIT :limit",
        outcome=outcome,
        merchant=merchant_id,
        before=before_id or LAST_ID,
        limit=limit,
    )
    return [Correction._make(row) for row in rows]

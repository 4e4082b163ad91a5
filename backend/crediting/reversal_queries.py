"""The statements of requests to reverse; whoever writes one holds the account of its check-in."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.crediting.reversal import ReversalOutcome, ReversalRequest
from backend.db import copy_rows, fetch, run
from backend.ids import LAST_ID

_COLUMNS = ", ".join(ReversalRequest._fields)


async def insert_requests(conn: AsyncConnection, requests: Sequence[ReversalRequest]) -> None:
    """Write requests; a second one for the same check-in is a class 23 error."""
    await copy_rows(conn, "reversal_request", ReversalRequest._fields, requests)


async def requests_by_id(
    conn: AsyncConnection, ids: Sequence[UUID]
) -> Mapping[UUID, ReversalRequest]:
    """These requests; those that do not exist are missing."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM reversal_request WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=list(ids),
    )
    return {row.id: _made(row) for row in rows}


async def standing_requests(
    conn: AsyncConnection, check_in_ids: Sequence[UUID]
) -> Mapping[UUID, ReversalRequest]:
    """The request of each of these check-ins that waits or was carried out."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM reversal_request"
        " WHERE check_in_id = ANY(CAST(:ids AS uuid[])) AND outcome <> 'declined'",
        ids=list(check_in_ids),
    )
    return {row.check_in_id: _made(row) for row in rows}


async def decide_requests(conn: AsyncConnection, decided: Sequence[ReversalRequest]) -> int:
    """Write decisions on requests that still wait; return how many did."""
    if not decided:
        return 0
    return await run(
        conn,
        "UPDATE reversal_request SET outcome = given.outcome, decided_by = given.decided_by,"
        " decided_at = given.decided_at FROM unnest(CAST(:ids AS uuid[]),"
        " CAST(:outcomes AS text[]), CAST(:persons AS text[]), CAST(:times AS timestamptz[]))"
        " AS given(id, outcome, decided_by, decided_at)"
        " WHERE reversal_request.id = given.id AND reversal_request.outcome = 'pending'",
        ids=[each.id for each in decided],
        outcomes=[each.outcome for each in decided],
        persons=[each.decided_by for each in decided],
        times=[each.decided_at for each in decided],
    )


async def list_requests(
    conn: AsyncConnection, outcome: ReversalOutcome, *, before_id: UUID | None, limit: int
) -> list[ReversalRequest]:
    """Requests of one outcome, newest first, beginning after `before_id`."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM reversal_request WHERE outcome = :outcome AND id < :before"
        " ORDER BY id DESC LIMIT :limit",
        outcome=outcome,
        before=before_id or LAST_ID,
        limit=limit,
    )
    return [_made(row) for row in rows]


def _made(row: Row[tuple[object, ...]]) -> ReversalRequest:
    request = ReversalRequest._make(row)
    return request._replace(outcome=ReversalOutcome(request.outcome))

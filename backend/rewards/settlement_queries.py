"""Settlements and their undoing; rows that are written once and never changed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID
from backend.ledger.domain import Portion


class Settlement(NamedTuple):
    """The merchant honoured a voucher; its id is the cause of the transfers."""

    id: UUID
    voucher_id: UUID
    merchant_id: UUID
    reward_id: UUID
    points: int
    store_id: UUID | None
    till_id: UUID | None
    settled_by: str
    ticket: str | None
    settled_at: datetime


class Undo(NamedTuple):
    """What takes a settlement back; its id is the cause of the refunding transfers."""

    settlement_id: UUID
    id: UUID
    merchant_id: UUID
    points: int
    reason: str
    undone_by: str
    undone_at: datetime
    approved_by: str | None = None


async def insert_settlements(conn: AsyncConnection, settlements: Sequence[Settlement]) -> bool:
    """Write settlements; False when a voucher or a ticket was settled in between."""
    if not settlements:
        return True
    columns = list(zip(*settlements, strict=True))
    names = Settlement._fields
    kinds = ("uuid", "uuid", "uuid", "uuid", "bigint", "uuid", "uuid", "text", "text")
    given = ", ".join(
        f"CAST(:{name} AS {kind}[])" for name, kind in zip(names[:-1], kinds, strict=True)
    )
    written = await run(
        conn,
        f"INSERT INTO settlement ({', '.join(names)}) SELECT *, :settled_at FROM unnest({given})"
        " ORDER BY 1 ON CONFLICT DO NOTHING",
        **dict(zip(names[:-1], columns[:-1], strict=True)),
        settled_at=settlements[0].settled_at,
    )
    return written == len(settlements)


async def insert_undos(conn: AsyncConnection, undos: Sequence[Undo]) -> None:
    """Write undos of settlements whose accounts are locked."""
    if not undos:
        return
    columns = list(zip(*undos, strict=True))
    await run(
        conn,
        "INSERT INTO settlement_undo (settlement_id, id, merchant_id, points, reason, undone_by,"
        " approved_by, undone_at) SELECT *, :undone_at FROM unnest(CAST(:settlements AS uuid[]),"
        " CAST(:ids AS uuid[]), CAST(:merchants AS uuid[]), CAST(:points AS bigint[]),"
        " CAST(:reasons AS text[]), CAST(:people AS text[]), CAST(:approvers AS text[]))",
        settlements=columns[0],
        ids=columns[1],
        merchants=columns[2],
        points=columns[3],
        reasons=columns[4],
        people=columns[5],
        approvers=columns[7],
        undone_at=undos[0].undone_at,
    )


async def settlements_by_ticket(
    conn: AsyncConnection, tickets: Iterable[tuple[UUID, str]]
) -> Mapping[tuple[UUID, str], tuple[UUID, UUID]]:
    """(settlement, voucher) of each (store, ticket) that has settled one."""
    asked = sorted(set(tickets))
    if not asked:
        return {}
    rows = await fetch(
        conn,
        "SELECT id, voucher_id, store_id, ticket FROM settlement JOIN unnest("
        "CAST(:stores AS uuid[]), CAST(:tickets AS text[])) AS asked(store_id, ticket)"
        " USING (store_id, ticket)",
        stores=[store_id for store_id, _ in asked],
        tickets=[ticket for _, ticket in asked],
    )
    return {(row.store_id, row.ticket): (row.id, row.voucher_id) for row in rows}


async def settlements_by_id(
    conn: AsyncConnection, ids: Iterable[UUID]
) -> Mapping[UUID, Settlement]:
    """Settlements by id; unknown ones are missing."""
    names = ", ".join(Settlement._fields)
    rows = await fetch(
        conn,
        f"SELECT {names} FROM settlement WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=sorted(set(ids)),
    )
    return {row.id: Settlement._make(row) for row in rows}


async def undone_settlements(conn: AsyncConnection, ids: Iterable[UUID]) -> set[UUID]:
    """Which of these settlements were taken back."""
    rows = await fetch(
        conn,
        "SELECT settlement_id FROM settlement_undo WHERE settlement_id = ANY(CAST(:ids AS uuid[]))",
        ids=sorted(set(ids)),
    )
    return {row.settlement_id for row in rows}


async def settled_portions(
    conn: AsyncConnection, causes: Iterable[tuple[UUID, UUID]]
) -> Mapping[UUID, list[Portion]]:
    """What each (account, settlement) took, by lot: what a refund gives back to the same lots."""
    asked = sorted(set(causes))
    rows = await fetch(
        conn,
        "SELECT cause_id, lot_id, amount FROM transfer JOIN unnest(CAST(:accounts AS uuid[]),"
        " CAST(:causes AS uuid[])) AS asked(account_id, cause_id) USING (account_id, cause_id)"
        " WHERE purpose = 'settle' ORDER BY cause_id, lot_id",
        accounts=[account_id for account_id, _ in asked],
        causes=[cause_id for _, cause_id in asked],
    )
    found: dict[UUID, list[Portion]] = {}
    for row in rows:
        found.setdefault(row.cause_id, []).append(Portion(row.lot_id, row.amount))
    return found


# What a cashier is shown: never who the member is.
_SHOWN = (
    "SELECT settlement.*, reward.name_zh AS reward_zh, reward.name_en AS reward_en,"
    " undone_at, reason FROM settlement JOIN reward ON reward.id = reward_id"
    " LEFT JOIN settlement_undo ON settlement_id = settlement.id"
)


async def shown_settlement(conn: AsyncConnection, settlement_id: UUID) -> Row[Any] | None:
    """One settlement with the name of its reward, and its undo."""
    return await fetch_one(conn, f"{_SHOWN} WHERE settlement.id = :id", id=settlement_id)


async def shown_by_ticket(conn: AsyncConnection, store_id: UUID, ticket: str) -> Row[Any] | None:
    """The settlement of a store's ticket."""
    return await fetch_one(
        conn,
        f"{_SHOWN} WHERE store_id = :store AND ticket = :ticket",
        store=store_id,
        ticket=ticket,
    )


async def shown_settlements(
    conn: AsyncConnection,
    merchant_id: UUID,
    *,
    settled_by: str | None,
    before_id: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Settlements of a merchant, or of one of its people, newest first."""
    whose = "" if settled_by is None else " AND settled_by = :settled_by"
    return await fetch(
        conn,
        f"{_SHOWN} WHERE settlement.merchant_id = :merchant{whose} AND settlement.id < :before"
        " ORDER BY settlement.id DESC LIMIT :limit",
        merchant=merchant_id,
        before=before_id or LAST_ID,
        limit=limit,
        **({} if settled_by is None else {"settled_by": settled_by}),
    )

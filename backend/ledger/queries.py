"""The ledger's statements; each takes part in the caller's transaction.

Locks are taken in one order everywhere: account rows by id, then their lots (which only the holder
of the account lock writes), then shared rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import clock, fetch, fetch_one, run
from backend.ids import LAST_ID
from backend.ledger.domain import GRAMS_LOT, LotBalance, Transfer


class Locked(NamedTuple):
    """Accounts locked until the transaction ends.

    Attributes:
        now: The database's clock, the only one that decides.
        points_debt: Points owed by each locked account.
    """

    now: datetime
    points_debt: Mapping[UUID, int]


async def lock_accounts(
    conn: AsyncConnection, account_ids: Iterable[UUID], *, clock_shift_s: int = 0
) -> Locked:
    """Lock account rows in id order; each is the lock over all that is its member's.

    Accounts that do not exist are missing from `points_debt`: an absent row cannot be locked.
    """
    rows = await fetch(
        conn,
        "SELECT id, points_debt FROM account"
        " WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE",
        ids=sorted(set(account_ids)),
    )
    # Asked after the locks are held: who waited for them decides with the time of now.
    now = await clock(conn, clock_shift_s)
    return Locked(now, {row.id: row.points_debt for row in rows})


# One statement, so that a replayed transfer (which RETURNING does not give back) moves nothing. A
# negative net has its own branch: PostgreSQL checks constraints on the proposed row before it looks
# for a conflict, so an upsert of a negative amount would always be refused.
_POST = """
WITH given AS MATERIALIZED (
  SELECT * FROM unnest(
    CAST(:account_ids AS uuid[]), CAST(:cause_ids AS uuid[]), CAST(:purposes AS text[]),
    CAST(:lot_ids AS bigint[]), CAST(:debits AS uuid[]), CAST(:credits AS uuid[]),
    CAST(:amounts AS bigint[]), CAST(:days AS date[])
  ) AS given(account_id, cause_id, purpose, lot_id, debit, credit, amount, occurred_on)
), posted AS (
  INSERT INTO transfer (account_id, cause_id, purpose, lot_id, debit, credit, amount, occurred_on,
  booked_at) SELECT given.*, :booked_at FROM given
  ON CONFLICT DO NOTHING
  RETURNING account_id, lot_id, purpose, debit, credit, amount
), own AS (
  SELECT account_id, lot_id, sum(CASE WHEN credit = account_id THEN amount ELSE -amount END) AS net
  FROM posted GROUP BY account_id, lot_id
), raised AS (
  INSERT INTO account_lot AS kept (account_id, lot_id, posted)
  SELECT account_id, lot_id, net FROM own WHERE net > 0 ORDER BY account_id, lot_id
  ON CONFLICT (account_id, lot_id) DO UPDATE SET posted = kept.posted + excluded.posted
), lowered AS (
  UPDATE account_lot AS kept SET posted = kept.posted + own.net
  FROM own WHERE own.net < 0 AND kept.account_id = own.account_id AND kept.lot_id = own.lot_id
), shared AS (
  INSERT INTO account_delta (account_id, lot_id, amount)
  SELECT other, lot_id, sum(moved) FROM (
    SELECT CASE WHEN debit = account_id THEN credit ELSE debit END AS other, lot_id,
           CASE WHEN (debit = account_id) = (lot_id <> 0) THEN amount ELSE -amount END AS moved
    FROM posted WHERE lot_id = 0 OR purpose IN ('settle', 'refund')
  ) AS moves GROUP BY other, lot_id HAVING sum(moved) <> 0
)
SELECT count(*) AS posted FROM posted
"""


async def post(conn: AsyncConnection, transfers: Sequence[Transfer], booked_at: datetime) -> int:
    """Book transfers and move the balances they explain; return how many were new.

    The keeping account must be locked. The other side is a shared account: issuance and merchants
    get one delta per batch, funds have their slices. A transfer that is there already moves
    nothing.
    """
    if not transfers:
        return 0
    columns = list(zip(*transfers, strict=True))
    row = await fetch_one(
        conn,
        _POST,
        account_ids=columns[0],
        cause_ids=columns[1],
        purposes=columns[2],
        lot_ids=columns[3],
        debits=columns[4],
        credits=columns[5],
        amounts=columns[6],
        days=columns[7],
        booked_at=booked_at,
    )
    return int(row.posted) if row else 0


async def ensure_lots(
    conn: AsyncConnection, wanted: Iterable[tuple[UUID, date]]
) -> Mapping[tuple[UUID, date], int]:
    """Ids of the lots of (fund, expiry), made where they are missing."""
    pairs = sorted(set(wanted))
    parameters: dict[str, Any] = {
        "funds": [fund for fund, _ in pairs],
        "days": [day for _, day in pairs],
    }
    given = "unnest(CAST(:funds AS uuid[]), CAST(:days AS date[])) AS given(fund_id, expires_on)"
    find = f"SELECT id, fund_id, expires_on FROM lot JOIN {given} USING (fund_id, expires_on)"
    rows = await fetch(conn, find, **parameters)
    if len(rows) < len(pairs):
        await run(
            conn,
            f"INSERT INTO lot (fund_id, expires_on) SELECT * FROM {given} ON CONFLICT DO NOTHING",
            **parameters,
        )
        rows = await fetch(conn, find, **parameters)
    return {(row.fund_id, row.expires_on): row.id for row in rows}


async def lot_funds(conn: AsyncConnection, lot_ids: Iterable[int]) -> Mapping[int, UUID]:
    """The fund that pays each of these lots; it never changes."""
    rows = await fetch(
        conn,
        "SELECT id, fund_id FROM lot WHERE id = ANY(CAST(:ids AS bigint[]))",
        ids=list(lot_ids),
    )
    return {row.id: row.fund_id for row in rows}


async def lots_over(conn: AsyncConnection, lot_ids: Iterable[int], today: date) -> set[int]:
    """Which of these lots have had their last day."""
    rows = await fetch(
        conn,
        "SELECT id FROM lot WHERE id = ANY(CAST(:ids AS bigint[])) AND expires_on < :today",
        ids=list(lot_ids),
        today=today,
    )
    return {row.id for row in rows}


async def set_points_debt(conn: AsyncConnection, debts: Mapping[UUID, int]) -> None:
    """Write what locked accounts owe."""
    await run(
        conn,
        "UPDATE account SET points_debt = given.debt"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:debts AS bigint[])) AS given(id, debt)"
        " WHERE account.id = given.id",
        ids=list(debts),
        debts=list(debts.values()),
    )


async def point_lots(
    conn: AsyncConnection, account_ids: Sequence[UUID]
) -> Mapping[UUID, list[LotBalance]]:
    """Lots of points of each account that still hold something, earliest expiry first."""
    rows = await fetch(
        conn,
        "SELECT account_id, lot_id, expires_on, posted, held FROM account_lot"
        " JOIN lot ON lot.id = lot_id WHERE account_id = ANY(CAST(:ids AS uuid[])) AND posted > 0"
        " ORDER BY expires_on, lot_id",
        ids=list(account_ids),
    )
    lots: dict[UUID, list[LotBalance]] = {account_id: [] for account_id in account_ids}
    for row in rows:
        lots[row.account_id].append(LotBalance(row.lot_id, row.expires_on, row.posted, row.held))
    return lots


async def grams_balance(conn: AsyncConnection, account_id: UUID) -> int:
    """Whole grams credited to the account, net of reversals; 0 for a new account."""
    row = await fetch_one(
        conn,
        "SELECT posted FROM account_lot WHERE account_id = :id AND lot_id = :lot",
        id=account_id,
        lot=GRAMS_LOT,
    )
    return int(row.posted) if row else 0


async def points_debts(conn: AsyncConnection, account_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Points that accounts owe; those that owe nothing are left out."""
    rows = await fetch(
        conn,
        "SELECT id, points_debt FROM account WHERE id = ANY(CAST(:ids AS uuid[]))"
        " AND points_debt > 0",
        ids=sorted(account_ids),
    )
    return {row.id: row.points_debt for row in rows}


async def points_debt(conn: AsyncConnection, account_id: UUID) -> int:
    """Points that the account owes."""
    return (await points_debts(conn, [account_id])).get(account_id, 0)


async def balances_at(conn: AsyncConnection, account_id: UUID, at: datetime) -> tuple[int, int]:
    """Grams and points (held ones included) as the transfers booked up to `at` explain them."""
    row = await fetch_one(
        conn,
        "SELECT coalesce(sum(net) FILTER (WHERE lot_id = 0), 0) AS grams,"
        " coalesce(sum(net) FILTER (WHERE lot_id <> 0), 0) AS points FROM ("
        "SELECT lot_id, CASE WHEN credit = account_id THEN amount ELSE -amount END AS net"
        " FROM transfer WHERE account_id = :id AND booked_at <= :at) AS moves",
        id=account_id,
        at=at,
    )
    return (int(row.grams), int(row.points)) if row else (0, 0)


async def transfers_of(
    conn: AsyncConnection,
    account_id: UUID,
    *,
    before: tuple[UUID, str, int] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Transfers of an account, newest cause first; `before` is the key of the last one seen."""
    cause_id, purpose, lot_id = before or (LAST_ID, "", 0)
    return await fetch(
        conn,
        "SELECT cause_id, purpose, lot_id, credit = account_id AS is_received, amount, occurred_on,"
        " booked_at FROM transfer WHERE account_id = :id"
        " AND (cause_id, purpose, lot_id) < (:cause_id, :purpose, :lot_id)"
        " ORDER BY cause_id DESC, purpose DESC, lot_id DESC LIMIT :limit",
        id=account_id,
        cause_id=cause_id,
        purpose=purpose,
        lot_id=lot_id,
        limit=limit,
    )


async def open_account(conn: AsyncConnection, account_id: UUID, kind: str) -> None:
    """Make the account row; a second call changes nothing."""
    await run(
        conn,
        "INSERT INTO account (id, kind) VALUES (:id, :kind) ON CONFLICT DO NOTHING",
        id=account_id,
        kind=kind,
    )


async def fold_deltas(conn: AsyncConnection, *, limit: int) -> int:
    """Add pending deltas of shared accounts to their balances; return how many were folded.

    Deletes and adds in one transaction: a watermark would lose deltas that commit late. The
    accounts are locked by a statement of its own: a statement sees the balances that were there
    when it began, so a roller that waits for another must begin to add after the wait, or it takes
    from a balance that it cannot see and the delta is gone.
    """
    accounts = await fetch(
        conn,
        "SELECT id FROM account WHERE id IN"
        " (SELECT account_id FROM account_delta ORDER BY id LIMIT :limit)"
        " ORDER BY id FOR NO KEY UPDATE",
        limit=limit,
    )
    if not accounts:
        return 0
    return await run(
        conn,
        "WITH gone AS (DELETE FROM account_delta WHERE id IN (SELECT id FROM account_delta"
        " WHERE account_id = ANY(CAST(:ids AS uuid[])) ORDER BY id LIMIT :limit)"
        " RETURNING account_id, lot_id, amount),"
        " net AS (SELECT account_id, lot_id, sum(amount) AS amount FROM gone GROUP BY 1, 2),"
        " raised AS (INSERT INTO account_lot AS kept (account_id, lot_id, posted)"
        " SELECT account_id, lot_id, amount FROM net WHERE amount > 0 ORDER BY 1, 2"
        " ON CONFLICT (account_id, lot_id) DO UPDATE SET posted = kept.posted + excluded.posted),"
        " lowered AS (UPDATE account_lot AS kept SET posted = kept.posted + net.amount FROM net"
        " WHERE net.amount < 0 AND kept.account_id = net.account_id AND kept.lot_id = net.lot_id)"
        " SELECT 1 FROM gone",
        ids=[row.id for row in accounts],
        limit=limit,
    )

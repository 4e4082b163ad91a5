"""The statements of crediting; the caller holds the account locks."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.crediting.domain import Booked, Cause, Correction, Credit, PeriodKey
from backend.db import copy_rows, fetch, fetch_one, run

_encode = msgspec.json.Encoder().encode


class Claim(NamedTuple):
    """A real thing that a check-in uses up."""

    key: bytes
    check_in_id: UUID


async def claimed(conn: AsyncConnection, keys: Sequence[bytes]) -> Mapping[bytes, UUID]:
    """Which of these keys are taken, and by which check-in."""
    rows = await fetch(
        conn,
        "SELECT key, check_in_id FROM claim WHERE key = ANY(CAST(:keys AS bytea[]))",
        keys=list(keys),
    )
    return {row.key: row.check_in_id for row in rows}


async def take_claims(conn: AsyncConnection, claims: Iterable[Claim], now: datetime) -> set[bytes]:
    """Take claims, in key order so that no two batches deadlock; return the keys that are ours."""
    ordered = sorted(claims)
    if not ordered:
        return set()
    rows = await fetch(
        conn,
        "INSERT INTO claim (key, check_in_id, claimed_at) SELECT key, check_in_id, :now"
        " FROM unnest(CAST(:keys AS bytea[]), CAST(:ids AS uuid[])) AS given(key, check_in_id)"
        " ON CONFLICT DO NOTHING RETURNING key",
        keys=[claim.key for claim in ordered],
        ids=[claim.check_in_id for claim in ordered],
        now=now,
    )
    return {row[0] for row in rows}


async def insert_claims(conn: AsyncConnection, claims: Sequence[Claim], now: datetime) -> None:
    """Take claims that were seen free.

    Raises:
        BatchRaced: Another transaction took one in between; nothing of this batch stands.
    """
    if len(await take_claims(conn, claims, now)) != len(claims):
        raise BatchRaced


_CREDIT_COLUMNS = ", ".join(Credit._fields)
_JSON_FIELDS = ("quantities", "allowed")

_LIVE = "NOT EXISTS (SELECT FROM reversal WHERE reversal.credit_id = credit.id)"

_LIVE_OF_PERIODS = (
    f"SELECT {_CREDIT_COLUMNS}, lot_id FROM unnest(CAST(:accounts AS uuid[]), CAST(:periods AS"
    f" text[]))"
    " AS asked(of_account, of_period) CROSS JOIN LATERAL (SELECT * FROM credit"
    f" WHERE account_id = of_account AND period = of_period AND {_LIVE} OFFSET 0) AS credit"
)


async def live_credits(
    conn: AsyncConnection, periods: Iterable[PeriodKey]
) -> Mapping[PeriodKey, list[Booked]]:
    """Credits of these account periods that no reversal has taken back.

    The lateral form keeps one index probe per period, whatever the statistics of a young table say.
    """
    keys = list(periods)
    rows = await fetch(
        conn,
        _LIVE_OF_PERIODS,
        accounts=[account_id for account_id, _ in keys],
        periods=[period for _, period in keys],
    )
    found: dict[PeriodKey, list[Booked]] = defaultdict(list)
    for row in rows:
        booked = Booked(Credit._make(row[:-1]), row[-1])
        found[booked.credit.account_id, booked.credit.period].append(booked)
    return found


async def insert_credits(
    conn: AsyncConnection, credits: Sequence[tuple[Credit, int]], now: datetime
) -> None:
    """Write bookings with the lot of their points; a booking that is there is a class 23 error.

    By COPY: at twenty-four columns the driver spends twice as long on encoding arrays.
    """
    quantities, allowed = (Credit._fields.index(name) for name in _JSON_FIELDS)
    rows = []
    for credit, lot_id in credits:
        row = [*credit, lot_id, now]
        row[quantities] = _encode(credit.quantities).decode()
        row[allowed] = _encode(credit.allowed).decode()
        rows.append(row)
    await copy_rows(conn, "credit", (*Credit._fields, "lot_id", "booked_at"), rows)


async def insert_reversals(
    conn: AsyncConnection, corrections: Sequence[Correction], now: datetime
) -> None:
    """Mark credits as reversed; each can be reversed once."""
    if not corrections:
        return
    await run(
        conn,
        "INSERT INTO reversal (credit_id, id, reason, reversed_at, restatement_id)"
        " SELECT credit_id, id, reason, :now, cause_id FROM unnest(CAST(:credits AS uuid[]),"
        " CAST(:ids AS uuid[]), CAST(:reasons AS text[]), CAST(:causes AS uuid[]))"
        " AS given(credit_id, id, reason, cause_id)",
        credits=[correction.old.credit.id for correction in corrections],
        ids=[correction.reversal_id for correction in corrections],
        reasons=[correction.reason for correction in corrections],
        causes=[correction.cause.id for correction in corrections],
        now=now,
    )


async def insert_restatements(
    conn: AsyncConnection, causes: Sequence[Cause], now: datetime
) -> None:
    """Write down why periods were calculated again."""
    rows = [(*cause, now) for cause in causes]
    await copy_rows(conn, "restatement", (*Cause._fields, "restated_at"), rows)


async def live_credit_of(conn: AsyncConnection, check_in_id: UUID) -> Booked | None:
    """The booking of a check-in that counts, or None."""
    row = await fetch_one(
        conn,
        f"SELECT {_CREDIT_COLUMNS}, lot_id FROM credit WHERE check_in_id = :id AND {_LIVE}"
        " ORDER BY booking DESC LIMIT 1",
        id=check_in_id,
    )
    return Booked(Credit._make(row[:-1]), row.lot_id) if row else None


async def live_credits_of(
    conn: AsyncConnection, check_in_ids: Sequence[UUID]
) -> Mapping[UUID, Credit]:
    """The bookings that count, by check-in."""
    rows = await fetch(
        conn,
        f"SELECT {_CREDIT_COLUMNS} FROM credit WHERE check_in_id = ANY(CAST(:ids AS uuid[])) AND"
        f" {_LIVE}",
        ids=list(check_in_ids),
    )
    return {row.check_in_id: Credit._make(row) for row in rows}


async def causes_of(conn: AsyncConnection, cause_ids: Sequence[UUID]) -> Mapping[UUID, Row[Any]]:
    """Check-in, action and rule behind bookings and reversals: id, check_in_id, action, rule.

    The rule of grams is the methodology; of points, the points rule.
    """
    rows = await fetch(
        conn,
        "SELECT id, check_in_id, action, methodology_id || ' / ' || points_rule AS rule FROM credit"
        " WHERE id = ANY(CAST(:ids AS uuid[]))"
        " UNION ALL SELECT reversal.id, check_in_id, action, reversal.reason FROM reversal"
        " JOIN credit ON credit.id = credit_id WHERE reversal.id = ANY(CAST(:ids AS uuid[]))",
        ids=list(set(cause_ids)),
    )
    return {row.id: row for row in rows}

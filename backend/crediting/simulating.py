"""Running a simulation over the credits that count, portion by portion, in one read-only snapshot.

Memory does not grow with the population, and no statement runs long: accounts are walked by their
key, and each portion brings only accounts in which the methodology has a part.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.crediting.domain import Credit
from backend.crediting.simulation import Effect, Rehearsal, fold
from backend.db import fetch, fetch_one
from scoring.methodology import Catalogue, MethodologyVersion

ACCOUNTS_PER_PORTION = 500  # some thousand bookings, a few MB, about a tenth of a second of a core

Progress = Callable[[int, int], Awaitable[None]]


class Question(NamedTuple):
    """What is asked: the effect of a version on the activities of [since, until]."""

    candidate: MethodologyVersion
    since: date
    until: date


async def simulate(
    conn: AsyncConnection, question: Question, catalogue: Catalogue, progress: Progress
) -> Effect:
    """Compare booked grams with those of the new rule; `progress` is told accounts done and all.

    About 25 µs a booking on one core, measured on 60,000, as much as computing it again. The
    arithmetic runs in a thread, so that a process that serves goes on serving.

    Raises:
        CatalogueBroken: The version cannot stand in this catalogue.
    """
    rehearsal = Rehearsal(catalogue, question.candidate)
    effect, done, after = Effect(), 0, UUID(int=0)
    total = await _count_accounts(conn)
    while accounts := await _next_accounts(conn, after):
        credits = await _credits_of(conn, accounts, question)
        await asyncio.to_thread(
            fold, effect, credits, rehearsal, since=question.since, until=question.until
        )
        done, after = done + len(accounts), accounts[-1]
        await progress(done, max(total, done))
    return effect


async def _count_accounts(conn: AsyncConnection) -> int:
    row = await fetch_one(conn, "SELECT count(*) AS members FROM account WHERE kind = 'member'")
    return int(row.members) if row else 0


async def _next_accounts(conn: AsyncConnection, after: UUID) -> Sequence[UUID]:
    rows = await fetch(
        conn,
        "SELECT id FROM account WHERE kind = 'member' AND id > :after ORDER BY id LIMIT :limit",
        after=after,
        limit=ACCOUNTS_PER_PORTION,
    )
    return [row.id for row in rows]


async def _credits_of(
    conn: AsyncConnection, accounts: Sequence[UUID], question: Question
) -> list[Credit]:
    """Live credits of accounts with a part in it: of the days, and of whole years for its own."""
    rows = await fetch(
        conn,
        "WITH mine AS MATERIALIZED (SELECT * FROM credit"
        " WHERE account_id = ANY(CAST(:accounts AS uuid[]))"
        " AND occurred_on BETWEEN :first AND :last"
        " AND NOT EXISTS (SELECT FROM reversal WHERE reversal.credit_id = credit.id))"
        f" SELECT {', '.join(Credit._fields)} FROM mine"
        " WHERE account_id IN (SELECT account_id FROM mine WHERE methodology_id = :methodology)"
        " AND (methodology_id = :methodology OR occurred_on BETWEEN :since AND :until)",
        accounts=list(accounts),
        methodology=question.candidate.methodology_id,
        since=question.since,
        until=question.until,
        # A yearly cap counts what came before the period in its year, and after.
        first=question.since.replace(month=1, day=1),
        last=question.until.replace(month=12, day=31),
    )
    return [Credit._make(row) for row in rows]


def described(question: Question, effect: Effect, *, with_accounts: bool) -> dict[str, Any]:
    """The result with what was asked, as plain values."""
    candidate = question.candidate
    return {
        "methodology_id": candidate.methodology_id,
        "version": candidate.version,
        "version_hash": candidate.hash,
        "from": question.since.isoformat(),
        "to": question.until.isoformat(),
        **effect.as_result(with_accounts=with_accounts),
    }

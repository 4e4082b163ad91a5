"""Every booking that counts, computed again from the inputs that it stored.

The one check that SQL cannot make: the pure function that booked an account's period is run over
the same activities and must give the same result to the last digit, caps and exclusions included.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.crediting.domain import Credit, activity_of
from backend.verify.check import Finding
from scoring.methodology import ENGINES, CannotCalculate, Catalogue, Reduction, reduce_period

NAME = "recomputed"
ZH = "按所存输入重算,每笔有效入账的结果逐位一致"
EN = (
    "Recomputed from its stored inputs, every booking that counts gives the same, to the last digit"
)

ROWS_PER_PAGE = 2_000  # some 2 MB in memory, whatever the size of the table

# Erasure takes the exact times and the natural key; what it leaves in the key says that it was
# here. The order within the day is gone with them, so such a period cannot be computed again.
ERASED = "erased:"

# Periods are days such as 2026-11-21 or years such as 2026: as text they sort as time does.
_IN_PERIODS = (
    f"SELECT {', '.join(Credit._fields)} FROM credit"
    " WHERE NOT EXISTS (SELECT FROM reversal WHERE reversal.credit_id = credit.id)"
    " AND (CAST(:since AS text) IS NULL OR period >= left(:since, length(period)))"
    " AND (CAST(:until AS text) IS NULL OR period <= left(:until, length(period)))"
    " ORDER BY account_id, period"
)

Breach = Mapping[str, Any]
Progress = Callable[[int], None]


class Days(NamedTuple):
    """First and last Shanghai day of the periods to recompute; None is open."""

    since: date | None = None
    until: date | None = None


@dataclass(slots=True)
class Recomputation:
    """What was compared so far.

    Attributes:
        matched: Bookings that give the same to the last digit.
        different: Bookings that give something else, or nothing.
        erased: Bookings whose exact times were erased; they cannot be computed again.
        examples: The first few differences.
    """

    matched: int = 0
    different: int = 0
    erased: int = 0
    examples: list[Breach] = field(default_factory=list)

    @property
    def bookings(self) -> int:
        """All that was looked at."""
        return self.matched + self.different + self.erased


async def recompute(conn: AsyncConnection, catalogue: Catalogue, *, examples_max: int) -> Finding:
    """The finding of `tanhui verify` over all periods."""
    found = await recompute_days(conn, catalogue, Days(), examples_max=examples_max)
    return Finding(NAME, ZH, EN, found.different, found.examples)


async def recompute_days(
    conn: AsyncConnection,
    catalogue: Catalogue,
    days: Days,
    *,
    examples_max: int,
    progress: Progress | None = None,
) -> Recomputation:
    """Compare stored and recomputed results, period by period, with a server-side cursor.

    About 30 µs a booking on one core, measured on 300,000; memory does not grow with the table.
    `progress` is told the bookings done, after each period.
    """
    found = Recomputation()
    async for credits in _periods(conn, days):
        if any(credit.natural_key.startswith(ERASED) for credit in credits):
            found.erased += len(credits)
            continue
        breaches = differences(credits, catalogue)
        found.different += len(breaches)
        found.matched += len(credits) - len(breaches)
        found.examples += breaches[: examples_max - len(found.examples)]
        if progress:
            progress(found.bookings)
    return found


async def _periods(conn: AsyncConnection, days: Days) -> AsyncIterator[Sequence[Credit]]:
    """Live credits of one account's period at a time."""
    rows = await conn.stream(
        text(_IN_PERIODS),
        {name: day and day.isoformat() for name, day in days._asdict().items()},
        execution_options={"yield_per": ROWS_PER_PAGE},
    )
    period: list[Credit] = []
    async for row in rows:
        credit = Credit._make(row)
        if period and (credit.account_id, credit.period) != (
            period[0].account_id,
            period[0].period,
        ):
            yield period
            period = []
        period.append(credit)
    if period:
        yield period


def differences(credits: Sequence[Credit], catalogue: Catalogue) -> list[Breach]:
    """What is stored otherwise than the engine that booked it says, for one account's period."""
    activities = [activity_of(credit) for credit in credits]
    found: list[Breach] = []
    for engine in {credit.engine for credit in credits}:
        booked = [credit for credit in credits if credit.engine == engine]
        if engine not in ENGINES:
            found += [_breach(credit, f"unknown engine {engine}") for credit in booked]
            continue
        try:
            reductions = reduce_period(activities, catalogue, engine)
        except CannotCalculate as error:
            found += [_breach(credit, str(error)) for credit in booked]
            continue
        for credit in booked:
            reduction = reductions[credit.natural_key]
            if not _agree(credit, reduction):
                found.append(_breach(credit, f"recomputed {reduction.grams} g, {reduction!r}"))
    return found


def _agree(credit: Credit, reduction: Reduction) -> bool:
    return (credit.grams, credit.unrounded, credit.reason, credit.version, credit.allowed) == (
        reduction.grams,
        reduction.unrounded,
        reduction.reason,
        reduction.version,
        reduction.allowed,
    )


def _breach(credit: Credit, found: str) -> Breach:
    return {
        "credit_id": credit.id,
        "account_id": credit.account_id,
        "period": credit.period,
        "grams": credit.grams,
        "unrounded": credit.unrounded,
        "found": found,
    }

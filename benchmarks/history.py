"""Books of some age: every member's earlier plates, as a processor would have booked them.

One plate is credited by the step itself; what it wrote is multiplied inside the database, because a
history of ten million transfers would take the processors half an hour.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

import uvloop
from sqlalchemy import Table

from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import top_up
from backend.checkins.queries import insert_check_ins
from backend.checkins.tables import check_in
from backend.crediting.photo_credit import credit_step
from backend.crediting.steps import Rulebook
from backend.crediting.tables import claim, credit
from backend.db import make_engine, run
from backend.events import CHECK_IN_ACCEPTED, CREDIT
from backend.ids import uuid7
from backend.ledger.tables import account_lot, transfer
from backend.outbox import Work
from benchmarks.credit import FUND_POINTS
from benchmarks.lab import Lab
from benchmarks.plates import POINTS, plate_of
from benchmarks.processors import SECRET
from scoring.methodology import load_catalogue

TRANSFERS_PER_PLATE = 2  # grams and points
FILL_S_MAX = 3_600.0

# Of the month before the rounds, so that members hold points of two lots.
FIRST_DAY = date(2026, 10, 1)
_DAY = f"(date '{FIRST_DAY}' + day)"


def member_ids(count: int) -> Sequence[UUID]:
    """The members of a filled database, in order."""
    return [UUID(f"01900000-0000-7000-8000-{number:012x}") for number in range(count)]


def fill(lab: Lab, database: str, url: str, *, members: int, days: int) -> None:
    """Open accounts, and book a plate of each of them on each of the first `days` of October.

    What issuance has given in all is not kept: crediting adds to it and never reads it.
    """
    first = uuid7()
    uvloop.run(_credit_one(url, first))
    lab.administer(
        database,
        f"INSERT INTO account (id, kind) SELECT {_MEMBER}, 'member'"
        f" FROM generate_series(0, {members} - 1) AS series(n)",
        *(
            _multiply(table, changed, first, members * days, members)
            for table, changed in _CHANGED.items()
        ),
        _multiply(
            account_lot,
            {"account_id": _MEMBER, "posted": f"one.posted * {days}"},
            first,
            members,
            members,
        ),
        f"UPDATE fund_slice SET available = available - {POINTS * members * days}"
        f" WHERE slice = 0 AND fund_id = '{PROGRAMME_FUND}'",
        "VACUUM (FREEZE, ANALYZE)",  # or the server would do it while the first round is timed
        timeout_s=FILL_S_MAX,
    )


async def _credit_one(url: str, member: UUID) -> None:
    engine = make_engine(url)
    plate = plate_of(member, FIRST_DAY, "lunch", 12, 0)
    work = Work(0, CREDIT, [plate.id], 0, CHECK_IN_ACCEPTED)
    async with engine.begin() as conn:
        await run(conn, "INSERT INTO account (id, kind) VALUES (:id, 'member')", id=member)
        await top_up(conn, PROGRAMME_FUND, FUND_POINTS)
        await insert_check_ins(conn, [plate])
        await credit_step(conn, [work], Rulebook(load_catalogue(), SECRET))
    await engine.dispose()


def _multiply(
    table: Table, changed: Mapping[str, str], first: UUID, times: int, members: int
) -> str:
    """What the step wrote into a table for the `first` member, `times` more, the oldest first.

    One statement sees none of its own rows, so `one` is what the step wrote.
    """
    names = [column.name for column in table.columns]
    values = [changed.get(name, f"one.{name}") for name in names]
    whose = f"one.account_id = '{first}'" if "account_id" in names else "true"
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {', '.join(values)}"
        f" FROM generate_series(0, {times} - 1) AS series(k),"
        f" LATERAL (SELECT k / {members} AS day, k % {members} AS n) AS which,"
        f" {table.name} AS one WHERE {whose}"
    )


def _id(kind: str, day: str) -> str:
    """An id that grows with the day and the member, as those of version 7 grow with time."""
    head = f"'019{kind}' || lpad(to_hex({day}), 4, '0')"
    return f"({head} || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"


_MEMBER, _CHECK_IN, _CREDIT = _id("0", "0"), _id("c", "day"), _id("d", "day")

# What differs between two plates, by table; all else is as `one` has it.
_CHANGED: Mapping[Table, Mapping[str, str]] = {
    check_in: {
        "id": _CHECK_IN,
        "account_id": _MEMBER,
        "occurred_at": "one.occurred_at + day * interval '1 day'",
        "natural_key": f"{_CHECK_IN}::text",
        "meal_window": f"{_DAY} || '/lunch'",
    },
    claim: {
        "key": f"sha256(convert_to({_CHECK_IN}::text, 'UTF8'))",
        "check_in_id": _CHECK_IN,
    },
    credit: {
        "id": _CREDIT,
        "check_in_id": _CHECK_IN,
        "account_id": _MEMBER,
        "period": f"{_DAY}::text",
        "natural_key": f"{_CHECK_IN}::text",
        "occurred_at": "one.occurred_at + day * interval '1 day'",
        "occurred_on": _DAY,
    },
    transfer: {
        "account_id": _MEMBER,
        "cause_id": _CREDIT,
        "debit": f"CASE WHEN one.debit = one.account_id THEN {_MEMBER} ELSE one.debit END",
        "credit": f"CASE WHEN one.credit = one.account_id THEN {_MEMBER} ELSE one.credit END",
        "occurred_on": _DAY,
    },
}

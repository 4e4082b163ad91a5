"""The statements of tallies; whoever writes one holds the account's lock."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run
from backend.intake.tally import Reading, TallyKey


class Kept(NamedTuple):
    """The latest reading of one source, and the check-in that it belongs to."""

    key: TallyKey
    source: str
    reading: Reading
    check_in_id: UUID


async def readings_of(
    conn: AsyncConnection, keys: Iterable[TallyKey]
) -> Mapping[TallyKey, dict[str, Reading]]:
    """The latest readings of these days, by source; a day without any is missing."""
    asked = sorted(set(keys))
    rows = await fetch(
        conn,
        "SELECT account_id, action, day, source, measured_at, amount FROM tally"
        " JOIN unnest(CAST(:accounts AS uuid[]), CAST(:actions AS text[]), CAST(:days AS date[]))"
        " AS asked(account_id, action, day) USING (account_id, action, day)",
        accounts=[key.account_id for key in asked],
        actions=[key.action for key in asked],
        days=[key.day for key in asked],
    )
    found: dict[TallyKey, dict[str, Reading]] = {}
    for row in rows:
        readings = found.setdefault(TallyKey(row.account_id, row.action, row.day), {})
        readings[row.source] = Reading(row.measured_at, row.amount)
    return found


async def keep_readings(conn: AsyncConnection, kept: Sequence[Kept]) -> None:
    """Write the latest reading of each source, in key order."""
    ordered = sorted(kept)
    if not ordered:
        return
    await run(
        conn,
        "INSERT INTO tally AS old (account_id, action, day, source, amount, measured_at,"
        " check_in_id) SELECT * FROM unnest(CAST(:accounts AS uuid[]), CAST(:actions AS text[]),"
        " CAST(:days AS date[]), CAST(:sources AS text[]), CAST(:amounts AS bigint[]),"
        " CAST(:times AS timestamptz[]), CAST(:check_ins AS uuid[]))"
        " ON CONFLICT (account_id, action, day, source) DO UPDATE SET amount = excluded.amount,"
        " measured_at = excluded.measured_at",
        accounts=[each.key.account_id for each in ordered],
        actions=[each.key.action for each in ordered],
        days=[each.key.day for each in ordered],
        sources=[each.source for each in ordered],
        amounts=[each.reading.amount for each in ordered],
        times=[each.reading.measured_at for each in ordered],
        check_ins=[each.check_in_id for each in ordered],
    )

"""Running all checks in one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.db import fetch, fetch_one, run, snapshot
from backend.methodologies.register import catalogue_on_record
from backend.verify.check import Check, Finding
from backend.verify.checks import CHECKS
from backend.verify.pricing import reprice
from backend.verify.recompute import recompute
from scoring.methodology import Catalogue, load_catalogue

EXAMPLES_MAX = 10  # enough to see what went wrong; the count says how much
WORK_MEMORY = "64MB"  # per sort or hash: the sums over all transfers stay in memory for a city

_COUNTED = ("account", "transfer", "credit", "reversal", "check_in", "claim", "hold", "work")


@dataclass(frozen=True, slots=True)
class Examination:
    """What all checks found at one moment.

    Attributes:
        as_of: Time of the snapshot, by the database's clock.
        rows: How many rows the main tables had.
        findings: One per check, breached or not.
    """

    as_of: datetime
    rows: Mapping[str, int]
    findings: Sequence[Finding]

    @property
    def breaches(self) -> list[Finding]:
        """Checks that found something."""
        return [finding for finding in self.findings if not finding.ok]


async def check_invariants(
    source: AsyncEngine | AsyncConnection, catalogue: Catalogue | None = None
) -> list[Finding]:
    """The breached checks, none when all is well.

    An engine gets one snapshot of its own; a connection is used as it stands, uncommitted changes
    included.
    """
    if isinstance(source, AsyncEngine):
        async with snapshot(source) as conn:
            return (await examine(conn, catalogue)).breaches
    return (await examine(source, catalogue)).breaches


async def examine(conn: AsyncConnection, catalogue: Catalogue | None = None) -> Examination:
    """Run every check on `conn`, cheapest first; the recomputation is the last."""
    await run(conn, f"SET LOCAL work_mem = '{WORK_MEMORY}'")
    counts = ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in _COUNTED)
    row = await fetch_one(conn, f"SELECT now() AS as_of, {counts}")
    assert row is not None, "a SELECT without FROM has a row"
    findings = [await _look(conn, check) for check in CHECKS]
    findings.append(await reprice(conn, examples_max=EXAMPLES_MAX))
    rules = catalogue or await catalogue_on_record(conn, load_catalogue())
    findings.append(await recompute(conn, rules, examples_max=EXAMPLES_MAX))
    return Examination(row.as_of, dict(zip(_COUNTED, row[1:], strict=True)), findings)


async def _look(conn: AsyncConnection, check: Check) -> Finding:
    rows = await fetch(
        conn,
        "SELECT count(*) OVER () AS breaches_in_all, breach.*"
        f" FROM ({check.sql}) AS breach LIMIT {EXAMPLES_MAX}",
    )
    examples = [dict(row._mapping) for row in rows]  # noqa: SLF001  # SQLAlchemy's public name
    count = examples[0]["breaches_in_all"] if examples else 0
    for example in examples:
        del example["breaches_in_all"]
    return Finding(check.name, check.zh, check.en, count, examples)

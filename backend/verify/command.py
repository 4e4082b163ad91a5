"""The command `tanhui verify`."""

import asyncio
import json
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.db import make_engine, snapshot
from backend.deployment import database_url
from backend.settings import Settings
from backend.verify.check import Finding
from backend.verify.examination import Examination, examine

EXIT_OK, EXIT_BREACHED = 0, 1


def verify_database(settings: Settings, *, as_json: bool) -> int:
    """Check all invariants, print what was found, and return the exit code: 1 for any breach."""
    examination = asyncio.run(_examine(settings))
    print(as_object(examination) if as_json else as_lines(examination))
    return EXIT_BREACHED if examination.breaches else EXIT_OK


async def _examine(settings: Settings) -> Examination:
    engine = patient(make_engine(await database_url(settings)))
    try:
        async with snapshot(engine) as conn:
            return await examine(conn)
    finally:
        await engine.dispose()


def patient(engine: AsyncEngine) -> AsyncEngine:
    """Without the limit per statement: a sum over a large city's transfers takes minutes."""

    @event.listens_for(engine.sync_engine, "do_connect")
    def wait_for_answers(_: Any, __: Any, ___: Any, options: dict[str, Any]) -> None:
        options["command_timeout"] = None
        # The recomputation thinks between two pages of rows.
        options["server_settings"] |= {"idle_in_transaction_session_timeout": "0"}

    return engine


def as_object(examination: Examination) -> str:
    """One JSON object on one line."""
    return json.dumps(
        {
            "ok": not examination.breaches,
            "checks": [
                {"name": each.name, "ok": each.ok, "count": each.count, "examples": each.examples}
                for each in examination.findings
            ],
            "as_of": examination.as_of,
            "rows": examination.rows,
        },
        default=str,
        ensure_ascii=False,
    )


def as_lines(examination: Examination) -> str:
    """What a person reads: a line per check, and the first breaches of those that failed."""
    lines = [line for finding in examination.findings for line in _lines_of(finding)]
    rows = ", ".join(f"{name} {count:,}" for name, count in examination.rows.items())
    breached = len(examination.breaches)
    verdict = (
        f"有 {breached} 项不成立 / {breached} checks are breached"
        if breached
        else f"全部成立 / all {len(examination.findings)} checks hold"
    )
    return "\n".join([*lines, f"{verdict} · {examination.as_of.isoformat()} · {rows}"])


def _lines_of(finding: Finding) -> list[str]:
    mark = "✓" if finding.ok else f"✗ {finding.count}"
    head = f"{mark} {finding.name}: {finding.zh} / {finding.en}"
    return [head, *(f"    {json.dumps(each, default=str)}" for each in finding.examples)]

"""A month's report for an operator over HTTP: 120 districts × 16 actions × 2 tiers × 31 days.

`tanhui serve` runs in a process of its own, with its defaults but for the development issuer and
the rate limits. One operator asks for the same month again and again, each time when the answer
before is there and checked: every sum by action, district and day must be what was filled in. The
active members of the month are counted anew after twenty times as long as counting them took, as
in service; such requests are among those measured. There is no rival.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import aiohttp
import uvloop

from backend.db import copy_rows, make_engine, run
from backend.deployment import DATABASE
from benchmarks.credit import WrongEffect
from benchmarks.lab import conclude, open_lab, quantiles
from benchmarks.noon import serving

FIRST_DAY, DAYS = date(2026, 10, 1), 31
MONTHS_BEFORE = 11  # of as many days, each with a tenth of the districts
ACTIONS, TIERS = 16, ("documented", "self_declared")
UNMEASURED = 10  # connections, statements and the first count of members
ANSWER = aiohttp.ClientTimeout(total=30)
TARGET_P95_MS = 50
CREDITS_AT_ONCE = 10_000  # each statement has twenty seconds, also on a busy machine
COLUMNS = ("occurred_on", "region", "action", "tier", "credits", "grams", "points")

Sums = dict[str, list[tuple[str, int, int, int]]]


def rows_of(first_day: date, districts: int) -> Iterator[tuple[date, str, str, str, int, int, int]]:
    """Each day's total of each district, action and tier, none like its neighbours."""
    cells = [(d, a, tier) for d in range(districts) for a in range(ACTIONS) for tier in TIERS]
    for number in range(DAYS * len(cells)):
        day, (district, action, tier) = number // len(cells), cells[number % len(cells)]
        yield (
            first_day + timedelta(days=day),
            f"33{district:04d}",
            f"action_{action:02d}",
            tier,
            *(1 + number % 97, number * 7_919 % 9_999_991, number % 1_009),
        )


def sums_of(rows: Sequence[tuple[Any, ...]]) -> Sums:
    """The sums that the report must give, added up here."""
    groups = {"by_day": 0, "by_district": 1, "by_action": 2}
    found: dict[str, dict[str, list[int]]] = {
        group: defaultdict(lambda: [0, 0, 0]) for group in groups
    }
    for row in rows:
        for group, column in groups.items():
            sums = found[group][str(row[column])]
            sums[:] = (old + new for old, new in zip(sums, row[4:], strict=True))
    return {group: [(name, *each[name]) for name in sorted(each)] for group, each in found.items()}


_CREDITS = """
INSERT INTO credit (id, check_in_id, booking, account_id, period, action, methodology_id,
  natural_key, occurred_at, occurred_on, quantities, tier, region, version, engine, allowed,
  unrounded, grams, points, points_rule, lot_id, booked_at)
SELECT uuidv7(), uuidv7(), 1, lpad(to_hex(number % :members), 32, '0')::uuid, day::text,
  'action_00', 'BENCH', number::text, day, day, '{"meals": 1}', 'documented', '330000',
  repeat('0', 64), 1, '{"meals": 1}', '125.000', 125, 5, 'bench', 1, day
FROM generate_series(CAST(:first AS bigint), :last) AS number,
  LATERAL (SELECT CAST(:day AS date) + CAST(number * :days / :credits AS int) AS day) AS days
"""


async def fill(url: str, rows: Sequence[tuple[Any, ...]], options: argparse.Namespace) -> None:
    """The month and those before it, and the month's credits in the order of their days."""
    engine = make_engine(url)
    few = max(1, options.districts // 10)
    async with engine.begin() as conn:
        for number in range(MONTHS_BEFORE, 0, -1):
            before = rows_of(FIRST_DAY - number * timedelta(days=DAYS), few)
            await copy_rows(conn, "daily_total", COLUMNS, list(before))
        await copy_rows(conn, "daily_total", COLUMNS, rows)
        for first in range(0, options.credits, CREDITS_AT_ONCE):
            last = min(first + CREDITS_AT_ONCE, options.credits) - 1
            part = {"first": first, "last": last, "credits": options.credits}
            fixed = {"members": options.members, "day": FIRST_DAY, "days": DAYS}
            await run(conn, _CREDITS, **part, **fixed)
    await engine.dispose()


async def ask(address: str, asks: int, members: int, expected: Sums) -> list[float]:
    """Milliseconds of each request, from its first byte to the last one of its answer.

    Raises:
        WrongEffect: An answer has other sums or members.
    """
    took_ms = []
    async with aiohttp.ClientSession(address, timeout=ANSWER, trust_env=False) as session:
        wanted = {"subject": "bench", "roles": ["operator"]}
        async with session.post("/dev-issuer/token", json=wanted) as answer:
            bearer = (await answer.json())["access_token"]
        session.headers["Authorization"] = f"Bearer {bearer}"
        for _ in range(UNMEASURED + asks):
            began = time.perf_counter()
            async with session.get("/v1/operator/summary", params=_month()) as answer:
                await answer.read()
            took_ms.append((time.perf_counter() - began) * 1_000)
            _check(await answer.json(), members, expected)
    return took_ms[UNMEASURED:]


def _month() -> dict[str, str]:
    return {"since": str(FIRST_DAY), "until": str(FIRST_DAY + timedelta(days=DAYS - 1))}


def _check(summary: Mapping[str, Any], members: int, expected: Sums) -> None:
    found = {
        group: [tuple(each[name] for name in ("name", *COLUMNS[4:])) for each in summary[group]]
        for group in expected
    }
    if found != expected or summary["active_members"] != members:
        raise WrongEffect(f"the report of {summary['as_of']} has other sums than were filled in")


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    rows = list(rows_of(FIRST_DAY, options.districts))
    with open_lab() as lab:
        uvloop.run(fill(lab.make_database(DATABASE), rows, options))
        lab.administer(DATABASE, "VACUUM ANALYZE", "CHECKPOINT")
        with serving(lab) as address:
            found = uvloop.run(ask(address, options.asks, options.members, sums_of(rows)))
    quantiles_ms = quantiles(found)
    conclude(
        "report",
        ours=quantiles_ms["p95_ms"],
        rival=None,
        ratio=None,
        unit="ms from the request to the whole answer, p95",
        ran=_ran(options, len(rows)) | quantiles_ms | {"target_p95_ms": TARGET_P95_MS},
    )
    return 0


def _ran(options: argparse.Namespace, rows: int) -> dict[str, Any]:
    return {
        "asks": options.asks,
        "districts": options.districts,
        "actions": ACTIONS,
        "tiers": len(TIERS),
        "days": DAYS,
        "rows_of_the_month": rows,
        "months_before": MONTHS_BEFORE,
        "credits": options.credits,
        "members": options.members,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tanhui bench report", description=__doc__)
    parser.add_argument("--asks", type=int, default=200, help="after ten that are not measured")
    parser.add_argument("--districts", type=int, default=120)
    parser.add_argument("--credits", type=int, default=200_000, help="of the month")
    parser.add_argument("--members", type=int, default=50_000, help="10 at least, all with credits")
    parser.add_argument("--json", action="store_true", help="accepted; the last line always is")
    return parser

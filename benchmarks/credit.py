"""Credits per second from the work table to the ledger, against pgbench's TPC-B on the same server.

What is timed on our side are two processors as `tanhui processor` runs them, a process each, as the
rival has two threads: they take accepted check-ins from the work table, lock accounts, claim meals,
book grams and points, settle the check-ins and keep the totals, with every commit on the disk.
Loading and checking are not timed.
"""

import argparse
import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import top_up
from backend.checkins.queries import insert_check_ins
from backend.db import copy_rows, fetch, make_engine, run
from backend.embedded import run_program
from backend.events import CHECK_IN_ACCEPTED, CREDIT
from backend.ids import uuid7
from backend.outbox import CHANNEL
from benchmarks.lab import ADMIN_S_MAX, Lab, alternate, compare, open_lab
from benchmarks.plates import GROUP, MEMBERS_PER_GROUP, expected, plates_of_a_day
from benchmarks.processors import running_processors

DATABASE, RIVAL_DATABASE = "ours", "pgbench"
CLIENTS, THREADS = 32, 2  # pgbench -c 32 -j 2
FUND_POINTS = 1_000_000_000  # the fund never runs dry: that is another path
FIRST_DAY = date(2026, 11, 1)  # a round is a day; all of them earn into one lot
ROUNDS_MAX = 28
COPY_ROWS = 5_000
LOOK_EVERY_S = 0.02  # an index probe; by this much a round may be overstated
DRAIN_S_MAX = 300.0  # a step that fails for ever must not hang the run
SEED = 20_261_121

_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


class WrongEffect(Exception):
    """The books do not show what the work asked for; the figure would be worth nothing."""


@dataclass(frozen=True, slots=True)
class Credits:
    """Our side: one database whose members eat on other days in each round.

    Attributes:
        count: Plates of a day.
        days: Days of a round; what is loaded of them is drained at once.
    """

    lab: Lab
    database: str
    url: str
    members: Sequence[UUID]
    count: int
    processors: int
    days: int = 1

    def measure(self, number: int) -> float:
        """Credits per second of one round."""
        first = FIRST_DAY + timedelta(days=number * self.days)
        days = [first + timedelta(days=after) for after in range(self.days)]
        with running_processors(self.url, self.processors):
            seconds = uvloop.run(self._drain(days, Random(SEED + number)))
        uvloop.run(self._check(days))
        return self.days * self.count / seconds

    async def prepare(self) -> None:
        """Open the accounts and fill the fund."""
        engine = make_engine(self.url)
        async with engine.begin() as conn:
            rows = [(account_id, "member") for account_id in self.members]
            await copy_rows(conn, "account", ("id", "kind"), rows)
            await top_up(conn, PROGRAMME_FUND, FUND_POINTS)
        await engine.dispose()

    async def _drain(self, days: Sequence[date], random: Random) -> float:
        """Seconds from the commit that makes the work visible until no credit waits.

        The totals that follow are awaited, but not timed.
        """
        engine = make_engine(self.url)
        plates = [
            plate
            for day in days
            for plate in plates_of_a_day(self.members, day, self.count, random)
        ]
        async with engine.begin() as conn:
            for start in range(0, len(plates), COPY_ROWS):
                await insert_check_ins(conn, plates[start : start + COPY_ROWS])
        await asyncio.to_thread(self.lab.administer, self.database, "VACUUM ANALYZE", "CHECKPOINT")
        async with engine.begin() as conn:
            rows = [(CREDIT, CHECK_IN_ACCEPTED, [each.id]) for each in plates]
            await copy_rows(conn, "work", ("step", "event", "ids"), rows)
            await run(conn, f"NOTIFY {CHANNEL}")
        began = time.perf_counter()
        await _until_done(engine, "step = 'credit'")
        seconds = time.perf_counter() - began
        await _until_done(engine, "true")
        await engine.dispose()
        return seconds

    async def _check(self, days: Sequence[date]) -> None:
        engine = create_async_engine(self.url)  # without the service's limit per statement
        async with engine.connect() as conn:
            booked = (await fetch(conn, _BOOKED, first=days[0], last=days[-1]))[0]._asdict()
            breaches = (await fetch(conn, _BREACHES))[0]._asdict()
        await engine.dispose()
        wanted = expected(self.days * self.count)
        if booked != wanted or any(breaches.values()):
            raise WrongEffect(f"{booked} instead of {wanted}; breaches {breaches}")


# What a round's days show; corrections leave a reversed booking beside its successor.
_BOOKED = """
SELECT count(*) FILTER (WHERE status = 'credited') AS credited,
       count(*) FILTER (WHERE live.reason = 'cap_reached') AS over_cap,
       count(*) FILTER (WHERE check_in.reason = 'meal_already_counted') AS duplicates,
       count(*) FILTER (WHERE status = 'scored') AS left_over,
       coalesce(sum(live.grams), 0)::bigint AS grams,
       coalesce(sum(live.points), 0)::bigint AS points
FROM check_in LEFT JOIN
  (SELECT check_in_id, grams, points, reason FROM credit
   WHERE NOT EXISTS (SELECT FROM reversal WHERE reversal.credit_id = credit.id)) AS live
  ON live.check_in_id = check_in.id
WHERE CAST(occurred_at AT TIME ZONE 'Asia/Shanghai' AS date) BETWEEN :first AND :last
"""

# Transfers explain every balance, nobody's points came from nowhere.
_BREACHES = """
WITH moved AS (
  SELECT account_id, lot_id, sum(CASE WHEN credit = account_id THEN amount ELSE -amount END) AS net
  FROM transfer GROUP BY account_id, lot_id
)
SELECT
  (SELECT count(*) FROM moved FULL JOIN
     (SELECT account_lot.* FROM account_lot JOIN account ON account.id = account_id
      WHERE kind = 'member') AS kept USING (account_id, lot_id)
   WHERE coalesce(net, 0) <> coalesce(posted, 0)) AS unexplained,
  (SELECT sum(budget) FROM fund) - (SELECT sum(available) FROM fund_slice)
    - (SELECT coalesce(sum(net), 0) FROM moved WHERE lot_id <> 0) AS unfunded
"""


async def _until_done(engine: AsyncEngine, condition: str) -> None:
    async with engine.connect() as conn:
        while True:
            rows = await fetch(conn, f"SELECT EXISTS (SELECT FROM work WHERE {condition}) AS left")
            await conn.rollback()
            if not rows[0].left:
                return
            await asyncio.sleep(LOOK_EVERY_S)


@dataclass(frozen=True, slots=True)
class Pgbench:
    """The rival: TPC-B-like transactions of three updates, a select and an insert."""

    lab: Lab
    scale: int
    seconds: int

    def prepare(self) -> None:
        """Fill its tables, and vacuum them as pgbench does."""
        self.lab.server.ensure_database(RIVAL_DATABASE)
        self._run("-i", "-q", "-s", str(self.scale))

    def measure(self, _: int) -> float:
        """Transactions per second of one round."""
        self.lab.settle(RIVAL_DATABASE)
        sizes = ("-s", self.scale, "-c", CLIENTS, "-j", THREADS, "-T", self.seconds)
        found = _TPS.search(self._run("-n", "-M", "prepared", *map(str, sizes)))
        assert found is not None, "pgbench prints its rate"
        return float(found[1])

    def _run(self, *arguments: str) -> str:
        timeout_s = self.seconds + ADMIN_S_MAX
        return run_program(
            self.lab.server, "pgbench", *arguments, RIVAL_DATABASE, timeout_s=timeout_s
        )


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    count = max(GROUP, options.credits // GROUP * GROUP)
    people = max(options.members, count // GROUP * MEMBERS_PER_GROUP)
    with open_lab() as lab:
        members = [uuid7() for _ in range(people)]
        ours = Credits(
            lab, DATABASE, lab.make_database(DATABASE), members, count, options.processors
        )
        uvloop.run(ours.prepare())
        rival = Pgbench(lab, options.scale, options.seconds)
        rival.prepare()
        found = alternate(ours.measure, rival.measure, min(options.rounds, ROUNDS_MAX))
    compare("credit", *found, unit="credits/s, pgbench transactions/s", ran=_ran(options, count))
    return 0


def _ran(options: argparse.Namespace, count: int) -> dict[str, Any]:
    return {
        "rounds": options.rounds,
        "credits_per_round": count,
        "members": options.members,
        "processors": options.processors,
        "work_rows": "one check-in each",
        "rival": f"pgbench -s {options.scale} -c {CLIENTS} -j {THREADS} -M prepared"
        f" -T {options.seconds}",
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tanhui bench credit", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--credits", type=int, default=60_000, help="check-ins per round")
    parser.add_argument("--members", type=int, default=100_000, help="accounts that exist")
    parser.add_argument("--processors", type=int, default=2, help="processes, as replicas in k8s")
    parser.add_argument("--scale", type=int, default=50, help="pgbench -s")
    parser.add_argument("--seconds", type=int, default=30, help="pgbench -T")
    parser.add_argument("--json", action="store_true", help="accepted; the last line always is")
    return parser

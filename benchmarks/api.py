"""Durable JSON check-ins per second over HTTP, against the same handler with a commit per request.

64 keep-alive connections post metro trips of a partner's customers, each with its own key and
member. An answer of 201 means that the trip is credited and on the disk. Both sides are the same
program in a process of its own on a database of its own; the load comes from a third process.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop

from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import top_up
from backend.db import copy_rows, fetch, make_engine
from backend.ids import uuid7
from backend.intake.events.routes import EVENT_SEND
from backend.intake.routes import TRIP_REPORT
from backend.partners.queries import issue_key, make_partner
from benchmarks.credit import WrongEffect
from benchmarks.lab import Lab, alternate, compare, open_lab
from benchmarks.trip_load import ANSWER_S_MAX, Load, as_argument

ROOT = Path(__file__).resolve().parents[1]
PARTNER = UUID("00000000-0000-7000-8000-0000000be7c4")
FUND_POINTS = 1_000_000_000
ROUNDS_MAX = 6  # each is a day, and trips are taken for seven
CLAIM_KEY = "07" * 32
STOP_S_MAX = 30.0


@dataclass(slots=True)
class Side:
    """One server, its database and what it answered so far."""

    lab: Lab
    database: str
    port: int
    bearer: str
    options: argparse.Namespace
    answers: list[dict[str, float]] = field(default_factory=list)

    def measure(self, number: int) -> float:
        """Check-ins per second of one round."""
        self.lab.settle(self.database)
        load = Load(
            port=self.port,
            bearer=self.bearer,
            members=self.options.members,
            connections=self.options.connections,
            seconds=self.options.seconds,
            began_at=(_begin() - timedelta(days=number + 1)).isoformat(),
            round=number,
        )
        command = [sys.executable, "-m", "benchmarks.trip_load", as_argument(load)]
        timeout_s = load.seconds + 2 * ANSWER_S_MAX
        found = subprocess.run(  # noqa: S603  # our own program
            command, cwd=ROOT, capture_output=True, check=True, timeout=timeout_s
        )
        self.answers.append(json.loads(found.stdout))
        return self.answers[-1]["per_second"]

    async def check(self, url: str) -> None:
        """Every acknowledged check-in is there once, nothing was refused, and the rival is one.

        Raises:
            WrongEffect: Otherwise.
        """
        engine = make_engine(url)
        async with engine.connect() as conn:
            counts = (await fetch(conn, _COUNTS))[0]._asdict()
            commits = (await fetch(conn, _COMMITS))[0][0]
        await engine.dispose()
        created = sum(answer["created"] for answer in self.answers)
        refused = sum(answer["refused"] for answer in self.answers)
        if refused or set(counts.values()) != {created}:
            raise WrongEffect(f"{created} acknowledged, {refused} refused, stored {counts}")
        if self.database == "rival" and commits != created:
            raise WrongEffect(f"the rival made {commits} commits for {created} check-ins")


_COUNTS = """
SELECT (SELECT count(*) FROM check_in WHERE status = 'credited') AS check_ins,
       (SELECT count(*) FROM credit WHERE grams > 0) AS credits,
       (SELECT count(*) FROM transfer WHERE lot_id = 0) AS transfers,
       (SELECT count(*) FROM idempotency_key) AS keys
"""
# Rows of one commit have one xmin.
_COMMITS = "SELECT count(DISTINCT xmin::text) FROM idempotency_key"


def _begin() -> datetime:
    """Noon in Shanghai: an hour for every time that a member travels again."""
    return datetime.now(UTC).replace(hour=4, minute=0, second=0, microsecond=0)


async def seed(url: str, members: int) -> str:
    """Link customers to accounts and fill the fund; gives the partner's bearer."""
    engine = make_engine(url)
    accounts = [uuid7() for _ in range(members)]
    links = [(PARTNER, f"card-{number}", account) for number, account in enumerate(accounts)]
    async with engine.begin() as conn:
        await make_partner(conn, PARTNER, name_zh="地铁", name_en="Metro", source="urn:bench")
        bearer = await issue_key(conn, PARTNER, kind="partner", scopes=[TRIP_REPORT, EVENT_SEND])
        await copy_rows(conn, "account", ("id", "kind"), [(each, "member") for each in accounts])
        columns = ("partner_id", "subject_token", "account_id")
        await copy_rows(conn, "partner_link", columns, links)
        await top_up(conn, PROGRAMME_FUND, FUND_POINTS)
    await engine.dispose()
    return bearer


@contextmanager
def serving(lab: Lab, name: str, url: str) -> Iterator[int]:
    """Run one side's server; gives its port."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith("TANHUI_")}
    environment |= {
        "TANHUI_DATA_DIR": str(lab.folder / name),
        "TANHUI_DATABASE_URL": url,
        "TANHUI_CLAIM_KEY": CLAIM_KEY,
        "TANHUI_RATE_LIMITS": "0",
        "TANHUI_PORT": "0",
    }
    command = [sys.executable, "-m", "benchmarks.one_commit", name]
    with subprocess.Popen(  # noqa: S603  # our own program
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(STOP_S_MAX)


@contextmanager
def open_side(lab: Lab, name: str, options: argparse.Namespace) -> Iterator[Side]:
    """A seeded side that serves; its effects are checked at the end."""
    url = lab.make_database(name)
    bearer = uvloop.run(seed(url, options.members))
    lab.administer(name, "VACUUM ANALYZE")
    with serving(lab, name, url) as port:
        side = Side(lab, name, port, bearer, options)
        yield side
    uvloop.run(side.check(url))


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    rounds = min(options.rounds, ROUNDS_MAX)
    with (
        open_lab() as lab,
        open_side(lab, "ours", options) as ours,
        open_side(lab, "rival", options) as rival,
    ):
        found = alternate(ours.measure, rival.measure, rounds)
    compare("api", *found, unit="check-ins/s", ran=_ran(options, ours, rival))
    return 0


def _ran(options: argparse.Namespace, ours: Side, rival: Side) -> dict[str, Any]:
    def median(side: Side, name: str) -> float:
        return round(statistics.median(answer[name] for answer in side.answers), 2)

    return {
        "rounds": len(ours.answers),
        "seconds_per_round": options.seconds,
        "connections": options.connections,
        "members": options.members,
        "rival": "the same handler, one commit per request",
        "p50_ms": median(ours, "p50_ms"),
        "p99_ms": median(ours, "p99_ms"),
        "rival_p50_ms": median(rival, "p50_ms"),
        "rival_p99_ms": median(rival, "p99_ms"),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tanhui bench api", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="per side and round")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--members", type=int, default=100_000, help="linked customers")
    parser.add_argument("--json", action="store_true", help="accepted; the last line always is")
    return parser

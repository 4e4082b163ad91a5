"""Partners' events per second over HTTP, against the same events pushed through `write_batch`.

Eight connections post batches of a hundred rides; a result `credited` means that the ride is
recorded, claimed and credited on the disk. The rival is this process: the same events, read
beforehand, in transactions of a thousand by the same `write_events`. What lies between the two is
HTTP, JSON, the reading of the events, and the answers.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import uvloop

from backend.batches import BATCH_ITEMS_MAX, run_batch
from backend.crediting.steps import Rulebook
from backend.db import fetch, make_engine
from backend.intake.events.domain import Became, PartnerEvent
from backend.intake.events.envelope import Speaker, read_event
from backend.intake.events.steps import write_events
from benchmarks.api import CLAIM_KEY, PARTNER, ROOT, ROUNDS_MAX, _begin, seed, serving
from benchmarks.credit import WrongEffect
from benchmarks.event_load import EventLoad, as_argument, events_of
from benchmarks.lab import Lab, alternate, compare, open_lab
from scoring.methodology import load_catalogue

ROUND_S_MAX = 300.0
_COUNTS = """
SELECT (SELECT count(*) FROM partner_event WHERE outcome = 'credited') AS events,
       (SELECT count(*) FROM check_in WHERE status = 'credited') AS check_ins,
       (SELECT count(*) FROM credit WHERE grams = 560) AS credits,
       (SELECT count(*) FROM transfer WHERE lot_id = 0) AS transfers
"""


@dataclass(slots=True)
class OverHttp:
    """The service as shipped, in a process of its own."""

    lab: Lab
    port: int
    bearer: str
    options: argparse.Namespace
    rounds: int = 0

    def measure(self, number: int) -> float:
        """Events per second of one round."""
        self.lab.settle("ours")
        load = EventLoad(
            port=self.port,
            bearer=self.bearer,
            members=self.options.members,
            connections=self.options.connections,
            began_at=began_at(number),
            round=number,
        )
        command = [sys.executable, "-m", "benchmarks.event_load", as_argument(load)]
        found = subprocess.run(  # noqa: S603  # our own program
            command, cwd=ROOT, capture_output=True, check=True, timeout=ROUND_S_MAX
        )
        answer: dict[str, Any] = json.loads(found.stdout)
        if answer["counts"] != {"credited": self.options.members}:
            raise WrongEffect(f"round {number}: {answer['counts']}")
        self.rounds += 1
        return float(answer["per_second"])


@dataclass(slots=True)
class Directly:
    """The same events through the same function, without a wire."""

    lab: Lab
    url: str
    options: argparse.Namespace
    rules: Rulebook = field(
        default_factory=lambda: Rulebook(load_catalogue(), bytes.fromhex(CLAIM_KEY))
    )

    def measure(self, number: int) -> float:
        """Events per second of one round."""
        self.lab.settle("rival")
        speaker = Speaker(PARTNER, "partner", "330100")
        made = events_of(members=self.options.members, began_at=began_at(number), number=number)
        return uvloop.run(self._push([read_event(each, speaker) for each in made]))

    async def _push(self, events: Sequence[PartnerEvent]) -> float:
        engine = make_engine(self.url)
        write = partial(write_events, rules=self.rules)
        async with engine.connect():
            began = time.perf_counter()
        for at in range(0, len(events), BATCH_ITEMS_MAX):
            answers = await run_batch(engine, write, events[at : at + BATCH_ITEMS_MAX])
            if not all(isinstance(each, Became) and each.credit for each in answers):
                raise WrongEffect("an event was not credited")
        took_s = time.perf_counter() - began
        await engine.dispose()
        return len(events) / took_s


def began_at(number: int) -> str:
    """The day of a round."""
    return (_begin() - timedelta(days=number + 1)).isoformat()


async def check(url: str, expected: int) -> None:
    """Every acknowledged ride is there once.

    Raises:
        WrongEffect: Otherwise.
    """
    engine = make_engine(url)
    async with engine.connect() as conn:
        counts = (await fetch(conn, _COUNTS))[0]._asdict()
    await engine.dispose()
    if set(counts.values()) != {expected}:
        raise WrongEffect(f"{expected} acknowledged, stored {counts}")


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    rounds = min(options.rounds, ROUNDS_MAX)
    with open_lab() as lab:
        urls = {name: lab.make_database(name) for name in ("ours", "rival")}
        bearers = {name: uvloop.run(seed(url, options.members)) for name, url in urls.items()}
        for name in urls:
            lab.administer(name, "VACUUM ANALYZE")
        with serving(lab, "ours", urls["ours"]) as port:
            ours = OverHttp(lab, port, bearers["ours"], options)
            found = alternate(ours.measure, Directly(lab, urls["rival"], options).measure, rounds)
        for url in urls.values():
            uvloop.run(check(url, rounds * options.members))
    ran = {
        "rounds": rounds,
        "events_per_round": options.members,
        "connections": options.connections,
        "rival": "the same events through write_events, a thousand to a transaction",
    }
    compare("events", *found, unit="events/s", ran=ran)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tanhui bench events", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--members", type=int, default=20_000, help="rides per side and round")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--json", action="store_true", help="accepted; the last line always is")
    return parser

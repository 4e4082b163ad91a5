"""From upload to verdict at lunch: photos arrive at fixed times, whatever became of earlier ones.

`tanhui serve` runs in a process of its own, with its defaults but for the development issuer and
the rate limits. A latency counts from the intended start of its photo, so that a service that is
late is not forgiven for what it kept waiting. `--flat` sends small photos from good phones at one
rate: at 5 photos/s a p95 of at most a second is asked for. There is no rival.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import uvloop

from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import top_up
from backend.db import fetch, make_engine
from backend.deployment import DATABASE
from benchmarks.arrivals import Arrival, flat_arrivals, lunch_arrivals
from benchmarks.credit import WrongEffect
from benchmarks.lab import Lab, conclude, open_lab, quantiles
from benchmarks.phones import CALL_TIMEOUT, SLOW_BYTES_PER_S, Noon, play, prepare
from benchmarks.pictures import HD, LARGE, SMALL, TWELVE_MP, photo

ROOT = Path(__file__).resolve().parents[1]
SEED = 20_261_121
FUND_POINTS = 1_000_000
START_S_MAX, STOP_S_MAX = 60.0, 60.0
TARGET_P95_MS = 1_000
# One meal that lasts all day, so that the run does not depend on the hour.
ALWAYS_LUNCH = (
    "DELETE FROM meal_window WHERE id <> 'lunch'",
    "UPDATE meal_window SET opens_minute = 0, closes_minute = 1440",
)


@contextmanager
def serving(lab: Lab) -> Iterator[str]:
    """Run `tanhui serve` on the lab's database; gives its address."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith("TANHUI_")}
    environment |= {
        "TANHUI_DATA_DIR": str(lab.folder),
        "TANHUI_DEV_ISSUER": "1",
        "TANHUI_RATE_LIMITS": "0",
        "TANHUI_PORT": "0",
    }
    log = lab.folder / "serve.log"
    command = [sys.executable, "-m", "backend.cli", "serve"]
    with (
        log.open("w") as output,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output) as process,  # noqa: S603
    ):
        try:
            yield _address(log)
        finally:
            process.terminate()
            process.wait(STOP_S_MAX)


def _address(log: Path) -> str:
    until = time.monotonic() + START_S_MAX
    while time.monotonic() < until:
        for line in log.read_text().splitlines():
            if '"serving"' in line:
                return str(json.loads(line)["address"])
        time.sleep(0.1)
    raise SystemExit(f"tanhui serve did not start: {log.read_text()}")


@dataclass(frozen=True, slots=True)
class Lunch:
    """The photos of a run and their arrivals."""

    arrivals: Sequence[Arrival]
    photos: Sequence[bytes]

    async def run(self, url: str, address: str) -> Noon:
        """Seed, warm up, send everything, check the effects."""
        engine = make_engine(url)
        async with engine.begin() as conn:
            await top_up(conn, PROGRAMME_FUND, FUND_POINTS)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            address, timeout=CALL_TIMEOUT, connector=connector, trust_env=False
        ) as session:
            phones = await prepare(session, len(self.arrivals) + 1)
            # The first photo pays for the start of the workers.
            first = [Arrival(len(self.arrivals), 0.0)]
            await play(session, first, phones[-1:], [photo(len(self.arrivals))])
            noon = await play(session, self.arrivals, phones[:-1], self.photos)
        async with engine.connect() as conn:
            rows = await fetch(conn, "SELECT count(*) AS stored FROM check_in")
        await engine.dispose()
        stored, decided = rows[0].stored, len(noon.verdict_ms) + 1
        if not decided <= stored <= decided + noon.given_up:
            raise WrongEffect(f"{decided} verdicts, {noon.given_up} given up, {stored} stored")
        return noon


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    if options.flat:
        arrivals = flat_arrivals(options.rate, options.seconds)
    else:
        arrivals = lunch_arrivals(options.rate, options.seconds, Random(SEED))
    lunch = Lunch(arrivals, [_photo(each) for each in arrivals])
    with open_lab() as lab:
        url = lab.make_database(DATABASE)
        lab.administer(DATABASE, *ALWAYS_LUNCH, "CHECKPOINT")
        with serving(lab) as address:
            noon = uvloop.run(lunch.run(url, address))
    ran = _ran(options, lunch, noon)
    conclude(
        "noon",
        ours=ran["all_phones"]["p95_ms"],
        rival=None,
        ratio=None,
        unit="ms from the intended start to the verdict, p95",
        ran=ran,
    )
    return 0


def _photo(arrival: Arrival) -> bytes:
    size, about = (TWELVE_MP, LARGE) if arrival.is_large else (HD, SMALL)
    return photo(arrival.number, size, about)


def _ran(options: argparse.Namespace, lunch: Lunch, noon: Noon) -> dict[str, Any]:
    plain = [
        noon.verdict_ms[each.number]
        for each in lunch.arrivals
        if each.is_plain and each.number in noon.verdict_ms
    ]
    return {
        "mode": "flat" if options.flat else "lunch curve with a burst of 3x",
        "photos_per_second": options.rate,
        "seconds": options.seconds,
        "photos": len(lunch.arrivals),
        "large": sum(each.is_large for each in lunch.arrivals),
        "slow": sum(each.is_slow for each in lunch.arrivals),
        "slow_bytes_per_s": SLOW_BYTES_PER_S,
        "sent_again": sum(each.loses_answer for each in lunch.arrivals),
        "all_phones": quantiles(list(noon.verdict_ms.values())),
        "plain_phones": quantiles(plain),
        "target_p95_ms": TARGET_P95_MS if options.flat else None,
        "requests": noon.requests,
        "shed_rate": round(noon.shed / max(1, noon.requests), 4),
        "given_up": noon.given_up,
        "statuses": noon.statuses,
        "drain_s": round(noon.last_verdict_s - lunch.arrivals[-1].at_s, 2),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tanhui bench noon", description=__doc__)
    parser.add_argument("--rate", type=float, default=5.0, help="photos/s, at the curve's peak")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--flat", action="store_true", help="one rate, small photos, good phones")
    parser.add_argument("--json", action="store_true", help="accepted; the last line always is")
    return parser

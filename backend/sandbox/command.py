"""`tanhui partner simulate`: plan a day, send it, and say whether every answer was expected."""

import argparse
import asyncio
import json
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from yarl import URL

from backend.sandbox.kinds import KINDS, Kind
from backend.sandbox.plan import Plan, Planned, customers_for, line_of
from backend.sandbox.sending import NotTaken, Sender, Tally, send_line
from backend.sandbox.signing import Sign, sign_by_private_key, sign_by_secret
from backend.units import shanghai_day

EXIT_OK, EXIT_FOUND, EXIT_USAGE = 0, 1, 2
DEEDS_MAX = 5_000_000  # all of them are planned before the first is sent
FIRST_DAY = date(2000, 1, 1)  # late events are told of days before, which must be days, too


def simulate_partner(parsed: argparse.Namespace) -> int:
    """Run the simulation; 1 when an answer was not the expected one, 2 for wrong input."""
    try:
        plan = _plan_of(parsed)
        sender = Sender(_base_of(parsed.base), _text(parsed.key), _sign_of(parsed))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    line = line_of(plan)
    if parsed.print:
        for each in line:
            print(json.dumps(each.document, ensure_ascii=False))
        return EXIT_OK
    begun = time.monotonic()
    try:
        tally = asyncio.run(send_line(sender, line, duration_s=60 * parsed.minutes))
    except NotTaken as error:
        print(error, file=sys.stderr)
        return EXIT_FOUND
    found = summary_of(plan, line, tally, time.monotonic() - begun)
    print(json.dumps(found, ensure_ascii=False) if parsed.json else _sentences(found))
    return EXIT_OK if found["is_as_expected"] else EXIT_FOUND


def summary_of(plan: Plan, line: list[Planned], tally: Tally, seconds: float) -> dict[str, Any]:
    """What was sent and what became of it.

    As expected is: one answer for each event, nothing refused, and a `duplicate` for each event
    that was sent again. A plan that was sent before has nothing but duplicates.
    """
    repeated = sum(each.is_duplicate for each in line)
    duplicates = tally.statuses["duplicate"]
    is_whole = tally.sent == len(line) and not tally.statuses["refused"]
    return {
        "day": str(plan.day),
        "kind": plan.kind,
        "deeds": plan.deeds,
        "events": len(line),
        "sent_twice": repeated,
        "answers": dict(sorted(tally.statuses.items())),
        "problems": dict(sorted(tally.problems.items())),
        "requests_again": tally.repetitions,
        "seconds": round(seconds, 1),
        "events_per_s": round(tally.sent / max(seconds, 0.001)),
        "p50_ms": tally.percentile_ms(0.5),
        "p99_ms": tally.percentile_ms(0.99),
        "is_as_expected": is_whole and duplicates >= repeated,
    }


def _sentences(found: dict[str, Any]) -> str:
    answers = ", ".join(f"{name} {count:,}" for name, count in found["answers"].items())
    problems = ", ".join(f"{name} {count:,}" for name, count in found["problems"].items())
    mark = "✓ 与预期一致 as expected" if found["is_as_expected"] else "✗ 与预期不符 not as expected"
    told = (
        f"{found['kind']}: {found['deeds']:,} deeds of {found['day']}"
        f" in {found['events']:,} events, {found['sent_twice']:,} of them sent again"
    )
    pace = (
        f"{found['seconds']} s, {found['events_per_s']:,} events/s, p50 {found['p50_ms']} ms,"
        f" p99 {found['p99_ms']} ms, {found['requests_again']} requests again"
    )
    refused = [f"refused: {problems}"] if problems else []
    return "\n".join((told, pace, f"answers: {answers}", *refused, mark))


def _plan_of(parsed: argparse.Namespace) -> Plan:
    kind, deeds = KINDS[parsed.kind], parsed.rate * parsed.minutes * 60
    customers = parsed.customers or customers_for(kind, deeds)
    if min(parsed.rate, parsed.minutes, customers) < 1:
        raise ValueError("--rate, --minutes and --customers are at least 1.")
    if deeds > DEEDS_MAX:
        raise ValueError(f"--rate and --minutes make at most {DEEDS_MAX} deeds.")
    if deeds > customers * kind.slots_per_day:
        most = customers * kind.slots_per_day
        raise ValueError(f"{customers} customers do at most {most} of {parsed.kind} a day.")
    subject = parsed.subject or f"sim-{parsed.seed}-{{number:06d}}"
    _named(subject, 0)
    return Plan(
        parsed.kind,
        _day_of(parsed),
        deeds,
        customers,
        parsed.seed,
        parsed.source,
        subject,
        parsed.region,
        _things_of(parsed, kind, deeds),
    )


def _day_of(parsed: argparse.Namespace) -> date:
    today = shanghai_day(datetime.fromtimestamp(time.time(), UTC))
    day: date = parsed.day or today - timedelta(days=1)
    if not FIRST_DAY <= day < today:
        raise ValueError("--day is a day that is over: what is told of it has happened.")
    return day


def _things_of(parsed: argparse.Namespace, kind: Kind, deeds: int) -> list[str]:
    """Names that were given: a pattern, or lines; none where the plan makes them up."""
    given = _text(parsed.thing)
    if not given:
        if kind.is_printed:
            raise ValueError(
                f"--kind {parsed.kind} needs --thing: codes that tanhui bags has made."
            )
        return []
    is_pattern = "{number" in given
    things = [_named(given, n) for n in range(deeds)] if is_pattern else given.split()
    if len(things) < deeds:
        raise ValueError(f"--thing names {len(things)}, and {deeds} are told of.")
    return things


def _named(pattern: str, number: int) -> str:
    """A name by its pattern; whoever writes another field into it is told."""
    try:
        return pattern.format(number=number)
    except (LookupError, AttributeError, MemoryError):
        raise ValueError(f"{pattern} has another field than {{number}}, or a wide one.") from None


def _base_of(text: str) -> str:
    """The address of an API.

    Raises:
        ValueError: It is none.
    """
    url = URL(text)
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError("--base is an address such as http://127.0.0.1:8080.")
    return text


def _sign_of(parsed: argparse.Namespace) -> Sign | None:
    if parsed.private_key:
        return sign_by_private_key(_text(parsed.private_key))
    return sign_by_secret(_text(parsed.secret)) if parsed.secret else None


def _text(given: str | None) -> str:
    """An option, or the content of the file that it names with `@`: keys belong in no history."""
    if given is None:
        return ""
    return Path(given[1:]).read_text("utf-8").strip() if given.startswith("@") else given

"""Credits per second in a large programme, against the same in one of a tenth of its size.

Both databases are on one server: ten transfers a member, and a tenth of the members eat in the
rounds. What grows with the programme (indexes that no longer fit, members that no longer share a
page) shows as a ratio below one. Filling, loading and checking are not timed.
"""

import argparse
from collections.abc import Sequence
from random import Random
from typing import Any

from benchmarks.credit import ROUNDS_MAX, SEED, Credits
from benchmarks.history import TRANSFERS_PER_PLATE, fill, member_ids
from benchmarks.lab import Lab, alternate, compare, open_lab
from benchmarks.plates import GROUP, MEMBERS_PER_GROUP

TRANSFERS_PER_MEMBER = 10
SMALLER, ACTIVE = 10, 10  # the small programme is a tenth, and a tenth of either is active


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    smallest = SMALLER * ACTIVE * MEMBERS_PER_GROUP
    members = max(smallest, options.members // smallest * smallest)
    # As many as the active members of the small programme can eat in a day.
    plates = members // SMALLER // ACTIVE // MEMBERS_PER_GROUP * GROUP
    rounds = min(options.rounds, ROUNDS_MAX // options.days)
    with open_lab() as lab:
        ours, rival = (
            _programme(lab, name, size, plates, options)
            for name, size in (("large", members), ("small", members // SMALLER))
        )
        found = alternate(ours.measure, rival.measure, rounds)
    ran = _ran(options, members, rounds, plates)
    compare("scale", *found, unit="credits/s, the same with a tenth of everything", ran=ran)
    return 0


def _programme(lab: Lab, name: str, size: int, plates: int, options: argparse.Namespace) -> Credits:
    url = lab.make_database(name)
    fill(lab, name, url, members=size, days=TRANSFERS_PER_MEMBER // TRANSFERS_PER_PLATE)
    active = Random(SEED).sample(member_ids(size), size // ACTIVE)
    return Credits(lab, name, url, active, plates, options.processors, options.days)


def _ran(options: argparse.Namespace, members: int, rounds: int, plates: int) -> dict[str, Any]:
    return {
        "rounds": rounds,
        "credits_per_round": options.days * plates,
        "members": [members, members // SMALLER],
        "transfers": [size * TRANSFERS_PER_MEMBER for size in (members, members // SMALLER)],
        "active": f"1 of {ACTIVE}",
        "processors": options.processors,
        "work_rows": "one check-in each",
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tanhui bench scale", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--members", type=int, default=1_000_000, help="of the large programme")
    parser.add_argument("--days", type=int, default=5, help="days of plates per round")
    parser.add_argument("--processors", type=int, default=2, help="processes, as replicas in k8s")
    parser.add_argument("--json", action="store_true", help="accepted; the last line always is")
    return parser

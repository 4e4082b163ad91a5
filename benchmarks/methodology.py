"""Calculations per second and core, against the bare decimal arithmetic of the same calculations.

Both sides take the same activities in one process, sides alternated. Ours is `reduce_period`: day
and period, version and factors by date and place, order, exclusions, caps shared within the day,
one rounding, and all that a credit stores. The rival knows the right factor beforehand and only
multiplies: capped amount x factor x tier in `Decimal`, rounded down, with its exact text. So the
ratio says what is left of the arithmetic's speed when the rules stand around it.
"""

import argparse
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from benchmarks.credit import WrongEffect
from benchmarks.lab import alternate, compare
from scoring.methodology import Activity, Catalogue, Tier, load_catalogue, reduce_period

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)  # in Shanghai
REGION = "330106"
# What members of the demo city do, as (methodology, quantity, amount of the n-th member): a third
# eat one plate and no more; the rest travel or bring a bag too.
DAYS: tuple[tuple[tuple[str, str, int], ...], ...] = (
    (("TPH-FOOD-01", "meals", 1),),
    (("TPH-MOB-05", "distance_m", 12_345), ("TPH-FOOD-01", "meals", 1)),
    (("TPH-MOB-02", "distance_m", 2_900), ("TPH-MOB-05", "rides", 1), ("TPH-FOOD-01", "meals", 1)),
    (("TPH-FOOD-01", "meals", 1),),
    (("TPH-WASTE-01", "mass_g.pet", 1_230), ("TPH-MOB-01", "steps", 8_421)),
    (("TPH-FOOD-01", "meals", 1),),
)
TIERS = {Tier.DOCUMENTED: Decimal("1.00"), Tier.SELF_DECLARED: Decimal("0.50")}
NOTHING = Decimal(0)

Period = list[Activity]
Price = tuple[Decimal, Decimal, Decimal]


def periods_of(members: int) -> list[Period]:
    """One day of each member."""
    return [
        [
            Activity(
                f"{number}-{place}",
                methodology_id,
                NOON + timedelta(minutes=20 * place),
                None,
                {quantity: amount},
                Tier.SELF_DECLARED if number % 10 == 0 else Tier.DOCUMENTED,
                REGION,
            )
            for place, (methodology_id, quantity, amount) in enumerate(DAYS[number % len(DAYS)])
        ]
        for number in range(members)
    ]


def priced(periods: list[Period], catalogue: Catalogue) -> list[tuple[int, Price]]:
    """For the rival: each amount with its cap, its factor in grams per unit and its tier."""
    found = []
    for activity in (each for period in periods for each in period):
        rule = catalogue.rule_on(activity.methodology_id, NOON.date(), activity.region)
        ((quantity, amount),) = activity.quantities.items()
        term = rule.terms[quantity]
        factor = Decimal(term.net).scaleb(-rule.places)
        found.append((amount, (Decimal(term.most), factor, TIERS[activity.tier])))
    return found


def run_ours(periods: list[Period], catalogue: Catalogue) -> tuple[float, int]:
    """Seconds of processor time, and the grams for the comparison."""
    grams = 0
    begun = time.process_time()
    for period in periods:
        for reduction in reduce_period(period, catalogue).values():
            grams += reduction.grams
    return time.process_time() - begun, grams


def run_rival(amounts: list[tuple[int, Price]]) -> tuple[float, int]:
    """The same in bare decimals."""
    grams = 0
    texts = []
    begun = time.process_time()
    for amount, (most, factor, tier) in amounts:
        exact = max(min(Decimal(amount), most) * factor, NOTHING) * tier
        grams += int(exact.to_integral_value(ROUND_DOWN))
        texts.append(str(exact))
    return time.process_time() - begun, grams


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)
    catalogue = load_catalogue()
    periods = periods_of(asked.members)
    amounts = priced(periods, catalogue)
    booked: set[int] = set()

    def ours(_: int) -> float:
        seconds, grams = run_ours(periods, catalogue)
        booked.add(grams)
        return len(amounts) / seconds

    def rival(_: int) -> float:
        seconds, grams = run_rival(amounts)
        booked.add(grams)
        return len(amounts) / seconds

    found = alternate(ours, rival, asked.rounds)
    if len(booked) != 1:
        raise WrongEffect(f"the sides disagree: {sorted(booked)} g")
    ran = {
        "members": asked.members,
        "activities": len(amounts),
        "rounds": asked.rounds,
        "rival": "capped amount x factor x tier in Decimal, rounded down, and its text",
    }
    compare("methodology", *found, unit="calculations/s and core", ran=ran)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tanhui bench methodology", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--members", type=int, default=6_000)
    parser.add_argument("--json", action="store_true", help="accepted; the last line always is")
    return parser

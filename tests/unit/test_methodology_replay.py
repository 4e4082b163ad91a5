"""Engine 1 gives for ever what it gave: days drawn from fixed numbers, and their recorded sum."""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from scoring.methodology import ENGINES, SHANGHAI, Activity, Tier, load_catalogue, reduce_period

CATALOGUE = load_catalogue()
MIDNIGHT = datetime(2026, 11, 21, tzinfo=SHANGHAI)
DAYS = 400
RECORDED = "b116f84b092999df2335fbf45bd0f7028d84024c63f144d147761afab7359248"

AMOUNTS = {
    "TPH-FOOD-01": (("meals", 4),),
    "TPH-HOME-01": (("energy_wh", 30_000), ("days", 70)),
    "TPH-MARINE-01": (("mass_g.sorted_plastic", 60_000), ("mass_g.unsorted_waste", 60_000)),
    "TPH-MOB-01": (("steps", 15_000),),
    "TPH-MOB-02": (("distance_m", 30_000),),
    "TPH-MOB-03": (("distance_m", 30_000),),
    "TPH-MOB-04": (("rides", 5),),
    "TPH-MOB-05": (("distance_m", 80_000), ("rides", 3)),
    "TPH-MOB-06": (("days", 2),),
    "TPH-OFF-01": (("sheets", 7),),
    "TPH-PACK-01": (("orders", 5),),
    "TPH-WASTE-01": (
        *(("mass_g.pet", 15_000), ("mass_g.glass", 15_000)),
        *(("mass_g.corrugated_board", 15_000), ("mass_g.aluminium_cans", 3_000)),
    ),
    "TPH-WASTE-02": (("mass_g", 15_000),),
    "TPH-WASTE-03": (("mass_g", 30_000),),
    "TPH-WASTE-04": (("boxes", 7),),
}
NAMES = sorted(AMOUNTS)


def numbers() -> Iterator[int]:
    """A linear congruential generator (Knuth's MMIX), the same on every Python for ever."""
    state = 20_261_121
    while True:
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        yield state >> 33


def days() -> Iterator[list[Activity]]:
    drawn = numbers()

    def below(limit: int) -> int:
        return next(drawn) % limit

    for _ in range(DAYS):
        day = []
        for place in range(1 + below(8)):
            name = NAMES[below(len(NAMES))]
            starts = MIDNIGHT + timedelta(minutes=10 * below(140))
            given = {quantity: below(most + 1) for quantity, most in AMOUNTS[name]}
            if name == "TPH-MOB-05":
                given.pop("rides" if below(2) else "distance_m")
            day.append(
                Activity(
                    key=f"{below(100)}-{place}",
                    methodology_id=name,
                    occurred_at=starts,
                    ended_at=starts + timedelta(minutes=below(60)) if below(3) else None,
                    quantities=given,
                    tier=list(Tier)[below(2)],
                    region=("330106", "440305", "540100")[below(2)],
                )
            )
        yield day


def test_engine_1_gives_what_it_gave() -> None:
    found = hashlib.sha256()
    for day in days():
        for key, reduction in sorted(reduce_period(day, CATALOGUE, engine=1).items()):
            row = [key, *reduction[1:]]
            found.update(json.dumps(row, sort_keys=True).encode())
    assert found.hexdigest() == RECORDED


def test_a_replay_is_identical_in_every_engine() -> None:
    for engine in ENGINES:
        for day in days():
            once = reduce_period(day, CATALOGUE, engine)
            assert reduce_period(reversed(day), load_catalogue(), engine) == once

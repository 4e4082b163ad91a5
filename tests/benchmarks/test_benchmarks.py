"""Each benchmark at a tiny size: it finds its effects right and prints its one JSON object.

The programs check their effects themselves and raise `WrongEffect`. No speed is looked at here.
"""

import json
import subprocess
import sys
from datetime import date
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from benchmarks.arrivals import flat_arrivals, lunch_arrivals
from benchmarks.lab import quantile
from benchmarks.plates import GROUP, expected, plates_of_a_day
from benchmarks.trip_load import Load, requests_of

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 11, 20)
TINY = {
    "credit": ("--rounds", "1", "--credits", "60", "--scale", "1", "--seconds", "1"),
    "scale": ("--rounds", "1", "--members", "1600", "--days", "2"),
    "api": ("--rounds", "1", "--seconds", "0.5", "--members", "200", "--connections", "8"),
    "events": ("--rounds", "1", "--members", "200"),
    "photo": ("--rounds", "1", "--photos", "4"),
    "redeem": ("--rounds", "1", "--pairs", "40", "--tills", "8", "--members", "10"),
    "methodology": ("--rounds", "1", "--members", "60"),
    "noon": ("--seconds", "2", "--rate", "2", "--flat"),
    "report": ("--asks", "3", "--districts", "2", "--credits", "40", "--members", "12"),
}


@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_ends_with_one_json_object(name):
    finished = subprocess.run(
        [sys.executable, "-m", "backend.cli", "bench", name, "--json", *TINY[name]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout.splitlines()[-1])
    assert found.keys() == {"name", "ours", "rival", "ratio", "unit", "ran"}
    assert found["name"] == name
    assert found["ours"] > 0
    assert (found["rival"] is None) == (name in {"noon", "report"})
    assert {"cores", "python", "versions", "load_average"} <= found["ran"].keys()


def test_a_tenth_of_a_day_of_plates_is_duplicate_or_over_the_cap():
    plates = plates_of_a_day(list(range(1_000)), DAY, 10 * GROUP, Random(1))
    wanted = expected(10 * GROUP)
    assert len(plates) == 200
    assert len({(plate.account_id, plate.meal_window) for plate in plates}) == 190
    assert (wanted["duplicates"], wanted["over_cap"], wanted["credited"]) == (10, 10, 190)


def test_requests_differ_in_their_keys_and_members_travel_again_later():
    load = Load(
        port=1,
        bearer="thk_x",
        members=2,
        connections=1,
        seconds=1,
        began_at="2026-11-20T12:00:00+08:00",
        round=0,
    )
    made = list(islice(requests_of(load), 3))
    assert len(set(made)) == 3
    assert b"12:00:00" in made[1]
    assert b"13:00:00" in made[2]
    assert all(b"\r\n\r\n{" in each for each in made)


def test_a_burst_brings_three_times_as_many_photos():
    arrivals = lunch_arrivals(10, 100, Random(1))
    before = sum(35 <= each.at_s < 45 for each in arrivals)
    burst = sum(45 <= each.at_s < 55 for each in arrivals)
    assert 2.8 <= burst / before <= 3.4
    assert [each.at_s for each in flat_arrivals(2, 2)] == [0.0, 0.5, 1.0, 1.5]


def test_a_quantile_is_a_measured_value():
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile(list(map(float, range(1, 101))), 0.99) == 99.0
    assert quantile([7.0], 0.99) == 7.0

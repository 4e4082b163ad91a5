"""What the made-up partner sends: the same every time, and all that goes wrong is in it."""

import json
from collections import Counter
from datetime import date

import pytest

from backend.cli import main
from backend.intake.events.domain import Role
from backend.intake.events.envelope import Speaker, read_event
from backend.sandbox.kinds import KINDS
from backend.sandbox.plan import REACH_EVENTS, Plan, batches_of, line_of
from backend.units import shanghai_day
from tests.acceptance.running_service import METRO

PLAN = Plan("metro", date(2026, 11, 20), 5_000, 500, 1, "urn:metro", "card-{number}", "330100")
DEEDS = 1_500


def test_the_same_plan_is_the_same_line_and_another_seed_another():
    assert line_of(PLAN) == line_of(PLAN)
    assert line_of(PLAN) != line_of(PLAN._replace(seed=2))


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_is_one_that_the_inlet_reads(kind):
    speaker = Speaker(METRO, "partner", "330100")
    things = [f"BAG{number:05d}" for number in range(DEEDS)]
    roles = Counter()
    for each in line_of(PLAN._replace(kind=kind, deeds=DEEDS, customers=DEEDS, things=things)):
        event = read_event(each.document, speaker)
        assert event.key.source == "urn:metro"
        assert event.type.startswith(KINDS[kind].event)
        roles[event.role] += 1
    assert roles[Role.REPORTED] > DEEDS  # some twice
    assert roles[Role.WITHDRAWN]
    assert bool(roles[Role.CORRECTED]) == bool(KINDS[kind].amount)


def test_a_day_has_its_shares_of_what_goes_wrong():
    line = line_of(PLAN)
    read = [read_event(each.document, Speaker(METRO, "partner", "330100")) for each in line]
    first = {event.key: event for event in reversed(read)}
    roles = Counter(event.role for event in first.values())
    tapped = sum(each.key.event_id.endswith("-in") for each in first.values())
    rides = [each for each in first.values() if each.role == Role.REPORTED]
    assert len(rides) == 5_000
    # Shares of 5,000 drawn at random, within four standard deviations.
    assert sum(each.is_duplicate for each in line) == pytest.approx(250, abs=62)
    assert tapped == pytest.approx(500, abs=85)
    assert tapped - roles[Role.COMPLETED] == pytest.approx(50, abs=28)
    assert roles[Role.CORRECTED] == pytest.approx(45, abs=27)
    assert roles[Role.WITHDRAWN] == pytest.approx(25, abs=20)
    late = sum(shanghai_day(event.told_at) < PLAN.day for event in rides)
    assert late == pytest.approx(250, abs=62)


def test_events_come_out_of_order_but_not_from_far_away():
    line = line_of(PLAN)
    places = {}
    for place, each in enumerate(line):
        places.setdefault(each.document["id"], place)
    amended = [
        (places[each.document["id"]], places[each.document["data"]["corrects"]])
        for each in line
        if "corrects" in each.document["data"]
    ]
    assert any(amending < original for amending, original in amended)
    assert all(abs(amending - original) <= 2 * REACH_EVENTS for amending, original in amended)
    assert [len(batch) for batch in batches_of(line[:250], 100)] == [100, 100, 50]


def simulate(*arguments):
    return main(["partner", "simulate", "--rate", "1", "--print", *arguments])


def test_the_command_prints_things_under_given_names(capsys, tmp_path):
    codes = tmp_path / "codes.txt"
    codes.write_text("".join(f"QH{number:06d}\n" for number in range(60)))
    assert simulate("--kind", "bag", "--thing", f"@{codes}") == 0
    assert simulate("--kind", "order", "--thing", "O-{number}") == 0
    data = [json.loads(line)["data"] for line in capsys.readouterr().out.splitlines()]
    codes_told = {each["code"] for each in data if "code" in each}
    assert codes_told == set(codes.read_text().split())
    assert {each["order"] for each in data if "order" in each} == {f"O-{n}" for n in range(60)}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kind", "bag"], "--kind bag needs --thing"),
        (["--kind", "bag", "--thing", "A1 A2"], "--thing names 2, and 60 are told of"),
        (["--kind", "meter", "--customers", "9"], "9 customers do at most 9 of meter a day"),
        (["--secret", "thk_1"], "--secret is the whsec_..."),
        (["--day", "2999-01-01"], "--day is a day that is over"),
        (["--day", "0001-01-01"], "--day is a day that is over"),
        (["--subject", "{card}"], "{card} has another field than {number}"),
        (["--subject", "{0}"], "{0} has another field than {number}"),
        (["--subject", "{number.card}"], "{number.card} has another field than {number}"),
        (["--kind", "bag", "--thing", "{number}-{bag}"], "has another field than {number}"),
        (["--minutes", "9" * 20], "make at most 5000000 deeds"),
        (["--base", "api.example"], "--base is an address"),
        (["--base", "ftp://127.0.0.1"], "--base is an address"),
        (["--base", "http://127.0.0.1:99999"], "Port out of range"),
    ],
)
def test_wrong_input_is_said_and_nothing_is_sent(capsys, arguments, said):
    assert simulate(*arguments) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""

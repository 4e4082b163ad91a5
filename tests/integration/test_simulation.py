"""Simulating a new rule, and computing bookings again, over credits on the real database."""

import asyncio
import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from backend.batches import run_batch
from backend.cli import main
from backend.crediting.simulating import Question, described, simulate
from backend.crediting.simulation import Rehearsal
from backend.crediting.steps import Rulebook, credit_batch
from backend.db import APPLICATION_ROLE, make_engine, run, snapshot
from backend.ledger.queries import lock_accounts
from backend.methodologies.register import open_catalogue
from backend.methodologies.simulations import MethodologyFileFaulty, read_candidate
from backend.verify.recompute import Days, recompute_days
from scoring.methodology import load_catalogue
from scoring.methodology.catalogue import packaged_texts
from tests.builders import NOON, SECRET, make_order, saved_account

PACKAGED = load_catalogue()
FILES = packaged_texts("catalogue")
PLATE = "TPH-FOOD-01_v1.0.0.toml"
DAY = date(2026, 11, 20)
HALF_PLATE = FILES[PLATE].replace('version = "1.0.0"', 'version = "1.1.0"')
ONE_MEAL = HALF_PLATE.replace("most = 3", "most = 1")
MODES = {
    "metro": {
        "action": "metro", "methodology_id": "TPH-MOB-05", "quantities": {"distance_m": 12_000},
    },
    "bus": {"action": "bus", "methodology_id": "TPH-MOB-04", "quantities": {"rides": 1}},
    "walking": {
        "action": "walking", "methodology_id": "TPH-MOB-01", "quantities": {"steps": 12_000},
    },
    "electricity": {
        "action": "electricity_saved",
        "methodology_id": "TPH-HOME-01",
        "quantities": {"energy_wh": 9_000},
    },
    "trees": {"action": "tree_planting", "methodology_id": "TPH-TREE-01"},
}  # fmt: skip


async def credit(engine, *orders):
    async def write(conn, given):
        locked = await lock_accounts(conn, [order.account_id for order in given])
        return await credit_batch(conn, given, locked, Rulebook(PACKAGED, SECRET))

    return await run_batch(engine, write, orders)


async def candidate(toml):
    return await asyncio.to_thread(read_candidate, toml, {})


def plates(account_id, count, **changes):
    return [
        make_order(
            account_id,
            occurred_at=NOON + timedelta(minutes=n),
            natural_key=f"{account_id} plate {n}",
            **changes,
        )
        for n in range(count)
    ]


def ride(account_id, mode, minutes=0, days=0, **changes):
    at = NOON + timedelta(minutes=minutes, days=days)
    return make_order(account_id, **{**MODES[mode], "occurred_at": at, **changes})


async def saved_city(engine):
    """Plates at and over the cap, rides that overlap, late ones, a meter, trees of two days."""
    few, many, mover = [await saved_account(engine, points=100) for _ in range(3)]
    await credit(engine, *plates(few, 1), *plates(many, 4, region="310100"))
    half_an_hour = timedelta(minutes=30)
    await credit(engine, ride(mover, "metro", ended_at=NOON + half_an_hour))
    await credit(engine, ride(mover, "metro", -10, ended_at=NOON + timedelta(minutes=5)))
    await credit(
        engine,
        ride(mover, "bus", 40),
        ride(mover, "walking", 300, tier="self_declared"),
        ride(mover, "electricity", 310),
        ride(mover, "trees", quantities={"trees": 3}, days=-30),
        ride(mover, "trees", quantities={"trees": 4}),
    )
    await credit(engine, *plates(mover, 2, tier="self_declared"))
    return few, many, mover


async def asked(engine, version, since=DAY, until=DAY, *, with_accounts=False):
    catalogue = await open_catalogue(engine, PACKAGED)
    told = []

    async def progress(done, total):
        told.append((done, total))

    question = Question(version, since, until)
    async with snapshot(engine) as conn:
        effect = await simulate(conn, question, catalogue, progress)
    assert told[-1][0] == told[-1][1]
    return described(question, effect, with_accounts=with_accounts)


@pytest.mark.parametrize(
    "name",
    [f"TPH-{name}-01_v1.0.0.toml" for name in ("FOOD", "HOME", "MOB", "TREE")]
    + [f"TPH-MOB-{number}_v1.0.0.toml" for number in ("04", "05")],
)
async def test_the_rule_in_force_changes_nothing(engine, name):
    version = await candidate(FILES[name])
    await saved_city(engine)
    async with engine.connect() as conn:
        again = await recompute_days(conn, PACKAGED, Days(), examples_max=5)
    assert (again.different, again.examples) == (0, [])
    result = await asked(engine, version)
    assert result["grams_before"] == result["grams_after"]
    assert result["accounts_unchanged"] == result["accounts"]
    assert (result["not_covered"], result["largest_losses"]) == (0, [])


async def test_a_lower_cap_takes_from_those_above_it(engine):
    _, many, mover = await saved_city(engine)
    result = await asked(engine, await candidate(ONE_MEAL), with_accounts=True)
    # Three accounts ate: one plate; four of which three count; two on their own word at half.
    assert result["accounts"] == 3
    assert (result["accounts_losing"], result["accounts_unchanged"]) == (2, 1)
    # Before 125 + 3 x 125 + 2 x 62; after 125 + 125 + 62, beside what the mover did that day.
    assert result["grams_lost"] == 2 * 125 + 62
    assert result["grams_gained"] == 0
    assert result["largest_losses"] == [
        {"grams_before": 375, "grams_after": 125, "change": -250, "account_id": str(many)},
        result["largest_losses"][1],
    ]
    assert result["largest_losses"][1]["account_id"] == str(mover)
    rows = {row["name"]: row["change"] for row in result["by_methodology"]}
    assert rows["TPH-FOOD-01"] == -312
    assert {rows[name] for name in rows if name != "TPH-FOOD-01"} == {0}
    regions = {row["name"]: row["change"] for row in result["by_region"]}
    assert regions == {"310100": -250, "330100": -62}
    buckets = {row["from_grams"]: row["accounts"] for row in result["distribution"]}
    assert (buckets[-1_000], buckets[-100], buckets[0]) == (1, 1, 1)
    assert sum(buckets.values()) == 3


async def test_nobody_is_named_unless_it_is_asked_for(engine):
    accounts = await saved_city(engine)
    text = json.dumps(await asked(engine, await candidate(ONE_MEAL)))
    assert [account for account in accounts if str(account) in text] == []


async def test_a_rule_that_lets_more_count_shows_what_others_gain(engine):
    await saved_city(engine)
    more = FILES["TPH-MOB-01_v1.0.0.toml"].replace('"1.0.0"', '"1.1.0"').replace("10000", "20000")
    result = await asked(engine, await candidate(more))
    # 12,000 instead of 10,000 steps x 0.0164 g x 0.5 = 98.4 instead of 82.
    assert (result["grams_gained"], result["accounts_gaining"]) == (16, 1)


async def test_what_a_rule_no_longer_counts_frees_what_it_excluded(engine):
    await saved_city(engine)
    by_ride = await candidate(FILES["TPH-MOB-05_v1.0.0.toml"].replace('"1.0.0"', '"1.1.0"'))
    by_ride = replace(by_ride, formulas=by_ride.formulas[1:])  # rides alone, no distance
    result = await asked(engine, by_ride)
    assert result["not_covered"] == 2
    assert result["grams_after"] == result["grams_before"] - result["not_covered_grams"]


async def test_a_yearly_cap_counts_what_came_before_the_period(engine):
    await saved_city(engine)
    name = "TPH-TREE-01_v1.0.0.toml"
    one_more = FILES[name].replace('version = "1.0.0"', 'version = "1.1.0"')
    one_more = one_more.replace("most = 5", "most = 6")
    result = await asked(engine, await candidate(one_more))
    # Three trees in October and four now: two of them counted, three would; 1,790 g a tree.
    assert (result["check_ins"], result["grams_before"], result["grams_gained"]) == (
        1,
        3_580,
        1_790,
    )


async def test_only_activities_of_the_period_are_counted(engine):
    await saved_city(engine)
    version = await candidate(ONE_MEAL)
    assert (await asked(engine, version, DAY - timedelta(days=9), DAY))["accounts"] == 3
    tomorrow = DAY + timedelta(days=1)
    assert (await asked(engine, version, tomorrow, tomorrow))["check_ins"] == 0


async def test_a_reversed_booking_is_not_compared(engine):
    account = await saved_account(engine)
    first = ride(account, "metro", ended_at=NOON + timedelta(minutes=30))
    await credit(engine, first)
    await credit(engine, ride(account, "metro", -10, ended_at=NOON + timedelta(minutes=10)))
    result = await asked(engine, await candidate(FILES["TPH-MOB-05_v1.0.0.toml"]))
    assert (result["check_ins"], result["grams_before"]) == (2, 560)


def test_a_new_rule_is_tried_with_the_factors_of_its_own_first_day():
    later = replace(read_candidate(HALF_PLATE, {}), valid_from=date(2028, 1, 1))
    rule = Rehearsal(PACKAGED, later).rule_on("TPH-FOOD-01", DAY, "CN")
    assert rule.hash == later.hash


def test_all_faults_of_a_file_are_said_at_once():
    broken = FILES[PLATE].replace('kind = "scene"', 'kind = "x"').replace("most = 3", "most = -1")
    with pytest.raises(MethodologyFileFaulty) as refused:
        read_candidate(broken, {})
    assert len(refused.value.facts["faults"]) == 2
    assert all(fault["do"] for fault in refused.value.facts["faults"])


@pytest.fixture
def database_of(server, database, tmp_path, monkeypatch):
    """The settings of the command line for this test's database."""
    monkeypatch.setenv("TANHUI_DATABASE_URL", server.url(database, APPLICATION_ROLE))
    monkeypatch.setenv("TANHUI_DATA_DIR", str(tmp_path))

    def filled(*statements):
        async def fill():
            engine = make_engine(server.url(database, APPLICATION_ROLE))
            await saved_city(engine)
            await engine.dispose()
            owner = make_engine(server.url(database))
            async with owner.begin() as conn:
                for each in statements:
                    await run(conn, each)
            await owner.dispose()

        asyncio.run(fill())

    return filled


def test_recompute_says_that_all_match(database_of, capsys):
    database_of()
    assert main(["recompute", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"matched": 14, "different": 0, "erased": 0, "examples": []}
    assert main(["recompute", "--from", "2026-11-21"]) == 0
    # The trees of the year are computed whenever a day of the year is asked for.
    assert "matched 2 ·" in capsys.readouterr().out


def test_recompute_says_what_differs_and_exits_with_one(database_of, capsys):
    database_of(
        "UPDATE credit SET unrounded = '1' WHERE id = (SELECT id FROM credit"
        " WHERE methodology_id = 'TPH-HOME-01')"
    )
    assert main(["recompute", "--from", "2026-11-20", "--to", "2026-11-20", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["different"], len(found["examples"])) == (1, 1)


def test_recompute_says_what_was_erased(database_of, capsys):
    database_of(
        "UPDATE credit SET natural_key = 'erased:' || id, occurred_at = date_trunc('day',"
        " occurred_at) WHERE methodology_id = 'TPH-FOOD-01' AND region = '310100'"
    )
    assert main(["recompute"]) == 0
    assert "evidence erased 4" in capsys.readouterr().out


def test_days_that_cannot_be_are_wrong_input(capsys):
    assert main(["recompute", "--from", "2026-11-21", "--to", "2026-11-20"]) == 2
    assert "Swap" in capsys.readouterr().err
    with pytest.raises(SystemExit) as refused:
        main(["recompute", "--from", "yesterday"])
    assert refused.value.code == 2


def test_simulate_prints_the_effect_of_a_file(database_of, tmp_path, capsys):
    database_of()
    new = tmp_path / "new.toml"
    new.write_text(ONE_MEAL)
    period = ["--from", "2026-11-01", "--to", "2026-11-30"]
    assert main(["simulate", str(new), *period]) == 0
    words = capsys.readouterr().out
    assert "TPH-FOOD-01 1.1.0" in words
    assert "lose: 2 accounts, 312 g" in words
    assert "an account: -250 g" in words
    assert main(["simulate", str(new), *period, "--json", "--accounts"]) == 0
    assert "account_id" in json.loads(capsys.readouterr().out)["largest_losses"][0]
    new.write_text("id = 1")
    assert main(["simulate", str(new), *period]) == 2
    assert capsys.readouterr().err.count("✗") > 5

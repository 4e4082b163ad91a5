import io
from dataclasses import replace

import pytest

from backend.db import run
from backend.demo.play import Finding
from backend.demo.proof import prove
from backend.demo.screen import Screen
from scoring.methodology import load_catalogue

load_catalogue()  # reads files, which must not happen in the loop; it is kept

FINDING = Finding(
    check_ins=6,
    credited=3,
    rejected=1,
    in_review=2,
    duplicates_refused=4,
    grams=700,
    points=25,
    points_spent=0,
    seconds=1.5,
    photos=5,
    verify="ok",
)


async def test_a_whole_ledger_is_proved(engine):
    screen = Screen(io.StringIO())
    assert await prove(engine, screen)
    assert "✗" not in screen.stream.getvalue()


async def test_points_from_nowhere_are_found_and_shown(engine):
    async with engine.begin() as conn:
        await run(conn, "UPDATE fund_slice SET available = available + 1 WHERE slice = 0")
    screen = Screen(io.StringIO())
    assert not await prove(engine, screen)
    assert "✗" in screen.stream.getvalue()


@pytest.mark.parametrize(
    ("changes", "is_sound"),
    [
        ({}, True),
        ({"verify": "broken"}, False),
        ({"check_ins": 7}, False),  # one acknowledged check-in has no outcome
    ],
)
def test_a_run_is_sound_when_nothing_is_missing_or_broken(changes, is_sound):
    assert replace(FINDING, **changes).is_sound is is_sound


def test_columns_line_up_although_chinese_is_wide():
    screen = Screen(io.StringIO())
    screen.table(("场景 action", "克 g"), [("地铁", 1_234), ("bus", 5)])
    assert screen.stream.getvalue().splitlines() == [
        "  场景 action   克 g",
        "  地铁         1,234",
        "  bus              5",
    ]

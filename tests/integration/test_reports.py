from datetime import UTC, date, datetime, timedelta

import pytest

from backend.checkins.domain import Change, Status
from backend.checkins.queries import insert_check_ins, settle_alike, settle_check_ins
from backend.reports.queries import undecided
from tests.builders import make_check_in

NOON, TODAY = datetime(2026, 11, 21, 4, 0, tzinfo=UTC), date(2026, 11, 21)


async def counted(conn, since=TODAY, until=TODAY):
    row = await undecided(conn, since=since, until=until)
    return row.in_review, row.rejected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.IN_REVIEW, (1, 0)),
        (Status.REJECTED, (0, 1)),
        (Status.CREDITED, (0, 0)),
        (Status.SCORED, (0, 0)),
    ],
)
async def test_what_stopped_is_counted_whichever_statement_moved_it(conn, status, expected):
    one, other = make_check_in(), make_check_in()
    await insert_check_ins(conn, [one, other])
    change = Change(one.id, Status.RECEIVED, status)
    await settle_check_ins(conn, [change], NOON)
    assert await counted(conn) == expected
    await settle_alike(conn, [other.id], change, NOON)
    assert await counted(conn) == tuple(2 * count for count in expected)


async def test_a_review_that_ends_is_not_counted_any_more(conn):
    check_in = make_check_in()
    await insert_check_ins(conn, [check_in])
    await settle_check_ins(conn, [Change(check_in.id, Status.RECEIVED, Status.IN_REVIEW)], NOON)
    await settle_check_ins(conn, [Change(check_in.id, Status.IN_REVIEW, Status.CREDITED)], NOON)
    assert await counted(conn) == (0, 0)


async def test_the_day_of_the_outcome_counts(conn):
    check_in = make_check_in()
    await insert_check_ins(conn, [check_in])
    tomorrow = NOON + timedelta(days=1)
    await settle_check_ins(conn, [Change(check_in.id, Status.RECEIVED, Status.REJECTED)], tomorrow)
    assert await counted(conn) == (0, 0)
    assert await counted(conn, until=TODAY + timedelta(days=1)) == (0, 1)

"""Where a pickup stands is what happened last, in whatever order it is told."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest

from backend.ids import uuid7
from backend.recycling.pickups import (
    Pickup,
    PickupStatus,
    Report,
    ReportKind,
    ReportNotClear,
    ReportTooOld,
    Slot,
    SlotNotBookable,
    after,
    check_report,
    check_slot,
)

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
TODAY = date(2026, 12, 1)


def make_pickup():
    asked = NOW - timedelta(days=1)
    return Pickup(
        *(uuid7(), uuid7(), "330100", TODAY, 9, b"sealed", 1),
        *(PickupStatus.OPEN, asked, "collector", asked, None),
    )


def make_report(kind, minutes=0, **parts):
    return Report(uuid7(), uuid7(), ReportKind(kind), NOW + timedelta(minutes=minutes), **parts)


MOVED = {"slot_on": date(2026, 12, 3), "slot_hour": 18}


@pytest.mark.parametrize(
    ("told", "status", "slot"),
    [
        ([("arrived", 0, {}), ("not_home", 5, {})], "not_home", Slot(TODAY, 9)),
        (
            [("arrived", 0, {}), ("not_home", 5, {}), ("rescheduled", 9, MOVED)],
            "open",
            Slot(*MOVED.values()),
        ),
        ([("not_home", 0, {}), ("arrived", 7, {}), ("done", 8, {})], "done", None),
        ([("done", 0, {}), ("not_home", 5, {})], "done", None),
    ],
)
def test_the_same_reports_in_any_order_come_to_the_same(told, status, slot):
    reports = [make_report(kind, minutes, **parts) for kind, minutes, parts in told]
    for order in permutations(reports):
        pickup = make_pickup()
        for report in order:
            pickup = after(pickup, report, NOW)
        assert pickup.status == status
        assert slot in {None, pickup.slot}
        assert (pickup.sealed_address is None) == (status == "done")


def test_what_happened_before_the_member_chose_another_slot_is_history():
    pickup = make_pickup()._replace(status_at=NOW)
    assert after(pickup, make_report("not_home", -1), NOW) == pickup


@pytest.mark.parametrize(
    ("day", "hour", "is_good"),
    [
        (TODAY, 9, False),  # has begun
        (TODAY, 14, True),
        (TODAY + timedelta(days=14), 18, True),
        (TODAY + timedelta(days=15), 9, False),
    ],
)
def test_a_slot_is_ahead_and_within_two_weeks(day, hour, is_good):
    if is_good:
        check_slot(Slot(day, hour), NOW)
    else:
        with pytest.raises(SlotNotBookable):
            check_slot(Slot(day, hour), NOW)


@pytest.mark.parametrize(
    ("report", "refusal"),
    [
        (make_report("picked_up"), ReportNotClear),
        (make_report("done", code="BAG00001"), ReportNotClear),
        (make_report("arrived", mass_g=5), ReportNotClear),
        (make_report("rescheduled"), ReportNotClear),
        (make_report("done", **MOVED), ReportNotClear),
        (make_report("done", 6), ReportTooOld),
        (make_report("done", -7 * 24 * 60 - 1), ReportTooOld),
        (make_report("rescheduled", slot_on=date(2027, 1, 1), slot_hour=9), SlotNotBookable),
    ],
)
def test_a_report_has_the_parts_of_its_kind_and_a_time_that_can_be(report, refusal):
    with pytest.raises(refusal):
        check_report(report, NOW)

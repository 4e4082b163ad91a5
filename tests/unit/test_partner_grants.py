import pytest

from backend.partners.domain import (
    Grants,
    RegionNotGranted,
    SourceNotGranted,
    TypeNotGranted,
)

TRIP = "tanhui.trip.v1"
METRO = Grants("urn:metro")


def asked(**changes):
    return {"source": "urn:metro", "event_type": TRIP, "region": "339901"} | changes


@pytest.mark.parametrize(
    ("own", "source", "is_covered"),
    [
        ("urn:metro", "urn:metro", True),
        ("urn:metro", "urn:metro:line-4", True),
        ("urn:metro", "urn:metropolis", False),
        ("urn:metro", "urn:bus", False),
        ("urn:metro:line-4", "urn:metro", False),
        ("https://metro.example/gates", "https://metro.example/gates/7", True),
        ("https://metro.example/gates", "https://metro.example/gates#7", True),
        ("https://metro.example/gates", "https://metro.example/gates.old", False),
        ("https://metro.example/", "https://metro.example/gates", True),
        ("urn:metro", "URN:METRO", False),  # compared as it is written: it is a key for ever
    ],
)
def test_a_key_speaks_for_its_partners_source_and_what_continues_it(own, source, is_covered):
    assert Grants(own).allows(**asked(source=source)) == is_covered


def test_a_key_of_one_line_speaks_for_no_other():
    line = Grants("urn:metro", sources=frozenset({"urn:metro:line-4"}))
    assert line.allows(**asked(source="urn:metro:line-4:gate-7"))
    refusal = line.refusal_of(**asked(source="urn:metro:line-5"))
    assert isinstance(refusal, SourceNotGranted)
    assert refusal.facts == {"granted": ["urn:metro:line-4"]}


def test_a_source_outside_the_partners_own_is_never_granted():
    assert not Grants("urn:metro", sources=frozenset({"urn:bus"})).allows(**asked(source="urn:bus"))


@pytest.mark.parametrize(
    ("event_type", "is_covered"),
    [
        (TRIP, True),
        ("tanhui.trip.corrected.v1", True),
        ("tanhui.trip.withdrawn.v1", True),
        ("tanhui.trip.v2", False),
        ("tanhui.trip.corrected.v2", False),
        ("tanhui.meal.returned.v1", False),
        ("tanhui.meal.returned.corrected.v1", False),
    ],
)
def test_a_type_covers_its_corrections_and_withdrawals(event_type, is_covered):
    trips = Grants("urn:metro", event_types=frozenset({TRIP}))
    refusal = trips.refusal_of(**asked(event_type=event_type))
    assert (refusal is None) == is_covered
    assert refusal is None or isinstance(refusal, TypeNotGranted)
    assert METRO.allows(**asked(event_type=event_type))


@pytest.mark.parametrize(
    ("granted", "region", "is_covered"),
    [
        ("330106", "330106", True),
        ("330100", "330106", True),
        ("330000", "330106", True),
        ("330106", "330105", False),
        ("330106", "330100", False),  # a key of a district does not report for its city
        ("320000", "330106", False),
    ],
)
def test_a_region_covers_what_lies_in_it(granted, region, is_covered):
    refusal = Grants("urn:metro", regions=frozenset({granted})).refusal_of(**asked(region=region))
    assert (refusal is None) == is_covered
    assert refusal is None or isinstance(refusal, RegionNotGranted)

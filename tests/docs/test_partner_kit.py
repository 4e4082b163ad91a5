"""The examples that partners copy are events that the inlet reads."""

import json

import pytest

from backend.intake.events.envelope import Speaker, read_event
from backend.partners.domain import Grants
from tests.acceptance.service import METRO
from tests.docs.reference_tables import DOCS

EXAMPLES = sorted((DOCS / "partners/examples").glob("*.json"))
PAGE = (DOCS / "partners/index.md").read_text("utf-8")


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_is_read_and_may_be_sent(file):
    event = read_event(json.loads(file.read_text("utf-8")), Speaker(METRO, "partner", "330100"))
    trips = Grants("urn:qinghe:metro", event_types=frozenset({"tanhui.trip.v1"}))
    assert trips.allows(source=event.key.source, event_type=event.type, region=event.region)
    assert f"(examples/{file.name})" in PAGE


def test_what_is_about_another_event_names_an_example():
    events = [json.loads(file.read_text("utf-8")) for file in EXAMPLES]
    ids = {event["id"] for event in events}
    about = [
        event["data"][name]
        for event in events
        for name in ("tap_in", "corrects", "withdraws")
        if name in event["data"]
    ]
    assert len(about) == 3
    assert set(about) <= ids

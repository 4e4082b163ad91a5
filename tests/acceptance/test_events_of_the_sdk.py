"""The CloudEvents Python SDK sends to us as its own examples do, unchanged."""

from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from tests.acceptance.event_sender import make_ride, yesterday_at


def make_event(hour, **changes):
    attributes = {
        "type": "tanhui.trip.v1",
        "source": "urn:metro",
        "subject": "卡 1 100%",
        **changes,
    }
    return CloudEvent(attributes, make_ride(yesterday_at(hour)))


async def test_the_sdk_sends_structured_and_binary_events(service):
    await service.link_card("卡 1 100%", "li")
    metro = service.by_key("metro")
    twice = make_event(12, id="A-1")
    messages = [
        to_structured_event(make_event(8)),
        to_binary_event(make_event(9)),
        to_binary_event(make_event(10, datacontenttype="application/json")),
        to_structured_event(make_event(11, traceparent="00-0af7-b7ad-01")),
        to_structured_event(twice),
        to_binary_event(twice),
    ]
    replies = [
        await metro.send(
            "POST",
            "/v1/events",
            data=message.body,
            headers=message.headers,
            skip_auto_headers=["Content-Type"],  # `requests`, of the SDK's examples, adds none
        )
        for message in messages
    ]
    assert [reply.status for reply in replies] == [201] * 5 + [200], [r.body for r in replies]
    assert replies[-1].json()["results"][0]["status"] == "duplicate"
    assert (await (await service.member("li")).balance())[0] > 0

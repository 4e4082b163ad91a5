"""Partners' events as tests send them: valid by default, a test names only what it is about."""

import io
import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
SHANGHAI = timezone(timedelta(hours=8))
METRO_SOURCE, BAGS_SOURCE = "urn:metro", "urn:bags"


def yesterday_at(hour, minute=0) -> datetime:
    day = datetime.now(SHANGHAI) - timedelta(days=1)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def make_event(type_="tanhui.trip.v1", data=None, **changes):
    """An event; an attribute that a test sets to None is left out."""
    event = {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": METRO_SOURCE,
        "type": type_,
        "subject": "card-1",
        "time": datetime.now(UTC).isoformat(),
        "data": make_ride() if data is None else data,
        **changes,
    }
    return {name: value for name, value in event.items() if value is not None}


def make_ride(start=None, minutes=40, **changes):
    start = start or yesterday_at(8)
    ride = {
        "record": "ride",
        "mode": "metro",
        "started_at": start.isoformat(),
        "ended_at": (start + timedelta(minutes=minutes)).isoformat(),
        "distance_m": 12_000,
        **changes,
    }
    return {name: value for name, value in ride.items() if value is not None}


def make_tap_in(at=None, mode="metro"):
    return {"record": "tap_in", "mode": mode, "tapped_at": (at or yesterday_at(8)).isoformat()}


def make_tap_out(tap_in, at=None, **changes):
    at = (at or yesterday_at(8, 40)).isoformat()
    return {"record": "tap_out", "tap_in": tap_in, "mode": "metro", "tapped_at": at, **changes}


def make_correction(event, *, time=None, name="trip", **changes):
    data = {**event["data"], **changes, "corrects": event["id"]}
    time = time or datetime.now(UTC)
    return make_event(
        f"tanhui.{name}.corrected.v1", data, time=time.isoformat(), source=event["source"]
    )


def make_withdrawal(event, *, name="trip"):
    return make_event(
        f"tanhui.{name}.withdrawn.v1", {"withdraws": event["id"]}, source=event["source"]
    )


async def send(caller, *events, **headers):
    """Send a batch; gives the result of each."""
    reply = await send_raw(caller, json.dumps(events), BATCH, **headers)
    assert reply.status == 200, reply.body
    return reply.json()["results"]


async def send_one(caller, event, **headers):
    return await send_raw(caller, json.dumps(event), STRUCTURED, **headers)


async def send_raw(caller, body, content_type, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return await caller.send(
        "POST",
        "/v1/events",
        data=io.BytesIO(body.encode()),
        headers={"Content-Type": content_type, **headers},
    )


async def saved_average(service, average_wh=2_000):
    """What one resident of Hangzhou uses on a day: 6 kWh for a household of three."""
    await service.execute(
        "INSERT INTO meter_average VALUES (uuidv7(), '330100', 'electricity', '2020-01-01',"
        " :average, 'made up', 'a', now(), 'b')",
        average=average_wh,
    )

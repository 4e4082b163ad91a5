"""`tanhui.trip.v1`: a whole ride, or a tap-in and a tap-out that make one."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from backend.intake.bodies import Metres, Moment, Region
from backend.intake.domain import check_travel, in_utc
from backend.intake.events.domain import Deed, EventKind

# Design, small decisions: a ride without a tap-out gets the per-ride value after a day.
TAP_OUT_WAIT = timedelta(hours=24)

Mode = Literal["metro", "bus", "cycling", "e_bike"]
TappedMode = Literal["metro", "bus"]
EventId = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Ride(
    msgspec.Struct, tag_field="record", tag="ride", kw_only=True, forbid_unknown_fields=True
):
    """A ride whose start and end are known; without a distance it counts as one ride."""

    mode: Mode
    started_at: Moment
    ended_at: Moment
    distance_m: Metres | None = None
    region: Region | None = None


class TapIn(
    msgspec.Struct, tag_field="record", tag="tap_in", kw_only=True, forbid_unknown_fields=True
):
    """A customer entered; her ride waits a day for the tap-out, then counts as one ride."""

    mode: TappedMode
    tapped_at: Moment
    region: Region | None = None


class TapOut(
    msgspec.Struct, tag_field="record", tag="tap_out", kw_only=True, forbid_unknown_fields=True
):
    """She left; `tap_in` is the id of the event of her entry, from the same source."""

    tap_in: EventId
    mode: TappedMode
    tapped_at: Moment
    distance_m: Metres | None = None


def deed_of(data: Ride | TapIn | TapOut) -> Deed:
    """A ride belongs to the day on which it starts."""
    if isinstance(data, TapOut):
        return _deed(data.mode, None, data.tapped_at, data.distance_m)
    if isinstance(data, TapIn):
        entered = _deed(data.mode, data.tapped_at, None, None)
        return entered._replace(region=data.region, open_for=TAP_OUT_WAIT)
    ride = _deed(data.mode, data.started_at, data.ended_at, data.distance_m)
    return ride._replace(region=data.region)


def _deed(
    mode: str, started_at: datetime | None, ended_at: datetime | None, distance_m: int | None
) -> Deed:
    start = in_utc(started_at) if started_at else None
    named = start.isoformat() if start else ""
    return Deed(
        mode,
        start,
        in_utc(ended_at) if ended_at else None,
        {"rides": 1} if distance_m is None else {"distance_m": distance_m},
        # One person starts one trip at a time, whoever reports it and by whichever inlet.
        ("trip", named),
        claimed_by="account",
        natural_key=f"trip:{named}",
    )


def check_ride(deed: Deed, now: datetime) -> None:
    """Refuse rides that nobody can have made; an open one has no duration yet."""
    if deed.occurred_at is not None and deed.ended_at is not None:
        check_travel(
            deed.action,
            deed.occurred_at,
            deed.ended_at,
            distance_m=deed.quantities.get("distance_m"),
            now=now,
        )


_ENTERED = datetime(2026, 11, 20, 0, 2, tzinfo=UTC)

RIDE = EventKind(
    "tanhui.trip",
    "出行",
    "Trip",
    Ride | TapIn | TapOut,
    deed_of,
    (
        Ride(
            mode="metro",
            started_at=_ENTERED,
            ended_at=_ENTERED + timedelta(minutes=31),
            distance_m=12_000,
            region="330100",
        ),
        TapIn(mode="metro", tapped_at=_ENTERED, region="330100"),
        TapOut(
            tap_in="in-20261120-0001",
            mode="metro",
            tapped_at=_ENTERED + timedelta(minutes=31),
            distance_m=12_000,
        ),
    ),
    check_ride,
    lambda data: data.tap_in if isinstance(data, TapOut) else None,
)

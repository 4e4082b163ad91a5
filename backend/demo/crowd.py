"""The others: each photographs a plate, and some ride, recycle, or send a photo that was used."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from backend.demo.album import Photo
from backend.demo.city import City, rides_metro
from backend.demo.client import CALLS_AT_ONCE, Client, Reply, needed, sign_in
from backend.demo.screen import Screen
from backend.demo.tally import Tally

MINUTE = timedelta(minutes=1)
RIDES_TWICE = 2  # every second metro report is sent again, as networks make it
RECYCLES, TAKES_BUS, CYCLES = (4, 1), (5, 2), (7, 5)  # every n-th member, counted from m


@dataclass(slots=True)
class Crowd:
    """The members of a city and what they need to take part.

    Attributes:
        now: The service's clock when the day began.
        members: Callers who have signed in, by number.
        told: What became of what needs no photo, a line for each.
        pages: What the day has left on public pages: words and paths.
        reads: What the day has left for one of its people: words, a path, and who may read it.
    """

    session: aiohttp.ClientSession
    city: City
    now: datetime
    tally: Tally
    screen: Screen
    members: dict[int, Client] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)
    reads: dict[str, tuple[str, Client]] = field(default_factory=dict)
    _seats: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CALLS_AT_ONCE))

    async def live(self, album: Sequence[Photo], first: int) -> None:
        """Let members from number `first` on spend their day, one photo each, then copy photos."""
        numbers = range(first, self.city.members)
        done = 0
        async with asyncio.TaskGroup() as group:
            days = [group.create_task(self._day(n, _photo(album, n - first))) for n in numbers]
            for day in asyncio.as_completed(days):
                await day
                done += 1
                self.screen.progress("居民 members", done, len(numbers))
        async with asyncio.TaskGroup() as group:
            for index, photo in enumerate(album):
                if (copier := _copier(index, first)) in self.members:
                    group.create_task(self._copy(copier, photo))

    async def _day(self, number: int, photo: Photo | None) -> None:
        async with self._seats:
            member = await self.member(number)
            if photo:
                self.tally.note_photo(photo, await send_photo(member, self.city, number, photo))
            if rides_metro(number):
                await self.ride_metro(number)
            if number % RECYCLES[0] == RECYCLES[1]:
                await self.bind(number)
                await self.weigh(number, weighing(number))
            if number % TAKES_BUS[0] == TAKES_BUS[1]:
                await self.declare(number, "bus", None)
            if number % CYCLES[0] == CYCLES[1]:
                await self.declare(number, "cycling", 1_500 + number * 70 % 3_000)

    async def _copy(self, number: int, photo: Photo) -> None:
        async with self._seats:
            member = await self.member(number)
            self.tally.note(await send_photo(member, self.city, number, photo))

    async def member(self, number: int) -> Client:
        """The caller of a member, signed in."""
        if number not in self.members:
            subject = self.city.subject(number)
            self.members[number] = await sign_in(self.session, subject)
        return self.members[number]

    async def ride_metro(self, number: int) -> Reply:
        """The metro reports a ride, and some rides twice under the same key."""
        metro = Client(self.session, self.city.metro_key)
        distance_m = 3_000 + (9_000 + number * 1_370) % 15_000
        trip = {
            **_trip(self.now - (10 + number % 40) * MINUTE, "metro", distance_m),
            "subject_token": self.city.card(number),
            "region": self.city.district(number),
        }
        key = f"metro-{self.city.card(number)}"
        if number % RIDES_TWICE:
            self.tally.note(await metro.post("/v1/check-ins", trip, key))
        return self.tally.note(needed(await metro.post("/v1/check-ins", trip, key), "metro"))

    async def bind(self, number: int) -> Reply:
        """A member scans the code of a bag."""
        member = await self.member(number)
        bag = {"kind": "bag", "code": self.city.bag(number), "region": self.city.district(number)}
        return self.tally.note(needed(await member.post("/v1/check-ins", bag), "bag"))

    async def weigh(self, number: int, weighed: dict[str, Any]) -> Reply:
        """The recycler's scale weighs a member's bag."""
        scale = Client(self.session, self.city.scale_key)
        path = f"/v1/bags/{self.city.bag(number)}/weighings"
        return self.tally.note(needed(await scale.post(path, weighed), "weighing"))

    async def declare(self, number: int, mode: str, distance_m: int | None) -> Reply:
        """A member reports a ride that nobody can confirm."""
        member = await self.member(number)
        hours = 3 if mode == "bus" else 5  # apart from the metro and from each other
        trip = {
            **_trip(self.now - hours * 60 * MINUTE, mode, distance_m),
            "region": self.city.district(number),
        }
        key = f"{mode}-{self.city.card(number)}"
        return self.tally.note(needed(await member.post("/v1/check-ins", trip, key), mode))


async def send_photo(member: Client, city: City, number: int, photo: Photo) -> Reply:
    """Make a capture, take the photo, send it, wait for the verdict."""
    asked = {"action": "clean_plate", "region": city.district(number)}
    capture = needed(await member.post("/v1/captures", asked), "capture")
    data = await asyncio.to_thread(photo.read)
    return await member.post_photo(capture.body["id"], data, photo.content_type)


def weighing(number: int) -> dict[str, Any]:
    """What is in a member's bag: mixed, or sorted by material."""
    if number % 8 == 1:
        return {"mass_g": 900 + number * 130 % 3_000}
    return {"materials": {"pet": 120 + number * 10 % 400, "corrugated_board": 600}}


def _trip(ended_at: datetime, mode: str, distance_m: int | None) -> dict[str, Any]:
    duration = (8 + (distance_m or 6_000) // 200) * MINUTE  # 12 km/h and a walk: slow, plausible
    trip = {
        "kind": "trip",
        "mode": mode,
        "started_at": (ended_at - duration).isoformat(),
        "ended_at": ended_at.isoformat(),
    }
    return trip if distance_m is None else {**trip, "distance_m": distance_m}


def _photo(album: Sequence[Photo], index: int) -> Photo | None:
    return album[index] if index < len(album) else None


def _copier(index: int, first: int) -> int:
    """Who sends this photo once more: its own member, the next one, or nobody (-1)."""
    return {2: index + first, 5: index + first + 1}.get(index % 10, -1)

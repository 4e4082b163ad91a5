"""The play in its order: the city, 李青, everybody, the totals, the proof."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.db import fetch_one
from backend.demo.album import PARTS, Photo, rendered_album
from backend.demo.citizen import follow, her_photos
from backend.demo.city import CITY, CITY_REGION, DISTRICTS, FUND_POINTS, HEROINE, City, seed_city
from backend.demo.client import Client, clock, sign_in, together
from backend.demo.crowd import Crowd
from backend.demo.institutions import meet_institutions
from backend.demo.proof import prove
from backend.demo.screen import Screen
from backend.demo.tally import Tally
from backend.demo.totals import (
    Totals,
    drain,
    payments_of,
    show_agreement,
    show_totals,
    summary_of,
)
from backend.demo.town_hall import TownHall


@dataclass(frozen=True, slots=True)
class Finding:
    """What a run came to, as `--json` prints it; numbers are those of this run alone."""

    check_ins: int
    credited: int
    rejected: int
    in_review: int
    duplicates_refused: int
    grams: int
    points: int
    points_spent: int
    seconds: float
    photos: int
    verify: str
    data: str = "simulated"

    @property
    def is_sound(self) -> bool:
        """Whether each acknowledged check-in has one outcome and every invariant holds."""
        decided = self.credited + self.in_review + self.rejected
        return self.verify == "ok" and decided == self.check_ins


async def play(
    engine: AsyncEngine,
    session: aiohttp.ClientSession,
    screen: Screen,
    *,
    album: Sequence[Photo],
    count: int,
) -> tuple[Finding, Crowd]:
    """Seed, act, wait, add up and verify; gives the finding, and the people for whoever stays.

    Without an album `count` photos are rendered.
    """
    album = album or await _rendered(engine, count)
    async with engine.begin() as conn:
        city = await seed_city(conn, len(album))
    _show_city(screen, city, album)
    now = await clock(session)
    operator = await sign_in(session, f"qinghe-operator-{city.run}", role="operator")
    before = await summary_of(operator, now)
    hall = TownHall(operator, city)
    crowd = Crowd(session, city, now, Tally(), screen)
    began = time.monotonic()
    await _act(crowd, hall, album)
    await drain(engine, screen)
    seconds = round(time.monotonic() - began, 1)
    summary = await summary_of(operator, now)
    totals = Totals.of(summary).since(Totals.of(before))
    await _show(crowd, summary, operator, seconds)
    show_agreement(screen, crowd.tally, totals)
    is_proved = await prove(engine, screen)
    return _finding(crowd.tally, totals, seconds, photos=len(album), is_proved=is_proved), crowd


def _finding(
    tally: Tally, totals: Totals, seconds: float, *, photos: int, is_proved: bool
) -> Finding:
    return Finding(
        check_ins=len(tally.check_ins),
        credited=totals.credited,
        rejected=totals.rejected,
        in_review=totals.in_review,
        duplicates_refused=tally.duplicates_refused,
        grams=totals.grams,
        points=totals.points,
        points_spent=tally.points_spent,
        seconds=seconds,
        photos=photos,
        verify="ok" if is_proved else "broken",
    )


async def _rendered(engine: AsyncEngine, count: int) -> list[Photo]:
    """Renders that no earlier run on this database has sent."""
    async with engine.connect() as conn:
        row = await fetch_one(conn, "SELECT count(*) AS made FROM capture")
    return rendered_album(count, row.made if row else 0)


async def _act(crowd: Crowd, hall: TownHall, album: Sequence[Photo]) -> None:
    used = await follow(crowd, hall, her_photos(album))
    crowd.screen.title("全城同时打卡 The whole city checks in")
    rest = [photo for photo in album if photo not in used]
    await together(meet_institutions(crowd, hall), crowd.live(rest, first=HEROINE + 1))
    crowd.screen.title("合作方与设备 Partners and devices")
    for line in crowd.told:
        crowd.screen.say(f"  · {line}")
    for words, path in crowd.pages.items():
        crowd.screen.say(f"  · {words}  {path}")


async def _show(crowd: Crowd, summary: Mapping[str, Any], operator: Client, seconds: float) -> None:
    crowd.screen.title(f"照片识别结果 What became of the photos · 用时 took {seconds} s")
    crowd.tally.show(crowd.screen)
    payments = await payments_of(operator, crowd.now)
    show_totals(crowd.screen, summary, payments, await operator.need("/v1/public/totals"))


def _show_city(screen: Screen, city: City, album: Sequence[Photo]) -> None:
    districts = "、".join(f"{name} {code}" for code, name in DISTRICTS.items())
    parts = [photo.part for photo in album]
    known = " · ".join(
        f"{words} {parts.count(part)}" for part, words in PARTS.items() if part in parts
    )
    screen.title(f"{CITY} {CITY_REGION} · {districts}")
    screen.say(
        f"  居民 members {city.members} + {len(city.neighbours)}"
        f" · 照片 photos {len(album)} ({known}) · 积分经费 points fund {FUND_POINTS:,}"
    )
    screen.say(
        "  青禾地铁 metro · 青禾再生资源 recycler · 食堂、林场、港口 canteen, forest, harbour"
        " · 用餐时段全天 meals all day"
    )

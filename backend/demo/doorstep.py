"""Bags picked up at the door: asked for by members, carried and weighed by a collector."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from backend.api import DEV_ISSUER
from backend.demo.client import clock, needed, sign_in
from backend.demo.crowd import Crowd
from backend.demo.town_hall import TownHall, write
from backend.units import shanghai_day

MASSES_G = (2_100, 1_300)


async def pick_up(crowd: Crowd, hall: TownHall, homes: Sequence[int]) -> str:
    """A collector goes to each home, weighs its bag at the door, and reports when back online."""
    name = f"collector-{crowd.city.run}"
    collector = await sign_in(crowd.session, name, role="collector")
    reports: list[dict[str, Any]] = []
    for home, mass_g in zip(homes, MASSES_G, strict=True):
        pickup = await _ask(crowd, home)
        path = f"/v1/operator/pickups/{pickup}/collector"
        needed(await hall.operator.put(path, {"collector": f"{DEV_ISSUER}|{name}"}), "collector")
        at = (await clock(crowd.session)).isoformat()
        about = {"pickup_id": pickup, "occurred_at": at}
        weighed = {"code": crowd.city.bag(home), "mass_g": mass_g}
        for kind, said in (("arrived", {}), ("picked_up", weighed), ("done", {})):
            reports.append({"id": str(uuid4()), "kind": kind, **about, **said})
    sent = await collector.post("/v1/collector/reports", {"reports": reports})
    results = needed(sent, "collector's reports").body["results"]
    taken = sum(each["outcome"] == "recorded" for each in results)
    grams = sum([(await (await crowd.member(n)).need("/v1/account"))["grams"] for n in homes])
    return (
        f"上门收袋 Bags picked up at the door · 户 homes {len(homes)},"
        f" 离线补报 reports sent later {taken},"
        f" 称重 weighed {sum(MASSES_G):,} 克 g → 减碳 reduction {grams:,} 克 gCO2e"
    )


async def _ask(crowd: Crowd, home: int) -> str:
    """A member binds a bag and asks for somebody to come tomorrow morning."""
    await crowd.bind(home)
    member = await crowd.member(home)
    day = shanghai_day(await clock(crowd.session)) + timedelta(days=1)
    wanted = {
        "day": day.isoformat(),
        "slot": "morning",
        "address": f"模拟地址 {home} 号 (made up)",
        "region": crowd.city.district(home),
    }
    return str((await write(member, "/v1/pickups", wanted))["id"])

"""Plastic out of the sea: handed in, paid, gathered, and followed until it is a product."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.demo.city import DISTRICTS
from backend.demo.client import clock, needed, together
from backend.demo.crowd import Crowd
from backend.demo.town_hall import Partner, TownHall, write

STAGES: Mapping[str, tuple[str, str]] = {
    "shore": ("荷风岸", "Lotus Shore"),
    "port": ("荷风港", "Lotus Port"),
    "sorter": ("青禾分拣", "Qinghe Sorting"),
    "recycler": ("青禾再生", "Qinghe Recycling Works"),
}
MATERIAL = "sorted_plastic"
FEN_PER_KG = 130
LOST_PERCENT = 8


@dataclass(frozen=True, slots=True)
class Site:
    """A place of a partner on the way of the material."""

    id: str
    partner: Partner


@dataclass(frozen=True, slots=True)
class Harbour:
    """One site for each stage."""

    crowd: Crowd
    sites: Mapping[str, Site]

    async def weigh(self, mass_g: int, **whose: str) -> str:
        """The keeper weighs what somebody brings; gives the hand-in."""
        body = {"material": MATERIAL, "mass_g": mass_g, **whose}
        weighed = await self._write("shore", "weighings", {**body, "weighed_at": await self.now()})
        self.crowd.tally.check_ins.add(str(weighed["check_in_id"]))
        return str(weighed["id"])

    async def gather(self, hand_ins: Sequence[str]) -> Mapping[str, Any]:
        """Whole hand-ins become one lot at the shore."""
        body = {"hand_ins": list(hand_ins), "occurred_at": await self.now()}
        return await self._write("shore", "lots", body)

    async def step(
        self, stage: str, lot: str, mass_g: int, *, material: str = MATERIAL, lost_g: int = 0
    ) -> str:
        """A site takes a whole lot and makes another one of it, whose code comes back."""
        body = {
            "taken": [{"lot": lot, "mass_g": mass_g}],
            "made": [{"material": material, "mass_g": mass_g - lost_g}],
            "loss": {"mass_g": lost_g, "reason": "residue"} if lost_g else None,
            "occurred_at": await self.now(),
        }
        return str((await self._write(stage, "steps", body))["made"][0])

    async def now(self) -> str:
        """The service's time."""
        return (await clock(self.crowd.session)).isoformat()

    async def _write(self, stage: str, what: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        site = self.sites[stage]
        return await write(site.partner.client, f"/v1/marine/{what}", {"site_id": site.id, **body})


async def open_harbour(crowd: Crowd, hall: TownHall) -> Harbour:
    """Admit a partner for each stage and give it a site."""
    sites, region = {}, list(DISTRICTS)[-1]
    for stage, (name_zh, name_en) in STAGES.items():
        scope = "marine.keep" if stage == "shore" else "marine.custody"
        partner = await hall.admit(name_zh, name_en, part=stage, scopes=[scope])
        named = {"stage": stage, "name_zh": name_zh, "name_en": name_en, "region": region}
        site = await hall.make("marine/sites", {"partner_id": partner.id, **named})
        sites[stage] = Site(str(site["id"]), partner)
    return Harbour(crowd, sites)


async def clean_the_sea(crowd: Crowd, hall: TownHall, fishers: Sequence[int]) -> str:
    """Members and a card's holder hand in; all of it becomes one lot of a product."""
    harbour = await open_harbour(crowd, hall)
    hand_ins = await together(
        *(_hand_in(crowd, harbour, fisher) for fisher in fishers),
        harbour.weigh(_mass_g(0), subject_token=crowd.city.card_token),
    )
    paid_fen = sum(await together(*(_pay(harbour, hand_in) for hand_in in hand_ins)))
    gathered = await harbour.gather(hand_ins)
    lot, mass_g = gathered["made"][0], gathered["made_g"]
    for stage in ("port", "sorter", "recycler"):
        lot = await harbour.step(stage, lot, mass_g)
    lost_g = mass_g * LOST_PERCENT // 100
    product = await harbour.step("recycler", lot, mass_g, material="product", lost_g=lost_g)
    crowd.pages["塑料溯源 trace of the plastic"] = f"/trace/{product}"
    return (
        f"海洋塑料 Plastic from the sea · 交投 hand-ins {len(hand_ins)}, {mass_g:,} 克 g,"
        f" 已付 paid {paid_fen / 100:.2f} 元 yuan → 产品 product {mass_g - lost_g:,} 克 g,"
        f" 残渣 residue {lost_g:,} 克 g"
    )


async def _hand_in(crowd: Crowd, harbour: Harbour, fisher: int) -> str:
    """A member shows the code of her request at the station."""
    member = await crowd.member(fisher)
    asked = await write(member, "/v1/marine/hand-ins", {"material": MATERIAL})
    return await harbour.weigh(_mass_g(fisher), code=str(asked["code"]))


def _mass_g(number: int) -> int:
    return 300 + number * 70 % 500


async def _pay(harbour: Harbour, hand_in: str) -> int:
    """The keeper writes down what was paid; gives fen."""
    said = {"fen_per_kg": FEN_PER_KG, "reference": hand_in, "paid_at": await harbour.now()}
    keeper = harbour.sites["shore"].partner.client
    reply = await keeper.post(f"/v1/marine/hand-ins/{hand_in}/payout", said)
    return int(needed(reply, "payout").body["amount_fen"])

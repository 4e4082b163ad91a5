"""Marine plastic as its people meet it: a shore, a port, a sorter and a recycler of their own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from backend.partners.queries import issue_key, link, make_partner
from tests.acceptance.running_service import Caller, make_key

STAGES = ("shore", "port", "sorter", "recycler")
REGIONS = dict(zip(STAGES, ("331081", "331002", "331004", "330106"), strict=True))


@dataclass
class Harbour:
    """Four partners with one site each, by stage."""

    keys: dict[str, Caller]
    partners: dict[str, UUID]
    sites: dict[str, str]

    async def weigh(self, mass_g, *, key=None, material="sorted_plastic", **whose):
        return await self.keys["shore"].post(
            "/v1/marine/weighings",
            {
                "site_id": self.sites["shore"],
                "material": material,
                "mass_g": mass_g,
                "weighed_at": moment(),
                **whose,
            },
            idempotency_key=key or make_key(),
        )

    async def weighed(self, mass_g, **whose) -> str:
        reply = await self.weigh(mass_g, **whose)
        assert reply.status == 201, reply.body
        return reply.json()["id"]

    async def gather(self, hand_ins, **more):
        body = {"site_id": self.sites["shore"], "hand_ins": hand_ins, "occurred_at": moment()}
        body |= more
        return await self.keys["shore"].post("/v1/marine/lots", body, idempotency_key=make_key())

    async def step(self, stage, taken, made, loss=None, *, key=None, at=None, **more):
        """`taken` as {lot: grams}, `made` as [(material, grams)], `loss` as (grams, reason)."""
        body = {
            "site_id": self.sites[stage],
            "taken": [{"lot": lot, "mass_g": mass_g} for lot, mass_g in taken.items()],
            "made": [{"material": material, "mass_g": mass_g} for material, mass_g in made],
            "loss": {"mass_g": loss[0], "reason": loss[1]} if loss else None,
            "occurred_at": at or moment(),
            **more,
        }
        caller = self.keys[stage]
        return await caller.post("/v1/marine/steps", body, idempotency_key=key or make_key())

    async def made(self, stage, taken, made, loss=None) -> list[str]:
        reply = await self.step(stage, taken, made, loss)
        assert reply.status == 201, reply.body
        return reply.json()["made"]

    async def product(self, lot, mass_g) -> str:
        """The whole way of one gathered lot, losing a tenth at the recycler."""
        for stage in ("port", "sorter", "recycler"):
            [lot] = await self.made(stage, {lot: mass_g}, [("sorted_plastic", mass_g)])
        lost_g = mass_g // 10
        [product] = await self.made(
            "recycler", {lot: mass_g}, [("product", mass_g - lost_g)], (lost_g, "residue")
        )
        return product


async def open_harbour(service) -> Harbour:
    operator = await service.caller("op", "operator")
    harbour = Harbour({}, {}, {})
    for number, stage in enumerate(STAGES):
        partner_id = UUID(int=0x7000_8000_0000_0000_00B0 + number)
        scopes = ["marine.keep", "event.send"] if stage == "shore" else ["marine.custody"]
        async with service.engine.begin() as conn:
            names = {"name_zh": stage, "name_en": stage, "source": f"urn:{stage}"}
            await make_partner(conn, partner_id, **names)
            text = await issue_key(conn, partner_id, kind="partner", scopes=scopes)
        body = {
            "partner_id": str(partner_id),
            "stage": stage,
            "name_zh": f"{stage}站",
            "name_en": stage,
            "region": REGIONS[stage],
        }
        made = await operator.post("/v1/operator/marine/sites", body, idempotency_key=make_key())
        assert made.status == 201, made.body
        harbour.keys[stage] = Caller(service.session, text)
        harbour.partners[stage] = partner_id
        harbour.sites[stage] = made.json()["id"]
    return harbour


async def carded(service, harbour, subject) -> Caller:
    """A member whose card the shore station knows by her name."""
    member = await service.member(subject)
    async with service.engine.begin() as conn:
        await link(conn, harbour.partners["shore"], f"card-{subject}", member.account_id)
    return member


def moment(**ago) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()

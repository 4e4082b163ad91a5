"""Trees: pledged by a member, planted and certified, and credited once they were seen alive."""

import json
from collections.abc import Mapping
from datetime import timedelta

from backend.demo.city import DISTRICTS
from backend.demo.client import clock, needed
from backend.demo.crowd import Crowd
from backend.demo.town_hall import Partner, TownHall, write
from backend.intake.events.routes import EVENT_SEND, STRUCTURED
from backend.partners.consent import CURRENT
from backend.partners.link_routes import CUSTOMER_LINK
from backend.units import shanghai_day

TREES = 3
PLANTED_DAYS_AGO = 500  # trees count from their second year on
HOLDER = "林小满"


async def plant(crowd: Crowd, hall: TownHall, donor: int) -> str:
    """Plant what a member pledged, certify it, and see it alive."""
    forest = await hall.admit(
        "青禾林场",
        "Qinghe Forest",
        part="forest",
        scopes=["tree.record", EVENT_SEND, CUSTOMER_LINK],
    )
    member, region = await crowd.member(donor), list(DISTRICTS)[1]
    names = {"name_zh": "竹影林场", "name_en": "Bamboo Forest", "region": region}
    project = await hall.make("tree-projects", {"partner_id": forest.id, **names})
    promised = {"kind": "planting_day", "trees": TREES, "name": HOLDER}
    pledge = await write(member, "/v1/trees/pledges", {"project_id": project["id"], **promised})
    planted_on = shanghai_day(await clock(crowd.session)) - timedelta(days=PLANTED_DAYS_AGO)
    planting = {
        "planting": f"T-{crowd.city.run}",
        "plot": "3号地块",
        "species": "枫香",
        "trees": TREES,
        "planted_on": planted_on.isoformat(),
    }
    path = f"/v1/trees/pledges/{pledge['id']}/fulfilments"
    certificate = needed(await forest.client.post(path, planting), "fulfilment").body
    grams = await _see_alive(crowd, forest, donor, planting)
    crowd.pages["尽责证书 tree certificate"] = f"/certificates/{certificate['number']}"
    return (
        f"树 Trees · 认捐并种下 pledged and planted {TREES} 棵,"
        f" 核验存活 seen alive {TREES} → 减碳 reduction {grams:,} 克 gCO2e, 每年一次 once a year"
    )


async def _see_alive(
    crowd: Crowd, forest: Partner, donor: int, planting: Mapping[str, object]
) -> int:
    """The forest links its donor, who agrees, and reports the trees as an event; gives grams."""
    customer, member = f"donor-{crowd.city.run}", await crowd.member(donor)
    shown = await write(forest.client, "/v1/partner/link-codes", {"subject_token": customer})
    agreed = {"code": shown["code"], "consent_version": CURRENT.version}
    needed(await member.post("/v1/links", agreed), "link")
    now = (await clock(crowd.session)).isoformat()
    said = {name: planting[name] for name in ("planting", "planted_on", "trees")}
    event = {
        "specversion": "1.0",
        "id": f"alive-{planting['planting']}",
        "source": forest.source,
        "type": "tanhui.tree.verified.v1",
        "subject": customer,
        "time": now,
        "data": {**said, "verified_at": now, "region": crowd.city.district(donor)},
    }
    headers = {"Content-Type": STRUCTURED}
    sent = await forest.client.post_raw("/v1/events", json.dumps(event).encode(), headers)
    [result] = needed(sent, "event").body["results"]
    crowd.tally.check_ins.add(str(result["check_in_id"]))
    return int(result["grams_gco2e"])

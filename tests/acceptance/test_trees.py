import re
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from backend.partners.queries import issue_key, link, make_partner
from backend.trees.domain import NUMBER_PATTERN, make_number
from backend.verify import check_invariants
from tests.acceptance.event_sender import make_correction, make_event, send, yesterday_at
from tests.acceptance.running_service import Caller, make_key, serving

FOREST = UUID("00000000-0000-7000-8000-0000000000c1")
PLANTED = {
    "planting": "T-2025-031",
    "plot": "3号地块",
    "species": "枫香",
    "planted_on": "2025-03-12",
}
MEMBERS = "/v1/trees/certificates"


async def forest(service, partner_id=FOREST, source="urn:forest") -> tuple[Caller, str]:
    """A partner that plants, and the id of its project."""
    async with service.engine.begin() as conn:
        await make_partner(conn, partner_id, name_zh="林场", name_en="Forest", source=source)
        scopes = ["tree.record", "event.send"]
        text = await issue_key(conn, partner_id, kind="partner", scopes=scopes)
    operator = await service.caller("op", "operator")
    body = {"name_zh": "青山林场", "name_en": "Green Hill", "region": "330100"}
    made = await operator.post(
        "/v1/operator/tree-projects",
        {"partner_id": str(partner_id), **body},
        idempotency_key=make_key(),
    )
    assert made.status == 201, made.body
    return Caller(service.session, text), made.json()["id"]


async def pledge(member, project_id, trees=5, name="李雷", key=None):
    body = {"project_id": project_id, "kind": "donation", "trees": trees, "name": name}
    return await member.post("/v1/trees/pledges", body, idempotency_key=key or make_key())


async def fulfil(partner, pledge_id, **changes):
    body = {**PLANTED, "trees": 3, **changes}
    return await partner.post(f"/v1/trees/pledges/{pledge_id}/fulfilments", body)


async def test_a_pledge_is_fulfilled_once_and_certified(service):
    partner, project_id = await forest(service)
    member, key = await service.member("li"), make_key()
    made = [await pledge(member, project_id, key=key) for _ in range(2)]
    assert [reply.status for reply in made] == [201, 201], made[0].body
    assert made[0].json() == made[1].json()
    pledge_id = made[0].json()["id"]
    waiting = (await partner.get("/v1/trees/open-pledges")).json()["items"]
    assert [each["id"] for each in waiting] == [pledge_id]
    first = await fulfil(partner, pledge_id)
    assert first.status == 201, first.body
    again = await fulfil(partner, pledge_id)
    assert (again.status, again.json()) == (200, first.json())
    for changes, status, problem in (
        ({"species": "香樟"}, 409, "planting-recorded"),
        ({"planting": "T-2", "trees": 3}, 422, "more-than-pledged"),  # two of five are left
        ({"planting": "T-2", "trees": 1, "planted_on": "2999-01-01"}, 422, "planted-in-future"),
    ):
        refused = await fulfil(partner, pledge_id, **changes)
        assert (refused.status, refused.problem) == (status, problem)
    rest = await fulfil(partner, pledge_id, planting="T-2", trees=2)
    assert rest.status == 201
    assert (await member.get("/v1/trees/pledges")).json()["items"][0]["fulfilled"] == 5
    listed = (await member.get(f"{MEMBERS}?limit=1")).json()
    assert listed["items"] == [rest.json()]
    older = (await member.get(f"{MEMBERS}?limit=1&cursor={listed['next_cursor']}")).json()
    assert (older["items"], older["next_cursor"]) == ([first.json()], None)
    # Fulfilment is a record beside the grams: nothing is credited for it.
    assert (await member.balance())[0] == 0
    assert await check_invariants(service.engine) == []


async def test_another_partner_and_another_member_see_nothing_of_it(service):
    partner, project_id = await forest(service)
    other, _ = await forest(service, UUID(int=FOREST.int + 1), "urn:other")
    member, stranger = await service.member("li"), await service.member("wang")
    pledge_id = (await pledge(member, project_id)).json()["id"]
    foreign = await fulfil(other, pledge_id)
    assert (foreign.status, foreign.problem) == (403, "tree-project-elsewhere")
    assert (await other.get("/v1/trees/open-pledges")).json()["items"] == []
    number = (await fulfil(partner, pledge_id)).json()["number"]
    assert (await member.get(f"{MEMBERS}/{number}")).status == 200
    assert (await stranger.get(f"{MEMBERS}/{number}")).status == 404
    printed = await stranger.post(f"{MEMBERS}/{number}/print", {"name": "李雷"})
    assert printed.status == 404


async def test_anybody_verifies_a_certificate_without_the_name(service):
    partner, project_id = await forest(service)
    member = await service.member("li")
    pledge_id = (await pledge(member, project_id, name="李 雷")).json()["id"]
    certificate = (await fulfil(partner, pledge_id)).json()
    number = certificate["number"]
    assert number.startswith("2025-")
    public = await service.nobody.get(f"/v1/public/certificates/{number}")
    assert public.json() == {
        "number": number,
        "holder_initial": "李",
        "kind": "donation",
        "project_zh": "青山林场",
        "project_en": "Green Hill",
        "region": "330100",
        "species": "枫香",
        "trees": 3,
        "alive": 3,
        "planted_on": "2025-03-12",
    }
    page = await service.nobody.get(f"/certificates/{number}")
    assert page.headers["Content-Type"].startswith("text/html")
    shown = page.body.decode()
    assert ("李**" in shown, "雷" in shown, "<svg" in shown) == (True, False, True)
    assert "模拟数据" not in shown
    printed = await member.post(f"{MEMBERS}/{number}/print", {"name": "李雷"})
    assert "李雷" in printed.body.decode()
    wrong = await member.post(f"{MEMBERS}/{number}/print", {"name": "韩梅梅"})
    assert (wrong.status, wrong.problem) == (422, "not-the-holder")
    kept = await service.fetch("SELECT * FROM tree_holder")
    assert "雷" not in str(kept)
    unknown = await service.nobody.get("/v1/public/certificates/2025-0000000000")
    assert unknown.status == 404


def test_the_number_of_a_certificate_is_found_whatever_year_a_partner_has_typed():
    assert re.fullmatch(NUMBER_PATTERN, make_number(date(203, 3, 12)))


async def test_pages_of_a_demo_say_that_their_data_are_made_up(engine, tmp_path):
    async with serving(engine, tmp_path, demo=True) as service:
        partner, project_id = await forest(service)
        promised = (await pledge(await service.member(), project_id, trees=3)).json()
        number = (await fulfil(partner, promised["id"])).json()["number"]
        page = (await service.nobody.get(f"/certificates/{number}")).body.decode()
        described = (await service.nobody.get("/openapi.json")).json()["info"]
    assert '<p class="banner">模拟数据 Made-up data</p>' in page
    assert described["x-description-zh"].startswith("模拟数据 ")
    assert "Made-up data" in described["description"]


async def test_dead_trees_are_recorded_once(service):
    partner, project_id = await forest(service)
    member = await service.member("li")
    planting = (await fulfil(partner, (await pledge(member, project_id)).json()["id"])).json()
    path = f"/v1/trees/plantings/{planting['id']}/deaths"
    for _ in range(2):
        died = await partner.post(path, {"trees": 1, "seen_on": "2026-03-12"})
        assert (died.status, died.json()["alive"]) == (200, 2)
    for body, problem in (
        ({"trees": 2, "seen_on": "2026-03-12"}, "deaths-recorded"),
        ({"trees": 3, "seen_on": "2026-03-13"}, "more-than-alive"),
        ({"trees": 1, "seen_on": "2025-03-11"}, "planted-in-future"),  # before it was planted
    ):
        assert (await partner.post(path, body)).problem == problem
    public = await service.nobody.get(f"/v1/public/certificates/{planting['number']}")
    assert public.json()["alive"] == 2
    assert await check_invariants(service.engine) == []


def make_verification(trees, **changes):
    data = {
        "planting": PLANTED["planting"],
        "planted_on": PLANTED["planted_on"],
        "trees": trees,
        "verified_at": yesterday_at(12).isoformat(),
        "region": "330100",
    }
    return make_event("tanhui.tree.verified.v1", data, source="urn:forest", **changes)


async def test_only_living_trees_are_credited_to_their_holder_once_a_year(service):
    partner, project_id = await forest(service)
    member, stranger = await service.member("li"), await service.member("wang")
    async with service.engine.begin() as conn:
        await link(conn, FOREST, "card-1", member.account_id)
        await link(conn, FOREST, "card-2", stranger.account_id)
    planting = (await fulfil(partner, (await pledge(member, project_id)).json()["id"])).json()
    path = f"/v1/trees/plantings/{planting['id']}/deaths"
    assert (await partner.post(path, {"trees": 1, "seen_on": "2026-03-12"})).status == 200
    foreign, dead = await send(
        partner, make_verification(2, subject="card-2"), make_verification(3)
    )
    assert foreign["problem"]["type"] == "/problems/planting-elsewhere"
    assert (dead["problem"]["type"], dead["problem"]["alive"]) == ("/problems/more-than-alive", 2)
    event = make_verification(2)
    [alive] = await send(partner, event)
    assert (alive["status"], alive["grams_gco2e"]) == ("credited", 3_580)  # 2 x 1,790
    [same_year] = await send(partner, make_verification(2))
    assert same_year["problem"]["type"] == "/problems/evidence-already-used"
    [more] = await send(partner, make_correction(event, name="tree.verified", trees=3))
    assert more["problem"]["type"] == "/problems/more-than-alive"
    assert (await member.balance())[0] == 3_580
    assert await check_invariants(service.engine) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tree_pledge SET account_id = uuidv7()",
        "UPDATE tree_planting SET pledge_id = pledge_id",
        "DELETE FROM tree_planting",
    ],
)
async def test_a_certificate_cannot_change_hands(service, statement):
    with pytest.raises(DBAPIError, match="permission denied"):
        await service.execute(statement)

"""From a draft to a published version over HTTP: simulated, consulted, approved by another."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.methodologies.queries import standings
from backend.methodologies.simulations import read_candidate
from backend.units import shanghai_day
from scoring.methodology import Catalogue, load_catalogue
from scoring.methodology.catalogue import packaged_texts
from tests.acceptance.running_service import make_key, make_photo, serving, until

TODAY = shanghai_day(datetime.now(UTC))
FIRST_DAY = TODAY + timedelta(days=3)
PLATE = packaged_texts("catalogue")["TPH-FOOD-01_v1.0.0.toml"]
NEW = (
    PLATE.replace('version = "1.0.0"', 'version = "1.1.0"')
    .replace("valid_from = 2026-01-01", f"valid_from = {FIRST_DAY}")
    .replace("most = 3", "most = 1")
    .replace("grams = 377", "grams = 125")
)
SUCCESSOR = read_candidate(NEW, {})
FACTORS = packaged_texts("factors")
PACKAGED = load_catalogue()
VERSIONS = "/v1/operator/methodology-versions"
PROPOSALS = "/v1/operator/methodology-proposals"
SIMULATIONS = "/v1/operator/simulations"


# The release that is served holds the file of the new version.
INSTALLED = Catalogue([*PACKAGED, *PACKAGED.drafts, SUCCESSOR])


@pytest.fixture
async def service(engine, tmp_path):
    async with serving(engine, tmp_path, catalogue=INSTALLED) as served:
        yield served


async def propose(caller, to, *, hash=SUCCESSOR.hash, key=None, reason="a lower cap"):
    return await caller.post(
        f"{VERSIONS}/{hash}/proposals",
        {"to_status": to, "reason": reason},
        idempotency_key=key or make_key(),
    )


async def decide(caller, proposal_id, decision="approve"):
    return await caller.post(f"{PROPOSALS}/{proposal_id}/decision", {"decision": decision})


def question(toml=NEW, **changes):
    return {"toml": toml, "from": "2026-11-01", "to": str(TODAY), **changes}


async def simulate(caller, body=None, key=None):
    return await caller.post(SIMULATIONS, body or question(), idempotency_key=key or make_key())


async def simulated(caller, body=None):
    job = await simulate(caller, body)
    assert job.status == 202, job.body
    address = job.headers["Location"]

    async def is_done():
        return (await caller.get(address)).json()["status"] in {"done", "failed"}

    await until(is_done)
    return (await caller.get(address)).json()


async def end_consultation(service):
    await service.execute(
        "UPDATE methodology_version SET status_since = status_since - interval '11 days'"
        " WHERE status = 'consultation'"
    )


async def consulted(caller):
    assert (await propose(caller, "dry_run")).json()["outcome"] == "applied"
    await simulated(caller)
    assert (await propose(caller, "consultation")).status == 201


async def shown(service):
    answer = await service.nobody.get("/v1/methodologies/TPH-FOOD-01")
    return {each["version"]: each for each in answer.json()["versions"]}


async def test_people_are_asked_only_when_the_effect_is_known(service):
    li, member = await service.caller("li", "operator"), await service.member()
    await member.photograph(make_photo(1))
    draft = (await li.get(f"{VERSIONS}/{SUCCESSOR.hash}")).json()
    assert draft["standing"]["status"] == "draft"
    assert draft["next_statuses"] == ["dry_run", "withdrawn"]
    await propose(li, "dry_run")
    early = await propose(li, "consultation")
    assert (early.status, early.problem) == (409, "not-simulated")
    assert list(await shown(service)) == ["1.0.0"]

    job = await simulated(li)
    assert (job["status"], job["accounts_done"]) == ("done", job["accounts_total"])
    result = job["result"]
    assert (result["check_ins"], result["grams_before"], result["grams_after"]) == (1, 125, 125)
    assert "account_id" not in str(result)
    assert (await propose(li, "consultation")).status == 201
    assert {name: each["status"] for name, each in (await shown(service)).items()} == {
        "1.1.0": "consultation",
        "1.0.0": "published",
    }


async def test_a_second_person_publishes_after_the_consultation(service):
    li, wang = await service.caller("li", "operator"), await service.caller("wang", "operator")
    await consulted(li)
    asked = (await propose(li, "published")).json()
    assert asked["outcome"] is None
    own = await decide(li, asked["id"])
    assert (own.status, own.problem) == (403, "second-person-needed")
    soon = await decide(wang, asked["id"])
    assert (soon.status, soon.problem) == (409, "consultation-too-short")
    assert "consultation_ends_at" in soon.json()
    await end_consultation(service)
    for _ in range(2):
        assert (await decide(wang, asked["id"])).json()["outcome"] == "approved"
    late = await decide(await service.caller("zhao", "operator"), asked["id"])
    assert (late.status, late.problem) == (409, "proposal-decided")

    life = (await li.get(f"{VERSIONS}/{SUCCESSOR.hash}")).json()["history"]
    assert [each["to_status"] for each in life] == [
        *("draft", "dry_run", "consultation", "published"),
    ]
    assert life[-1]["approved_by"].endswith("|wang")


async def test_the_old_rule_counts_until_the_first_day_of_the_new_one(service):
    li, wang = await service.caller("li", "operator"), await service.caller("wang", "operator")
    await consulted(li)
    await end_consultation(service)
    await decide(wang, (await propose(li, "published")).json()["id"])
    versions = await shown(service)
    old, new = versions["1.0.0"], versions["1.1.0"]
    assert (old["status"], old["is_open"], new["status"]) == ("superseded", True, "published")
    assert new["previous_hash"] == old["hash"]
    [listed] = [
        each
        for each in (await service.nobody.get("/v1/methodologies")).json()["items"]
        if each["id"] == "TPH-FOOD-01"
    ]
    assert (listed["version"], listed["versions"]) == ("1.0.0", 2)
    member = await service.member()
    credited = (await member.photograph(make_photo(1))).json()
    assert (credited["grams"], credited["methodology_version"]) == (125, old["hash"])


async def test_a_repeated_proposal_is_the_same_one(service):
    li, key = await service.caller("li", "operator"), make_key()
    first, again = [await propose(li, "dry_run", key=key) for _ in range(2)]
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await propose(li, "withdrawn", key=key)
    assert (other.status, other.problem) == (422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("to", "status", "problem"),
    [
        ("published", 409, "status-move-not-allowed"),
        ("consultation", 409, "status-move-not-allowed"),
        ("superseded", 422, "validation"),
        ("draft", 422, "validation"),
    ],
)
async def test_a_draft_is_not_published_at_once(service, to, status, problem):
    reply = await propose(await service.caller("li", "operator"), to)
    assert (reply.status, reply.problem) == (status, problem)


async def test_auditors_read_and_change_nothing(service):
    auditor, before = await service.caller("sun", "auditor"), await service.row_counts()
    for path in (VERSIONS, f"{VERSIONS}/{SUCCESSOR.hash}", PROPOSALS, SIMULATIONS):
        assert (await auditor.get(path)).status == 200, path
    assert (await propose(auditor, "dry_run")).status == 403
    assert (await decide(auditor, "019ff7a0-0000-7000-8000-000000000000")).status == 403
    assert (await simulate(auditor)).status == 403
    assert await service.row_counts() == before


async def test_versions_are_listed_page_by_page_and_filtered(service):
    li = await service.caller("li", "operator")
    found, query = [], "?limit=7"
    while query:
        page = (await li.get(f"{VERSIONS}{query}")).json()
        found += page["items"]
        query = page["next_cursor"] and f"?limit=7&cursor={page['next_cursor']}"
    async with service.engine.connect() as conn:
        assert [each["hash"] for each in found] == [each.hash for each in await standings(conn)]
    drafts = (await li.get(f"{VERSIONS}?status=draft&limit=200")).json()["items"]
    assert {each["status"] for each in drafts} == {"draft"}
    assert all(each["is_installed"] and not each["is_open"] for each in drafts)
    plates = (await li.get(f"{VERSIONS}?methodology_id=TPH-FOOD-01")).json()["items"]
    assert [each["version"] for each in plates] == ["1.0.0", "1.1.0"]


async def test_proposals_are_listed_newest_first(service):
    li = await service.caller("li", "operator")
    made = [(await propose(li, "dry_run", hash=hash)).json() for hash in
            (SUCCESSOR.hash, PACKAGED.drafts[0].hash, PACKAGED.drafts[1].hash)]  # fmt: skip
    first = (await li.get(f"{PROPOSALS}?limit=2")).json()
    rest = (await li.get(f"{PROPOSALS}?limit=2&cursor={first['next_cursor']}")).json()
    assert [*first["items"], *rest["items"]] == made[::-1]
    assert (await li.get(f"{PROPOSALS}?is_open=true")).json()["items"] == []


async def test_a_simulation_asked_twice_runs_once(service):
    li, key = await service.caller("li", "operator"), make_key()
    first, again = [await simulate(li, key=key) for _ in range(2)]
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await service.value("SELECT count(*) FROM simulation") == 1


async def test_all_faults_of_a_file_are_answered_at_once(service):
    li, before = await service.caller("li", "operator"), await service.row_counts()
    broken = NEW.replace('kind = "scene"', 'kind = "x"').replace("most = 1", "most = -1")
    reply = await simulate(li, question(broken))
    assert (reply.status, reply.problem) == (422, "methodology-file-faulty")
    faults = reply.json()["faults"]
    assert len(faults) == reply.json()["faults_in_all"] == 2
    assert all(set(fault) == {"where", "what", "do"} for fault in faults)
    for toml in ("", "x = ", "\u0000", "[[[[", "x" * 70_000, "a = 0.5"):
        reply = await simulate(li, question(toml))
        assert reply.status == 422, toml[:10]
    taken = NEW.replace('id = "TPH-FOOD-01"', 'id = "TPH-FOOD-09"')
    assert (await simulate(li, question(taken))).problem == "methodology-file-faulty"
    assert await service.row_counts() == before


@pytest.mark.parametrize(
    ("first", "last", "problem"),
    [
        ("2026-11-02", "2026-11-01", "simulation-period-not-valid"),
        ("2025-01-01", "2026-01-02", "simulation-period-not-valid"),
        ("0001-01-01", "9999-12-31", "simulation-period-not-valid"),
        ("2026-02-30", "2026-03-01", "validation"),
    ],
)
async def test_days_that_cannot_be_are_refused(service, first, last, problem):
    li = await service.caller("li", "operator")
    reply = await simulate(li, question(**{"from": first, "to": last}))
    assert (reply.status, reply.problem) == (422, problem)


async def test_the_last_year_there_is_can_be_asked_for(service):
    li = await service.caller("li", "operator")
    job = await simulated(li, question(**{"from": "9999-01-01", "to": "9999-12-31"}))
    assert (job["status"], job["result"]["check_ins"]) == ("done", 0)


async def test_a_new_factor_file_travels_with_the_methodology(service):
    li, member = await service.caller("li", "operator"), await service.member()
    await member.photograph(make_photo(1))
    factors = FACTORS["food_2026.toml"].replace('"0.038"', '"0.019"')
    factors = factors.replace('id = "', 'id = "new-').replace('series = "', 'series = "new-')
    toml = NEW.replace('factor_sets = ["food_2026"]', 'factor_sets = ["food_new"]')
    toml = toml.replace("grams = 125", "grams = 62")
    job = await simulated(li, question(toml, factor_files={"food_new.toml": factors}))
    assert (job["status"], job["error"]) == ("done", None)
    assert (job["result"]["grams_before"], job["result"]["grams_after"]) == (125, 62)
    assert job["result"]["largest_losses"] == [
        {"grams_before": 125, "grams_after": 62, "change": -63}
    ]


async def test_three_simulations_wait_and_a_fourth_is_told_to_come_back(api_alone):
    li = await api_alone.caller("li", "operator")
    replies = [await simulate(li) for _ in range(4)]
    assert [reply.status for reply in replies] == [202, 202, 202, 429]
    assert replies[3].problem == "too-many-simulations"
    jobs = (await li.get(f"{SIMULATIONS}?limit=2")).json()
    assert [each["id"] for each in jobs["items"]] == [
        replies[2].json()["id"], replies[1].json()["id"],
    ]  # fmt: skip
    rest = (await li.get(f"{SIMULATIONS}?limit=2&cursor={jobs['next_cursor']}")).json()
    assert [each["status"] for each in rest["items"]] == ["waiting"]


async def test_a_simulation_that_cannot_end_says_so(service):
    """The file was fine when it was asked about, and is not any more."""
    li = await service.caller("li", "operator")
    job = (await simulate(li)).json()
    await service.drained()
    await service.execute(
        "UPDATE simulation SET status = 'waiting', result = NULL, finished_at = NULL,"
        " toml = 'x = 1'"
    )
    await service.execute(
        "INSERT INTO work (step, event, ids) VALUES ('simulate', 'SimulationRequested',"
        " ARRAY[CAST(:id AS uuid)])",
        id=job["id"],
    )
    await service.drained()
    ended = (await li.get(f"{SIMULATIONS}/{job['id']}")).json()
    assert (ended["status"], ended["result"]) == ("failed", None)
    assert "Add the table" in ended["error"]

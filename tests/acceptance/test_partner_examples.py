"""What partners copy is what the schemas say, and is answered as the page says."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from jsonschema import Draft202012Validator

from backend.api import DEV_ISSUER
from backend.members.steps import join
from backend.partners.queries import issue_key, link, make_partner
from backend.recycling.queries import add_bags
from tests.acceptance.event_sender import BATCH, STRUCTURED, saved_average, send_raw
from tests.acceptance.running_service import Caller, serving

KIT = Path(__file__).parents[2] / "docs/partners"
ROW = re.compile(r"^\| \[.*\]\(examples/(.*?)\) \|.*\| (.*) \|$", re.MULTILINE)
STATED = dict(ROW.findall((KIT / "index.md").read_text("utf-8")))
EXAMPLES = {file.name: json.loads(file.read_text("utf-8")) for file in KIT.glob("examples/*.json")}
QINGHE = UUID("00000000-0000-7000-8000-0000000000d1")
LINKED = (
    "card-7781",
    "household-0042",
    "customer-3f81",
    "customer-90a2",
    "donor-0031",
    "boat-0005",
)
SENT_AT = datetime(2026, 11, 21, 4, tzinfo=UTC)


def events_of(example):
    return example if isinstance(example, list) else [example]


async def city(service) -> Caller:
    """Partners below `urn:qinghe`, customers, a bound bag and the average of a meter's region."""
    async with service.engine.begin() as conn:
        await make_partner(conn, QINGHE, name_zh="青禾", name_en="Qinghe", source="urn:qinghe")
        key = await issue_key(conn, QINGHE, kind="partner", scopes=["event.send"])
        for customer in LINKED:
            await link(conn, QINGHE, customer, await join(conn, f"{DEV_ISSUER}|{customer}"))
        await add_bags(conn, ["QH000001"])
    await saved_average(service)
    member = await service.member()
    assert (await member.bind("QH000001")).status == 201
    return Caller(service.session, key)


def told(result):
    """A result as the page writes it."""
    if result["status"] == "refused":
        return f"refused: `{result['problem']['type'].removeprefix('/problems/')}`"
    waits = f", waits for `{result['waits_for']}`" if "waits_for" in result else ""
    grams = f", {result['grams_gco2e']:,} g" if "grams_gco2e" in result else ""
    return f"{result['code']} `{result['status']}`{waits}{grams}"


async def answer_to(partner, example):
    is_batch = isinstance(example, list)
    reply = await send_raw(partner, json.dumps(example), BATCH if is_batch else STRUCTURED)
    answer = reply.json()
    if reply.problem:
        return f"{reply.status} `{reply.problem}`"
    return "; ".join(told(each) for each in answer["results"])


def test_the_page_names_every_example_and_there_is_one_of_each_type():
    assert STATED.keys() == EXAMPLES.keys()


async def test_every_example_is_of_its_schema_and_answered_as_the_page_says(engine, tmp_path):
    shift_s = int((SENT_AT - datetime.now(UTC)).total_seconds())
    async with serving(engine, tmp_path, clock_shift_s=shift_s) as service:
        types = (await service.nobody.get("/v1/event-types?limit=200")).json()["items"]
        schemas = {each["type"]: each["data_schema"] for each in types}
        partner = await city(service)
        events = [each for name in STATED for each in events_of(EXAMPLES[name])]
        for event in events:
            schema = schemas[event["type"]]
            checker = Draft202012Validator.FORMAT_CHECKER
            Draft202012Validator(schema, format_checker=checker).validate(event["data"])
        answered = {name: await answer_to(partner, EXAMPLES[name]) for name in STATED}
    reported = {name for name in schemas if not re.search("corrected|withdrawn", name)}
    assert reported <= {each["type"] for each in events}
    assert answered == STATED

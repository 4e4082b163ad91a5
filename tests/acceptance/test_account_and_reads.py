import asyncio
import json
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.acceptance.running_service import make_photo, until

UNKNOWN_ID = "019ff7a0-0000-7000-8000-000000000000"


async def saved_bags(service, member, count):
    """Weigh bags of 1 to `count` kilograms for a member; gives their check-ins, oldest first."""
    scale, check_ins = service.by_key("scale"), []
    for number in range(1, count + 1):
        await member.bind(f"BAG{number:05d}")
        weighed = await scale.weigh(f"BAG{number:05d}", mass_g=1_000 * number)
        check_ins.append(weighed.json())
    return check_ins


async def pages(member, path, limit):
    """All pages of a list."""
    found, cursor = [], None
    while cursor is not None or not found:
        after = f"&cursor={cursor}" if cursor else ""
        reply = await member.get(f"{path}?limit={limit}{after}")
        assert reply.status == 200, reply.body
        found.append(reply.json()["items"])
        cursor = reply.json()["next_cursor"]
        if cursor is None:
            return found
    return found


async def test_a_new_member_starts_with_nothing(service):
    member = await service.member()
    assert await member.account() == {
        "account_id": str(member.account_id),
        "grams": 0,
        "reduction_text": "0 克",
        "points": 0,
        "points_pending": 0,
        "points_held": 0,
        "points_debt": 0,
        "lots": [],
        "budget": {"state": "open", "stops_on": None},
    }
    empty = {"items": [], "next_cursor": None}
    assert (await member.get("/v1/check-ins")).json() == empty
    assert (await member.get("/v1/account/transfers")).json() == empty


async def test_grams_are_written_in_the_reader_s_language(service):
    member = await service.member()
    await saved_bags(service, member, 1)
    said = {}
    for language in ("zh-CN", "en"):
        reply = await member.get("/v1/account", **{"Accept-Language": language})
        said[language] = reply.json()["reduction_text"]
        reply = await service.nobody.get("/v1/public/totals", **{"Accept-Language": language})
        assert reply.json()["reduction_text"] == said[language]
    grams = (await member.account())["grams"]
    assert said == {"zh-CN": f"{grams} 克", "en": f"{grams} g CO2e"}


async def test_a_member_who_comes_twice_at_once_has_one_account(service):
    new = await service.caller("new", "member")
    replies = await asyncio.gather(*(new.get("/v1/account") for _ in range(12)))
    assert {reply.status for reply in replies} == {200}
    assert len({reply.json()["account_id"] for reply in replies}) == 1
    assert await service.value("SELECT count(*) FROM member") == 1


async def test_a_list_comes_in_pages_newest_first(service):
    member = await service.member()
    saved = await saved_bags(service, member, 5)
    found = await pages(member, "/v1/check-ins", 2)
    assert [len(page) for page in found] == [2, 2, 1]
    assert [each for page in found for each in page] == saved[::-1]


async def test_a_page_that_ends_with_the_list_has_no_next(service):
    member = await service.member()
    await saved_bags(service, member, 2)
    assert [len(page) for page in await pages(member, "/v1/check-ins", 2)] == [2]


async def test_a_cursor_is_for_one_member_and_one_list(service):
    member, other = await service.member("li"), await service.member("wang")
    await saved_bags(service, member, 3)
    cursor = (await member.get("/v1/check-ins?limit=1")).json()["next_cursor"]
    for caller, path, changed in (
        (other, "/v1/check-ins", cursor),
        (member, "/v1/account/transfers", cursor),
        (member, "/v1/check-ins", cursor[:-1]),
        (member, "/v1/check-ins", "x"),
    ):
        reply = await caller.get(f"{path}?cursor={changed}")
        assert (reply.status, reply.problem) == (400, "invalid-cursor")


async def test_anothers_check_in_is_as_absent_as_one_that_never_was(service):
    member, other = await service.member("li"), await service.member("wang")
    [saved] = await saved_bags(service, member, 1)
    for suffix in ("", "?wait=1", "/calculation"):
        foreign = await other.get(f"/v1/check-ins/{saved['id']}{suffix}")
        absent = await other.get(f"/v1/check-ins/{UNKNOWN_ID}{suffix}")
        assert (foreign.status, foreign.problem) == (404, "not-found")
        assert _without_request_id(foreign) == _without_request_id(absent)
    assert (await other.get("/v1/check-ins")).json()["items"] == []


def _without_request_id(reply):
    body = reply.json()
    request_id = body.pop("request_id").encode()
    headers = {
        name: value
        for name, value in reply.headers.items()
        if name.lower() not in {"x-request-id", "date", "content-length"}
    }
    return reply.status, headers, len(reply.body) - len(request_id), json.dumps(body)


async def test_a_calculation_can_be_repeated_by_hand(service):
    member = await service.member()
    [saved] = await saved_bags(service, member, 1)
    reply = await member.get(f"/v1/check-ins/{saved['id']}/calculation", accept_language="en")
    assert reply.status == 200
    answer = reply.json()
    assert answer["check_in_id"] == saved["id"]
    assert (answer["credit_id"], answer["booking"]) == (saved["credit_id"], 1)
    assert answer["calculation"]["grams"] == saved["grams"] == 101  # 1 kg x 101.6 g
    assert answer["sentences"]
    chinese = await member.get(f"/v1/check-ins/{saved['id']}/calculation")
    assert chinese.json()["sentences"] != answer["sentences"]


async def test_before_the_credit_there_is_no_calculation(service):
    member = await service.member()
    bound = await member.bind("BAG00001")
    reply = await member.get(f"/v1/check-ins/{bound.json()['id']}/calculation")
    assert (reply.status, reply.problem) == (404, "nothing-calculated")


async def test_transfers_explain_the_balances(service):
    member = await service.member()
    saved = await saved_bags(service, member, 4)
    await member.photograph(make_photo(1))
    found = await pages(member, "/v1/account/transfers", 3)
    transfers = [each for page in found for each in page]
    sums = {"gCO2e": 0, "points": 0}
    for each in transfers:
        sums[each["unit"]] += each["amount"]
    assert (sums["gCO2e"], sums["points"]) == await member.balance()
    assert {each["purpose"] for each in transfers} == {"credit"}
    keys = [(each["cause_id"], each["unit"]) for each in transfers]
    assert len(set(keys)) == len(keys) == 2 * (len(saved) + 1)
    of_first = [each for each in transfers if each["check_in_id"] == saved[0]["id"]]
    assert {(each["unit"], each["amount"]) for each in of_first} == {("gCO2e", 101), ("points", 10)}
    assert {each["action"] for each in of_first} == {"mixed_recycling"}


async def test_points_expire_with_their_lot(service):
    member = await service.member()
    await saved_bags(service, member, 2)
    [lot] = (await member.account())["lots"]
    assert (lot["available"], lot["held"]) == (20, 0)
    assert datetime.fromisoformat(lot["expires_on"]).date() > datetime.now(UTC).date()


async def test_a_past_balance_is_what_was_booked_until_then(service):
    member = await service.member()
    first, second = await saved_bags(service, member, 2)
    moments = [
        row.booked_at
        for row in await service.fetch(
            "SELECT DISTINCT booked_at FROM transfer WHERE account_id = :id ORDER BY booked_at",
            id=member.account_id,
        )
    ]
    for at, grams, points in (
        (moments[0] - timedelta(microseconds=1), 0, 0),
        (moments[0], first["grams"], 10),
        (moments[1], first["grams"] + second["grams"], 20),
        (moments[1] + timedelta(days=365), first["grams"] + second["grams"], 20),
    ):
        moment = at.isoformat().replace("+00:00", "Z")
        reply = await member.get(f"/v1/account/balance?at={moment}")
        assert reply.status == 200, reply.body
        assert (reply.json()["grams"], reply.json()["points"]) == (grams, points)


async def test_a_database_that_is_away_is_said_to_be_and_comes_back(service, server, database):
    member = await service.member()
    owner = create_async_engine(server.url("postgres"), isolation_level="AUTOCOMMIT")
    async with owner.connect() as conn:
        await conn.execute(text(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false"))
        await conn.execute(
            text(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                f" WHERE datname = '{database}'"
            )
        )
        for reply in (
            await member.get("/v1/account"),
            await member.get("/v1/check-ins"),
            await member.bind("BAG00001"),
            await (await service.caller("new", "member")).get("/v1/account"),
            await service.nobody.get("/v1/public/totals"),
        ):
            assert reply.status == 503, reply.body
            assert int(reply.headers["Retry-After"]) >= 1
        await conn.execute(text(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true"))
    await owner.dispose()

    async def credited():
        await member.bind("BAG00001")
        weighed = await service.by_key("scale").weigh("BAG00001", mass_g=1_000)
        return weighed.status in {200, 201}

    await until(credited)
    assert (await member.balance())[0] == 101

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta

from openpyxl import load_workbook

from backend.units import SHANGHAI, shanghai_day
from backend.verify import check_invariants
from tests.acceptance.running_service import make_key, serving
from tests.acceptance.shop import correct, open_shop, post, redeem, rich_member, settle

DAY_S = 24 * 3_600
REASON = {"reason": '=HYPERLINK("http://x")'}
STATEMENTS = "/v1/settlement-statements"


async def settled_vouchers(shop, member, count, **terms):
    reward = await shop.offer(**terms)
    made = []
    for _ in range(count):
        voucher = (await redeem(member, reward)).json()
        made.append((await settle(shop.cashier, voucher)).json())
    return made


async def undo(caller, settlement):
    return await caller.post(f"/v1/settlements/{settlement['id']}/undo", REASON)


async def draft(service, shop, *, days_ago=0, key=None):
    operator = await service.caller("op", "operator")
    day = shanghai_day(datetime.now(UTC)) - timedelta(days=days_ago)
    body = {"merchant_id": str(shop.id), "last_day": day.isoformat()}
    return await post(operator, f"/v1/operator{STATEMENTS[3:]}", body, key)


async def move(caller, statement, verb, body=None):
    content = {"json": body} if body else {}
    return await caller.send("POST", f"{STATEMENTS}/{statement['id']}/{verb}", **content)


async def test_a_shift_closes_with_what_the_cashier_did_since_the_last_one(service):
    shop, member = await open_shop(service), await rich_member(service, points=1_000)
    made = await settled_vouchers(shop, member, 3)
    await undo(shop.cashier, made[0])
    keys = [make_key() for _ in range(4)]
    replies = await asyncio.gather(
        *(shop.cashier.send("POST", "/v1/shifts", headers={"Idempotency-Key": k}) for k in keys)
    )
    assert sorted(reply.status for reply in replies) == [201] + [409] * 3
    assert {reply.problem for reply in replies if reply.status == 409} == {"nothing-to-close"}
    [closed] = [reply.json() for reply in replies if reply.status == 201]
    assert (closed["settled_count"], closed["settled_points"]) == (3, 90)
    assert (closed["undone_count"], closed["due_points"]) == (1, 60)
    await settled_vouchers(shop, member, 1)
    later = await shop.cashier.send("POST", "/v1/shifts", headers={"Idempotency-Key": make_key()})
    assert later.json()["due_points"] == 30
    listed = (await shop.manager.get("/v1/shifts")).json()["items"]
    assert [shift["due_points"] for shift in listed] == [30, 60]
    assert listed[1] == closed
    assert await check_invariants(service.engine) == []


async def test_a_manager_closes_the_shift_of_a_till(service):
    shop, member = await open_shop(service), await rich_member(service, points=1_000)
    till, other = await shop.till(), await open_shop(service, "bakery")
    [own] = (await shop.manager.get("/v1/merchant/tills")).json()["items"]
    voucher = (await redeem(member, await shop.offer())).json()
    sold = {"code": voucher["code"], "ticket": "T-1"}
    assert (await till.post("/v1/pos/settlements", sold)).status == 201

    async def close(manager, key=None):
        headers = {"Idempotency-Key": key or make_key()}
        return await manager.send("POST", f"/v1/merchant/tills/{own['id']}/shifts", headers=headers)

    foreign = await close(other.manager)
    assert (foreign.status, foreign.problem) == (403, "till-unknown")
    assert (await close(shop.cashier)).status == 403
    key = make_key()
    closed, again = await close(shop.manager, key), await close(shop.manager, key)
    assert (closed.status, closed.json()["name"], closed.json()["due_points"]) == (201, "1", 30)
    assert (again.status, again.json()) == (201, closed.json())
    empty = await close(shop.manager)
    assert (empty.status, empty.problem) == (409, "nothing-to-close")
    assert await check_invariants(service.engine) == []


async def test_a_statement_is_drafted_confirmed_and_paid(service, tmp_path):
    shop, member = await open_shop(service), await rich_member(service, points=1_000)
    made = await settled_vouchers(shop, member, 3)
    await undo(shop.cashier, made[0])
    assert (await draft(service, shop)).problem == "period-not-over"
    async with serving(service.engine, tmp_path, clock_shift_s=DAY_S + 900) as later:
        key = make_key()
        drafted = await draft(later, shop, key=key)
        assert drafted.status == 201, drafted.body
        statement = drafted.json()
        assert (statement["status"], statement["due_points"]) == ("draft", 60)
        assert (await draft(later, shop, key=key)).json() == statement
        assert (await draft(later, shop)).problem == "period-stated"

        manager = await later.caller("cafe-manager", "merchant_manager")
        operator = await later.caller("op", "operator")
        payment = {"reference": "ICBC-20261122-1"}
        assert (await move(operator, statement, "pay", payment)).problem == "statement-decided"
        disputed = await move(manager, statement, "dispute", {"reason": "少一笔"})
        assert disputed.json()["status"] == "disputed"
        for _ in range(2):
            confirmed = await move(manager, statement, "confirm")
            assert (confirmed.status, confirmed.json()["status"]) == (200, "confirmed")
        for _ in range(2):
            paid = await move(operator, statement, "pay", payment)
            assert (paid.json()["status"], paid.json()["payment_reference"]) == (
                "paid",
                payment["reference"],
            )
        other = await move(operator, statement, "pay", {"reference": "another"})
        assert (other.status, other.problem) == (409, "statement-decided")
        assert (await move(manager, statement, "dispute", {"reason": "晚了"})).status == 409


async def test_what_is_corrected_later_stands_in_the_next_statement(service, tmp_path):
    shop, member = await open_shop(service), await rich_member(service, points=1_000)
    made = await settled_vouchers(shop, member, 2)
    async with serving(service.engine, tmp_path / "a", clock_shift_s=DAY_S + 900) as later:
        first = (await draft(later, shop)).json()
        assert first["due_points"] == 60
        operator = await later.caller("op", "operator")
        assert (await correct(later, made[0], REASON["reason"])).status == 200
        assert (await operator.get(f"{STATEMENTS}/{first['id']}")).json() == first
    async with serving(service.engine, tmp_path / "b", clock_shift_s=2 * DAY_S + 900) as later:
        second = (await draft(later, shop, days_ago=-1)).json()
        assert (second["settled_points"], second["undone_points"]) == (0, 30)
        assert second["due_points"] == -30
        operator = await later.caller("op", "operator")
        lines = await operator.get(f"{STATEMENTS}/{second['id']}/lines")
        [line] = lines.json()["items"]
        assert (line["settlement_id"], line["points"]) == (made[0]["id"], -30)
        assert await check_invariants(later.engine) == []


async def test_files_carry_every_line_and_no_formula(service, tmp_path):
    shop, member = await open_shop(service), await rich_member(service, points=1_000)
    made = await settled_vouchers(shop, member, 2, name_zh="+券", name_en="+voucher")
    await undo(shop.cashier, made[0])
    async with serving(service.engine, tmp_path, clock_shift_s=DAY_S + 900) as later:
        statement = (await draft(later, shop)).json()
        manager = await later.caller("cafe-manager", "merchant_manager")
        path = f"{STATEMENTS}/{statement['id']}/lines"
        as_csv = await manager.get(f"{path}.csv")
        assert as_csv.body.startswith(b"\xef\xbb\xbf")
        rows = list(csv.reader(io.StringIO(as_csv.body.decode("utf-8-sig"))))
        assert rows[0][0] == "编号"
        times = [await service.value("SELECT min(settled_at) FROM settlement"), rows[1][1]]
        assert times[1] == times[0].astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S+08:00")
        assert [row[7] for row in rows[1:]] == ["30", "30", "-30"]
        assert {row[6] for row in rows[1:]} == {"'+券"}
        assert rows[3][8] == f"'{REASON['reason']}"
        book = load_workbook(io.BytesIO((await manager.get(f"{path}.xlsx")).body))
        cells = list(book.active.iter_rows(values_only=True))
        assert [row[7] for row in cells[1:]] == [30, 30, -30]
        assert {cell.data_type for row in book.active.iter_rows() for cell in row} <= {"s", "n"}
        page = (await manager.get(f"{path}?limit=2")).json()
        assert len(page["items"]) == 2
        rest = (await manager.get(f"{path}?limit=2&cursor={page['next_cursor']}")).json()
        assert (len(rest["items"]), rest["next_cursor"]) == (1, None)


async def test_a_statement_is_its_merchants_and_the_operators(service, tmp_path):
    shop, member = await open_shop(service), await rich_member(service)
    await open_shop(service, "bakery")
    await settled_vouchers(shop, member, 1)
    async with serving(service.engine, tmp_path, clock_shift_s=DAY_S + 900) as later:
        statement = (await draft(later, shop)).json()
        other = await later.caller("bakery-manager", "merchant_manager")
        path = f"{STATEMENTS}/{statement['id']}"
        for place in (path, f"{path}/lines", f"{path}/lines.csv", f"{path}/lines.xlsx"):
            assert (await other.get(place)).status == 404
        assert (await move(other, statement, "confirm")).status == 404
        assert (await other.get(STATEMENTS)).json()["items"] == []
        cashier = await later.caller("cafe-cashier", "merchant_manager")
        assert (await cashier.get(path)).problem == "not-staff"
        auditor = await later.caller("au", "auditor")
        assert [each["id"] for each in (await auditor.get(STATEMENTS)).json()["items"]] == [
            statement["id"]
        ]


async def test_the_sponsor_sees_which_fund_paid_for_what(service):
    shop, member = await open_shop(service), await rich_member(service, points=1_000)
    made = await settled_vouchers(shop, member, 3)
    await undo(shop.cashier, made[0])
    operator = await service.caller("op", "operator")
    project = await post(
        operator, "/v1/operator/charity-projects", {"name_zh": "种树", "name_en": "Trees"}
    )
    body = {"project_id": project.json()["id"], "points": 12}
    assert (await post(member, "/v1/donations", body)).status == 201
    today = shanghai_day(datetime.now(UTC)).isoformat()
    path = f"/v1/operator/sponsor-statement?first_day={today}&last_day={today}"
    found = (await operator.get(path)).json()
    assert found["net_points"] == 72
    assert {(each["payee"], each["reward"], each["net_points"]) for each in found["items"]} == {
        ("青禾咖啡", "咖啡", 60),
        ("种树", None, 12),
    }
    as_csv = await operator.get(path.replace("statement?", "statement.csv?"))
    assert "青禾咖啡,咖啡,90,30,60" in as_csv.body.decode("utf-8-sig")


async def test_a_donation_moves_points_once_and_the_total_runs(service):
    operator = await service.caller("op", "operator")
    member = await rich_member(service)
    terms = {"name_zh": "种树", "name_en": "Trees", "goal_points": 1_000}
    project = (await post(operator, "/v1/operator/charity-projects", terms)).json()
    body, key = {"project_id": project["id"], "points": 40}, make_key()
    replies = await asyncio.gather(*(post(member, "/v1/donations", body, key) for _ in range(8)))
    assert {reply.status for reply in replies} == {201}
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert (await member.account())["points"] == 60
    [shown] = (await service.nobody.get("/v1/charity-projects")).json()["items"]
    assert (shown["name"], shown["total_points"], shown["goal_points"]) == ("种树", 40, 1_000)
    refused = await asyncio.gather(*(post(member, "/v1/donations", body) for _ in range(4)))
    assert sorted(reply.status for reply in refused) == [201, 422, 422, 422]
    assert [each["points"] for each in (await member.get("/v1/donations")).json()["items"]] == [
        40,
        40,
    ]
    assert await check_invariants(service.engine) == []


async def test_a_project_that_has_ended_takes_nothing(service):
    operator, member = await service.caller("op", "operator"), await rich_member(service)
    terms = {"name_zh": "旧", "name_en": "Old", "ends_at": "2020-01-01T00:00:00Z"}
    project = (await post(operator, "/v1/operator/charity-projects", terms)).json()
    reply = await post(member, "/v1/donations", {"project_id": project["id"], "points": 1})
    assert (reply.status, reply.problem) == (409, "project-ended")
    unknown = {"project_id": "019ff7a0-0000-7000-8000-000000000000", "points": 1}
    assert (await post(member, "/v1/donations", unknown)).status == 404
    assert (await member.account())["points"] == 100

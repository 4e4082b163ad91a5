"""A merchant as its people meet it, and members with points to spend."""

from dataclasses import dataclass
from uuid import UUID

from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import draw
from backend.ids import uuid7
from backend.ledger.domain import Purpose, Transfer, points_expire_on
from backend.ledger.queries import ensure_lots, lock_accounts, post as post_transfers
from backend.units import shanghai_day
from tests.acceptance.running_service import Caller, Service, make_key

COFFEE = {"name_zh": "咖啡", "name_en": "Coffee", "points": 30, "payer": "government"}


@dataclass
class Shop:
    """One merchant with a store, a manager and a cashier."""

    service: Service
    id: UUID
    store_id: str
    manager: Caller
    cashier: Caller

    async def offer(self, **terms):
        """A reward; the answer's body."""
        reply = await post(self.manager, "/v1/merchant/rewards", {**COFFEE, **terms})
        assert reply.status == 201, reply.body
        return reply.json()

    async def till(self, name="1"):
        """An enrolled till, as the principal that its key is."""
        body = {"store_id": self.store_id, "name": name}
        made = await post(self.manager, "/v1/merchant/tills", body)
        assert made.status == 201, made.body
        code = made.json()["code"]
        reply = await self.cashier.post("/v1/tills/enrolments", {"code": code})
        assert reply.status == 201, reply.body
        return Caller(self.service.session, reply.json()["key"])


async def post(caller, path, body, key=None, **headers):
    return await caller.post(path, body, idempotency_key=key or make_key(), **headers)


async def open_shop(service, name="cafe") -> Shop:
    operator = await service.caller("op", "operator")
    body = {"name_zh": "青禾咖啡", "name_en": name, "manager": f"{name}-manager"}
    made = await post(operator, "/v1/operator/merchants", body)
    assert made.status == 201, made.body
    manager = await service.caller(f"{name}-manager", "merchant_manager")
    cashier = await service.caller(f"{name}-cashier", "cashier")
    hired = {"subject": f"{name}-cashier", "role": "cashier", "name": "小王"}
    assert (await manager.post("/v1/merchant/staff", hired)).status == 200
    store = await post(
        manager,
        "/v1/merchant/stores",
        {"name_zh": "一店", "name_en": "One", "region": "330106"},
    )
    assert store.status == 201, store.body
    return Shop(service, UUID(made.json()["id"]), store.json()["id"], manager, cashier)


async def give_points(service, member, points, *, fund_id=PROGRAMME_FUND, expires_on=None) -> None:
    """Points on a member's account, drawn from a fund."""
    async with service.engine.begin() as conn:
        locked = await lock_accounts(conn, [member.account_id])
        today = shanghai_day(locked.now)
        lot = (fund_id, expires_on or points_expire_on(today))
        lots = await ensure_lots(conn, [lot])
        assert await draw(conn, fund_id, points) == points
        transfer = Transfer(
            member.account_id,
            uuid7(),
            Purpose.ADJUST,
            lots[lot],
            fund_id,
            member.account_id,
            points,
            today,
        )
        assert await post_transfers(conn, [transfer], locked.now) == 1


async def redeem(member, reward, key=None, **body):
    return await post(member, "/v1/redemptions", {"reward_id": reward["id"], **body}, key)


async def settle(cashier, voucher, **headers):
    return await cashier.post("/v1/settlements", {"code": voucher["code"]}, **headers)


async def propose(service, settlement, reason, by="op"):
    """A correction that waits for a second person."""
    operator = await service.caller(by, "operator")
    path = f"/v1/operator/settlements/{settlement['id']}/corrections"
    return await operator.post(path, {"reason": reason})


async def decide(service, correction_id, decision, by):
    operator = await service.caller(by, "operator")
    path = f"/v1/operator/settlement-corrections/{correction_id}/decisions"
    return await operator.post(path, {"decision": decision})


async def correct(service, settlement, reason):
    """A correction by two operators."""
    proposed = await propose(service, settlement, reason)
    return await decide(service, proposed.json()["id"], "approve", "op-2")


async def points_of(member):
    """Available and held points."""
    account = await member.account()
    return account["points"], account["points_held"]


async def left_of(shop, reward):
    """Pieces that are left."""
    offers = (await shop.manager.get("/v1/merchant/rewards")).json()["items"]
    return next(offer["left"] for offer in offers if offer["id"] == reward["id"])


async def rich_member(service, subject="li", points=100) -> Caller:
    member = await service.member(subject)
    await give_points(service, member, points)
    return member

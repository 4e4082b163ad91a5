"""A merchant: its reward is redeemed for points, and its till takes the voucher once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.demo.city import DISTRICTS
from backend.demo.client import Client, Reply, needed, show_refusal, sign_in
from backend.demo.crowd import Crowd
from backend.demo.town_hall import TownHall, write

NAMES = {"name_zh": "麦浪早点铺", "name_en": "Wheat Breakfast"}
# Less than a weighed bag and a ride bring on the day itself.
REWARD = {"name_zh": "豆浆一杯", "name_en": "A cup of soy milk", "points": 15, "stock": 200}


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who runs a merchant, the till in its store, and what it offers."""

    manager: Client
    till: Client
    reward: Mapping[str, Any]

    async def settle(self, voucher: Mapping[str, Any]) -> Reply:
        """The till takes a voucher that a member shows."""
        return await self.till.post("/v1/settlements", {"code": voucher["code"]})


async def open_merchant(crowd: Crowd, hall: TownHall) -> Merchant:
    """An operator names the manager, who opens a store, sets up its till and offers a reward."""
    name = f"breakfast-{crowd.city.run}"
    await hall.make("merchants", {**NAMES, "manager": name})
    manager = await sign_in(crowd.session, name, role="merchant_manager")
    region = next(iter(DISTRICTS))
    named = {"name_zh": "一店", "name_en": "First store", "region": region}
    store = await write(manager, "/v1/merchant/stores", named)
    reward = await write(manager, "/v1/merchant/rewards", {**REWARD, "payer": "government"})
    return Merchant(manager, await _enrol_till(manager, store["id"]), reward)


async def _enrol_till(manager: Client, store_id: str) -> Client:
    """The code that is shown once enrols the device, which acts by its own key from then on."""
    made = await write(manager, "/v1/merchant/tills", {"store_id": store_id, "name": "1"})
    reply = await manager.post("/v1/tills/enrolments", {"code": made["code"]})
    return Client(manager.session, str(needed(reply, "till").body["key"]))


async def spend(crowd: Crowd, hall: TownHall, she: Client) -> None:
    """A member redeems, the till settles, and the same voucher settles nothing more."""
    merchant, screen = await open_merchant(crowd, hall), crowd.screen
    screen.say(f"  · 兑换 Redeems · {' · '.join(_named(each) for each in (NAMES, REWARD))}")
    voucher = await write(she, "/v1/redemptions", {"reward_id": merchant.reward["id"]})
    status = await _status(she, f"/v1/vouchers/{voucher['id']}")
    account = await she.need("/v1/account")
    screen.say(
        f"      {status} · {voucher['points']} 积分 points"
        f" · 冻结 held {account['points_held']} · 可用 available {account['points']}"
    )
    settled = needed(await merchant.settle(voucher), "settlement").body
    crowd.tally.points_spent += settled["points"]
    status = await _status(merchant.manager, f"/v1/settlements/{settled['id']}")
    due = (await merchant.manager.need("/v1/merchant"))["points"]
    screen.say("  · 收银台核销 The till settles her voucher")
    screen.say(f"      {status} · 应付商户 due to the merchant {due} 积分 points")
    again = await merchant.settle(voucher)
    screen.say("  · 同一张券再核销一次 The same voucher again")
    await show_refusal(screen, merchant.manager, again)
    crowd.reads["她的账户 her account"] = ("/v1/account", she)
    crowd.reads["她的券 her vouchers"] = ("/v1/vouchers", she)
    crowd.reads["商户的核销 what the merchant settled"] = ("/v1/settlements", merchant.manager)


def _named(names: Mapping[str, Any]) -> str:
    return f"{names['name_zh']} {names['name_en']}"


async def _status(caller: Client, path: str) -> str:
    """How a resource stands, in both languages."""
    speakers = (caller, caller.speaking("en"))
    return " ".join([(await each.need(path))["status_text"] for each in speakers])

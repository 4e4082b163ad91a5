"""SIGKILL after a partner was called and before its answer was noted: done once, paid once."""

import asyncio

import aiohttp
import pytest

from backend.db import run
from backend.verify import check_invariants
from tests.acceptance.running_service import Caller
from tests.acceptance.shop import give_points, open_shop, points_of, post, redeem
from tests.faults.killable import killable
from tests.partner import fulfilling


class Outside:
    """A killable deployment as the shop's people meet it."""

    def __init__(self, session, engine, partner):
        self.session, self.engine, self.partner = session, engine, partner

    async def caller(self, subject, *roles):
        body = {"subject": subject, "roles": list(roles), "phone_number_verified": True}
        reply = await Caller(self.session).post("/dev-issuer/token", body)
        return Caller(self.session, reply.json()["access_token"])


async def until(holds, ends_s=60):
    async with asyncio.timeout(ends_s):
        while not await holds():  # noqa: ASYNC110  # the service tells nobody
            await asyncio.sleep(0.05)


async def bought(outside):
    """A voucher of a new member, who has 100 points and an old account."""
    shop = await open_shop(outside)
    url = {"url": f"{outside.partner.base}/fulfil"}
    assert (await post(shop.manager, "/v1/merchant/call-endpoint", url)).status == 201
    reward = await shop.offer(fulfilment="partner_call", stock=5)
    member = await outside.caller("li", "member")
    member.account_id = (await member.account())["account_id"]
    await give_points(outside, member, 100)
    async with outside.engine.begin() as conn:
        await run(conn, "UPDATE account SET opened_at = now() - interval '4 days'")
    reply = await redeem(member, reward)
    assert reply.status == 201, reply.body
    return reply.json()


@pytest.mark.faults
async def test_a_kill_between_the_call_and_its_note_neither_pays_nor_does_it_twice():
    async with (
        killable() as deployment,
        fulfilling("hang") as partner,
        deployment.database() as engine,
        aiohttp.ClientSession(deployment.base) as session,
    ):
        outside = Outside(session, engine, partner)
        voucher = await bought(outside)

        async def is_under_way():
            return partner.came

        async def is_done():
            return voucher["id"] in partner.done

        async def is_settled():
            [row] = await deployment.fetch("SELECT status FROM voucher")
            return row.status == "settled"

        await until(is_under_way)
        await deployment.kill()
        partner.gate.set()  # the partner does it, and nobody is there to hear
        await until(is_done)
        [row] = await deployment.fetch("SELECT status, attempts FROM partner_call")
        assert (row.status, row.attempts) == ("calling", 1)
        # The lease of the dead process runs out after 50 s; the fence lets us not wait for it.
        await deployment.execute("UPDATE partner_call SET due_at = now(), leased_until = now()")
        await deployment.start()
        await until(is_settled)
        # The development issuer has new keys.
        assert await points_of(await outside.caller("li", "member")) == (70, 0)
        cashier = await outside.caller("cafe-cashier", "cashier")
        assert (await cashier.get("/v1/merchant")).json()["points"] == 30
        assert await check_invariants(engine) == []
    assert partner.asked == ["POST", "GET"]
    assert partner.done == {voucher["id"]: "R-1"}

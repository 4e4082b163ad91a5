"""SIGKILL after a webhook was sent and before that was noted: it comes again under the same id."""

import asyncio

import aiohttp
import pytest

from backend.partners.queries import issue_key
from tests.faults.killable import SCALE_OWNER, killable
from tests.receiver import is_signed, receiving


async def until(holds, ends_s=60):
    async with asyncio.timeout(ends_s):
        while not await holds():  # noqa: ASYNC110  # the service tells nobody
            await asyncio.sleep(0.05)


@pytest.mark.faults
async def test_a_kill_between_sending_and_noting_repeats_the_message_under_its_id():
    async with killable() as deployment, receiving(["wait"]) as receiver:
        async with deployment.database() as engine, engine.begin() as conn:
            key = await issue_key(conn, SCALE_OWNER, kind="partner", scopes=["webhook.manage"])
        async with aiohttp.ClientSession(
            deployment.base, headers={"Authorization": f"Bearer {key}"}
        ) as partner:
            body = {"url": f"{receiver.base}/", "event_types": ["check_in.credited"]}
            endpoint = await (await partner.post("/v1/webhook-endpoints", json=body)).json()
            path = f"/v1/webhook-endpoints/{endpoint['id']}"
            made = await (await partner.post(f"{path}/pings")).json()

            async def is_under_way():
                return receiver.came

            await until(is_under_way)
            await deployment.kill()
            receiver.answers[:] = [204]
            receiver.gate.set()
            [row] = await deployment.fetch("SELECT status, attempts FROM webhook_delivery")
            assert (row.status, row.attempts) == ("pending", 1)
            # The lease of the dead process runs out after 40 s; the fence lets us not wait for it.
            await deployment.execute(
                "UPDATE webhook_delivery SET due_at = now(), leased_until = now()"
            )
            await deployment.start()

            async def is_delivered():
                [row] = await deployment.fetch("SELECT status FROM webhook_delivery")
                return row.status == "delivered"

            await until(is_delivered)
    assert receiver.ids() == [made["id"]] * 2
    first, second = receiver.came
    assert first.body == second.body
    assert is_signed(first, endpoint["secret"])
    assert is_signed(second, endpoint["secret"])

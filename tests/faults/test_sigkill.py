"""SIGKILL in the middle of a run, then a start: nothing acknowledged is lost, nothing counts twice.

A killed process is no power cut: the page cache survives it. What it shows is that every answer
came after its commit, and that what was cut off between two transactions is taken up again.
"""

import asyncio
import time

import pytest

from tests.faults.killable import END_S_MAX, Killable, killable
from tests.faults.traffic import Crowd

BAG_G, METRO_G = 254, 280
# Photos that were in the model when it died are leased for another minute; the fence lets us ask
# for them at once.
LEASES_RUN_OUT = "UPDATE work SET run_at = now()"


async def check(deployment: Killable, crowd: Crowd) -> None:
    """What was acknowledged is there; said again, everything has exactly one effect."""
    before = {report.check_in_id for report in crowd.acknowledged}
    found = await deployment.fetch("SELECT id::text AS id FROM check_in")
    assert before <= {row.id for row in found}

    await crowd.repeat_all()
    assert all(report.is_acknowledged for report in crowd.reports)
    await deployment.execute(LEASES_RUN_OUT)
    await drained(deployment)
    rows = await deployment.fetch("SELECT id::text AS id FROM check_in")
    ids = [row.id for row in rows]
    assert sorted(ids) == sorted(report.check_in_id for report in crowd.reports)
    await check_credits(deployment, crowd)
    verified = await deployment.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


async def check_credits(deployment: Killable, crowd: Crowd) -> None:
    credits = await deployment.fetch("SELECT check_in_id::text AS id, grams FROM credit")
    grams = {row.id: row.grams for row in credits}
    assert len(grams) == len(credits), "a check-in was credited twice"
    for report in crowd.reports:
        if report.kind != "photo":
            expected = BAG_G if report.kind == "bag" else METRO_G
            assert grams.get(report.check_in_id) == expected, report
    undecided = await deployment.fetch(
        "SELECT id FROM check_in WHERE status IN ('received', 'scored', 'bound')"
    )
    assert undecided == []
    [booked] = await deployment.fetch(
        "SELECT coalesce(sum(amount), 0) AS grams FROM transfer WHERE lot_id = 0"
    )
    assert booked.grams == sum(grams.values())


async def drained(deployment: Killable) -> None:
    ends_at = time.monotonic() + 60
    while (await deployment.fetch("SELECT count(*) AS left FROM work"))[0].left:
        assert time.monotonic() < ends_at, "the work was not done in time"
        await asyncio.sleep(0.1)


async def test_a_killed_service_loses_nothing_and_counts_nothing_twice():
    async with killable() as deployment:
        crowd = Crowd(deployment.base, deployment.scale_key)
        await crowd.report_until_killed(8, deployment.kill)
        await deployment.start()
        await check(deployment, crowd)


@pytest.mark.faults
@pytest.mark.timeout(600)
async def test_many_kills_of_service_and_database_lose_nothing():
    async with killable() as deployment:
        crowd = Crowd(deployment.base, deployment.scale_key)

        async def kill_both():
            await deployment.kill()
            await deployment.kill_database()

        async def kill_database_first():
            await deployment.kill_database()
            await deployment.kill()

        for kill in (deployment.kill, kill_both, kill_database_first, deployment.kill, kill_both):
            await crowd.report_until_killed(30, kill)
            await deployment.start()
            await check(deployment, crowd)


async def test_a_database_that_acknowledges_before_it_has_stored_is_refused():
    async with killable() as deployment:
        await deployment.kill()
        await deployment.execute("ALTER DATABASE tanhui SET synchronous_commit = off")
        service = deployment.spawn()
        assert await asyncio.to_thread(service.wait, END_S_MAX) != 0
        assert "synchronous_commit = off" in deployment.log()

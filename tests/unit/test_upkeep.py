"""Duties are many and connections few: those that are due at once take turns."""

import asyncio

import pytest

from backend.upkeep import DUTIES_AT_ONCE, Duty, taking_turns


async def test_few_duties_act_at_a_time_and_each_gets_its_turn():
    acting, most, acted = 0, 0, set()

    def duty(name):
        async def act():
            nonlocal acting, most
            acting += 1
            most = max(most, acting)
            await asyncio.sleep(0)
            acting -= 1
            acted.add(name)
            return 7

        return Duty(name, act, 60.0)

    names = {f"duty {number}" for number in range(3 * DUTIES_AT_ONCE)}
    duties = taking_turns([duty(name) for name in sorted(names)])
    assert await asyncio.gather(*(each.act() for each in duties)) == [7] * len(names)
    assert (acted, most) == (names, DUTIES_AT_ONCE)


async def test_a_duty_that_fails_gives_its_turn_back():
    async def fail():
        raise ConnectionError

    duties = taking_turns([Duty("failing", fail, 60.0)])
    for _ in range(DUTIES_AT_ONCE + 1):
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(duties[0].act(), 1)

import asyncio

import pytest

from backend.reports.shared_answers import KEPT_TIMES, KEYS_MAX, SharedAnswers

TOOK_S = 3.0


class Source:
    """What is dear to find: takes three seconds of the clock, and answers once its gate is open."""

    def __init__(self):
        self.now, self.finds, self.failing = 0.0, 0, False
        self.gate = asyncio.Event()
        self.gate.set()
        self.answers = SharedAnswers(clock=lambda: self.now)

    async def find(self):
        self.finds += 1
        await self.gate.wait()
        self.now += TOOK_S
        if self.failing:
            raise ConnectionError
        return self.finds

    async def ask(self, key="month"):
        return await self.answers.of(key, self.find)


async def asked(source, count):
    """Askers who all wait for the closed gate."""
    source.gate.clear()
    asking = [asyncio.ensure_future(source.ask()) for _ in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert source.finds == 1
    return asking


async def test_all_who_ask_at_once_share_one_answer():
    source = Source()
    asking = await asked(source, 100)
    source.gate.set()
    assert await asyncio.gather(*asking) == [1] * 100


async def test_each_key_has_its_own_answer():
    source = Source()
    assert [await source.ask(key) for key in ("may", "june", "may")] == [1, 2, 1]


async def test_an_answer_is_kept_twenty_times_as_long_as_finding_it_took():
    source = Source()
    await source.ask()
    source.now = TOOK_S + KEPT_TIMES * TOOK_S - 0.001
    assert await source.ask() == 1
    source.now += 0.001
    assert await source.ask() == 2


async def test_an_error_is_told_to_all_who_wait_and_not_kept():
    source = Source()
    source.failing = True
    asking = await asked(source, 3)
    source.gate.set()
    errors = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(each) for each in errors] == [ConnectionError] * 3
    source.failing = False
    assert await source.ask() == 2


@pytest.mark.parametrize("leaver", [0, 1], ids=["who asked first", "who joined"])
async def test_who_stops_waiting_takes_nothing_from_the_others(leaver):
    source = Source()
    asking = await asked(source, 2)
    left = asking.pop(leaver)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    source.gate.set()
    assert await asking[0] == 1
    assert await source.ask() == 1


async def test_only_so_many_answers_are_kept_and_the_oldest_goes_first():
    source = Source()
    for key in range(KEYS_MAX):
        await source.ask(key)
    source.now = 0.0  # none is too old
    assert [await source.ask(key) for key in (0, KEYS_MAX - 1)] == [1, KEYS_MAX]
    await source.ask("one more")
    assert await source.ask(1) == 2
    assert await source.ask(0) == KEYS_MAX + 2

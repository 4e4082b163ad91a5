"""A partner's daily control totals against ours, with the differences down to the event."""

import asyncio
from datetime import timedelta

from tests.acceptance.event_sender import (
    BAGS_SOURCE,
    make_correction,
    make_event,
    make_ride,
    make_tap_in,
    make_tap_out,
    make_withdrawal,
    send,
    yesterday_at,
)
from tests.acceptance.running_service import METRO

TOTALS = "/v1/partner/control-totals"
DAY = yesterday_at(8).date().isoformat()


def named(event_id, hour, **changes):
    return make_event(data=make_ride(yesterday_at(hour), **changes), id=event_id)


def listed(**distances):
    return [{"id": name, "amounts": {"distance_m": metres}} for name, metres in distances.items()]


async def state(caller, events=None, **changes):
    body = {
        "source": "urn:metro",
        "type": "tanhui.trip.v1",
        "day": DAY,
        "count": len(events or ()),
        "sums": {"distance_m": sum(each["amounts"].get("distance_m", 0) for each in events or ())},
        **changes,
    }
    return await caller.post(TOTALS, body | ({} if events is None else {"events": events}))


async def compared(caller, path=TOTALS):
    reply = await caller.get(f"{path}?day={DAY}&type=tanhui.trip.v1")
    assert reply.status == 200, reply.body
    [item] = reply.json()["items"]
    return item


async def test_a_day_as_it_stands_agrees_and_what_waits_is_marked(service):
    await service.link_card("card-1", "li")
    metro = service.by_key("metro")
    rode, gone = named("rode", 8), named("gone", 10)
    tapped = make_event(data=make_tap_in(yesterday_at(12)), id="tapped")
    await send(metro, rode, gone, tapped)
    await send(metro, named("waits", 14, distance_m=3_000) | {"subject": "card-unknown"})
    await send(
        metro,
        make_correction(rode, distance_m=9_000),
        make_withdrawal(gone),
        make_event(data=make_tap_out("tapped", yesterday_at(12, 20), distance_m=5_000)),
    )
    # A day of Shanghai begins at 16:00 of the day before in UTC.
    await send(metro, named("night", 0, distance_m=1_000))
    await state(metro, count=4, sums={"distance_m": 18_000})
    found = await compared(metro)
    assert found["agreed"] is True
    assert found["theirs"] == {"count": 4, "sums": {"distance_m": 18_000}}
    assert found["ours"] == {"count": 4, "sums": {"distance_m": 18_000}, "waiting": 1}
    alone = await metro.get(f"{TOTALS}/{found['id']}/differences")
    assert (alone.status, alone.problem, alone.json()["count"]) == (409, "list-not-complete", 4)


async def test_every_difference_is_listed_with_both_values(service):
    await service.link_card("card-1", "li")
    metro = service.by_key("metro")
    withdrawn = named("withdrawn", 18)
    await send(metro, named("here", 8), named("longer", 10), named("same", 12), withdrawn)
    await send(metro, make_withdrawal(withdrawn))
    whole = {"count": 4, "sums": {"distance_m": 40_000}}
    first = await state(metro, listed(longer=9_000, same=12_000), **whole)
    await state(metro, listed(there=7_000, withdrawn=12_000), **whole, part=2)
    found = await compared(metro)
    assert (found["agreed"], found["listed"]) == (False, 4)
    assert found["ours"] == {"count": 3, "sums": {"distance_m": 36_000}, "waiting": 0}
    path = f"{TOTALS}/{first.json()['id']}/differences"
    ours, theirs = {"distance_m": 12_000}, {"distance_m": 7_000}
    wanted = [
        ("here", "missing_there", "credited", None, ours),
        ("longer", "other_quantity", "credited", {"distance_m": 9_000}, ours),
        ("there", "missing_here", None, theirs, None),
        ("withdrawn", "missing_here", "withdrawn", ours, None),
    ]
    assert await pages(metro, path) == wanted
    operator = await service.caller("op", "operator")
    of_partner = f"/v1/operator/partners/{METRO}/control-totals"
    assert (await compared(operator, of_partner))["ours"] == found["ours"]
    assert await pages(operator, f"{of_partner}/{first.json()['id']}/differences") == wanted
    other = await service.by_key("scale").get(path)
    assert (other.status, other.problem) == (404, "not-found")


async def pages(caller, path):
    """All differences, two a page."""
    found, cursor = [], ""
    while cursor is not None:
        page = (await caller.get(f"{path}?limit=2{cursor}")).json()
        found += page["items"]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    members = ("event_id", "kind", "our_outcome", "theirs", "ours")
    return [tuple(each[name] for name in members) for each in found]


async def test_the_same_statement_again_changes_nothing_and_another_replaces_it(service):
    metro, one = service.by_key("metro"), listed(one=12_000)
    first, again = await state(metro, one), await state(metro, one)
    assert (first.status, first.json()) == (200, again.json())
    part = await state(metro, listed(two=12_000), count=1)
    assert part.json() == first.json()  # the part that lists another event instead
    other = await state(metro, listed(two=12_000), count=1, sums={"distance_m": 12_001})
    assert other.json()["id"] != first.json()["id"]
    assert (await compared(metro))["id"] == other.json()["id"]
    rows = await service.fetch(
        "SELECT replaced_at IS NULL AS counts FROM control_total ORDER BY id"
    )
    assert [row.counts for row in rows] == [False, True]
    assert await service.value("SELECT count(*) FROM control_event") == 1


async def test_equal_statements_at_once_are_one_and_of_others_one_counts(service):
    metro, one = service.by_key("metro"), listed(one=12_000)
    replies = await asyncio.gather(*(state(metro, one) for _ in range(8)))
    assert {reply.status for reply in replies} == {200}, [reply.body for reply in replies]
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert await service.value("SELECT count(*) FROM control_total") == 1
    assert await service.value("SELECT count(*) FROM control_event") == 1
    others = [listed(one=12_000 + metres) for metres in range(8)]
    replies = await asyncio.gather(*(state(metro, each) for each in others))
    assert {reply.status for reply in replies} <= {200, 503}
    counting = await service.fetch("SELECT sums FROM control_total WHERE replaced_at IS NULL")
    assert len(counting) == 1
    [listed_metres] = await service.fetch("SELECT amounts FROM control_event")
    assert listed_metres.amounts == counting[0].sums


async def test_statements_that_cannot_be_are_refused(service):
    metro = service.by_key("metro")
    later = (yesterday_at(8) + timedelta(days=3)).date().isoformat()
    for changes, problem in (
        ({"day": later}, "time-not-plausible"),
        ({"day": "1990-05-01"}, "time-not-plausible"),
        ({"type": "tanhui.trip.corrected.v1"}, "event-type-unknown"),
        ({"source": BAGS_SOURCE}, "source-not-granted"),
        ({"sums": {"distance_m": -1}}, "validation"),
    ):
        reply = await state(metro, **changes)
        assert reply.problem == problem, reply.body
    twice = await state(metro, listed(one=1) + listed(one=2))
    assert twice.json()["errors"] == [{"pointer": "/events/1/id", "code": "listed_twice"}]
    more = await state(metro, listed(one=1, two=2), count=1)
    assert more.json()["errors"] == [
        {
            "pointer": "/events",
            "code": "more_than_count",
            "detail": "列出 2 条,多于 count 的 1 条。",
        }
    ]
    assert await service.value("SELECT count(*) FROM control_total") == 0


async def test_amounts_that_no_event_of_the_type_has_are_refused(service):
    metro = service.by_key("metro")
    misspelt = [{"id": "one", "amounts": {"distance": 1}}]
    for reply, pointer in (
        (await state(metro, sums={"distance_km": 1}), "/sums/distance_km"),
        (await state(metro, misspelt), "/events/0/amounts/distance"),
    ):
        wanted = {"pointer": pointer, "code": "unknown_member", "detail": "可选:distance_m。"}
        assert reply.json()["errors"] == [wanted]
    bags = {"source": BAGS_SOURCE, "type": "tanhui.recycling.bag.weighed.v1"}
    sums = {"mass_g": 1, "materials.glass": 2, "residue_g": 3}
    assert (await state(service.by_key("scale"), **bags, sums=sums)).status == 200

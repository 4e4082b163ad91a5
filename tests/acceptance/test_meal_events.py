"""A partner's event says whose tray a camera has seen; the photo and its score decide as ever."""

from datetime import UTC, datetime, timedelta

from backend.verify import check_invariants
from tests.acceptance.canteen import new_code, open_camera
from tests.acceptance.event_sender import BAGS_SOURCE, make_event, make_withdrawal, send
from tests.acceptance.running_service import make_photo, until

PLATE_G, PLATE_POINTS = 125, 5
MEAL = "tanhui.meal.returned.v1"


def make_meal(camera, sequence=0, **changes):
    data = {
        "device": camera.id,
        "sequence": sequence,
        "returned_at": datetime.now(UTC).isoformat(),
    }
    return make_event(MEAL, data, **changes)


async def see(camera, photo):
    """A tray of nobody: the camera has no reader, and nobody scans its code."""
    reply = await camera.send(photo, camera.meal(tray_code=new_code()))
    assert (reply.status, reply.json()["status"]) == (202, "waiting"), reply.body


async def outcome_of(service, event):
    return await service.value(
        "SELECT outcome FROM partner_event WHERE event_id = :id", id=event["id"]
    )


async def becomes(service, event, outcome):
    async def has_become():
        return await outcome_of(service, event) == outcome

    await until(has_become)


async def test_a_meal_counts_when_its_photo_does_whichever_came_first(service):
    camera, metro = await open_camera(service), service.by_key("metro")
    await service.open_meals("lunch")
    for number, name in enumerate(("li", "wang")):
        await service.link_card(f"card-{name}", name)
        event = make_meal(camera, number, subject=f"card-{name}")
        steps = [lambda e=event: send(metro, e), lambda n=number: see(camera, make_photo(n))]
        first, second = steps if number == 0 else reversed(steps)
        told = await first() or await second()
        if number == 0:
            await second()
        [waiting] = told
        assert (waiting["status"], waiting["code"], waiting["waits_for"]) == ("parked", 202, "tray")
        await becomes(service, event, "credited")
        member = await service.member(name)
        assert await member.balance() == (PLATE_G, PLATE_POINTS)
        [again] = await send(metro, event)
        assert (again["status"], again["grams_gco2e"]) == ("duplicate", PLATE_G)
        [check_in] = (await member.get("/v1/check-ins")).json()["items"]
        assert check_in["id"] == again["check_in_id"]
        assert check_in["natural_key"] == f"tray:{camera.id}:{number}"
    assert await service.value("SELECT count(*) FROM parked_event") == 0
    assert await check_invariants(service.engine) == []


async def test_the_score_is_ours_whatever_the_event_says(service):
    camera, metro = await open_camera(service), service.by_key("metro")
    await service.link_card("card-1", "li")
    await see(camera, await service.script(make_photo(1), "rejected", "leftovers"))
    event = make_meal(camera)
    await send(metro, event)
    await becomes(service, event, "refused")
    assert await (await service.member("li")).balance() == (0, 0)
    assert await check_invariants(service.engine) == []


async def test_a_tray_is_one_events_and_its_owners(service):
    camera, metro = await open_camera(service), service.by_key("metro")
    await service.link_card("card-1", "li")
    await service.link_card("card-2", "wang")
    await see(camera, make_photo(1))
    event = make_meal(camera)
    await send(metro, event)
    await becomes(service, event, "credited")
    again, other = make_meal(camera), make_meal(camera, subject="card-2")
    await send(metro, again, other)
    for each in (again, other):
        await becomes(service, each, "refused")
    assert await (await service.member("li")).balance() == (PLATE_G, PLATE_POINTS)
    assert await (await service.member("wang")).balance() == (0, 0)
    assert await check_invariants(service.engine) == []


async def test_two_events_about_one_tray_at_once_count_once(service):
    camera, metro = await open_camera(service), service.by_key("metro")
    await service.link_card("card-1", "li")
    events = [make_meal(camera) for _ in range(3)]
    await send(metro, *events)
    await see(camera, make_photo(1))

    async def all_are_decided():
        return await service.value("SELECT count(*) = 0 FROM parked_event")

    await until(all_are_decided)
    outcomes = sorted([await outcome_of(service, each) for each in events])
    assert outcomes == ["credited", "refused", "refused"]
    assert await (await service.member("li")).balance() == (PLATE_G, PLATE_POINTS)
    assert await check_invariants(service.engine) == []


async def test_a_withdrawn_meal_counts_no_more_even_if_it_was_withdrawn_before_its_photo(service):
    camera, metro = await open_camera(service), service.by_key("metro")
    for number, name in enumerate(("li", "wang")):
        await service.link_card(f"card-{name}", name)
        event = make_meal(camera, number, subject=f"card-{name}")
        withdrawal = make_withdrawal(event, name="meal.returned")
        if number == 0:
            await send(metro, event, withdrawal)
            await see(camera, make_photo(number))
        else:
            await see(camera, make_photo(number))
            await send(metro, event)
            await becomes(service, event, "credited")
            [taken_back] = await send(metro, withdrawal)
            assert taken_back["status"] == "withdrawn"
        await becomes(service, event, "withdrawn")
        assert await (await service.member(name)).balance() == (0, 0)
    assert await check_invariants(service.engine) == []


async def test_nobody_tells_of_another_partners_trays(service):
    camera = await open_camera(service)
    await service.link_card("card-1", "li")
    await see(camera, make_photo(1))
    foreign = make_meal(camera, source=BAGS_SOURCE)
    [told] = await send(service.by_key("scale"), foreign)
    assert told["waits_for"] == "tray"
    own = make_meal(camera)
    await send(service.by_key("metro"), own)
    await becomes(service, own, "credited")
    assert await outcome_of(service, foreign) == "parked"


async def test_a_meal_of_the_day_before_yesterday_is_too_late_and_none_is_corrected(service):
    camera, metro = await open_camera(service), service.by_key("metro")
    at = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
    late = make_meal(camera)
    [refused] = await send(metro, {**late, "data": {**late["data"], "returned_at": at}})
    assert refused["problem"]["type"] == "/problems/evidence-too-late"
    await service.link_card("card-1", "li")
    await see(camera, make_photo(1))
    event = make_meal(camera)
    await send(metro, event)
    await becomes(service, event, "credited")
    correction = make_event(
        "tanhui.meal.returned.corrected.v1", {**event["data"], "corrects": event["id"]}
    )
    [refused] = await send(metro, correction)
    assert refused["problem"]["type"] == "/problems/correction-too-wide"


async def make_older(service, event, hours):
    """As if the event had come earlier: its wait is over, and its day long past."""
    was = datetime.fromisoformat(event["data"]["returned_at"])
    await service.execute(
        "UPDATE parked_event SET until = now(), body = replace(body, :was, :is)"
        " WHERE event_id = :id",
        id=event["id"],
        was=event["data"]["returned_at"],
        **{"is": (was - timedelta(hours=hours)).isoformat()},
    )


async def test_a_meal_whose_tray_never_comes_lapses(service):
    camera, metro = await open_camera(service), service.by_key("metro")
    await service.link_card("card-1", "li")
    event = make_meal(camera)
    await send(metro, event)
    await make_older(service, event, hours=25)
    await becomes(service, event, "lapsed")
    assert await service.value("SELECT count(*) FROM parked_event") == 0


async def test_a_meal_that_a_person_must_look_at_waits_beyond_its_day_and_with_its_changes(service):
    camera, metro = await open_camera(service), service.by_key("metro")
    await service.link_card("card-1", "li")
    await see(camera, await service.script(make_photo(1), "in_review", "uncertain"))
    event = make_meal(camera)
    await send(metro, event)

    async def waits_for_its_score():
        return await service.value(
            "SELECT count(*) = 1 FROM parked_event WHERE waits_for = 'score'"
        )

    await until(waits_for_its_score)
    await make_older(service, event, hours=25)
    [waiting] = await send(metro, make_withdrawal(event, name="meal.returned"))
    assert (waiting["status"], waiting["waits_for"]) == ("parked", "event")
    assert await waits_for_its_score()
    assert await outcome_of(service, event) == "parked"
    assert await check_invariants(service.engine) == []

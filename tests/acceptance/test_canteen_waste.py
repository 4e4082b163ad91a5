import asyncio
from datetime import date, timedelta

from backend.partners.queries import issue_key
from backend.units import shanghai_day
from tests.acceptance.canteen import open_camera, open_canteen, operator_of
from tests.acceptance.running_service import METRO, RECYCLER, Caller, make_photo


async def key_of(service, partner, regions=()):
    terms = {"kind": "partner", "scopes": ["canteen.waste"], "regions": regions}
    async with service.engine.begin() as conn:
        key = await issue_key(conn, partner, **terms)
    return Caller(service.session, key)


async def put(caller, canteen_id, day, mass_g, **body):
    path = f"/v1/operator/canteens/{canteen_id}/waste/{day}"
    return await caller.send("PUT", path, json={"mass_g": mass_g, **body})


async def today_of(service) -> date:
    return shanghai_day(await service.value("SELECT now()"))


async def test_a_correction_is_kept_beside_what_it_corrects(service):
    canteen_id, operator = await open_canteen(service), await operator_of(service)
    day = await today_of(service)
    first, again = (
        await put(operator, canteen_id, day, 41_500),
        await put(operator, canteen_id, day, 41_500),
    )
    assert (first.status, again.status) == (201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    corrected = await put(operator, canteen_id, day, 14_500, note="digits swapped")
    assert (corrected.status, corrected.json()["entry"]) == (201, 2)
    path = f"/v1/operator/canteens/{canteen_id}"
    page = (await operator.get(f"{path}/waste/{day}?limit=1")).json()
    assert [each["mass_g"] for each in page["items"]] == [14_500]
    older = (await operator.get(f"{path}/waste/{day}?limit=1&cursor={page['next_cursor']}")).json()
    assert [(each["mass_g"], each["note"]) for each in older["items"]] == [(41_500, None)]
    assert older["next_cursor"] is None
    [shown] = (await operator.get(f"{path}/days?since={day}")).json()["items"]
    assert (shown["waste_mass_g"], shown["waste_corrected"], shown["meals"]) == (14_500, True, 0)
    assert shown["waste_g_per_meal"] is None


async def test_a_key_of_another_region_neither_enters_nor_reads(service):
    canteen_id, day = await open_canteen(service), await today_of(service)
    elsewhere = await key_of(service, METRO, ["330200"])
    path = f"/v1/operator/canteens/{canteen_id}"
    for reply in (
        await put(elsewhere, canteen_id, day, 1),
        await elsewhere.get(f"{path}/waste/{day}"),
        await elsewhere.get(f"{path}/days"),
    ):
        assert (reply.status, reply.problem) == (403, "region-not-granted")
    around = await key_of(service, METRO, ["330000"])
    assert (await put(around, canteen_id, day, 1)).status == 201


async def test_two_who_correct_at_once_are_both_kept(service):
    canteen_id, operator = await open_canteen(service), await operator_of(service)
    day = await today_of(service)
    replies = await asyncio.gather(*(put(operator, canteen_id, day, g) for g in (1, 2, 3)))
    assert {reply.status for reply in replies} == {201}
    assert sorted(reply.json()["entry"] for reply in replies) == [1, 2, 3]


async def test_only_days_that_can_be_are_taken_and_only_of_ones_own_canteens(service):
    canteen_id, operator = await open_canteen(service), await operator_of(service)
    today = await today_of(service)
    for day in (today + timedelta(days=1), today - timedelta(days=401), "2026-02-30"):
        reply = await put(operator, canteen_id, day, 1)
        assert (reply.status, reply.problem) == (422, "waste-day-not-valid"), day
    own, foreign = await key_of(service, METRO), await key_of(service, RECYCLER)
    assert (await put(own, canteen_id, today, 9_000)).status == 201
    assert (await put(foreign, canteen_id, today, 1)).status == 404
    path = f"/v1/operator/canteens/{canteen_id}/days"
    assert (await foreign.get(path)).status == 404
    assert (await own.get(f"{path}?since=2020-01-01")).problem == "waste-day-not-valid"
    assert (await own.get(f"{path}?since=0001-01-01&until=0001-01-03")).status == 422
    oldest = (await own.get(f"{path}?since=0001-01-02&until=0001-01-03")).json()["items"]
    assert [each["day"] for each in oldest] == ["0001-01-03", "0001-01-02"]
    first = (await own.get(f"{path}?limit=20")).json()
    rest = (await own.get(f"{path}?limit=20&cursor={first['next_cursor']}")).json()
    days = [each["day"] for page in (first, rest) for each in page["items"]]
    assert days == [(today - timedelta(days=n)).isoformat() for n in range(30)]
    assert (first["items"][0]["waste_mass_g"], rest["next_cursor"]) == (9_000, None)


async def test_fewer_than_ten_members_are_not_counted_out_loud(service):
    camera, operator = await open_camera(service), await operator_of(service)
    today = await today_of(service)
    await put(operator, camera.canteen_id, today, 1_100)
    path = f"/v1/operator/canteens/{camera.canteen_id}/days?since={today}"
    for number in range(10):
        if number == 9:
            await service.drained()
            [few] = (await operator.get(path, accept_language="en")).json()["items"]
            assert (few["meals"], few["members"], few["clean_per_10000"]) == (9, None, None)
            assert (few["grams"], few["reduction_text"]) == (
                None,
                "fewer than 10 members, not shown",
            )
        await service.link_card(f"card-{number}", f"m{number}")
        photo = make_photo(number)
        if number < 2:
            photo = await service.script(photo, "rejected", "leftovers")
        await camera.send(photo, camera.meal(subject_token=f"card-{number}"))
    await camera.send(make_photo(99), camera.meal(subject_token="nobody"))
    await service.drained()
    [day] = (await operator.get(path)).json()["items"]
    assert day == {
        "day": today.isoformat(),
        "meals": 11,
        "members": 10,
        "clean_per_10000": 8_000,
        "grams": 1_000,
        "reduction_text": "1.00 千克",
        "waste_mass_g": 1_100,
        "waste_g_per_meal": 100,
        "waste_corrected": False,
    }

from datetime import timedelta

from tests.acceptance.event_sender import make_correction, make_event, send, yesterday_at
from tests.acceptance.running_service import make_key

AVERAGES = "/v1/operator/meter-averages"
HANGZHOU = {
    "region": "330100",
    "medium": "electricity",
    "valid_from": "2020-01-01",
    "average_wh_or_l": 2_000,
    "source": "made up",
}


async def publish(service, **changes):
    """An average that one operator proposes and another one puts in force."""
    first, second = [await service.caller(name, "operator") for name in ("op", "op2")]
    body = {**HANGZHOU, **changes}
    made = await first.post(AVERAGES, body, idempotency_key=make_key())
    assert (made.status, made.json()["is_approved"]) == (201, False), made.body
    path = f"{AVERAGES}/{made.json()['id']}/approve"
    alone = await first.send("POST", path)
    assert (alone.status, alone.problem) == (403, "second-person-needed")
    return await second.send("POST", path)


def make_day(days_ago, used_wh):
    """A day's reading of one meter of a household of three."""
    day = yesterday_at(12).date() - timedelta(days=days_ago)
    reading = {
        "medium": "electricity",
        "meter": "m-1",
        "first_day": day.isoformat(),
        "days": 1,
        "persons": 3,
        "used_wh": used_wh,
        "region": "330100",
    }
    return make_event("tanhui.meter.reading.v1", reading)


async def test_the_server_finds_what_a_household_usually_uses(service):
    await service.link_card("card-1", "li")
    metro = service.by_key("metro")
    [unknown] = await send(metro, make_day(9, 5_000))
    assert unknown["problem"]["type"] == "/problems/baseline-unknown"
    assert (await publish(service)).status == 200
    again = await publish(service)
    assert (again.status, again.problem) == (409, "average-decided")

    # Below the city's 3 x 2,000 Wh by 1,000: x 0.4974 = 497.4
    [first] = await send(metro, make_day(9, 5_000))
    assert (first["status"], first["grams_gco2e"]) == ("credited", 497)
    # Seven days of 7,000 Wh are above the city: nothing, and then its own mean counts.
    week = await send(metro, *(make_day(days_ago, 7_000) for days_ago in range(8, 1, -1)))
    assert {each["grams_gco2e"] for each in week} == {0}
    event = make_day(1, 5_000)
    [saved] = await send(metro, event)
    assert saved["grams_gco2e"] == 994  # 2,000 Wh x 0.4974 = 994.8
    [corrected] = await send(metro, make_correction(event, name="meter.reading", used_wh=6_000))
    assert (corrected["status"], corrected["grams_gco2e"]) == ("corrected", 497)

    listed = (await metro.get("/v1/meter-readings?meter=m-1&limit=200")).json()["items"]
    assert len(listed) == 9
    assert {each["used_wh_or_l"] for each in listed} == {5_000, 6_000, 7_000}
    other = await service.by_key("scale").get("/v1/meter-readings")
    assert other.json()["items"] == []
    averages = (await service.nobody.get("/v1/meter-averages")).json()["items"]
    assert [each["is_approved"] for each in averages] == [False, True]


async def test_a_partner_cannot_say_what_is_usual(service):
    event = make_day(1, 5_000)
    event["data"]["own_average_wh_per_day"] = 1_000_000
    [refused] = await send(service.by_key("metro"), event)
    assert refused["problem"]["type"] == "/problems/validation"
    assert await service.value("SELECT count(*) FROM meter_reading") == 0

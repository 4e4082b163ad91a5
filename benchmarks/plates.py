"""A day of accepted plates: who ate when, which show a meal again, which are one too many."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from uuid import UUID

from backend.checkins.domain import CheckIn, Status
from backend.ids import uuid7
from backend.units import SHANGHAI
from scoring.methodology import Activity, Tier, load_catalogue, reduce_period

# Of twenty photos fifteen are their member's only one; the other five are one member's: breakfast,
# lunch, the same lunch again (5 % duplicates), dinner, and a fourth plate (5 % over the cap of 3).
GROUP, MEMBERS_PER_GROUP, ONLY_PLATES, COUNTED_PER_GROUP = 20, 16, 15, 18
MEALS = (("breakfast", 7), ("lunch", 12), ("lunch", 14), ("dinner", 18), ("supper", 21))
ACTION, REGION = "clean_plate", "330100"
POINTS = 5  # of the rule launch-2026, which every migrated database has


def plates_of_a_day(
    members: Sequence[UUID], day: date, count: int, random: Random
) -> list[CheckIn]:
    """`count` accepted check-ins in the order in which they were eaten, `count` a multiple of 20.

    A member's photos lie hours apart, and so in different batches: the newest books itself alone.
    """
    eaters = random.sample(members, count // GROUP * MEMBERS_PER_GROUP)
    often = eaters[: count // GROUP]
    once = eaters[count // GROUP :]
    plates = [
        plate_of(member, day, meal, hour, number)
        for meal, hour in MEALS
        for number, member in enumerate(often)
    ]
    plates += [plate_of(member, day, "lunch", 12, number) for number, member in enumerate(once)]
    return sorted(plates, key=lambda plate: plate.occurred_at)


def expected(count: int) -> dict[str, int]:
    """What the books must show for such a day."""
    groups = count // GROUP
    counted = groups * COUNTED_PER_GROUP
    grams = _grams_of_one_plate()
    return {
        "credited": counted + groups,
        "over_cap": groups,
        "duplicates": groups,
        "left_over": 0,
        "grams": counted * grams,
        "points": counted * POINTS,
    }


def plate_of(member: UUID, day: date, meal: str, hour: int, number: int) -> CheckIn:
    begins = datetime.combine(day, time(hour), SHANGHAI).astimezone(UTC)
    check_in_id = uuid7()
    return CheckIn(
        check_in_id,
        member,
        ACTION,
        Status.SCORED,
        None,
        "documented",
        "member",
        REGION,
        begins + timedelta(milliseconds=50 * number),
        None,
        begins,
        None,
        {"meals": 1},
        str(check_in_id),
        None,
        f"{day.isoformat()}/{meal}",
    )


def _grams_of_one_plate() -> int:
    catalogue = load_catalogue()
    noon = datetime(2026, 11, 1, 4, tzinfo=UTC)
    methodology_id = catalogue.methodology_of(ACTION)
    plate = Activity("one", methodology_id, noon, None, {"meals": 1}, Tier.DOCUMENTED, REGION)
    return reduce_period((plate,), catalogue)["one"].grams

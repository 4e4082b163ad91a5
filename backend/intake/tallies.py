"""The batch that writes tallies: the first reading of a day is credited, later ones restate it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.checkins.correction_reasons import NEWER_TOTAL
from backend.checkins.domain import CheckIn, Status
from backend.checkins.queries import find_by_natural_keys, insert_check_ins
from backend.crediting.domain import ActivityNotCovered, Cause, Order, claim_key
from backend.crediting.restatement import Amendment, Restatement
from backend.crediting.restating import restate_batch
from backend.crediting.steps import Rulebook, credit_batch
from backend.errors import DomainError
from backend.ids import uuid7
from backend.intake.domain import Received
from backend.intake.tally import (
    QUANTITY_OF,
    DayReversed,
    Reading,
    TallyKey,
    TallyReport,
    counted,
    reading_of,
)
from backend.intake.tally_queries import Kept, keep_readings, readings_of
from backend.ledger.queries import Locked, lock_accounts
from scoring.methodology import CannotCalculate

Answer = Received | DomainError


@dataclass(slots=True)
class _Day:
    """One day's tally, as it is known while the batch is read."""

    check_in: CheckIn | None
    readings: dict[str, Reading]
    region: str = ""
    changed: set[str] = field(default_factory=set)
    id: UUID = field(default_factory=uuid7)

    @property
    def check_in_id(self) -> UUID:
        return self.check_in.id if self.check_in else self.id


async def write_tallies(
    conn: AsyncConnection, reports: Sequence[TallyReport], rules: Rulebook
) -> list[Answer]:
    """Write readings; one that is older than its source's latest changes nothing.

    Appends `CreditBooked` for new days and `CreditRestated` for days whose amount changed.
    """
    locked = await lock_accounts(
        conn, [each.key.account_id for each in reports], clock_shift_s=rules.clock_shift_s
    )
    days = await _days(conn, reports)
    answers = [_accept(each, days[each.key], locked.now, rules) for each in reports]
    touched = {key: day for key, day in days.items() if day.changed}
    refused = await _credit(conn, touched, locked, rules)
    refused |= await _restate(conn, touched, locked, rules)
    await keep_readings(conn, list(_kept(touched, refused)))
    return [
        refused.get(report.key, answer) if isinstance(answer, Received) else answer
        for report, answer in zip(reports, answers, strict=True)
    ]


async def _days(conn: AsyncConnection, reports: Sequence[TallyReport]) -> dict[TallyKey, _Day]:
    keys = {report.key for report in reports}
    readings = await readings_of(conn, keys)
    pairs = [(key.account_id, key.natural_key) for key in keys]
    check_ins = await find_by_natural_keys(conn, pairs)
    return {
        key: _Day(check_ins.get((key.account_id, key.natural_key)), readings.get(key, {}))
        for key in keys
    }


def _accept(report: TallyReport, day: _Day, now: datetime, rules: Rulebook) -> Answer:
    try:
        reading = reading_of(report, now, _late_window(report.key.action, rules))
    except DomainError as refusal:
        return refusal
    if day.check_in is not None and day.check_in.status == Status.REVERSED:
        return DayReversed()
    before = day.readings.get(report.source)
    if before is not None and reading <= before:
        return Received(day.check_in_id, is_replay=True)
    day.readings[report.source] = reading
    day.changed.add(report.source)
    day.region = day.region or report.region
    return Received(day.check_in_id)


def _late_window(action: str, rules: Rulebook) -> timedelta:
    """How late a report may come.

    Raises:
        ActivityNotCovered: There is no methodology for the action, or a draft only.
    """
    try:
        methodology_id = rules.catalogue.methodology_of(action)
        version = rules.catalogue.versions_of(methodology_id)[-1]
    except CannotCalculate as error:
        raise ActivityNotCovered(str(error)) from error
    return timedelta(hours=version.late_window_hours)


async def _credit(
    conn: AsyncConnection, days: Mapping[TallyKey, _Day], locked: Locked, rules: Rulebook
) -> dict[TallyKey, DomainError]:
    """Credit the days that have no check-in yet, and write their check-ins."""
    fresh = {key: day for key, day in days.items() if day.check_in is None}
    orders = [_order(key, day, rules) for key, day in fresh.items()]
    outcomes = await credit_batch(conn, orders, locked, rules)
    refused: dict[TallyKey, DomainError] = {}
    made: list[CheckIn] = []
    for key, order, outcome in zip(fresh, orders, outcomes, strict=True):
        if isinstance(outcome, DomainError):
            refused[key] = outcome
        else:
            made.append(_check_in(order, locked.now))
    await insert_check_ins(conn, made)
    return refused


def _order(key: TallyKey, day: _Day, rules: Rulebook) -> Order:
    names = (str(key.account_id), key.action, key.day.isoformat())
    return Order(
        day.id,
        key.account_id,
        key.action,
        rules.catalogue.methodology_of(key.action),
        key.natural_key,
        key.occurred_at,
        None,
        _quantities(key, day),
        "self_declared",
        day.region,
        # One person has one total of a day, whichever device told it.
        claim_key(rules.claim_secret, "tally", *names),
    )


def _quantities(key: TallyKey, day: _Day) -> Mapping[str, int]:
    return {QUANTITY_OF[key.action]: counted(day.readings.values())}


def _check_in(order: Order, now: datetime) -> CheckIn:
    return CheckIn(
        id=order.check_in_id,
        account_id=order.account_id,
        action=order.action,
        status=Status.CREDITED,
        reason=None,
        tier=order.tier,
        reported_by="member",
        region=order.region,
        occurred_at=order.occurred_at,
        ended_at=None,
        received_at=now,
        decided_at=now,
        quantities=order.quantities,
        natural_key=order.natural_key,
        evidence_sha256=None,
        meal_window=None,
    )


async def _restate(
    conn: AsyncConnection, days: Mapping[TallyKey, _Day], locked: Locked, rules: Rulebook
) -> dict[TallyKey, DomainError]:
    """Change the days that were credited with another amount."""
    changed = {
        key: day
        for key, day in days.items()
        if day.check_in is not None and day.check_in.quantities != _quantities(key, day)
    }
    restatements = [
        Restatement(
            Cause(uuid7(), day.check_in_id, key.account_id, NEWER_TOTAL),
            Amendment(quantities=_quantities(key, day)),
        )
        for key, day in changed.items()
    ]
    if not restatements:
        return {}
    # Locked again: a day that was credited just now may have repaid a debt.
    locked = await lock_accounts(conn, locked.points_debt, clock_shift_s=rules.clock_shift_s)
    answers = await restate_batch(conn, restatements, locked, rules)
    return {
        key: answer
        for key, answer in zip(changed, answers, strict=True)
        if isinstance(answer, DomainError)
    }


def _kept(days: Mapping[TallyKey, _Day], refused: Mapping[TallyKey, DomainError]) -> Iterable[Kept]:
    for key, day in days.items():
        if key not in refused:
            for source in day.changed:
                yield Kept(key, source, day.readings[source], day.check_in_id)

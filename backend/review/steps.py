"""The batches that write decisions, leases and appeals, under the lock of the accounts concerned.

Each item is decided in pure code over the case as the batch left it, so that of two reviewers in
one batch the second sees what the first one said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Self, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.checkins.domain import APPEAL_WINDOW, Change, Status
from backend.checkins.queries import announce_outcomes, settle_check_ins
from backend.errors import DomainError, NotFound
from backend.events import CHECK_IN_ACCEPTED, CHECK_IN_APPEALED, Event
from backend.ids import uuid7
from backend.ledger.queries import Locked, lock_accounts
from backend.outbox import append
from backend.review.domain import (
    STAND_IN_AFTER,
    Appeal,
    AppealRequest,
    Case,
    Decision,
    DecisionRequest,
    Lease,
    LeaseRequest,
    Outcome,
    appeal,
    change_by,
    change_by_appeal,
    decide,
    take_up,
)
from backend.review.queries import (
    accounts_of,
    end_leases,
    insert_appeals,
    insert_decisions,
    keep_leases,
    load_cases,
)

Request = TypeVar("Request", DecisionRequest, LeaseRequest, AppealRequest)
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """What deciding needs besides the database."""

    appeal_window: timedelta = APPEAL_WINDOW
    clock_shift_s: int = 0
    stand_in_after: timedelta = STAND_IN_AFTER

    @classmethod
    def in_days(cls, appeal: int, stand_in: int, *, clock_shift_s: int) -> Self:
        """The rules as settings give them, in days."""
        return cls(timedelta(days=appeal), clock_shift_s, timedelta(days=stand_in))


class Decided(NamedTuple):
    """A decision; a replay is one that stood before, and `waited` how long its owner did."""

    decision: Decision
    is_replay: bool
    waited: timedelta


class Appealed(NamedTuple):
    """An appeal; a replay is one that stood before."""

    appeal: Appeal
    is_replay: bool


async def write_decisions(
    conn: AsyncConnection, requests: Sequence[DecisionRequest], rules: ReviewRules
) -> list[Decided | DomainError]:
    """Decide check-ins; the same request again gives the decision that it made before.

    Appends `CheckInAccepted` for what was accepted: the credit step books it, with its caps and the
    meal's claim. Wakes whoever waits for an outcome.
    """
    locked, cases = await _lock(conn, requests, rules)

    def judge(case: Case, request: DecisionRequest) -> tuple[Case, Decided]:
        decision = decide(case, request, id=uuid7(), now=locked.now)
        is_replay = decision in case.decisions
        waited = locked.now - (case.in_review_since or locked.now)
        if not is_replay:
            status = change_by(decision, rules.appeal_window).status
            case = case._replace(status=status, decisions=(*case.decisions, decision))
        return case, Decided(decision, is_replay, waited)

    answers = _judge_each(requests, cases, judge)
    made = [each.decision for each in answers if isinstance(each, Decided) and not each.is_replay]
    if made:
        await _write_decisions(conn, made, rules, locked.now)
    return answers


async def _write_decisions(
    conn: AsyncConnection, made: Sequence[Decision], rules: ReviewRules, now: datetime
) -> None:
    await insert_decisions(conn, made)
    await _move(conn, [change_by(each, rules.appeal_window) for each in made], now)
    accepted = [each.check_in_id for each in made if each.outcome == Outcome.ACCEPTED]
    await append(conn, [Event(CHECK_IN_ACCEPTED, [each]) for each in accepted])
    await end_leases(conn, [each.check_in_id for each in made])


async def write_appeals(
    conn: AsyncConnection, requests: Sequence[AppealRequest], rules: ReviewRules
) -> list[Appealed | DomainError]:
    """Send rejected check-ins back to a person; the same appeal again changes nothing.

    Somebody else's check-in is as absent as one that never was. Appends `CheckInAppealed`: whoever
    looks again sees what the photo resembles.
    """
    locked, cases = await _lock(conn, requests, rules)

    def judge(case: Case, request: AppealRequest) -> tuple[Case, Appealed]:
        if case.account_id != request.account_id:
            raise NotFound
        made = appeal(case, request, locked.now)
        if made == case.appeal:
            return case, Appealed(made, is_replay=True)
        return case._replace(appeal=made, status=Status.IN_REVIEW), Appealed(made, is_replay=False)

    answers = _judge_each(requests, cases, judge)
    made = [each.appeal for each in answers if isinstance(each, Appealed) and not each.is_replay]
    await insert_appeals(conn, made)
    await _move(conn, [change_by_appeal(each) for each in made], locked.now)
    await append(conn, [Event(CHECK_IN_APPEALED, [each.check_in_id]) for each in made])
    return answers


async def write_leases(
    conn: AsyncConnection, requests: Sequence[LeaseRequest], rules: ReviewRules
) -> list[Lease | DomainError]:
    """Lend check-ins to reviewers; the same reviewer again gets more time."""
    locked, cases = await _lock(conn, requests, rules)

    def judge(case: Case, request: LeaseRequest) -> tuple[Case, Lease]:
        lease = take_up(case, request, locked.now)
        return case._replace(lease=lease), lease

    answers = _judge_each(requests, cases, judge)
    granted = {each.check_in_id: each for each in answers if isinstance(each, Lease)}
    await keep_leases(conn, list(granted.values()))
    return answers


async def _lock(
    conn: AsyncConnection, requests: Sequence[Request], rules: ReviewRules
) -> tuple[Locked, dict[UUID, Case]]:
    """Lock the accounts behind the check-ins, then read the cases as they stand."""
    ids = sorted({request.check_in_id for request in requests})
    accounts = await accounts_of(conn, ids)
    locked = await lock_accounts(conn, accounts.values(), clock_shift_s=rules.clock_shift_s)
    return locked, await load_cases(conn, ids)


def _judge_each(
    requests: Sequence[Request],
    cases: dict[UUID, Case],
    judge: Callable[[Case, Request], tuple[Case, Made]],
) -> list[Made | DomainError]:
    """Answer each request singly, each seeing what the earlier ones did to its case."""
    answers: list[Made | DomainError] = []
    for request in requests:
        case = cases.get(request.check_in_id)
        if case is None:
            answers.append(NotFound())
            continue
        try:
            cases[request.check_in_id], made = judge(case, request)
        except DomainError as refusal:
            answers.append(refusal)
        else:
            answers.append(made)
    return answers


async def _move(conn: AsyncConnection, changes: Sequence[Change], now: datetime) -> None:
    """Move the check-ins; the accounts are locked, so each is where its case said."""
    if not changes:
        return
    if len(await settle_check_ins(conn, changes, now)) != len(changes):
        raise BatchRaced
    await announce_outcomes(conn)

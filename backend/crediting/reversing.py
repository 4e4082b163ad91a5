"""The batches that reverse what was credited, by a decision of the programme."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.checkins.domain import CheckIn
from backend.checkins.queries import check_ins_by_id
from backend.crediting.domain import Cause, Credit, NotCredited
from backend.crediting.queries import live_credits_of
from backend.crediting.restatement import Restatement
from backend.crediting.restating import RestatedDay, restate_batch
from backend.crediting.reversal import (
    Asked,
    Decided,
    ReversalAsked,
    ReversalOutcome,
    ReversalRequest,
    Reversed,
    decision_on,
    opening_outcome,
)
from backend.crediting.reversal_queries import (
    decide_requests,
    insert_requests,
    requests_by_id,
    standing_requests,
)
from backend.crediting.steps import Rulebook
from backend.errors import DomainError, NotFound
from backend.ids import uuid7
from backend.ledger.queries import Locked, lock_accounts

Answer = Reversed | DomainError


async def write_reversals(
    conn: AsyncConnection, asked: Sequence[Asked], rules: Rulebook, *, alone_grams_max: int
) -> list[Answer]:
    """Reverse check-ins, or set large ones down for a second person.

    The check-in is the natural key: the same operator asking the same again gets the same request.
    """
    ids = [each.check_in_id for each in asked]
    check_ins = await check_ins_by_id(conn, ids)
    locked = await _lock(conn, check_ins, rules)
    credits = await live_credits_of(conn, ids)
    standing = dict(await standing_requests(conn, ids))
    answers: list[Answer] = []
    made: list[ReversalRequest] = []
    for each in asked:
        before, credit = standing.get(each.check_in_id), credits.get(each.check_in_id)
        answer: Answer = NotFound()
        if each.check_in_id in check_ins:
            answer = _open(each, before, credit, now=locked.now, alone_grams_max=alone_grams_max)
        if isinstance(answer, Reversed) and not answer.is_replay:
            standing[each.check_in_id] = answer.request
            made.append(answer.request)
        answers.append(answer)
    await insert_requests(conn, made)
    done = [each for each in made if each.outcome == ReversalOutcome.DONE]
    changed = await _reverse(conn, done, check_ins, locked, rules)
    return [_with_changes(answer, changed) for answer in answers]


async def write_decisions(
    conn: AsyncConnection, decided: Sequence[Decided], rules: Rulebook
) -> list[Answer]:
    """Carry out or decline what waits for a second person; the same decision again is a replay.

    A check-in that meanwhile is not credited any more refuses an approval with `NotCredited`.
    """
    ids = [each.request_id for each in decided]
    seen = await requests_by_id(conn, ids)
    check_ins = await check_ins_by_id(conn, [each.check_in_id for each in seen.values()])
    locked = await _lock(conn, check_ins, rules)
    requests = dict(await requests_by_id(conn, ids))
    credits = await live_credits_of(conn, list(check_ins))
    answers: list[Answer] = []
    made: list[ReversalRequest] = []
    for each in decided:
        answer = _decide(each, requests, credits, locked.now)
        if isinstance(answer, Reversed) and not answer.is_replay:
            requests[each.request_id] = answer.request
            made.append(answer.request)
        answers.append(answer)
    if await decide_requests(conn, made) != len(made):
        raise BatchRaced
    done = [each for each in made if each.outcome == ReversalOutcome.DONE]
    changed = await _reverse(conn, done, check_ins, locked, rules)
    return [_with_changes(answer, changed) for answer in answers]


async def _lock(
    conn: AsyncConnection, check_ins: Mapping[UUID, CheckIn], rules: Rulebook
) -> Locked:
    accounts = [each.account_id for each in check_ins.values()]
    return await lock_accounts(conn, accounts, clock_shift_s=rules.clock_shift_s)


def _open(
    asked: Asked,
    before: ReversalRequest | None,
    credit: Credit | None,
    *,
    now: datetime,
    alone_grams_max: int,
) -> Answer:
    if before is not None and before.is_asked_by(asked):
        return Reversed(before, is_replay=True)
    if before is not None:
        return ReversalAsked(reversal_id=str(before.id), outcome=before.outcome)
    if credit is None:
        return NotCredited()
    outcome = opening_outcome(credit.grams, alone_grams_max)
    return Reversed(
        ReversalRequest(
            uuid7(),
            asked.check_in_id,
            credit.grams,
            asked.reason,
            asked.note,
            asked.operator,
            now,
            outcome,
            None,
            now if outcome == ReversalOutcome.DONE else None,
        )
    )


def _decide(
    decided: Decided,
    requests: Mapping[UUID, ReversalRequest],
    credits: Mapping[UUID, Credit],
    now: datetime,
) -> Answer:
    request = requests.get(decided.request_id)
    if request is None:
        return NotFound()
    wanted = ReversalOutcome.DONE if decided.is_approved else ReversalOutcome.DECLINED
    if (request.decided_by, request.outcome) == (decided.operator, wanted):
        return Reversed(request, is_replay=True)
    try:
        outcome = decision_on(request, decided)
    except DomainError as refusal:
        return refusal
    if outcome == ReversalOutcome.DONE and request.check_in_id not in credits:
        return NotCredited()
    changed = request._replace(outcome=outcome, decided_by=decided.operator, decided_at=now)
    return Reversed(changed)


async def _reverse(
    conn: AsyncConnection,
    requests: Sequence[ReversalRequest],
    check_ins: Mapping[UUID, CheckIn],
    locked: Locked,
    rules: Rulebook,
) -> Mapping[UUID, Sequence[UUID]]:
    """Take these check-ins out of their days; give what changed, by request.

    The request's id is the restatement's too, so that one leads to the other.
    """
    restatements = [
        Restatement(
            Cause(
                each.id,
                each.check_in_id,
                check_ins[each.check_in_id].account_id,
                each.reason,
                each.note,
                each.requested_by,
                each.decided_by,
            )
        )
        for each in requests
    ]
    answers = await restate_batch(conn, restatements, locked, rules) if restatements else []
    changed = {}
    for each, answer in zip(requests, answers, strict=True):
        assert isinstance(answer, RestatedDay), "credited, and looked at under the account's lock"
        changed[each.id] = answer.corrected
    return changed


def _with_changes(answer: Answer, changed: Mapping[UUID, Sequence[UUID]]) -> Answer:
    if isinstance(answer, DomainError) or answer.request.id not in changed:
        return answer
    return answer._replace(corrected=tuple(changed[answer.request.id]))

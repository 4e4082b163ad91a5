"""Restate the days of credited activities that were corrected, withdrawn or reversed.

The one way to change what was credited, for partners' corrections, newer totals of a day and
decisions of the programme alike: the caller says what changed and why, and holds the accounts.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.campaigns.points_rules import points_rules
from backend.checkins.amend_queries import Amended, amend_check_ins
from backend.checkins.domain import Change, Status
from backend.checkins.queries import settle_check_ins
from backend.crediting.booking import book
from backend.crediting.domain import Credit
from backend.crediting.queries import live_credits, live_credits_of
from backend.crediting.restatement import Restatement, Ruling, restate
from backend.crediting.steps import Rulebook
from backend.errors import DomainError
from backend.ledger.queries import Locked


class RestatedDay(NamedTuple):
    """What one restatement brought.

    Attributes:
        credit: The booking that counts now; None where the activity was withdrawn.
        is_changed: False where everything stood as the restatement asks.
        corrected: Check-ins of the member whose bookings changed, this one included.
    """

    credit: Credit | None
    is_changed: bool
    corrected: Sequence[UUID] = ()


async def restate_batch(
    conn: AsyncConnection, restatements: Sequence[Restatement], locked: Locked, rules: Rulebook
) -> list[RestatedDay | DomainError]:
    """Change credited activities and book what their periods give since; answer each, in order.

    `locked` must hold the accounts of all causes. A withdrawn check-in becomes `reversed` with the
    cause's reason; its claims stay, so the same thing cannot be counted again. A second call with
    the same amendments changes nothing; a second withdrawal is refused with `NotCredited`.
    """
    credits = await live_credits_of(conn, [each.cause.check_in_id for each in restatements])
    keys = {(credit.account_id, credit.period) for credit in credits.values()}
    there = await live_credits(conn, sorted(keys)) if keys else {}
    points = await points_rules(conn, locked.now)
    ruling = restate(restatements, there, rules.catalogue, points)
    booked = await book(conn, ruling.decision, locked)
    await _write_check_ins(conn, ruling, locked)
    changed = {each.new.check_in_id for each in ruling.decision.corrections}
    answers: list[RestatedDay | DomainError] = []
    for each in restatements:
        check_in_id = each.cause.check_in_id
        if each.cause.id in ruling.refused:
            answers.append(ruling.refused[each.cause.id])
            continue
        standing = booked.get(check_in_id) or credits.get(check_in_id)
        credit = None if check_in_id in ruling.withdrawn else standing
        answers.append(RestatedDay(credit, check_in_id in changed, _of_account(each, ruling)))
    return answers


def _of_account(restatement: Restatement, ruling: Ruling) -> list[UUID]:
    account_id = restatement.cause.account_id
    return [
        each.new.check_in_id
        for each in ruling.decision.corrections
        if each.new.account_id == account_id
    ]


async def _write_check_ins(conn: AsyncConnection, ruling: Ruling, locked: Locked) -> None:
    """Let the check-ins say what their credits say; one that moved meanwhile is a race."""
    staying = [credit for id, credit in ruling.amended.items() if id not in ruling.withdrawn]
    amended = [
        Amended(each.check_in_id, each.action, each.quantities, each.tier, each.ended_at)
        for each in staying
    ]
    if await amend_check_ins(conn, amended) != len(amended):
        raise BatchRaced
    changes = [
        Change(check_in_id, Status.CREDITED, Status.REVERSED, cause.reason)
        for check_in_id, cause in ruling.withdrawn.items()
    ]
    if len(await settle_check_ins(conn, changes, locked.now)) != len(changes):
        raise BatchRaced

"""Credit photos whose verdict was accepted: the fast step behind `CheckInAccepted`."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.checkins.domain import Change, CheckIn, Status
from backend.checkins.queries import announce_outcomes, check_ins_by_id, settle_check_ins
from backend.crediting.domain import EvidenceAlreadyUsed, Order, claim_key
from backend.crediting.steps import Outcome, Rulebook, credit_batch
from backend.errors import DomainError
from backend.ledger.queries import lock_accounts
from backend.outbox import Work

MEAL_ALREADY_COUNTED, NOT_COVERED = "meal_already_counted", "not_covered"


async def credit_step(conn: AsyncConnection, works: Sequence[Work], rules: Rulebook) -> None:
    """Credit accepted check-ins; the meal window is claimed here, under the account lock.

    A second run finds them credited and does nothing. Appends `CreditBooked`, rings the bell for
    whoever waits for an outcome.
    """
    ids = [check_in_id for work in works for check_in_id in work.ids]
    owners = await check_ins_by_id(conn, ids)
    locked = await lock_accounts(
        conn, [each.account_id for each in owners.values()], clock_shift_s=rules.clock_shift_s
    )
    # Read again under the locks: a check-in that was decided in between is left alone.
    found = await check_ins_by_id(conn, ids)
    accepted = [each for each in found.values() if each.status == Status.SCORED]
    orders = [order_of(each, rules) for each in accepted]
    outcomes = await credit_batch(conn, orders, locked, rules)
    changes = [_settled(order, outcome) for order, outcome in zip(orders, outcomes, strict=True)]
    await settle_check_ins(conn, changes, locked.now)
    await announce_outcomes(conn)


def order_of(check_in: CheckIn, rules: Rulebook) -> Order:
    """The order of an accepted photo; its meal counts once, whichever photo shows it."""
    day, _, window = (check_in.meal_window or "").partition("/")
    claims = (claim_key(rules.claim_secret, "meal", str(check_in.account_id), day, window),)
    return Order(
        check_in.id,
        check_in.account_id,
        check_in.action,
        rules.catalogue.methodology_of(check_in.action),
        check_in.natural_key,
        check_in.occurred_at,
        check_in.ended_at,
        check_in.quantities,
        check_in.tier,
        check_in.region,
        claims if check_in.meal_window else (),
    )


def _settled(order: Order, outcome: Outcome | DomainError) -> Change:
    was = Status.SCORED
    if isinstance(outcome, EvidenceAlreadyUsed):
        return Change(order.check_in_id, was, Status.REJECTED, MEAL_ALREADY_COUNTED)
    if isinstance(outcome, DomainError):
        return Change(order.check_in_id, was, Status.REJECTED, NOT_COVERED)
    return Change(order.check_in_id, was, Status.CREDITED, outcome.credit.reason)

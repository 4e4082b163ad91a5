"""Credit photos whose verdict was accepted: the fast step behind `CheckInAccepted`."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.checkins.domain import AcceptedPhoto, Change, Status
from backend.checkins.queries import accepted_photos, announce_outcomes, settle_alike
from backend.crediting.domain import EvidenceAlreadyUsed, Order, claim_key
from backend.crediting.steps import Outcome, Rulebook, credit_batch
from backend.errors import DomainError
from backend.ledger.queries import lock_accounts
from backend.outbox import Work

MEAL_ALREADY_COUNTED, NOT_COVERED = "meal_already_counted", "not_covered"


async def credit_step(conn: AsyncConnection, works: Sequence[Work], rules: Rulebook) -> None:
    """Credit accepted check-ins; the meal window is claimed here, under the account lock.

    The check-ins are read before their accounts are locked. That is safe, because the rows of work
    are this transaction's alone, and a check-in that moved all the same makes the batch run again.
    A second run finds them credited and does nothing. Appends `CreditBooked`, and wakes whoever
    waits for an outcome.
    """
    accepted = await accepted_photos(conn, [each for work in works for each in work.ids])
    locked = await lock_accounts(
        conn, [each.account_id for each in accepted], clock_shift_s=rules.clock_shift_s
    )
    orders = [order_of(each, rules) for each in accepted]
    outcomes = await credit_batch(conn, orders, locked, rules)
    alike: dict[tuple[Status, str | None], list[UUID]] = defaultdict(list)
    for order, outcome in zip(orders, outcomes, strict=True):
        alike[_decided(outcome)].append(order.check_in_id)
    for (status, reason), ids in alike.items():
        change = Change(ids[0], Status.SCORED, status, reason)
        if await settle_alike(conn, ids, change, locked.now) != len(ids):
            raise BatchRaced
    await announce_outcomes(conn)


def order_of(check_in: AcceptedPhoto, rules: Rulebook) -> Order:
    """The order of an accepted photo; its meal counts once, whichever photo shows it.

    What shows no meal, such as a no-drive day, has claimed itself when it was reported.
    """
    meal = check_in.meal_window
    return Order(
        check_in.id,
        check_in.account_id,
        check_in.action,
        rules.catalogue.methodology_of(check_in.action),
        check_in.natural_key,
        check_in.occurred_at,
        None,
        check_in.quantities,
        check_in.tier,
        check_in.region,
        claim_key(rules.claim_secret, "meal", str(check_in.account_id), meal) if meal else None,
        rules.vesting_h,
    )


def _decided(outcome: Outcome | DomainError) -> tuple[Status, str | None]:
    if isinstance(outcome, EvidenceAlreadyUsed):
        return Status.REJECTED, MEAL_ALREADY_COUNTED
    if isinstance(outcome, DomainError):
        return Status.REJECTED, NOT_COVERED
    # Why a credit is smaller than hoped stands on the credit: a correction may change it.
    return Status.CREDITED, None

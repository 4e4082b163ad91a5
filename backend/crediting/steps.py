"""Credit a batch of accepted activities: load, decide, write.

The caller has locked the accounts and writes the check-ins; this books credits, transfers and
points, takes the claims, and appends `CreditBooked` and `CreditRestated`. Nothing here knows where
an activity came from.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.points_rules import points_rules
from backend.crediting.booking import book
from backend.crediting.day_rule import decide
from backend.crediting.domain import (
    Admitted,
    Correction,
    Credit,
    EvidenceAlreadyUsed,
    Order,
    admit,
    fold_equal_claims,
)
from backend.crediting.queries import Claim, live_credits, take_claims
from backend.errors import DomainError
from backend.ledger.queries import Locked
from backend.methodologies.register import closed_versions
from scoring.methodology import Catalogue


class Outcome(NamedTuple):
    """What one order brought.

    Attributes:
        credit: The booking, with its grams, points and reasons.
        corrected: Other check-ins of the member whose credit changed because of this one's batch.
    """

    credit: Credit
    corrected: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What decisions need besides the database: the methodologies and the key of claims.

    Attributes:
        vesting_h: Hours that points of photo evidence wait; 0 pays them with the credit.
    """

    catalogue: Catalogue
    claim_secret: bytes
    clock_shift_s: int = 0
    vesting_h: int = 0

    @property
    def closed(self) -> Collection[str]:
        """Hashes of versions that take no new bookings: withdrawn, or past their grace."""
        return closed_versions(self.catalogue)


async def credit_batch(
    conn: AsyncConnection, orders: Sequence[Order], locked: Locked, rules: Rulebook
) -> list[Outcome | DomainError]:
    """Book every order that is covered and unclaimed; answer each singly, in order.

    A second call with the same orders refuses each with `EvidenceAlreadyUsed` where claims name
    them, and otherwise fails on the unique booking of the check-in: nothing is booked twice.
    Appends `CreditBooked` with the ids of all new bookings, and `CreditRestated` with those of the
    reversals by which earlier bookings of the same day were taken back.
    """
    refused: dict[UUID, DomainError] = {}
    kept, repeated = fold_equal_claims(orders)
    admitted, uncovered = admit(kept, rules.catalogue, rules.closed)
    free, used = await _claim(conn, admitted, locked.now)
    refused.update({**repeated, **uncovered, **used})
    booked = await live_credits(conn, {item.period for item in free})
    points = await points_rules(conn, locked.now)
    decision = decide(free, booked, rules.catalogue, points)
    waits = {each.check_in_id: each.vesting_h for each in orders if each.vesting_h}
    credits = await book(conn, decision, locked, waits)
    corrected = _corrected_by_account(decision.corrections)
    return [
        refused[order.check_in_id]
        if order.check_in_id in refused
        else Outcome(credits[order.check_in_id], corrected.get(order.account_id, ()))
        for order in orders
    ]


async def _claim(
    conn: AsyncConnection, admitted: Sequence[Admitted], now: datetime
) -> tuple[Sequence[Admitted], dict[UUID, DomainError]]:
    """Take the claims; whose claim somebody else has is refused, and has taken nothing."""
    claims = [
        Claim(item.order.claim, item.order.check_in_id)
        for item in admitted
        if item.order.claim is not None
    ]
    taken = await take_claims(conn, claims, now)
    if len(taken) == len(claims):
        return admitted, {}
    free = [item for item in admitted if item.order.claim is None or item.order.claim in taken]
    used = {claim.check_in_id for claim in claims if claim.key not in taken}
    return free, {check_in_id: EvidenceAlreadyUsed() for check_in_id in used}


def _corrected_by_account(
    corrections: Sequence[Correction],
) -> Mapping[UUID, list[UUID]]:
    changed: dict[UUID, list[UUID]] = {}
    for correction in corrections:
        changed.setdefault(correction.new.account_id, []).append(correction.new.check_in_id)
    return changed

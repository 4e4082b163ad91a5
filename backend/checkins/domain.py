"""The check-in as a value, and the statuses that it moves through.

`received → scored → credited | in_review | rejected`; `bound → credited | lapsed` (bags);
`in_review → credited | rejected`; `rejected → in_review` (one appeal); `credited → reversed`.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class Status(StrEnum):
    """Where a check-in is in its life."""

    RECEIVED = "received"
    BOUND = "bound"
    SCORED = "scored"
    IN_REVIEW = "in_review"
    CREDITED = "credited"
    REJECTED = "rejected"
    REVERSED = "reversed"
    LAPSED = "lapsed"


# A member who waits for an outcome waits until one of these.
SETTLED = frozenset(
    {Status.IN_REVIEW, Status.CREDITED, Status.REJECTED, Status.REVERSED, Status.LAPSED}
)


class CheckIn(NamedTuple):
    """One activity that a person reports, or a partner or device for her.

    Attributes:
        reported_by: `member`, `partner` or `device`.
        occurred_at: Start of the activity in the world.
        received_at: When it reached us, by the database's clock.
        quantities: Activity data in base units; empty until a bag is weighed.
        natural_key: Capture id, bag code, or the partner's source and event id.
        meal_window: Day and window of a plate, such as `2026-11-21/lunch`.
    """

    id: UUID
    account_id: UUID
    action: str
    status: Status
    reason: str | None
    tier: str
    reported_by: str
    region: str
    occurred_at: datetime
    ended_at: datetime | None
    received_at: datetime
    decided_at: datetime | None
    quantities: Mapping[str, int]
    natural_key: str
    evidence_sha256: str | None
    meal_window: str | None

"""Endpoints and deliveries as values: who may hear of what, when to try again, when to stop."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from backend.calling.faults import ADDRESS_REFUSED, REDIRECTED, STATUS_REFUSED
from backend.errors import DomainError

ENDPOINTS_PER_OWNER_MAX: Final = 10  # one per system of a merchant; also a constraint
SECRETS_MAX: Final = 4  # each adds a signature of 48 characters to every message
OVERLAP_S_DEFAULT: Final = 86_400  # a day to bring the new secret to all machines of a receiver
OVERLAP_S_MAX: Final = 604_800
PINGS_PER_HOUR_MAX: Final = 5  # enough to set up a receiver, too few to make us knock at doors
REPLAY_ROWS_MAX: Final = 1_000  # per request; the answer says where to go on

# Source: Standard Webhooks 1.0.0, "Deliverability and reliability" (read 2026-11-21), with the last
# pause shortened so that the tenth attempt falls within three days.
PAUSES_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 72_000)
TRIED_FOR: Final = timedelta(days=3)
# An endpoint at which nothing has succeeded for this long is told nothing more.
FAILING_FOR_MAX: Final = timedelta(days=5)
BLOCKED_ATTEMPTS_MAX: Final = 3  # a name that leads inside is no outage
SPREAD: Final = 0.1  # share of a pause that is taken off, so that retries do not come in step
RETRY_AFTER_S_MAX: Final = 86_400

VOUCHER_ISSUED = "voucher.issued"
VOUCHER_SETTLED = "voucher.settled"
VOUCHER_UNDONE = "voucher.undone"
VOUCHER_EXPIRED = "voucher.expired"
VOUCHER_RETURNED = "voucher.returned"
VOUCHER_UNDECIDED = "voucher.undecided"
SETTLEMENT_CORRECTION_ASKED = "settlement.correction_asked"
SETTLEMENT_CORRECTION_DECIDED = "settlement.correction_decided"
REWARD_STOCK_LOW = "reward.stock_low"
CHECK_IN_CREDITED = "check_in.credited"
CHECK_IN_REVERSED = "check_in.reversed"
PING = "webhook.ping"

PARTNER, MERCHANT = "partner", "merchant"

# A merchant hears of its own vouchers, a partner of what came from its own events: nobody of more.
TYPES_OF: Final[Mapping[str, frozenset[str]]] = {
    MERCHANT: frozenset(
        {
            *(VOUCHER_ISSUED, VOUCHER_SETTLED, VOUCHER_UNDONE, VOUCHER_EXPIRED),
            *(VOUCHER_RETURNED, VOUCHER_UNDECIDED, REWARD_STOCK_LOW),
            *(SETTLEMENT_CORRECTION_ASKED, SETTLEMENT_CORRECTION_DECIDED),
        }
    ),
    PARTNER: frozenset({CHECK_IN_CREDITED, CHECK_IN_REVERSED}),
}


class WebhookEndpointExists(DomainError):
    """This URL is registered with other event types; change that endpoint instead."""


class WebhookEndpointsUsedUp(DomainError):
    """An owner has at most ten webhook endpoints."""


class WebhookEndpointDisabled(DomainError):
    """This endpoint is disabled, so nothing is sent to it."""


class WebhookSecretsUsedUp(DomainError):
    """Four secrets of this endpoint are valid at the moment."""


class WebhookPingsUsedUp(DomainError):
    """An endpoint can be pinged five times within an hour."""


class WebhookTypeForeign(DomainError):
    """A merchant hears of its vouchers, settlements and stock, a partner of its check-ins."""


class WebhookOwnerMissing(DomainError):
    """An operator names the owner: a partner or a merchant that exists."""


class Status(StrEnum):
    """Whether an endpoint is told anything."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"


class Stop(StrEnum):
    """Why an endpoint is disabled."""

    OWNER = "owner"
    OPERATOR = "operator"
    GONE = "gone"
    FAILING = "failing"
    ADDRESS_REFUSED = "address_refused"


class Owner(NamedTuple):
    """Whom an endpoint belongs to."""

    kind: str
    id: UUID


class Endpoint(NamedTuple):
    """Where an owner is told of what."""

    id: UUID
    owner_kind: str
    owner_id: UUID
    url: str
    event_types: Sequence[str]
    status: str
    disabled_reason: str | None
    failing_since: datetime | None
    created_at: datetime
    changed_at: datetime


class Message(NamedTuple):
    """One event for one endpoint, as it will be signed and sent."""

    id: UUID
    endpoint_id: UUID
    event_type: str
    subject_id: UUID
    body: str


class Attempt(NamedTuple):
    """A leased delivery with what sending it needs.

    Attributes:
        attempts: All attempts so far with this one; fences what is written about it.
        attempts_before: How many of them were made before the last replay.
        sealed_secrets: Id of the secret and its sealed bytes, newest first.
        leased_at: The database's time, which the message is stamped with.
    """

    delivery_id: UUID
    endpoint_id: UUID
    attempts: int
    attempts_before: int
    url: str
    body: str
    sealed_secrets: Sequence[tuple[UUID, bytes]]
    leased_at: datetime
    give_up_at: datetime

    @property
    def number(self) -> int:
        """Number of this attempt since the delivery was made or replayed, from 1."""
        return self.attempts - self.attempts_before


class Result(NamedTuple):
    """What came of an attempt.

    Attributes:
        error: A stable code; None when the receiver took the message.
        retry_after_s: What the receiver asked for, seconds.
    """

    response_code: int | None
    duration_ms: int
    error: str | None = None
    retry_after_s: int | None = None


GONE: Final = "gone"  # a code of `Result.error` beside those of `backend.calling.faults`

_REDIRECTS: Final = range(300, 400)
_SUCCESSES: Final = range(200, 300)
_GONE: Final = 410


def error_of(response_code: int) -> str | None:
    """What a status says: only 2xx is success, and a redirect is not followed."""
    if response_code in _SUCCESSES:
        return None
    if response_code == _GONE:
        return GONE
    return REDIRECTED if response_code in _REDIRECTS else STATUS_REFUSED


def due_again(attempt: Attempt, result: Result, now: datetime) -> datetime | None:
    """When to try next; None when this was the last attempt."""
    if result.error == GONE:
        return None
    pause_s = PAUSES_S[min(attempt.number, len(PAUSES_S)) - 1]
    # The id is random enough to spread retries, and the same attempt always waits the same.
    share = (attempt.delivery_id.int + 7_919 * attempt.attempts) % 1_000 / 1_000
    wait_s = pause_s * (1 - SPREAD * share)
    if result.retry_after_s is not None:
        wait_s = max(wait_s, min(result.retry_after_s, RETRY_AFTER_S_MAX))
    due_at = now + timedelta(seconds=wait_s)
    return due_at if due_at < attempt.give_up_at else None


def stop_of(
    attempt: Attempt, result: Result, failing_since: datetime | None, now: datetime
) -> Stop | None:
    """Whether this failure disables the endpoint, and why."""
    if result.error == GONE:
        return Stop.GONE
    if result.error == ADDRESS_REFUSED and attempt.number >= BLOCKED_ATTEMPTS_MAX:
        return Stop.ADDRESS_REFUSED
    if failing_since is not None and now - failing_since >= FAILING_FOR_MAX:
        return Stop.FAILING
    return None

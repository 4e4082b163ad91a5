"""From what an event says was done to the order that credits it: window, methodology, claims."""

from datetime import timedelta
from uuid import UUID

from backend.crediting.domain import ActivityNotCovered, Order, claim_key
from backend.crediting.steps import Rulebook
from backend.ids import uuid7
from backend.intake.events.domain import Deed, PartnerEvent
from scoring.methodology import CannotCalculate


def late_window(action: str, rules: Rulebook) -> timedelta:
    """How long after an activity it may be told.

    Raises:
        ActivityNotCovered: There is no methodology for the action, or a draft only.
    """
    try:
        methodology_id = rules.catalogue.methodology_of(action)
        version = rules.catalogue.versions_of(methodology_id)[-1]
    except CannotCalculate as error:
        raise ActivityNotCovered(str(error), code=error.code) from error
    return timedelta(hours=version.late_window_hours)


def order_of(report: PartnerEvent, deed: Deed, account_id: UUID, rules: Rulebook) -> Order:
    """The order to credit a reported activity; what a partner signs is documented."""
    assert deed.occurred_at is not None
    return Order(
        uuid7(),
        account_id,
        deed.action,
        rules.catalogue.methodology_of(deed.action),
        deed.natural_key or f"event:{report.key.source}#{report.key.event_id}",
        deed.occurred_at,
        deed.ended_at,
        deed.quantities,
        "documented",
        deed.region or report.region,
        claim_of(report, deed, deed.claim, account_id, rules),
    )


def claim_of(
    report: PartnerEvent, deed: Deed, claim: tuple[str, ...], account_id: UUID, rules: Rulebook
) -> bytes:
    """The key of one thing that a deed uses up; its name is the member's or the partner's own."""
    owner = account_id if deed.claimed_by == "account" else report.key.partner_id
    thing, *names = claim
    return claim_key(rules.claim_secret, thing, str(owner), *names)

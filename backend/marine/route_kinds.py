"""Who may call the routes of this room, and what repeats in them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Row

from backend.batches import ItemImpossible, OutcomeUnknown, Overloaded
from backend.http.cursors import cursor_at
from backend.http.principal import Principal, roles, scopes
from backend.http.routes import Call
from backend.marine.steps import Recorder

KEEP = "marine.keep"  # scope of a shore station: weigh, gather, pay
CUSTODY = "marine.custody"  # scope of ports, sorters and recyclers: steps of lots
BUSY = (Overloaded, OutcomeUnknown, ItemImpossible)
MEMBER = roles("member")
KEEPS = scopes(KEEP)
HANDLES = scopes(KEEP, CUSTODY)
OPERATES = roles("operator")
AUDITS = roles("operator", "auditor")
READS = HANDLES | AUDITS

Shown = TypeVar("Shown")


def recorder_of(call: Call[Any, Any]) -> Recorder:
    """The key that calls, and its partner."""
    partner_id = call.principal.partner_id
    assert partner_id is not None, "only keys carry scopes, and every key has a partner"
    return Recorder(call.principal.id, partner_id)


def sees_only(principal: Principal) -> UUID | None:
    """The partner whose rows alone the caller sees; None for operators and auditors."""
    return principal.partner_id


def page_of(
    call: Call[Any, Any], rows: Sequence[Row[Any]], render: Callable[[Row[Any]], Shown]
) -> tuple[list[Shown], str | None]:
    """The shown rows of one page, and the cursor after it; `rows` has one more when there is."""
    page = rows[: call.query.limit]
    cursor = cursor_at(call, page[-1].id) if len(rows) > len(page) else None
    return [render(row) for row in page], cursor

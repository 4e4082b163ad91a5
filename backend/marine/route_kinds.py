"""Who may call the routes of this room, and what repeats in them."""

from typing import Any
from uuid import UUID

from backend.http.principal import Principal, roles, scopes
from backend.http.routes import Call
from backend.marine.steps import Recorder

KEEP = "marine.keep"  # scope of a shore station: weigh, gather, pay
CUSTODY = "marine.custody"  # scope of ports, sorters and recyclers: steps of lots
MEMBER = roles("member")
KEEPS = scopes(KEEP)
HANDLES = scopes(KEEP, CUSTODY)
OPERATES = roles("operator")
AUDITS = roles("operator", "auditor")
READS = HANDLES | AUDITS


def recorder_of(call: Call[Any, Any]) -> Recorder:
    """The key that calls, and its partner."""
    partner_id, reach = call.principal.partner_id, call.principal.reach
    assert partner_id is not None, "only keys carry scopes, and every key has a partner"
    assert reach is not None, "and a reach"
    return Recorder(call.principal.id, partner_id, reach)


def sees_only(principal: Principal) -> UUID | None:
    """The partner whose rows alone the caller sees; None for operators and auditors."""
    return principal.partner_id

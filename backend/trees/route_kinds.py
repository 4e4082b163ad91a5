"""Who may call the routes of this room, and what repeats in them."""

from typing import Any

from backend.http.principal import roles, scopes
from backend.http.routes import Call
from backend.trees.steps import Recorder

RECORDS = scopes("tree.record")  # of a partner that plants
MEMBER = roles("member")
OPERATES = roles("operator")


def recorder_of(call: Call[Any, Any]) -> Recorder:
    """The key that calls, and its partner."""
    partner_id, reach = call.principal.partner_id, call.principal.reach
    assert partner_id is not None, "only keys carry scopes, and every key has a partner"
    assert reach is not None, "and a reach"
    return Recorder(call.principal.id, partner_id, reach)

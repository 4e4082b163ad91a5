"""Who may call the routes of this room, and what repeats in them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Row

from backend.batches import ItemImpossible, OutcomeUnknown, Overloaded
from backend.http.cursors import cursor_at
from backend.http.principal import roles, scopes
from backend.http.routes import Call
from backend.trees.steps import Recorder

RECORDS = scopes("tree.record")  # of a partner that plants
MEMBER = roles("member")
OPERATES = roles("operator")
BUSY = (Overloaded, OutcomeUnknown, ItemImpossible)

Shown = TypeVar("Shown")


def recorder_of(call: Call[Any, Any]) -> Recorder:
    """The key that calls, and its partner."""
    partner_id = call.principal.partner_id
    assert partner_id is not None, "only keys carry scopes, and every key has a partner"
    return Recorder(call.principal.id, partner_id)


def page_of(
    call: Call[Any, Any], rows: Sequence[Row[Any]], render: Callable[[Row[Any]], Shown]
) -> tuple[list[Shown], str | None]:
    """The shown rows of one page, and the cursor after it; `rows` has one more when there is."""
    page = rows[: call.query.limit]
    cursor = cursor_at(call, page[-1].id) if len(rows) > len(page) else None
    return [render(row) for row in page], cursor

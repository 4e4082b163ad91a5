"""Ids that partners use twice: counted and told, for their events are lost until somebody looks.

A partner whose numbering began anew, after a restore or with a new system, sends real events under
old ids; each is refused, and to the partner's own log a refusal is one line among many.
"""

from collections.abc import Sequence

import structlog
from prometheus_client import Counter

from backend.intake.events.domain import EventIdReused, PartnerEvent

_log = structlog.get_logger(__name__)
_conflicts = Counter(
    "tanhui_event_conflicts", "Events under an id that named another event", ["partner"]
)


def note_conflicts(events: Sequence[PartnerEvent], answers: Sequence[object]) -> None:
    """Count the reused ids of one request or file, and warn once, with the first of them."""
    reused = [
        event.key
        for event, answer in zip(events, answers, strict=True)
        if isinstance(answer, EventIdReused)
    ]
    if not reused:
        return
    first = reused[0]
    _conflicts.labels(str(first.partner_id)).inc(len(reused))
    _log.warning(
        "event_ids_reused",
        partner=str(first.partner_id),
        source=first.source,
        event_id=first.event_id,
        events=len(reused),
    )

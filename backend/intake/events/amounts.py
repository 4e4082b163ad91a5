"""What an event tells, as it is kept for reconciliation. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date

import msgspec

from backend.intake.events.domain import PartnerEvent, Role
from backend.units import SHANGHAI


def day_of(event: PartnerEvent) -> date | None:
    """The Shanghai day on which a reported activity began; changes have none of their own."""
    if event.role != Role.REPORTED:
        return None
    began = event.kind.deed(event.data).occurred_at
    return began.astimezone(SHANGHAI).date() if began else None


def amounts_of(event: PartnerEvent) -> str | None:
    """The whole numbers of an event's data as JSON, by their names; a withdrawal has none.

    One member of an object has a point in its name, as in the files that partners leave:
    `materials.paper`.
    """
    if event.data is None:
        return None
    return msgspec.json.encode(dict(_numbers(msgspec.to_builtins(event.data)))).decode()


def _numbers(data: Mapping[str, object], outer: str = "") -> Iterator[tuple[str, int]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{outer}{name}.")
        elif isinstance(value, int) and not isinstance(value, bool):
            yield f"{outer}{name}", value

"""The table of event types. A new type is one row here and one small module beside this one."""

from collections.abc import Mapping

from backend.intake.events.domain import EventKind, Role, type_name
from backend.intake.events.rides import RIDE

KINDS = (RIDE,)

TYPES: Mapping[str, tuple[EventKind, Role]] = {
    type_name(kind.name, role): (kind, role)
    for kind in KINDS
    for role in (Role.REPORTED, Role.CORRECTED, Role.WITHDRAWN)
}

"""The table of event types. A new type is one row here and one small module beside this one."""

from collections.abc import Mapping

from backend.intake.events.bagged import BAG
from backend.intake.events.domain import EventKind, Role, type_name
from backend.intake.events.meals import MEAL
from backend.intake.events.metered import METER
from backend.intake.events.nature import MARINE, TREE
from backend.intake.events.ordered import NO_TABLEWARE, PARCEL
from backend.intake.events.rides import RIDE

KINDS: tuple[EventKind, ...] = (RIDE, BAG, METER, NO_TABLEWARE, PARCEL, TREE, MARINE, MEAL)

TYPES: Mapping[str, tuple[EventKind, Role]] = {
    type_name(kind.name, role): (kind, role)
    for kind in KINDS
    for role in (Role.REPORTED, Role.CORRECTED, Role.WITHDRAWN)
}

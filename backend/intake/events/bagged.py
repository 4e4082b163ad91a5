"""`tanhui.recycling.bag.weighed.v1`: a station's weight of a bag that a member has bound."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from backend.http.problem import Fault
from backend.http.refusals import ValidationFailed
from backend.intake.bodies import MassG, Material, Moment
from backend.intake.domain import in_utc
from backend.intake.events.domain import Deed, EventKind
from backend.recycling.domain import BAG_CODE_PATTERN, MASS_G_MAX

Code = Annotated[str, msgspec.Meta(pattern=f"^{BAG_CODE_PATTERN}$")]


class BagWeighed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One mass, or grams by material after sorting: exactly one of the two."""

    code: Code
    weighed_at: Moment
    mass_g: MassG | None = None
    materials: dict[Material, MassG] | None = None


def _weighed(data: BagWeighed) -> Deed:
    if (data.mass_g is None) == (not data.materials):
        raise _fault("Give either mass_g or materials")
    quantities: dict[str, int] = (
        {"mass_g": data.mass_g}
        if data.mass_g
        else {f"mass_g.{material}": mass_g for material, mass_g in (data.materials or {}).items()}
    )
    if sum(quantities.values()) > MASS_G_MAX:
        raise _fault(f"Materials have at most {MASS_G_MAX} g together")
    action = "mixed_recycling" if data.mass_g else "sorted_recycling"
    claim = ("bag", data.code)
    return Deed(action, in_utc(data.weighed_at), None, quantities, claim, bag=data.code)


def _fault(detail: str) -> ValidationFailed:
    return ValidationFailed(errors=(Fault("/data", "invalid", detail),))


BAG = EventKind(
    "tanhui.recycling.bag.weighed",
    "回收袋称重",
    "Recycling bag weighed",
    BagWeighed,
    _weighed,
    (BagWeighed(code="QH000001", weighed_at=datetime(2026, 11, 20, 4, tzinfo=UTC), mass_g=2_500),),
    has_subject=False,
)

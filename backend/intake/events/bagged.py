"""`tanhui.recycling.bag.weighed.v1`: a station's weight of a bag that a member has bound."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from backend.http.problem import Fault, Words
from backend.http.refusals import ValidationFailed
from backend.intake.bodies import MassG, Material, Moment, ResidueG
from backend.intake.domain import Weighing, in_utc, quantities_of_bag
from backend.intake.events.domain import Deed, EventKind, PartnerEvent
from backend.recycling.domain import BAG_CODE_PATTERN, MASS_G_MAX, Actor

_EITHER = Words(
    "Give either mass_g, or materials and residue_g",
    "请只给出 mass_g,或给出 materials 和 residue_g",
)
_TOO_HEAVY = Words(f"A bag has at most {MASS_G_MAX} g in all", f"一袋总共不超过 {MASS_G_MAX} 克")

Code = Annotated[str, msgspec.Meta(pattern=f"^{BAG_CODE_PATTERN}$")]


class BagWeighed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One mass, or the shares after sorting: grams by material, residue, or both.

    `loss_g` is what was lost between the scale and the sorting table.
    """

    code: Code
    weighed_at: Moment
    mass_g: MassG | None = None
    materials: dict[Material, MassG] | None = None
    residue_g: ResidueG = 0
    loss_g: ResidueG | None = None


def _weighed(data: BagWeighed) -> Deed:
    is_sorting = bool(data.materials or data.residue_g)
    if (data.mass_g is None) != is_sorting or (data.loss_g is not None and not is_sorting):
        raise _fault(_EITHER)
    quantities = quantities_of_bag(data.mass_g, data.materials)
    if sum(quantities.values()) + data.residue_g + (data.loss_g or 0) > MASS_G_MAX:
        raise _fault(_TOO_HEAVY)
    return Deed(
        "sorted_recycling" if data.materials else "mixed_recycling",
        in_utc(data.weighed_at),
        None,
        quantities,
        ("bag", data.code),
        bag=data.code,
        residue_g=data.residue_g,
        loss_g=data.loss_g,
    )


def weighing_of(report: PartnerEvent, deed: Deed) -> Weighing:
    """The weighing of a bag as its event, and what has changed it, say."""
    return Weighing(
        deed.bag or "",
        deed.quantities,
        report.key.partner_id,
        Actor(report.reported_by),
        residue_g=deed.residue_g,
        loss_g=deed.loss_g,
        weighed_at=deed.occurred_at,
        reach=report.reach,
    )


def _fault(words: Words) -> ValidationFailed:
    return ValidationFailed(errors=(Fault("/data", "invalid", words),))


BAG = EventKind(
    "tanhui.recycling.bag.weighed",
    "回收袋称重",
    "Recycling bag weighed",
    BagWeighed,
    _weighed,
    (BagWeighed(code="QH000001", weighed_at=datetime(2026, 11, 20, 4, tzinfo=UTC), mass_g=2_500),),
    has_subject=False,
)

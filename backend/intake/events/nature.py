"""`tanhui.tree.verified.v1` and `tanhui.marine.handed_in.v1`: trees alive, waste out of the sea."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import msgspec

from backend.crediting.domain import ActivityNotCovered
from backend.http.problem import Fault, Words
from backend.http.refusals import ValidationFailed
from backend.intake.bodies import Moment, Region
from backend.intake.domain import in_utc
from backend.intake.events.domain import Deed, EventKind, Thing
from backend.units import shanghai_day

YEARS_CREDITED = 10  # TPH-TREE-01: verified alive once a year for ten years
MASS_G_MAX = 500_000  # a boat's catch of a day; the cap of one collector is a tenth of it

Trees = Annotated[int, msgspec.Meta(ge=1, le=1_000)]
MarineG = Annotated[int, msgspec.Meta(ge=1, le=MASS_G_MAX, description="grams")]


class TreeVerified(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Trees of one planting that were seen alive; a planting counts once a calendar year."""

    planting: Thing
    planted_on: date
    trees: Trees
    verified_at: Moment
    region: Region | None = None


class MarineHandedIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Marine plastic or waste that was weighed; `receipt` is the number of the hand-in."""

    receipt: Thing
    handed_in_at: Moment
    sorted_plastic_g: MarineG | None = None
    unsorted_waste_g: MarineG | None = None
    region: Region | None = None


def _trees(data: TreeVerified) -> Deed:
    began = in_utc(data.verified_at)
    day = shanghai_day(began)
    age_years = (day - data.planted_on) // timedelta(days=365)
    if not 1 <= age_years <= YEARS_CREDITED:
        raise ActivityNotCovered("Trees count in their first ten years, from the second year on.")
    claim = ("planting", data.planting, str(day.year))
    return Deed("tree_planting", began, None, {"trees": data.trees}, claim, region=data.region)


def _marine(data: MarineHandedIn) -> Deed:
    weighed = {
        "mass_g.sorted_plastic": data.sorted_plastic_g,
        "mass_g.unsorted_waste": data.unsorted_waste_g,
    }
    quantities = {name: mass_g for name, mass_g in weighed.items() if mass_g}
    if not quantities:
        names = ("sorted_plastic_g", "unsorted_waste_g")
        words = Words("Give {}, {} or both".format(*names), "请给出 {}、{} 或两者".format(*names))
        raise ValidationFailed(errors=(Fault("/data", "missing", words),))
    began = in_utc(data.handed_in_at)
    return Deed(
        "marine_waste", began, None, quantities, ("marine", data.receipt), region=data.region
    )


_NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)

TREE = EventKind(
    "tanhui.tree.verified",
    "树木成活核验",
    "Trees verified alive",
    TreeVerified,
    _trees,
    (
        TreeVerified(
            planting="T-2025-031",
            planted_on=date(2025, 3, 12),
            trees=3,
            verified_at=_NOON,
            region="330100",
        ),
    ),
)
MARINE = EventKind(
    "tanhui.marine.handed_in",
    "海洋塑料交投",
    "Marine waste handed in",
    MarineHandedIn,
    _marine,
    (
        MarineHandedIn(
            receipt="M-20261120-5", handed_in_at=_NOON, sorted_plastic_g=5_000, region="330900"
        ),
    ),
)

"""`tanhui.order.no_tableware.v1` and `tanhui.parcel.reused.v1`: what a platform has on record."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from backend.intake.bodies import Moment, Region
from backend.intake.domain import in_utc
from backend.intake.events.domain import Deed, EventKind, Thing

Boxes = Annotated[int, msgspec.Meta(ge=1, le=20)]


class OrderWithoutTableware(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A takeaway order that was delivered without tableware; `order` is its number."""

    order: Thing
    ordered_at: Moment
    region: Region | None = None


class ParcelReused(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Cartons that were handed back for another parcel; `parcel` is the number of the receipt."""

    parcel: Thing
    handed_back_at: Moment
    boxes: Boxes = 1
    region: Region | None = None


def _order(data: OrderWithoutTableware) -> Deed:
    began = in_utc(data.ordered_at)
    claim = ("order", data.order)
    return Deed("no_tableware", began, None, {"orders": 1}, claim, region=data.region)


def _parcel(data: ParcelReused) -> Deed:
    began = in_utc(data.handed_back_at)
    claim = ("parcel", data.parcel)
    return Deed("carton_reuse", began, None, {"boxes": data.boxes}, claim, region=data.region)


_NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)

NO_TABLEWARE = EventKind(
    "tanhui.order.no_tableware",
    "无需餐具订单",
    "Order without tableware",
    OrderWithoutTableware,
    _order,
    (OrderWithoutTableware(order="O-20261120-88", ordered_at=_NOON, region="330100"),),
)
PARCEL = EventKind(
    "tanhui.parcel.reused",
    "纸箱再利用",
    "Carton handed back",
    ParcelReused,
    _parcel,
    (ParcelReused(parcel="P-20261120-17", handed_back_at=_NOON, boxes=2, region="330100"),),
)

"""Bags put together: their routes, and the batches that run beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import Batcher
from backend.crediting.steps import Rulebook
from backend.http.routes import Route
from backend.intake.bag_photo import BagPhotoDesk
from backend.intake.bag_routes import BagDesk
from backend.intake.bags import write_weighings
from backend.intake.collector_routes import CollectorDesk
from backend.intake.doubt_routes import DoubtDesk
from backend.intake.doubts import write_doubt_decisions
from backend.intake.handing_over import write_hand_overs, write_losses
from backend.intake.pickup_routes import PickupDesk
from backend.intake.slot_routes import SlotDesk
from backend.recycling.batch_routes import BagBatchDesk
from backend.recycling.codes import BagLink
from backend.sealing import Sealer


@dataclass(frozen=True, slots=True)
class BagRoom:
    """One of each per process; the batchers must be served."""

    routes: Sequence[Route[Any, Any]]
    batchers: Sequence[Batcher[Any, Any]]


def build_bags(
    engine: AsyncEngine,
    rules: Rulebook,
    link: BagLink,
    *,
    photos: BagPhotoDesk,
    sealer: Sealer,
    region: str,
) -> BagRoom:
    """Wire what follows bags from the printer to the sorting table."""
    batches = BagBatchDesk(engine, link, rules.claim_secret, rules.clock_shift_s)
    desk = BagDesk(
        engine,
        weighings=Batcher(engine, partial(write_weighings, rules=rules)),
        hand_overs=Batcher(engine, partial(write_hand_overs, rules=rules)),
        losses=Batcher(engine, partial(write_losses, rules=rules)),
        secret=rules.claim_secret,
    )
    doubts = DoubtDesk(engine, Batcher(engine, partial(write_doubt_decisions, rules=rules)))
    pickups = PickupDesk(engine, sealer, region, rules.clock_shift_s)
    slots = SlotDesk(engine, region, rules.clock_shift_s)
    collectors = CollectorDesk(engine, sealer, rules, link)
    at_the_door = (*pickups.routes(), *slots.routes(), *collectors.routes())
    return BagRoom(
        (*batches.routes(), *desk.routes(), *doubts.routes(), *photos.routes(), *at_the_door),
        (*desk.batchers, doubts.decisions),
    )

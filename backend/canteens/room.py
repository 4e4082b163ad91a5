"""The room put together: its routes, and the batches that run beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import Batcher
from backend.canteens.claims import write_scans
from backend.canteens.device_routes import DeviceDoor
from backend.canteens.operator_routes import DeviceDesk
from backend.canteens.tray_routes import TrayDoor
from backend.canteens.trays import write_trays
from backend.canteens.waste_routes import WasteDesk
from backend.checkins.waiting import OutcomeWaiters
from backend.crediting.steps import Rulebook
from backend.http.routes import Route
from backend.intake.uploads import Uploads


@dataclass(frozen=True, slots=True)
class CanteensRoom:
    """One of each per process; the batchers must be served."""

    routes: Sequence[Route[Any, Any]]
    batchers: Sequence[Batcher[Any, Any]]


def build_canteens(
    engine: AsyncEngine, uploads: Uploads, rules: Rulebook, waiters: OutcomeWaiters
) -> CanteensRoom:
    """Wire the room."""
    trays = TrayDoor(
        engine,
        meals=Batcher(engine, partial(write_trays, rules=rules)),
        scans=Batcher(engine, partial(write_scans, rules=rules)),
        uploads=uploads,
        waiters=waiters,
    )
    routes = [
        *DeviceDesk(engine, rules.clock_shift_s).routes(),
        *DeviceDoor(engine, rules.clock_shift_s).routes(),
        *trays.routes(),
        *WasteDesk(engine, rules.clock_shift_s).routes(),
    ]
    return CanteensRoom(routes, (trays.meals, trays.scans))

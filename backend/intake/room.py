"""The room put together: its routes, and the batches that run beside them."""

from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import Batcher
from backend.checkins.waiting import OutcomeWaiters
from backend.crediting.steps import Rulebook
from backend.intake.bag_photo import BagPhotoDesk
from backend.intake.bag_room import build_bags
from backend.intake.binding import write_bindings
from backend.intake.controls.routes import ControlDesk
from backend.intake.events.routes import EventInlet
from backend.intake.events.steps import write_events
from backend.intake.no_drive_days import write_no_drive_days, write_odometers
from backend.intake.own_reports import OwnReports
from backend.intake.photos import write_captures, write_photos
from backend.intake.routes import Intake
from backend.intake.tallies import write_tallies
from backend.intake.trips import write_trips
from backend.intake.uploads import Uploads
from backend.recycling.codes import BagLink
from backend.sealing import Sealer


def build_intake(
    engine: AsyncEngine,
    uploads: Uploads,
    rules: Rulebook,
    waiters: OutcomeWaiters,
    *,
    region: str,
    link: BagLink,
    sealer: Sealer,
) -> Intake:
    """Wire the room; `region` is used where a report names no place, `link` in QR codes of bags."""
    own = OwnReports(
        engine,
        tallies=Batcher(engine, partial(write_tallies, rules=rules)),
        odometers=Batcher(engine, partial(write_odometers, rules=rules)),
        no_drive_days=Batcher(engine, partial(write_no_drive_days, rules=rules)),
        uploads=uploads,
        region=region,
    )
    # One writer: the events of a request are decided in their order, and many share a batch anyhow.
    events = EventInlet(Batcher(engine, partial(write_events, rules=rules), writers=1), region)
    bindings = Batcher(engine, partial(write_bindings, rules=rules))
    photos = BagPhotoDesk(engine, uploads.workers, bindings, link, region)
    return Intake(
        engine,
        captures=Batcher(engine, partial(write_captures, rules=rules)),
        photos=Batcher(engine, partial(write_photos, rules=rules)),
        trips=Batcher(engine, partial(write_trips, rules=rules)),
        bindings=bindings,
        uploads=uploads,
        waiters=waiters,
        own=own,
        events=events,
        controls=ControlDesk(engine, rules.clock_shift_s),
        bags=build_bags(engine, rules, link, photos=photos, sealer=sealer, region=region),
        link=link,
        region=region,
    )

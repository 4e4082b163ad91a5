"""Reading, explaining and reversing credits, put together: routes, and batches beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import Batcher
from backend.checkins.waiting import OutcomeWaiters
from backend.crediting.calculation_routes import CalculationReader
from backend.crediting.reversal_routes import ReversalDesk
from backend.crediting.reversing import write_decisions, write_reversals
from backend.crediting.routes import CheckInReader
from backend.crediting.steps import Rulebook
from backend.evidence_store import EvidenceStore
from backend.http.routes import Route


@dataclass(frozen=True, slots=True)
class CreditingRoom:
    """One of each per process; the batchers must be served."""

    routes: Sequence[Route[Any, Any]]
    batchers: Sequence[Batcher[Any, Any]]


def build_crediting(
    engine: AsyncEngine,
    store: EvidenceStore,
    rules: Rulebook,
    waiters: OutcomeWaiters,
    *,
    alone_grams_max: int,
) -> CreditingRoom:
    """Wire the room; to reverse more than `alone_grams_max` grams, a second person must agree."""
    write_asked = partial(write_reversals, rules=rules, alone_grams_max=alone_grams_max)
    desk = ReversalDesk(
        engine,
        asked=Batcher(engine, write_asked),
        decided=Batcher(engine, partial(write_decisions, rules=rules)),
    )
    routes = [
        *CheckInReader(engine, waiters).routes(),
        *CalculationReader(engine, rules.catalogue, store).routes(),
        *desk.routes(),
    ]
    return CreditingRoom(routes, (desk.asked, desk.decided))

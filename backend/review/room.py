"""The room put together: its routes, and the batches that run beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import Batcher
from backend.evidence_store import EvidenceStore
from backend.http.routes import Route
from backend.review.routes import ReviewDesk
from backend.review.steps import ReviewRules, write_appeals, write_decisions, write_leases
from scoring.model_card import ModelCard


@dataclass(frozen=True, slots=True)
class ReviewRoom:
    """One of each per process; the batchers must be served."""

    routes: Sequence[Route[Any, Any]]
    batchers: Sequence[Batcher[Any, Any]]


def build_review(
    engine: AsyncEngine,
    store: EvidenceStore,
    rules: ReviewRules,
    *,
    methodologies: Mapping[str, str],
    card: ModelCard | None,
) -> ReviewRoom:
    """Wire the room; `card` is of the model that this process knows."""
    desk = ReviewDesk(
        engine,
        store,
        decisions=Batcher(engine, partial(write_decisions, rules=rules)),
        leases=Batcher(engine, partial(write_leases, rules=rules)),
        appeals=Batcher(engine, partial(write_appeals, rules=rules)),
        methodologies=methodologies,
        card=card,
        clock_shift_s=rules.clock_shift_s,
        stand_in_after=rules.stand_in_after,
    )
    return ReviewRoom(desk.routes(), (desk.decisions, desk.leases, desk.appeals))

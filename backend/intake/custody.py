"""What is followed beside its grams: plastic on its way, trees in the ground, meters' readings.

The rooms below do not know each other; the shore's scale, which credits, joins them here.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.crediting.steps import Rulebook
from backend.http.routes import Route
from backend.intake.shore_routes import ShoreScale
from backend.marine.room import marine_routes
from backend.meters.routes import MeterDesk
from backend.paper import Letterhead
from backend.trees.room import tree_routes


def custody_routes(
    engine: AsyncEngine, rules: Rulebook, letterhead: Letterhead
) -> Sequence[Route[Any, Any]]:
    """Give the routes of marine plastic, trees and meters."""
    shift_s = rules.clock_shift_s
    return [
        *marine_routes(engine, shift_s, letterhead=letterhead),
        *ShoreScale(engine, rules).routes(),
        *MeterDesk(engine).routes(),
        *tree_routes(engine, rules.claim_secret, shift_s, letterhead=letterhead),
    ]

"""The routes of this room."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.http.routes import Route
from backend.paper import Letterhead
from backend.trees.certificate_routes import CertificateReader
from backend.trees.pledge_routes import PledgeDesk


def tree_routes(
    engine: AsyncEngine, secret: bytes, clock_shift_s: int, *, letterhead: Letterhead
) -> Sequence[Route[Any, Any]]:
    """Give pledges, their fulfilment, and certificates."""
    return [
        *PledgeDesk(engine, secret, clock_shift_s).routes(),
        *CertificateReader(engine, secret, letterhead).routes(),
    ]

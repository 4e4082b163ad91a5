"""React to `CreditBooked` and `CreditRestated`: keep the totals that operators and others see."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.outbox import Work
from backend.reports.queries import add_changes


async def report_step(conn: AsyncConnection, works: Sequence[Work]) -> None:
    """Add new bookings to the daily totals and take reversed ones away.

    The rows of work are deleted in the same transaction, so each booking and each reversal counts
    once. Days of a closed month stay as they were published: their changes become corrections of
    the open month.
    """
    await add_changes(conn, [id for work in works for id in work.ids])

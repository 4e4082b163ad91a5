"""React to `CreditBooked`: keep the totals that operators and the public see."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.outbox import Work
from backend.reports.queries import add_credits


async def report_step(conn: AsyncConnection, works: Sequence[Work]) -> None:
    """Add new bookings to the daily totals.

    The rows of work are deleted in the same transaction, so each booking is added once.
    """
    await add_credits(conn, [credit_id for work in works for credit_id in work.ids])

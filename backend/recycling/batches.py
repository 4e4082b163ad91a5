"""Print a batch of bag codes: numbered, signed and registered in one transaction."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.ids import uuid7
from backend.recycling.batch_queries import Print, insert_batch
from backend.recycling.codes import make_codes
from backend.recycling.queries import add_bags


async def print_batch(conn: AsyncConnection, asked: Print, now: datetime, *, secret: bytes) -> UUID:
    """Make and register the codes of a new batch; a second call makes another batch."""
    batch = await insert_batch(conn, uuid7(), asked, now)
    codes = make_codes(secret, batch.number, asked.codes)
    registered = await add_bags(conn, codes, batch.id)
    assert registered == asked.codes, "serials follow from the number, which is this batch's own"
    return batch.id

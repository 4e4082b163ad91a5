"""A key that a request makes is shown to that request alone; its replay shows nothing secret."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.http.routes import Answer, Call
from backend.partners.desk import NewKey, key_id_of, resource_of
from backend.partners.desk_bodies import NewKeyAnswer
from backend.partners.desk_queries import find_key
from backend.partners.signing_keys import name_of
from backend.writing import intention_of, write_once

MakeKey = Callable[[AsyncConnection, datetime], Awaitable[NewKey]]


async def answer_new_key(engine: AsyncEngine, call: Call[Any, None], make: MakeKey) -> Answer:
    """Make a key once for each Idempotency-Key, and show its secret."""
    shown: list[NewKey] = []

    async def make_once(conn: AsyncConnection, now: datetime) -> UUID:
        shown[:] = [await make(conn, now)]
        return resource_of(shown[0].id)

    made = await write_once(engine, intention_of(call), make_once)
    once = shown[0] if shown and not made.is_replay else NewKey(key_id_of(made.id))
    async with engine.connect() as conn:
        row = await find_key(conn, once.id)
    assert row is not None, "keys are never deleted"
    members = row._mapping  # noqa: SLF001
    answer = NewKeyAnswer(**members, name=name_of(once.id), key=once.key, secret=once.secret)
    return Answer(answer, 201, made.headers)

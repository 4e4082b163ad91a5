"""Join: the first request of a signed-in person makes the member, the account and its secret."""

import os
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch_one, run
from backend.ids import uuid7

SECRET_BYTES = 32


async def find_account(conn: AsyncConnection, subject: str) -> UUID | None:
    """The account of a sign-in subject, or None when that person has not joined."""
    row = await fetch_one(
        conn, "SELECT account_id FROM member WHERE subject = :subject", subject=subject
    )
    return row.account_id if row else None


async def join(conn: AsyncConnection, subject: str) -> UUID:
    """The account of a sign-in subject, made when it is new; two at once make one.

    The account row comes first, because it is the lock over everything that is the member's.
    """
    account_id = uuid7()
    await run(conn, "INSERT INTO account (id, kind) VALUES (:id, 'member')", id=account_id)
    await run(
        conn,
        "INSERT INTO account_secret (account_id, secret) VALUES (:id, :secret)",
        id=account_id,
        secret=os.urandom(SECRET_BYTES),
    )
    made = await fetch_one(
        conn,
        "INSERT INTO member (id, subject, account_id) VALUES (:id, :subject, :account_id)"
        " ON CONFLICT (subject) DO NOTHING RETURNING account_id",
        id=uuid7(),
        subject=subject,
        account_id=account_id,
    )
    if made is None:
        # Somebody with the same subject joined in between: theirs counts, ours stays empty.
        found = await find_account(conn, subject)
        assert found is not None, "a conflicting member row is visible after the conflict"
        return found
    return account_id

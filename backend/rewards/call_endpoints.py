"""Where a merchant's system is called, and what signs: set by its manager, once per intention."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.calling.signing import make_secret, show_secret
from backend.db import fetch_one
from backend.rewards.call_domain import OVERLAP
from backend.rewards.call_sending import secret_place
from backend.sealing import Sealer


class Setting(NamedTuple):
    """What a manager wants; `new_secret` replaces the one that is there."""

    merchant_id: UUID
    url: str
    new_secret: bool
    changed_by: str


async def put_endpoint(
    conn: AsyncConnection, setting: Setting, sealer: Sealer, now: datetime
) -> str | None:
    """Make or change a merchant's endpoint; gives the secret when there is a new one.

    Calls that are under way stay with the URL that they began with. The secret before signs too
    for a day.
    """
    secret = make_secret()
    sealed = sealer.seal(secret, place=secret_place(str(setting.merchant_id)))
    row = await fetch_one(
        conn,
        "INSERT INTO call_endpoint AS kept (merchant_id, url, secret, changed_by, created_at,"
        " changed_at) VALUES (:merchant, :url, :secret, :by, :now, :now)"
        " ON CONFLICT (merchant_id) DO UPDATE SET url = excluded.url,"
        " changed_by = excluded.changed_by, changed_at = excluded.changed_at,"
        " secret = CASE WHEN :fresh THEN excluded.secret ELSE kept.secret END,"
        " previous_secret = CASE WHEN :fresh THEN kept.secret ELSE kept.previous_secret END,"
        " previous_until = CASE WHEN :fresh THEN now() + make_interval(secs => :overlap_s)"
        " ELSE kept.previous_until END RETURNING secret",
        merchant=setting.merchant_id,
        url=setting.url,
        secret=sealed,
        by=setting.changed_by,
        now=now,
        fresh=setting.new_secret,
        overlap_s=OVERLAP.total_seconds(),
    )
    assert row is not None, "an upsert without a condition gives its row"
    return show_secret(secret) if row.secret == sealed else None


async def find_endpoint(conn: AsyncConnection, merchant_id: UUID) -> Row[Any] | None:
    """A merchant's endpoint without its secrets."""
    return await fetch_one(
        conn,
        "SELECT merchant_id, url, created_at, changed_at,"
        " CASE WHEN previous_until > now() THEN previous_until END AS previous_secret_until"
        " FROM call_endpoint WHERE merchant_id = :merchant",
        merchant=merchant_id,
    )

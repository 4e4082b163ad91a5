"""Sites and hand-ins; whoever weighs, gathers or pays a hand-in locks its row."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.marine.domain import Site


class HandIn(NamedTuple):
    """What somebody brings to the shore; the last four are empty until it is weighed."""

    id: UUID
    code: str
    account_id: UUID | None
    requested_by: str
    material: str
    requested_at: datetime
    site_id: UUID | None = None
    kept_by: str | None = None
    mass_g: int | None = None
    weighed_at: datetime | None = None
    check_in_id: UUID | None = None


_SITE = "id, partner_id, stage, region"
_SITE_SHOWN = f"{_SITE}, name_zh, name_en, created_at"
_HAND_IN = ", ".join(HandIn._fields)
# What became of a hand-in: its lot, and what was paid.
_SHOWN = (
    f"SELECT {', '.join(f'hand_in.{name}' for name in HandIn._fields)},"
    " marine_lot.code AS lot, amount_fen, paid_at FROM marine_hand_in AS hand_in"
    " LEFT JOIN marine_gathered ON marine_gathered.hand_in_id = hand_in.id AND NOT is_withdrawn"
    " LEFT JOIN marine_lot USING (step_id)"
    " LEFT JOIN marine_payout ON marine_payout.hand_in_id = hand_in.id"
)


async def insert_site(
    conn: AsyncConnection,
    site: Site,
    *,
    names: tuple[str, str],
    created_by: str,
    now: datetime,
) -> None:
    """Write a site of a partner that is there."""
    await run(
        conn,
        "INSERT INTO marine_site (id, partner_id, stage, region, name_zh, name_en, created_by,"
        " created_at) VALUES (:id, :partner, :stage, :region, :zh, :en, :by, :now)",
        id=site.id,
        partner=site.partner_id,
        stage=site.stage,
        region=site.region,
        zh=names[0],
        en=names[1],
        by=created_by,
        now=now,
    )


async def site_by_id(conn: AsyncConnection, site_id: UUID) -> Site | None:
    """A site, or None."""
    row = await fetch_one(conn, f"SELECT {_SITE} FROM marine_site WHERE id = :id", id=site_id)
    return Site._make(row) if row else None


async def list_sites(
    conn: AsyncConnection,
    partner_id: UUID | None,
    *,
    site_id: UUID | None = None,
    before_id: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Sites of one partner, or of all, newest first."""
    return await fetch(
        conn,
        f"SELECT {_SITE_SHOWN} FROM marine_site"
        " WHERE (CAST(:partner AS uuid) IS NULL OR partner_id = :partner)"
        " AND (CAST(:site AS uuid) IS NULL OR id = :site)"
        " AND (CAST(:before AS uuid) IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit",
        partner=partner_id,
        site=site_id,
        before=before_id,
        limit=limit,
    )


async def insert_hand_in(conn: AsyncConnection, hand_in: HandIn) -> None:
    """Write a hand-in, requested or weighed at once."""
    names = HandIn._fields
    await run(
        conn,
        f"INSERT INTO marine_hand_in ({_HAND_IN}) VALUES ({', '.join(f':{n}' for n in names)})",
        **hand_in._asdict(),
    )


async def lock_hand_in(conn: AsyncConnection, code: str) -> HandIn | None:
    """The hand-in with this code, locked; its account is locked before it."""
    row = await fetch_one(
        conn, f"SELECT {_HAND_IN} FROM marine_hand_in WHERE code = :code FOR UPDATE", code=code
    )
    return HandIn._make(row) if row else None


async def owner_of(conn: AsyncConnection, code: str) -> UUID | None:
    """Whose hand-in this is, without locking: the account is locked before the hand-in."""
    row = await fetch_one(
        conn, "SELECT account_id FROM marine_hand_in WHERE code = :code", code=code
    )
    return row.account_id if row else None


async def lock_hand_ins(conn: AsyncConnection, ids: Sequence[UUID]) -> Mapping[UUID, HandIn]:
    """Hand-ins by id, locked in id order."""
    rows = await fetch(
        conn,
        f"SELECT {_HAND_IN} FROM marine_hand_in WHERE id = ANY(CAST(:ids AS uuid[]))"
        " ORDER BY id FOR UPDATE",
        ids=list(ids),
    )
    return {row.id: HandIn._make(row) for row in rows}


async def write_weight(conn: AsyncConnection, hand_in: HandIn) -> None:
    """Write what the scale showed of a locked hand-in, and the check-in that it became."""
    await run(
        conn,
        "UPDATE marine_hand_in SET site_id = :site_id, kept_by = :kept_by, mass_g = :mass_g,"
        " weighed_at = :weighed_at, material = :material, check_in_id = :check_in_id"
        " WHERE id = :id",
        id=hand_in.id,
        site_id=hand_in.site_id,
        kept_by=hand_in.kept_by,
        mass_g=hand_in.mass_g,
        weighed_at=hand_in.weighed_at,
        material=hand_in.material,
        check_in_id=hand_in.check_in_id,
    )


async def shown_hand_in(conn: AsyncConnection, hand_in_id: UUID) -> Row[Any] | None:
    """A hand-in with its lot and its payout."""
    return await fetch_one(conn, f"{_SHOWN} WHERE hand_in.id = :id", id=hand_in_id)


async def hand_ins_of(
    conn: AsyncConnection, account_id: UUID, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Hand-ins of one account, newest first."""
    return await fetch(
        conn,
        f"{_SHOWN} WHERE hand_in.account_id = :account"
        " AND (CAST(:before AS uuid) IS NULL OR hand_in.id < :before)"
        " ORDER BY hand_in.id DESC LIMIT :limit",
        account=account_id,
        before=before_id,
        limit=limit,
    )


async def hand_ins_at(
    conn: AsyncConnection, site_id: UUID, *, waiting: bool, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Hand-ins weighed at a site, newest first; `waiting` are those in no lot yet."""
    return await fetch(
        conn,
        f"{_SHOWN} WHERE hand_in.site_id = :site AND (NOT :waiting OR step_id IS NULL)"
        " AND (CAST(:before AS uuid) IS NULL OR hand_in.id < :before)"
        " ORDER BY hand_in.id DESC LIMIT :limit",
        site=site_id,
        waiting=waiting,
        before=before_id,
        limit=limit,
    )

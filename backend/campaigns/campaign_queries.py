"""Campaigns as operators write and read them; `points_rules` is how crediting reads them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.domain import FUND_SLICES, PROGRAMME_FUND, Scope
from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID


class ActionRule(NamedTuple):
    """What a campaign gives for one action: points, or a multiplier in percent."""

    action: str
    points: int | None
    multiplier_percent: int | None
    self_declared_points: int


class Campaign(NamedTuple):
    """A row of `campaign`; the fields are its columns."""

    id: UUID
    name: str
    version: int
    title_zh: str
    title_en: str
    fund_id: UUID
    is_default: bool
    region: str
    valid_from: date
    valid_until: date | None
    budget: int
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    ended_by: str | None

    def is_over(self, today: date) -> bool:
        """Whether no day of it is left; one that was ended before its first day never has one."""
        last = self.valid_until
        return last is not None and last < max(self.valid_from, today)


_COLUMNS = ", ".join(Campaign._fields)
_VALUES = ", ".join(f":{name}" for name in Campaign._fields)


async def lock_rules(conn: AsyncConnection) -> None:
    """One change of rules at a time: the programme's fund is the lock over all of them."""
    await run(conn, "SELECT FROM fund WHERE id = :id FOR UPDATE", id=PROGRAMME_FUND)


async def latest_version(conn: AsyncConnection, name: str) -> Campaign | None:
    """The newest version of a campaign, approved or not."""
    row = await fetch_one(
        conn,
        f"SELECT {_COLUMNS} FROM campaign WHERE name = :name ORDER BY version DESC LIMIT 1",
        name=name,
    )
    return Campaign._make(row) if row else None


async def insert_campaign(
    conn: AsyncConnection, campaign: Campaign, actions: Sequence[ActionRule]
) -> None:
    """Write a proposed campaign; a version that is there is a class 23 error."""
    await run(conn, f"INSERT INTO campaign ({_COLUMNS}) VALUES ({_VALUES})", **campaign._asdict())
    await run(
        conn,
        "INSERT INTO campaign_action (campaign_id, action, points, multiplier_percent,"
        " self_declared_points) SELECT :id, * FROM unnest(CAST(:actions AS text[]),"
        " CAST(:points AS bigint[]), CAST(:percents AS integer[]), CAST(:declared AS bigint[]))",
        id=campaign.id,
        actions=[each.action for each in actions],
        points=[each.points for each in actions],
        percents=[each.multiplier_percent for each in actions],
        declared=[each.self_declared_points for each in actions],
    )


async def insert_fund(
    conn: AsyncConnection, fund_id: UUID, *, names: tuple[str, str], sponsors: tuple[str, str]
) -> None:
    """Make an empty fund with its account and slices; names and sponsors in Chinese and English."""
    await run(conn, "INSERT INTO account (id, kind) VALUES (:id, 'fund')", id=fund_id)
    await run(
        conn,
        "INSERT INTO fund (id, name_zh, name_en, sponsor_zh, sponsor_en, budget)"
        " VALUES (:id, :name_zh, :name_en, :sponsor_zh, :sponsor_en, 0)",
        id=fund_id,
        name_zh=names[0],
        name_en=names[1],
        sponsor_zh=sponsors[0],
        sponsor_en=sponsors[1],
    )
    await run(
        conn,
        "INSERT INTO fund_slice (fund_id, slice, available)"
        " SELECT :id, number, 0 FROM generate_series(0, :last) AS number",
        id=fund_id,
        last=FUND_SLICES - 1,
    )


async def campaign_by_id(conn: AsyncConnection, campaign_id: UUID) -> Campaign | None:
    """One campaign, or None."""
    row = await fetch_one(conn, f"SELECT {_COLUMNS} FROM campaign WHERE id = :id", id=campaign_id)
    return Campaign._make(row) if row else None


async def campaigns_before(
    conn: AsyncConnection, before_id: UUID | None, *, limit: int
) -> list[Campaign]:
    """Campaigns, newest proposal first."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM campaign WHERE id < :before ORDER BY id DESC LIMIT :limit",
        before=before_id or LAST_ID,
        limit=limit,
    )
    return [Campaign._make(row) for row in rows]


async def actions_of(
    conn: AsyncConnection, campaign_ids: Sequence[UUID]
) -> Mapping[UUID, list[ActionRule]]:
    """The rules of each campaign, by action."""
    rows = await fetch(
        conn,
        "SELECT campaign_id, action, points, multiplier_percent, self_declared_points"
        " FROM campaign_action WHERE campaign_id = ANY(CAST(:ids AS uuid[])) ORDER BY action",
        ids=list(campaign_ids),
    )
    found: dict[UUID, list[ActionRule]] = {campaign_id: [] for campaign_id in campaign_ids}
    for row in rows:
        found[row.campaign_id].append(ActionRule._make(row[1:]))
    return found


async def approved_scopes(conn: AsyncConnection) -> list[Scope]:
    """Where and when the approved campaigns hold."""
    rows = await fetch(
        conn,
        "SELECT name, version, is_default, region, valid_from, valid_until,"
        " array_agg(action) AS actions"
        " FROM campaign JOIN campaign_action ON campaign_id = campaign.id"
        " WHERE approved_at IS NOT NULL GROUP BY campaign.id",
    )
    return [
        Scope(
            row.name,
            row.version,
            row.is_default,
            row.region,
            row.valid_from,
            row.valid_until,
            frozenset(row.actions),
        )
        for row in rows
    ]


async def approve_campaign(
    conn: AsyncConnection, campaign: Campaign, approved_by: str, now: datetime
) -> None:
    """Let a campaign count from its first day; the earlier version of its name ends before it."""
    await run(
        conn,
        "UPDATE campaign SET approved_by = :by, approved_at = :now WHERE id = :id",
        id=campaign.id,
        by=approved_by,
        now=now,
    )
    await run(
        conn,
        "UPDATE campaign SET valid_until = greatest(CAST(:first AS date) - 1, valid_from - 1)"
        " WHERE name = :name AND version < :version AND approved_at IS NOT NULL"
        " AND coalesce(valid_until, 'infinity') >= :first",
        name=campaign.name,
        version=campaign.version,
        first=campaign.valid_from,
    )


async def end_campaign(
    conn: AsyncConnection, campaign: Campaign, last_day: date, ended_by: str
) -> None:
    """Shorten a campaign to its last day; one that has not begun never does."""
    await run(
        conn,
        "UPDATE campaign SET ended_by = :by, valid_until = greatest(valid_from - 1,"
        " least(coalesce(valid_until, 'infinity'), CAST(:last AS date))) WHERE id = :id",
        id=campaign.id,
        by=ended_by,
        last=last_day,
    )

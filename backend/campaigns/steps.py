"""Proposing, approving and ending campaigns and changes of budgets: money needs two persons."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.campaign_queries import (
    ActionRule,
    Campaign,
    actions_of,
    approve_campaign,
    approved_scopes,
    campaign_by_id,
    end_campaign,
    insert_campaign,
    insert_fund,
    latest_version,
    lock_rules,
)
from backend.campaigns.domain import (
    STOP_NOTICE_DAYS,
    BudgetInUse,
    CampaignDecided,
    CampaignOver,
    CampaignOverlaps,
    CampaignTooEarly,
    Scope,
    StopTooSoon,
    overlap,
)
from backend.campaigns.fund_queries import (
    TOP_UP,
    TOP_UP_ALONE,
    FundChange,
    announce_stop,
    change_by_id,
    fund_ids,
    insert_change,
    mark_approved,
)
from backend.campaigns.points_rules import RULES_AHEAD
from backend.campaigns.queries import available_points, release, top_up
from backend.errors import NotFound, SecondPersonNeeded
from backend.events import STOP_ANNOUNCED, Event
from backend.ids import uuid7
from backend.outbox import append
from backend.units import shanghai_day


class Proposal(NamedTuple):
    """A campaign that somebody asks for."""

    name: str
    titles: tuple[str, str]
    sponsors: tuple[str, str]
    region: str
    valid_from: date
    valid_until: date | None
    budget: int
    actions: Sequence[ActionRule]
    proposed_by: str


async def propose_campaign(conn: AsyncConnection, asked: Proposal, now: datetime) -> UUID:
    """Write a campaign that waits for a second person; its fund is made empty beside it.

    A name that is there gets its next version, paid from the same fund.
    """
    await lock_rules(conn)
    before = await latest_version(conn, asked.name)
    campaign_id = uuid7()
    fund_id = before.fund_id if before else uuid7()
    if before is None:
        await insert_fund(conn, fund_id, names=asked.titles, sponsors=asked.sponsors)
    campaign = Campaign(
        campaign_id,
        asked.name,
        before.version + 1 if before else 1,
        *asked.titles,
        fund_id,
        before.is_default if before else False,
        asked.region,
        asked.valid_from,
        asked.valid_until,
        asked.budget,
        asked.proposed_by,
        now,
        None,
        None,
        None,
    )
    await insert_campaign(conn, campaign, asked.actions)
    return campaign_id


async def approve(conn: AsyncConnection, campaign_id: UUID, by: str, now: datetime) -> None:
    """Let a proposed campaign count and fund it; again by the same person changes nothing.

    Raises:
        SecondPersonNeeded, CampaignDecided, CampaignOver, CampaignTooEarly, CampaignOverlaps
    """
    await lock_rules(conn)
    campaign = await campaign_by_id(conn, campaign_id)
    if campaign is None:
        raise NotFound
    if campaign.approved_by is not None:
        if campaign.approved_by == by:
            return
        raise CampaignDecided
    if campaign.proposed_by == by:
        raise SecondPersonNeeded
    _check_days(campaign, now)
    actions = (await actions_of(conn, [campaign_id]))[campaign_id]
    other = overlap(_scope(campaign, actions), await approved_scopes(conn))
    if other is not None:
        raise CampaignOverlaps(campaign=other.name)
    await approve_campaign(conn, campaign, by, now)
    if campaign.budget:
        await top_up(conn, campaign.fund_id, campaign.budget)


def _check_days(campaign: Campaign, now: datetime) -> None:
    if campaign.is_over(shanghai_day(now)):
        raise CampaignOver
    if campaign.valid_from <= shanghai_day(now + RULES_AHEAD):
        raise CampaignTooEarly(valid_from=campaign.valid_from.isoformat())


def _scope(campaign: Campaign, actions: Sequence[ActionRule]) -> Scope:
    return Scope(
        campaign.name,
        campaign.version,
        campaign.is_default,
        campaign.region,
        campaign.valid_from,
        campaign.valid_until,
        frozenset(each.action for each in actions),
    )


async def end(
    conn: AsyncConnection, campaign_id: UUID, *, last_day: date, by: str, now: datetime
) -> None:
    """End a campaign after a day that has not ended; a second call may only end it earlier.

    Raises:
        CampaignTooEarly: The day is over, so its activities were priced as published.
    """
    await lock_rules(conn)
    campaign = await campaign_by_id(conn, campaign_id)
    if campaign is None:
        raise NotFound
    if last_day < shanghai_day(now + RULES_AHEAD):
        raise CampaignTooEarly(last_day=last_day.isoformat())
    await end_campaign(conn, campaign, last_day, by)


async def propose_change(conn: AsyncConnection, change: FundChange) -> UUID:
    """Write a change of a budget that waits for a second person."""
    if not await fund_ids(conn, [change.fund_id]):
        raise NotFound
    if change.stops_on is not None:
        _check_notice(change.stops_on, change.proposed_at)
    await insert_change(conn, change)
    return change.id


async def top_up_alone(conn: AsyncConnection, change: FundChange) -> None:
    """Put points into a fund without a second person, on record; a second call adds more.

    Raises:
        NotFound: There is no such fund.
    """
    assert change.kind == TOP_UP_ALONE and change.points is not None  # noqa: PT018
    if not await top_up(conn, change.fund_id, change.points):
        raise NotFound
    await insert_change(conn, change)


async def approve_change(conn: AsyncConnection, change_id: UUID, by: str, now: datetime) -> None:
    """Make a proposed change true; again by the same person changes nothing.

    Appends `StopAnnounced` where points will stop.

    Raises:
        SecondPersonNeeded, CampaignDecided, BudgetInUse, StopTooSoon
    """
    change = await change_by_id(conn, change_id, is_locked=True)
    if change is None:
        raise NotFound
    if change.approved_by is not None or change.kind == TOP_UP_ALONE:
        if change.approved_by == by:
            return
        raise CampaignDecided
    if change.proposed_by == by:
        raise SecondPersonNeeded
    await mark_approved(conn, change_id, by, now)
    if change.points is not None:
        await _move_budget(conn, change.kind, change.fund_id, change.points)
    if change.stops_on is not None:
        _check_notice(change.stops_on, now)
        if not await announce_stop(conn, change.fund_id, change.stops_on, now):
            raise StopTooSoon
        await append(conn, [Event(STOP_ANNOUNCED, [change.fund_id])])


async def _move_budget(conn: AsyncConnection, kind: str, fund_id: UUID, points: int) -> None:
    if kind == TOP_UP:
        await top_up(conn, fund_id, points)
        return
    available = await available_points(conn, fund_id)
    if not await release(conn, fund_id, points):
        raise BudgetInUse(available=available)


def _check_notice(stops_on: date, now: datetime) -> None:
    earliest = shanghai_day(now) + timedelta(days=STOP_NOTICE_DAYS)
    if stops_on < earliest:
        raise StopTooSoon(earliest=earliest.isoformat())

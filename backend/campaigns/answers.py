"""Campaigns and funds as the API takes and shows them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Row

from backend.campaigns.budgets import state_of
from backend.campaigns.campaign_queries import ActionRule, Campaign
from backend.campaigns.domain import BudgetState, used_percent
from backend.campaigns.fund_queries import FundChange
from backend.units import AREA_PATTERN

POINTS_OF_ACTION_MAX = 100_000  # a hundred times what a month of riding earns: a typing error
POINTS_OF_BUDGET_MAX = 1_000_000_000_000

Amount = Annotated[int, msgspec.Meta(ge=0, le=POINTS_OF_ACTION_MAX)]
Percent = Annotated[int, msgspec.Meta(ge=1, le=1_000, description="200 doubles the points")]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Reason = Annotated[str, msgspec.Meta(min_length=3, max_length=500)]


class ActionBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a campaign gives for one action: `points`, or a multiplier of the wider rule."""

    points: Amount | None = None
    multiplier_percent: Percent | None = None
    self_declared_points: Amount = 0


class CampaignBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A campaign to propose.

    `region` is the first two, four or all six digits (GB/T 2260), empty for everywhere; days are
    those of Shanghai, and `valid_until` is the last one.
    """

    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{2,63}$")]
    title_zh: Title
    title_en: Title
    sponsor_zh: Annotated[str, msgspec.Meta(max_length=100)] = ""
    sponsor_en: Annotated[str, msgspec.Meta(max_length=100)] = ""
    region: Annotated[str, msgspec.Meta(pattern=AREA_PATTERN)] = ""
    valid_from: date
    valid_until: date | None = None
    budget: Annotated[int, msgspec.Meta(ge=0, le=POINTS_OF_BUDGET_MAX)] = 0
    actions: Annotated[dict[str, ActionBody], msgspec.Meta(min_length=1, max_length=100)]


class EndBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The last day of a campaign; today, when none is given."""

    last_day: date | None = None


class TopUpBody(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="top_up", tag_field="kind"
):
    """Points to put into a fund."""

    points: Annotated[int, msgspec.Meta(ge=1, le=POINTS_OF_BUDGET_MAX)]
    reason: Reason


class ReleaseBody(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="release", tag_field="kind"
):
    """Points to take out of a budget again; never those that are owed, held or waited for."""

    points: Annotated[int, msgspec.Meta(ge=1, le=POINTS_OF_BUDGET_MAX)]
    reason: Reason


class StopBody(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="stop", tag_field="kind"
):
    """The first day on which a fund gives nothing more, at least seven days ahead."""

    stops_on: date
    reason: Reason


class TopUpAlone(msgspec.Struct, kw_only=True):
    """What the command line is told of a top-up by one person: why, and who she is."""

    reason: Reason
    by: Title


class ActionAnswer(msgspec.Struct, kw_only=True):
    """What a campaign gives for one action."""

    action: str
    points: int | None
    multiplier_percent: int | None
    self_declared_points: int


class CampaignAnswer(msgspec.Struct, kw_only=True):
    """A campaign; `label` is what stands on the credits that it priced."""

    id: UUID
    name: str
    version: int
    label: str
    title: str
    status: Literal["proposed", "scheduled", "running", "ended"]
    fund_id: UUID
    is_default: bool
    region: str
    valid_from: date
    valid_until: date | None
    budget: int
    actions: list[ActionAnswer]
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    ended_by: str | None


class CampaignPage(msgspec.Struct, kw_only=True):
    """One page of campaigns, newest first."""

    items: list[CampaignAnswer]
    next_cursor: str | None


class FundAnswer(msgspec.Struct, kw_only=True):
    """A fund: what was put in, what is left, and what happens when it is short.

    `policy` is `queue`: what cannot be paid waits and is paid in order of arrival; with an
    announced `stops_on` it is `stop`: activities from that day on earn no points from it.
    """

    id: UUID
    name: str
    sponsor: str
    budget: int
    available: int
    used_percent: int
    state: BudgetState
    policy: Literal["queue", "stop"]
    stops_on: date | None


class FundPage(msgspec.Struct, kw_only=True):
    """One page of funds."""

    items: list[FundAnswer]
    next_cursor: str | None


class FundChangeAnswer(msgspec.Struct, kw_only=True):
    """A change of a budget: who asked for it, why, and who agreed.

    A `top_up_alone` was made at the command line by `proposed_by` and has no second person.
    """

    id: UUID
    fund_id: UUID
    kind: str
    points: int | None
    stops_on: date | None
    reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None


class FundChangePage(msgspec.Struct, kw_only=True):
    """One page of changes, newest first."""

    items: list[FundChangeAnswer]
    next_cursor: str | None


class FundAlertAnswer(msgspec.Struct, kw_only=True):
    """A fund had used this part of its budget; `runs_out_on` is by the rate of the last week."""

    fund_id: UUID
    fund: str
    percent: int
    budget: int
    available: int
    runs_out_on: date | None
    raised_at: datetime


class FundAlertPage(msgspec.Struct, kw_only=True):
    """One page of alerts, newest first."""

    items: list[FundAlertAnswer]
    next_cursor: str | None


def show_campaign(
    campaign: Campaign, actions: Sequence[ActionRule], *, is_zh: bool, today: date
) -> CampaignAnswer:
    """A campaign in the reader's language, with its standing on `today`."""
    version = campaign.version
    return CampaignAnswer(
        id=campaign.id,
        name=campaign.name,
        version=version,
        label=campaign.name if version == 1 else f"{campaign.name}/{version}",
        title=campaign.title_zh if is_zh else campaign.title_en,
        status=_status(campaign, today),
        fund_id=campaign.fund_id,
        is_default=campaign.is_default,
        region=campaign.region,
        valid_from=campaign.valid_from,
        valid_until=campaign.valid_until,
        budget=campaign.budget,
        actions=[ActionAnswer(**each._asdict()) for each in actions],
        proposed_by=campaign.proposed_by,
        proposed_at=campaign.proposed_at,
        approved_by=campaign.approved_by,
        approved_at=campaign.approved_at,
        ended_by=campaign.ended_by,
    )


def _status(
    campaign: Campaign, today: date
) -> Literal["proposed", "scheduled", "running", "ended"]:
    if campaign.is_over(today):
        return "ended"
    if campaign.approved_at is None:
        return "proposed"
    return "scheduled" if today < campaign.valid_from else "running"


def show_fund(row: Row[Any], *, is_zh: bool, today: date) -> FundAnswer:
    """A fund in the reader's language."""
    return FundAnswer(
        id=row.id,
        name=row.name_zh if is_zh else row.name_en,
        sponsor=row.sponsor_zh if is_zh else row.sponsor_en,
        budget=row.budget,
        available=row.available,
        used_percent=used_percent(row.budget, row.available),
        state=state_of(row, today),
        policy="stop" if row.stops_on else "queue",
        stops_on=row.stops_on,
    )


def show_change(change: FundChange) -> FundChangeAnswer:
    """A change of a budget."""
    return FundChangeAnswer(**change._asdict())

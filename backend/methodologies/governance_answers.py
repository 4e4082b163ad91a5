"""What governing versions takes and answers."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from backend.http.cursors import PageQuery
from backend.methodologies.domain import Proposal, Status

STATUS_WORDS = {
    Status.DRAFT: ("草案", "draft"),
    Status.DRY_RUN: ("试算", "dry run"),
    Status.CONSULTATION: ("公示", "consultation"),
    Status.PUBLISHED: ("已发布", "published"),
    Status.SUPERSEDED: ("已被取代", "superseded"),
    Status.WITHDRAWN: ("已撤回", "withdrawn"),
}

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class StandingAnswer(msgspec.Struct, kw_only=True):
    """A version on record; `is_open` says whether activities are newly credited by it."""

    hash: str
    methodology_id: str
    version: str
    status: str
    status_text: str
    status_since: datetime
    is_open: bool
    is_installed: bool
    is_review_overdue: bool
    previous_hash: str | None
    valid_from: date
    review_due: date
    registered_at: datetime
    published_at: datetime | None
    published_by: str | None
    approved_by: str | None
    grace_until: date | None


class StandingPage(msgspec.Struct, kw_only=True):
    """One page of versions by methodology and first day."""

    items: list[StandingAnswer]
    next_cursor: str | None


class ChangeAnswer(msgspec.Struct, kw_only=True):
    """One step in the life of a version; `from_status` is null when it was registered."""

    from_status: str | None
    to_status: str
    proposed_by: str
    approved_by: str | None
    reason: str
    changed_at: datetime


class ProposalAnswer(msgspec.Struct, kw_only=True):
    """A proposed change of status; `outcome` is null while it waits for a second person."""

    id: UUID
    hash: str
    from_status: str
    to_status: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    outcome: str | None
    decided_by: str | None
    decided_at: datetime | None


class ProposalPage(msgspec.Struct, kw_only=True):
    """One page of proposals, newest first."""

    items: list[ProposalAnswer]
    next_cursor: str | None


class LifeAnswer(msgspec.Struct, kw_only=True):
    """A version with its history, what waits, and what may be proposed next."""

    standing: StandingAnswer
    is_simulated: bool
    next_statuses: list[str]
    open_proposal: ProposalAnswer | None
    history: list[ChangeAnswer]


class VersionQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Versions of one methodology, or in one status."""

    methodology_id: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    status: Annotated[str, msgspec.Meta(max_length=20)] | None = None


class ProposalQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Proposals that wait, or those that are decided."""

    is_open: bool | None = None


class NewProposal(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The status that a version should have next, and why."""

    to_status: Literal["dry_run", "consultation", "published", "withdrawn"]
    reason: Reason


class NewDecision(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a second person says; the proposer may only decline."""

    decision: Literal["approve", "decline"]


def render_proposal(proposal: Proposal) -> ProposalAnswer:
    """A proposal as the API shows it."""
    return ProposalAnswer(**proposal._asdict())

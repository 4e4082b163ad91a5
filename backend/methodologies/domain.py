"""The life of a methodology version: which step follows which, who must agree, what is in force.

`draft → dry_run → consultation → published → superseded → withdrawn`; what was never published can
be withdrawn at any time. A published file is never edited: its content hash is its identity.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import NamedTuple
from uuid import UUID

from backend.errors import DomainError
from backend.units import shanghai_day
from scoring.methodology import MethodologyVersion

# Seven working days of public notice, as Guangdong asks of those who file a methodology.
# Source: 粤环发〔2022〕4号 (PHCER measures), read 2026-11-21.
CONSULTATION_DAYS_MIN = 10
GRACE_DAYS = 60  # beyond the late window: reviews and appeals of evidence in time end by then
HOURS_PER_DAY = 24


class Status(StrEnum):
    """Where a version is in its life."""

    DRAFT = "draft"
    DRY_RUN = "dry_run"
    CONSULTATION = "consultation"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


# What a person may propose; `superseded` follows from the publication of a successor.
MOVES: Mapping[Status, frozenset[Status]] = {
    Status.DRAFT: frozenset({Status.DRY_RUN, Status.WITHDRAWN}),
    Status.DRY_RUN: frozenset({Status.CONSULTATION, Status.WITHDRAWN}),
    Status.CONSULTATION: frozenset({Status.PUBLISHED, Status.WITHDRAWN}),
    Status.PUBLISHED: frozenset({Status.WITHDRAWN}),
    Status.SUPERSEDED: frozenset({Status.WITHDRAWN}),
    Status.WITHDRAWN: frozenset(),
}
IN_FORCE = frozenset({Status.PUBLISHED, Status.SUPERSEDED})
# What anybody may read: what counts or counted, and what everybody is asked about.
PUBLIC_STATUSES = IN_FORCE | {Status.CONSULTATION, Status.WITHDRAWN}


class StatusMoveNotAllowed(DomainError):
    """The life of a version does not lead from its status to the one proposed."""


class NotSimulated(DomainError):
    """Nobody has simulated this content yet: its effect must be known before people are asked."""


class ConsultationTooShort(DomainError):
    """A version is published after at least ten days of consultation."""


class FirstDayPassed(DomainError):
    """A version is published before its first day, so that no past activity changes its rule."""


class VersionNotInstalled(DomainError):
    """The running service does not hold the file of this version."""


class FileStillDraft(DomainError):
    """The installed file still carries its table [draft], so no credit may name it."""


class SuccessionNotPossible(DomainError):
    """The version cannot follow the one in force: its number or its days do not fit."""


class ProposalOpen(DomainError):
    """Another proposal for this version waits for its decision."""


class ProposalDecided(DomainError):
    """This proposal was decided before, in another way or by somebody else."""


class Standing(NamedTuple):
    """A version on record; the fields are columns of `methodology_version`.

    Attributes:
        status_since: When it came to this status.
        grace_until: Last Shanghai day on which a superseded version still takes new bookings.
    """

    hash: str
    methodology_id: str
    version: str
    status: Status
    status_since: datetime
    previous_hash: str | None
    valid_from: date
    review_due: date
    registered_at: datetime
    published_at: datetime | None
    published_by: str | None
    approved_by: str | None
    grace_until: date | None


class Proposal(NamedTuple):
    """A change of status that somebody asks for; the columns of `methodology_proposal`."""

    id: UUID
    hash: str
    from_status: Status
    to_status: Status
    reason: str
    proposed_by: str
    proposed_at: datetime
    outcome: str | None
    decided_by: str | None
    decided_at: datetime | None


class ChangeOfStatus(NamedTuple):
    """One step in the life of a version; the columns of `methodology_change`."""

    id: UUID
    hash: str
    from_status: Status | None
    to_status: Status
    proposed_by: str
    approved_by: str | None
    reason: str
    changed_at: datetime


def takes_two(move_from: Status, move_to: Status) -> bool:
    """Whether a second person must agree: what counts begins or ends."""
    return move_to is Status.PUBLISHED or move_from in IN_FORCE


def refuse_move(standing: Standing, move_to: Status, *, is_simulated: bool) -> DomainError | None:
    """Why this change cannot even be proposed, or None."""
    if move_to not in MOVES[standing.status]:
        return StatusMoveNotAllowed(current=standing.status, allowed=sorted(MOVES[standing.status]))
    if standing.status is Status.DRY_RUN and move_to is Status.CONSULTATION and not is_simulated:
        return NotSimulated()
    return None


def refuse_publication(standing: Standing, now: datetime) -> DomainError | None:
    """Why this version cannot be published now, or None; `now` is aware."""
    ends = standing.status_since + timedelta(days=CONSULTATION_DAYS_MIN)
    if now < ends:
        return ConsultationTooShort(consultation_ends_at=ends.isoformat())
    if standing.valid_from <= shanghai_day(now):
        return FirstDayPassed(valid_from=standing.valid_from.isoformat())
    return None


def grace_of(late_window_hours: int, successor_from: date) -> date:
    """Last day on which activities before `successor_from` are newly credited by the old rule."""
    late_days = ceil(late_window_hours / HOURS_PER_DAY)
    return successor_from + timedelta(days=late_days + GRACE_DAYS)


def was_in_force(standing: Standing) -> bool:
    """Whether credits by this version can exist: published, and not withdrawn before its time."""
    if standing.published_at is None:
        return False
    if standing.status is not Status.WITHDRAWN:
        return True
    return shanghai_day(standing.status_since) >= standing.valid_from


def superseded_before(versions: Iterable[Standing], standing: Standing) -> Standing | None:
    """The superseded version in whose place this one came; those that never counted are no place.

    None when there is none, or when it was withdrawn after it had counted.
    """
    by_hash: Mapping[str | None, Standing] = {each.hash: each for each in versions}
    before = by_hash.get(standing.previous_hash)
    while before is not None and not was_in_force(before):
        before = by_hash.get(before.previous_hash)
    return before if before is not None and before.status is Status.SUPERSEDED else None


def is_closed(standing: Standing, today: date) -> bool:
    """Whether a version that was in force takes no new bookings on this Shanghai day."""
    if standing.status is Status.SUPERSEDED:
        return standing.grace_until is not None and today > standing.grace_until
    return standing.status is not Status.PUBLISHED


def edited(
    packaged: Iterable[MethodologyVersion], recorded: Iterable[Standing]
) -> Sequence[tuple[Standing, MethodologyVersion | None]]:
    """Versions that were published and whose file is another one now, or gone."""
    by_number = {(each.methodology_id, each.version): each for each in packaged}
    return [
        (standing, by_number.get((standing.methodology_id, standing.version)))
        for standing in recorded
        if standing.published_at is not None and not _is_installed(standing, by_number)
    ]


def _is_installed(
    standing: Standing, by_number: Mapping[tuple[str, str], MethodologyVersion]
) -> bool:
    found = by_number.get((standing.methodology_id, standing.version))
    return found is not None and found.hash == standing.hash

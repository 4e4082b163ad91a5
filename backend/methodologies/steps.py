"""Proposing and deciding changes of status; each is one transaction and can be asked for twice.

What counts begins or ends with two persons; the steps before publication take effect at once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.db import clock
from backend.errors import DomainError, NotFound, SecondPersonNeeded
from backend.idempotency import Intention, find_effects, record_effects
from backend.ids import uuid7
from backend.methodologies.domain import (
    ChangeOfStatus,
    FileStillDraft,
    Proposal,
    ProposalDecided,
    ProposalOpen,
    Standing,
    Status,
    StatusMoveNotAllowed,
    SuccessionNotPossible,
    VersionNotInstalled,
    grace_of,
    refuse_move,
    refuse_publication,
    superseded_before,
    takes_two,
)
from backend.methodologies.queries import (
    decide_proposal,
    find_proposal,
    insert_changes,
    insert_proposal,
    is_simulated,
    lock_versions,
    open_proposal_of,
    update_version,
)
from backend.methodologies.register import CreditingCatalogue, installed
from backend.units import shanghai_day
from scoring.methodology import Catalogue, CatalogueBroken

APPLIED, APPROVED, DECLINED = "applied", "approved", "declined"
SUPERSEDED_BY = "superseded by {}"
REINSTATED = "its successor {} was withdrawn before its first day"


class Asked(NamedTuple):
    """A change of status that a person asks for."""

    principal: str
    version_hash: str
    to_status: Status
    reason: str
    intention: Intention


class Decided(NamedTuple):
    """What a person says to a proposal."""

    principal: str
    proposal_id: UUID
    is_approval: bool


class Proposed(NamedTuple):
    """A proposal as it stands, and whether it was there before."""

    proposal: Proposal
    is_replay: bool = False


async def propose(
    conn: AsyncConnection, asked: Sequence[Asked], *, packaged: Catalogue, clock_shift_s: int
) -> list[Proposed | DomainError]:
    """Write proposals; what needs no second person takes effect in the same transaction.

    The same intention again gives the same proposal.
    """
    now = await clock(conn, clock_shift_s)
    return [await _propose(conn, each, packaged, now) for each in asked]


async def _propose(
    conn: AsyncConnection, asked: Asked, packaged: Catalogue, now: datetime
) -> Proposed | DomainError:
    versions = await lock_versions(conn, asked.version_hash)
    effect = (await find_effects(conn, [asked.intention])).get(asked.intention)
    if isinstance(effect, DomainError):
        return effect
    if effect is not None:
        return Proposed(await _found(conn, effect), is_replay=True)
    standing = next((each for each in versions if each.hash == asked.version_hash), None)
    if standing is None:
        return NotFound()
    if refusal := await _refused(conn, standing, asked, packaged):
        return refusal
    proposal = _proposal_of(standing, asked, now)
    await insert_proposal(conn, proposal)
    if not await record_effects(conn, [(asked.intention, proposal.id)], now):
        raise BatchRaced  # the same key, at the same moment, for another version
    if proposal.outcome == APPLIED:
        await _apply(conn, versions, proposal, None, packaged)
    return Proposed(proposal)


async def _refused(
    conn: AsyncConnection, standing: Standing, asked: Asked, packaged: Catalogue
) -> DomainError | None:
    if standing.hash not in {each.hash for each in installed(packaged)}:
        return VersionNotInstalled()
    if await open_proposal_of(conn, standing.hash):
        return ProposalOpen()
    simulated = await is_simulated(conn, standing.hash)
    return refuse_move(standing, asked.to_status, is_simulated=simulated)


def _proposal_of(standing: Standing, asked: Asked, now: datetime) -> Proposal:
    waits = takes_two(standing.status, asked.to_status)
    return Proposal(
        id=uuid7(),
        hash=standing.hash,
        from_status=standing.status,
        to_status=asked.to_status,
        reason=asked.reason,
        proposed_by=asked.principal,
        proposed_at=now,
        outcome=None if waits else APPLIED,
        decided_by=None if waits else asked.principal,
        decided_at=None if waits else now,
    )


async def decide(
    conn: AsyncConnection, decided: Sequence[Decided], *, packaged: Catalogue, clock_shift_s: int
) -> list[Proposed | DomainError]:
    """Approve or decline proposals; an approval takes effect in the same transaction.

    The same decision by the same person again gives the same proposal.
    """
    now = await clock(conn, clock_shift_s)
    return [await _decide(conn, each, packaged, now) for each in decided]


async def _decide(
    conn: AsyncConnection, decided: Decided, packaged: Catalogue, now: datetime
) -> Proposed | DomainError:
    seen = await find_proposal(conn, decided.proposal_id)
    if seen is None:
        return NotFound()
    versions = await lock_versions(conn, seen.hash)
    proposal = await _found(conn, seen.id)  # again, under the lock
    outcome = APPROVED if decided.is_approval else DECLINED
    if proposal.outcome is not None:
        is_same = (proposal.outcome, proposal.decided_by) == (outcome, decided.principal)
        return Proposed(proposal, is_replay=True) if is_same else ProposalDecided()
    if decided.is_approval and decided.principal == proposal.proposed_by:
        return SecondPersonNeeded()
    done = proposal._replace(outcome=outcome, decided_by=decided.principal, decided_at=now)
    if decided.is_approval:
        if refusal := _not_now(versions, done, packaged, now):
            return refusal
        await _apply(conn, versions, done, decided.principal, packaged)
    await decide_proposal(conn, done)
    return Proposed(done)


def _not_now(
    versions: Sequence[Standing], proposal: Proposal, packaged: Catalogue, now: datetime
) -> DomainError | None:
    standing = _one(versions, proposal.hash)
    if standing.status is not proposal.from_status:
        return StatusMoveNotAllowed(current=standing.status, allowed=[])
    if proposal.to_status is not Status.PUBLISHED:
        return None
    if refusal := refuse_publication(standing, now):
        return refusal
    return _refuse_succession(versions, proposal, packaged, now)


def _refuse_succession(
    versions: Sequence[Standing], proposal: Proposal, packaged: Catalogue, now: datetime
) -> DomainError | None:
    """Build the catalogue that would be in force; what it refuses cannot be published."""
    if proposal.hash not in {each.hash for each in installed(packaged)}:
        return VersionNotInstalled()
    if proposal.hash in {each.hash for each in packaged.drafts}:
        return FileStillDraft()
    would_be = [
        each._replace(status=Status.PUBLISHED, published_at=now)
        if each.hash == proposal.hash
        else each
        for each in versions
    ]
    try:
        CreditingCatalogue(packaged, would_be, today=shanghai_day(now))
    except CatalogueBroken as broken:
        return SuccessionNotPossible(str(broken))
    return None


async def _apply(
    conn: AsyncConnection,
    versions: Sequence[Standing],
    proposal: Proposal,
    approver: str | None,
    packaged: Catalogue,
) -> None:
    """Move the version, and the one before it when what is in force changes."""
    now = proposal.decided_at
    assert now is not None, "a proposal is applied when it is decided"
    standing = _one(versions, proposal.hash)
    moved = [standing._replace(status=proposal.to_status, status_since=now, grace_until=None)]
    reasons = [proposal.reason]
    if proposal.to_status is Status.PUBLISHED:
        moved[0] = moved[0]._replace(
            published_at=now, published_by=proposal.proposed_by, approved_by=approver
        )
        for each in [each for each in versions if each.status is Status.PUBLISHED]:
            # The one in force leaves first: only one version may be published at a time.
            window = packaged.version_of(each.hash).late_window_hours
            grace = grace_of(window, standing.valid_from)
            moved.insert(
                0, each._replace(status=Status.SUPERSEDED, status_since=now, grace_until=grace)
            )
            moved[-1] = moved[-1]._replace(previous_hash=each.hash)
            reasons.insert(0, SUPERSEDED_BY.format(standing.version))
    elif resumed := _resumed(versions, standing, now, packaged):
        moved.append(resumed)
        reasons.append(REINSTATED.format(standing.version))
    await _write(conn, versions, moved, reasons, proposal=proposal, approver=approver)


def _resumed(
    versions: Sequence[Standing], withdrawn: Standing, now: datetime, packaged: Catalogue
) -> Standing | None:
    """What goes on in the place of a version that is withdrawn before its first day."""
    before = superseded_before(versions, withdrawn)
    if before is None or withdrawn.valid_from <= shanghai_day(now):
        return None
    if withdrawn.status is Status.PUBLISHED:
        return before._replace(status=Status.PUBLISHED, status_since=now, grace_until=None)
    heir = next((each for each in versions if each.previous_hash == withdrawn.hash), None)
    if heir is None:
        return None
    window = packaged.version_of(before.hash).late_window_hours
    return before._replace(status_since=now, grace_until=grace_of(window, heir.valid_from))


async def _write(
    conn: AsyncConnection,
    versions: Sequence[Standing],
    moved: Sequence[Standing],
    reasons: Sequence[str],
    *,
    proposal: Proposal,
    approver: str | None,
) -> None:
    for each in moved:
        await update_version(conn, each)
    changes = [
        ChangeOfStatus(
            uuid7(),
            each.hash,
            _one(versions, each.hash).status,
            each.status,
            proposal.proposed_by,
            approver,
            reason,
            each.status_since,
        )
        for each, reason in zip(moved, reasons, strict=True)
    ]
    await insert_changes(conn, changes)


def _one(versions: Sequence[Standing], version_hash: str) -> Standing:
    return next(each for each in versions if each.hash == version_hash)


async def _found(conn: AsyncConnection, proposal_id: UUID) -> Proposal:
    proposal = await find_proposal(conn, proposal_id)
    assert proposal is not None, "proposals are never deleted"
    return proposal

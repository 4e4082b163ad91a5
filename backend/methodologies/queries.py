"""The statements of versions, proposals and their history; whoever changes a version locks its row.

Versions of one methodology are locked together, in hash order: publishing one supersedes another.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.methodologies.domain import ChangeOfStatus, Proposal, Standing, Status

_VERSION = ", ".join(Standing._fields)
_PROPOSAL = ", ".join(Proposal._fields)
_CHANGE = ", ".join(ChangeOfStatus._fields)


class VersionFilter(NamedTuple):
    """Which versions are listed; None does not filter."""

    methodology_id: str | None = None
    status: str | None = None


async def standings(conn: AsyncConnection) -> list[Standing]:
    """Every version on record, oldest first of each methodology; a few hundred at the most."""
    rows = await fetch(
        conn,
        f"SELECT {_VERSION} FROM methodology_version ORDER BY methodology_id, valid_from, hash",
    )
    return [_standing(row) for row in rows]


async def find_version(conn: AsyncConnection, version_hash: str) -> Standing | None:
    """One version on record, or None."""
    row = await fetch_one(
        conn, f"SELECT {_VERSION} FROM methodology_version WHERE hash = :hash", hash=version_hash
    )
    return _standing(row) if row else None


async def lock_versions(conn: AsyncConnection, version_hash: str) -> list[Standing]:
    """Lock all versions of the methodology that this one belongs to, in hash order."""
    rows = await fetch(
        conn,
        f"SELECT {_VERSION} FROM methodology_version WHERE methodology_id ="
        " (SELECT methodology_id FROM methodology_version WHERE hash = :hash)"
        " ORDER BY hash FOR NO KEY UPDATE",
        hash=version_hash,
    )
    return [_standing(row) for row in rows]


async def list_versions(
    conn: AsyncConnection,
    wanted: VersionFilter,
    *,
    after: tuple[str, date, str] | None,
    limit: int,
) -> list[Standing]:
    """Versions by methodology, first day and hash."""
    given = after or ("", date.min, "")
    rows = await fetch(
        conn,
        f"SELECT {_VERSION} FROM methodology_version"
        " WHERE (methodology_id, valid_from, hash) > (:id, :valid_from, :hash)"
        " AND (CAST(:methodology AS text) IS NULL OR methodology_id = :methodology)"
        " AND (CAST(:status AS text) IS NULL OR status = :status)"
        " ORDER BY methodology_id, valid_from, hash LIMIT :limit",
        id=given[0],
        valid_from=given[1],
        hash=given[2],
        methodology=wanted.methodology_id,
        status=wanted.status,
        limit=limit,
    )
    return [_standing(row) for row in rows]


async def insert_versions(conn: AsyncConnection, versions: Sequence[Standing]) -> set[str]:
    """Register versions that are not on record yet; return the hashes that are new."""
    rows = await fetch(
        conn,
        f"INSERT INTO methodology_version ({_VERSION}) SELECT hash, methodology_id, version,"
        " status, status_since, previous_hash, valid_from, review_due, registered_at,"
        " published_at, published_by, approved_by, NULL"
        " FROM unnest(CAST(:hashes AS text[]), CAST(:ids AS text[]), CAST(:versions AS text[]),"
        " CAST(:statuses AS text[]), CAST(:since AS timestamptz[]), CAST(:previous AS text[]),"
        " CAST(:from AS date[]), CAST(:due AS date[]), CAST(:registered AS timestamptz[]),"
        " CAST(:published AS timestamptz[]), CAST(:publishers AS text[]),"
        " CAST(:approvers AS text[])) AS given(hash, methodology_id, version, status,"
        " status_since, previous_hash, valid_from, review_due, registered_at, published_at,"
        " published_by, approved_by) ON CONFLICT DO NOTHING RETURNING hash",
        hashes=[each.hash for each in versions],
        ids=[each.methodology_id for each in versions],
        versions=[each.version for each in versions],
        statuses=[each.status for each in versions],
        since=[each.status_since for each in versions],
        previous=[each.previous_hash for each in versions],
        **{"from": [each.valid_from for each in versions]},
        due=[each.review_due for each in versions],
        registered=[each.registered_at for each in versions],
        published=[each.published_at for each in versions],
        publishers=[each.published_by for each in versions],
        approvers=[each.approved_by for each in versions],
    )
    return {row.hash for row in rows}


async def update_version(conn: AsyncConnection, standing: Standing) -> None:
    """Write status, publication and grace of a locked version."""
    await run(
        conn,
        "UPDATE methodology_version SET status = :status, status_since = :since,"
        " published_at = :published_at, published_by = :published_by, approved_by = :approved_by,"
        " previous_hash = :previous_hash, grace_until = :grace_until WHERE hash = :hash",
        hash=standing.hash,
        status=standing.status,
        since=standing.status_since,
        published_at=standing.published_at,
        published_by=standing.published_by,
        approved_by=standing.approved_by,
        previous_hash=standing.previous_hash,
        grace_until=standing.grace_until,
    )


async def insert_changes(conn: AsyncConnection, changes: Sequence[ChangeOfStatus]) -> None:
    """Add to the history, which is never changed."""
    await run(
        conn,
        f"INSERT INTO methodology_change ({_CHANGE}) SELECT * FROM unnest("
        " CAST(:ids AS uuid[]), CAST(:hashes AS text[]), CAST(:was AS text[]),"
        " CAST(:is AS text[]), CAST(:proposers AS text[]), CAST(:approvers AS text[]),"
        " CAST(:reasons AS text[]), CAST(:times AS timestamptz[]))",
        ids=[each.id for each in changes],
        hashes=[each.hash for each in changes],
        was=[each.from_status for each in changes],
        **{"is": [each.to_status for each in changes]},
        proposers=[each.proposed_by for each in changes],
        approvers=[each.approved_by for each in changes],
        reasons=[each.reason for each in changes],
        times=[each.changed_at for each in changes],
    )


async def history_of(conn: AsyncConnection, version_hash: str) -> list[ChangeOfStatus]:
    """Every change of one version, oldest first; a life has a handful."""
    rows = await fetch(
        conn,
        f"SELECT {_CHANGE} FROM methodology_change WHERE hash = :hash ORDER BY changed_at, id",
        hash=version_hash,
    )
    return [
        ChangeOfStatus._make(row)._replace(
            from_status=Status(row.from_status) if row.from_status else None,
            to_status=Status(row.to_status),
        )
        for row in rows
    ]


async def insert_proposal(conn: AsyncConnection, proposal: Proposal) -> None:
    """Write a proposal; a second open one of a version is a class 23 error."""
    await run(
        conn,
        f"INSERT INTO methodology_proposal ({_PROPOSAL}) VALUES (:id, :hash, :from_status,"
        " :to_status, :reason, :proposed_by, :proposed_at, :outcome, :decided_by, :decided_at)",
        **proposal._asdict(),
    )


async def decide_proposal(conn: AsyncConnection, proposal: Proposal) -> None:
    """Write the decision on a proposal whose version is locked."""
    await run(
        conn,
        "UPDATE methodology_proposal SET outcome = :outcome, decided_by = :decided_by,"
        " decided_at = :decided_at WHERE id = :id AND outcome IS NULL",
        id=proposal.id,
        outcome=proposal.outcome,
        decided_by=proposal.decided_by,
        decided_at=proposal.decided_at,
    )


async def find_proposal(conn: AsyncConnection, proposal_id: UUID) -> Proposal | None:
    """One proposal, or None."""
    row = await fetch_one(
        conn, f"SELECT {_PROPOSAL} FROM methodology_proposal WHERE id = :id", id=proposal_id
    )
    return _proposal(row) if row else None


async def open_proposal_of(conn: AsyncConnection, version_hash: str) -> Proposal | None:
    """The proposal of this version that waits, or None."""
    row = await fetch_one(
        conn,
        f"SELECT {_PROPOSAL} FROM methodology_proposal WHERE hash = :hash AND outcome IS NULL",
        hash=version_hash,
    )
    return _proposal(row) if row else None


async def list_proposals(
    conn: AsyncConnection, *, is_open: bool | None, before: UUID | None, limit: int
) -> list[Proposal]:
    """Proposals, newest first."""
    rows = await fetch(
        conn,
        f"SELECT {_PROPOSAL} FROM methodology_proposal"
        " WHERE (CAST(:before AS uuid) IS NULL OR id < :before)"
        " AND (CAST(:is_open AS boolean) IS NULL OR (outcome IS NULL) = :is_open)"
        " ORDER BY id DESC LIMIT :limit",
        before=before,
        is_open=is_open,
        limit=limit,
    )
    return [_proposal(row) for row in rows]


async def is_simulated(conn: AsyncConnection, version_hash: str) -> bool:
    """Whether a simulation of this content has ended well."""
    row = await fetch_one(
        conn,
        "SELECT 1 FROM simulation WHERE version_hash = :hash AND status = 'done' LIMIT 1",
        hash=version_hash,
    )
    return row is not None


def _standing(row: Sequence[object]) -> Standing:
    standing = Standing._make(row)
    return standing._replace(status=Status(standing.status))


def _proposal(row: Sequence[object]) -> Proposal:
    proposal = Proposal._make(row)
    return proposal._replace(
        from_status=Status(proposal.from_status), to_status=Status(proposal.to_status)
    )

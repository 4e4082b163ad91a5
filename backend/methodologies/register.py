"""Synchronising the packaged files with the record, and the catalogue that crediting uses.

Runs at `tanhui migrate` and at every start: unknown versions are registered as drafts, the first
catalogue as published, and a service whose published file was edited does not start. A version
that is published while the service runs is taken up within seconds, long before its first day.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.db import clock
from backend.ids import uuid7
from backend.methodologies.domain import (
    ChangeOfStatus,
    Standing,
    Status,
    edited,
    is_closed,
    was_in_force,
)
from backend.methodologies.launch import LAUNCH
from backend.methodologies.queries import insert_changes, insert_versions, standings
from backend.units import shanghai_day
from scoring.methodology import Catalogue, MethodologyVersion

LAUNCH_PUBLISHER = "catalogue v1.0"
LAUNCH_APPROVER = "installation"  # whoever installs the programme takes the first catalogue over
# Before the first activity that the catalogue covers, and so before every booking there can be.
LAUNCHED_AT = datetime(2025, 12, 31, 16, tzinfo=UTC)  # 2026-01-01 00:00 in Shanghai
LOOK_AGAIN_S = 20.0  # publication is days ahead; a withdrawal should not wait for a restart

_log = structlog.get_logger(__name__)


class CreditingCatalogue(Catalogue):
    """The versions that count or counted; `adopt` takes up another state in place.

    Attributes:
        packaged: The catalogue of the installed files, whatever the record says.
        closed: Hashes of versions that take no new bookings. What they booked stays, and is
            computed again by them.
    """

    def __init__(self, packaged: Catalogue, recorded: Iterable[Standing], *, today: date) -> None:
        """The state on record, as of a Shanghai day."""
        in_force = {each.hash: each for each in recorded if was_in_force(each)}
        counting = [each for each in packaged if each.hash in in_force]
        super().__init__([*counting, *packaged.drafts])
        self.packaged = packaged
        self.closed = frozenset(
            hash for hash, standing in in_force.items() if is_closed(standing, today)
        )

    @property
    def state(self) -> tuple[frozenset[str], frozenset[str]]:
        """What is in force and what is closed, to compare two states."""
        return frozenset(each.hash for each in self), self.closed

    def adopt(self, newer: "CreditingCatalogue") -> bool:
        """Become the newer state for everybody who holds this object; False when it is the same."""
        if newer.state == self.state:
            return False
        vars(self).update(vars(newer))
        return True


def governed(catalogue: Catalogue) -> CreditingCatalogue:
    """The catalogue of a deployment, as what it is; benchmarks alone run without a record."""
    assert isinstance(catalogue, CreditingCatalogue), "a deployment opens it by `open_catalogue`"
    return catalogue


def closed_versions(catalogue: Catalogue) -> Collection[str]:
    """Hashes of versions that take no new bookings; none where there is no record."""
    return catalogue.closed if isinstance(catalogue, CreditingCatalogue) else ()


def installed(packaged: Catalogue) -> Sequence[MethodologyVersion]:
    """Every version of the installed files, drafts too."""
    return (*packaged, *packaged.drafts)


async def synchronise(conn: AsyncConnection, packaged: Catalogue) -> None:
    """Register what the files bring and the record does not know; a second run changes nothing.

    Raises:
        SystemExit: A published file was edited or is gone; says which and what to do.
    """
    recorded = await standings(conn)
    refuse_edited(installed(packaged), recorded)
    known = {each.hash for each in recorded}
    new = [each for each in installed(packaged) if each.hash not in known]
    if not new:
        return
    now = await clock(conn, 0)
    versions = [_registered(each, now) for each in new]
    # Another process may be starting too: the history is written by the one that inserted the row.
    inserted = await insert_versions(conn, versions)
    await insert_changes(conn, [_first(each) for each in versions if each.hash in inserted])


def refuse_edited(packaged: Iterable[MethodologyVersion], recorded: Sequence[Standing]) -> None:
    """Refuse files that are not what was published.

    Raises:
        SystemExit: Names each version.
    """
    lines = [
        f"  {standing.methodology_id} {standing.version}: published with content"
        f" {standing.hash[:12]}, the installed file has {found.hash[:12] if found else 'gone'}"
        for standing, found in edited(packaged, recorded)
    ]
    if lines:
        raise SystemExit(
            "已发布的方法学文件被改动,服务拒绝启动。 A published methodology file was changed:\n"
            + "\n".join(lines)
            + "\nPut the file back as it was published, and make a new version for the change;"
            " see docs/how-to/methodology-change.md."
        )


async def catalogue_on_record(
    conn: AsyncConnection, packaged: Catalogue, *, clock_shift_s: int = 0
) -> CreditingCatalogue:
    """The catalogue that crediting uses, by the record as it stands."""
    today = shanghai_day(await clock(conn, clock_shift_s))
    return CreditingCatalogue(packaged, await standings(conn), today=today)


async def open_catalogue(
    engine: AsyncEngine, packaged: Catalogue, *, clock_shift_s: int = 0
) -> CreditingCatalogue:
    """Synchronise, then give the catalogue that crediting uses."""
    async with engine.begin() as conn:
        await synchronise(conn, packaged)
    async with engine.connect() as conn:
        return await catalogue_on_record(conn, packaged, clock_shift_s=clock_shift_s)


async def keep_current(
    engine: AsyncEngine, catalogue: CreditingCatalogue, *, clock_shift_s: int = 0
) -> None:
    """Follow the record until cancelled; a database that is away is waited for."""
    while True:
        await asyncio.sleep(LOOK_AGAIN_S)
        try:
            async with engine.connect() as conn:
                newer = await catalogue_on_record(
                    conn, catalogue.packaged, clock_shift_s=clock_shift_s
                )
        except (SQLAlchemyError, OSError) as error:
            _log.warning("methodologies_not_read", error=type(error).__name__)
            continue
        if catalogue.adopt(newer):
            _log.info("methodologies_changed", in_force=len(newer.state[0]))


def _registered(version: MethodologyVersion, now: datetime) -> Standing:
    is_launch = (version.methodology_id, version.version) in LAUNCH
    return Standing(
        hash=version.hash,
        methodology_id=version.methodology_id,
        version=version.version,
        status=Status.PUBLISHED if is_launch else Status.DRAFT,
        status_since=LAUNCHED_AT if is_launch else now,
        previous_hash=None,  # what it follows is what is in force on the day it is published
        valid_from=version.valid_from,
        review_due=version.review_due,
        registered_at=now,
        published_at=LAUNCHED_AT if is_launch else None,
        published_by=LAUNCH_PUBLISHER if is_launch else None,
        approved_by=LAUNCH_APPROVER if is_launch else None,
        grace_until=None,
    )


def _first(standing: Standing) -> ChangeOfStatus:
    return ChangeOfStatus(
        uuid7(),
        standing.hash,
        None,
        standing.status,
        standing.published_by or LAUNCH_APPROVER,
        standing.approved_by,
        "registered from the installed files",
        standing.status_since,
    )

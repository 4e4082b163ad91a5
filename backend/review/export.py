"""Decided photos as labelled data, in the form of the folder that training reads.

A photo is named by the hash of its own content and grouped by district and day: nothing in the
folder names an account or a check-in. Only photos whose decision stands are written; those of an
open appeal come with a later run.
"""

import asyncio
import csv
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.db import fetch
from backend.evidence_store import EvidenceMissing, EvidenceStore
from backend.review.domain import Label
from backend.units import FIRST_DAY, SHANGHAI, shanghai_day

COLUMNS: Final = (
    *("path", "dataset", "label", "leftover_fraction", "licence", "source_repository"),
    *("group", "note"),
)
DATASET: Final = "review"
LICENCE: Final = "members' photos, for the models of this programme only"
PORTION_ROWS: Final = 100  # photos between two writes of the manifest
_UNFINISHED: Final = ".new"  # ends the name of a photo that is being written
# The words of the manifest where they differ from ours; what is no plate in front of the camera is
# a class of things to `models.photos`, and training may tell its kinds apart by these words.
WORD_OF: Final[Mapping[Label, str]] = {Label.RESIDUE: "dirty", Label.NOT_A_PLATE: "not_plate"}

Row = dict[str, str]

# What stands: no appeal is open, and no later decision was made on one.
_DECIDED = """
SELECT decision.id, decision.decided_at, account_id, evidence_sha256, label, is_on_appeal, region,
       occurred_at, coalesce(evidence_until, due_at) IS NOT NULL
FROM review_decision AS decision
JOIN check_in ON check_in.id = decision.check_in_id
LEFT JOIN evidence_deletion ON evidence_deletion.check_in_id = decision.check_in_id
WHERE (decision.decided_at, decision.id) > (CAST(:since AS timestamptz), CAST(:after AS uuid))
  AND (CAST(:until AS timestamptz) IS NULL OR decision.decided_at < :until)
  AND action = 'clean_plate' AND status <> 'in_review' AND evidence_sha256 IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM review_decision AS later WHERE later.check_in_id = decision.check_in_id
      AND later.is_on_appeal AND NOT decision.is_on_appeal)
ORDER BY decision.decided_at, decision.id LIMIT :limit
"""


class NotAnExport(Exception):
    """The folder has a manifest of another form."""


class Period(NamedTuple):
    """Shanghai days on which decisions were made, both included; None is without an end."""

    since: date | None = None
    until: date | None = None


class Decided(NamedTuple):
    """A photo with the decision that stands.

    Attributes:
        is_gone: Its evidence was deleted, or will be within a day as that of no plate: a copy in a
            folder would outlive it.
    """

    decision_id: UUID
    decided_at: datetime
    account_id: UUID
    sha256: str
    label: str
    is_on_appeal: bool
    region: str
    occurred_at: datetime
    is_gone: bool


@dataclass(slots=True)
class Exported:
    """What a run did.

    Attributes:
        written: Photos that are new in the folder.
        changed: Photos that were there, whose label an appeal has changed.
        unchanged: Photos that were there.
        gone: Decided photos without evidence: deleted as no plate or soon to be, or erased with
            their member. A copy that the folder has of one of the former is deleted.
    """

    written: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0


async def export_decided(
    engine: AsyncEngine, store: EvidenceStore, folder: Path, period: Period
) -> Exported:
    """Write decided photos and `manifest.csv` into `folder`; a second run adds what is new.

    It also removes what a run that was killed has left behind, so one run at a time has a folder.

    Raises:
        NotAnExport: The folder has a manifest with other columns.
        EvidenceUnavailable: What was written so far is whole; run again.
    """
    done = Exported()
    rows = await asyncio.to_thread(_read_manifest, folder)
    await asyncio.to_thread(_write_manifest, folder, rows)  # a folder that cannot be, fails first
    await asyncio.to_thread(_delete_unfinished, folder)
    async with aclosing(_portions(engine, period)) as portions:
        async for portion in portions:
            for photo in portion:
                await _export(photo, store, folder, rows, done)
            await asyncio.to_thread(_write_manifest, folder, rows)
    return done


async def _export(
    photo: Decided, store: EvidenceStore, folder: Path, rows: dict[str, Row], done: Exported
) -> None:
    row = _row_of(photo)
    path, known = folder / row["path"], rows.get(row["path"])
    if photo.is_gone or (known is None and not await _copy(photo, store, path)):
        rows.pop(row["path"], None)
        await asyncio.to_thread(path.unlink, missing_ok=True)  # also of a run that was killed
        done.gone += 1
        return
    if known == row:
        done.unchanged += 1
        return
    rows[row["path"]] = row
    if known is None:
        done.written += 1
    else:
        done.changed += 1


async def _copy(photo: Decided, store: EvidenceStore, path: Path) -> bool:
    """Put the photo into the folder; False when there is none any more."""
    try:
        jpeg = await store.get(photo.account_id, photo.sha256)
    except EvidenceMissing:
        return False
    await asyncio.to_thread(_write_whole, path, jpeg)
    return True


def _row_of(photo: Decided) -> Row:
    label = Label(photo.label)
    values = (
        f"photos/{photo.sha256}.jpg",
        DATASET,
        WORD_OF.get(label, label),
        "",
        LICENCE,
        "tanhui review export",
        # One canteen at one meal is never split between training and evaluation.
        f"{photo.region}-{shanghai_day(photo.occurred_at)}",
        "on appeal" if photo.is_on_appeal else "",
    )
    return dict(zip(COLUMNS, values, strict=True))


async def _portions(engine: AsyncEngine, period: Period) -> AsyncGenerator[Sequence[Decided], None]:
    since = _start_of(period.since or FIRST_DAY)
    until = None
    if period.until is not None and period.until < date.max:  # no day comes after the last one
        until = _start_of(period.until + timedelta(days=1))
    after = UUID(int=0)
    while True:
        async with engine.connect() as conn:
            rows = await fetch(
                conn,
                _DECIDED,
                since=since,
                after=after,
                until=until,
                limit=PORTION_ROWS,
            )
        if not rows:
            return
        portion = [Decided._make(row) for row in rows]
        yield portion
        since, after = portion[-1].decided_at, portion[-1].decision_id


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


def _read_manifest(folder: Path) -> dict[str, Row]:
    file = folder / "manifest.csv"
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise NotAnExport
        rows = list(reader)
    # A photo that somebody took out of the folder is written again.
    return {row["path"]: row for row in rows if (folder / row["path"]).is_file()}


def _write_manifest(folder: Path, rows: Mapping[str, Row]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / "manifest.csv.new"
    with half.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, COLUMNS)
        writer.writeheader()
        writer.writerows(rows.values())
    half.replace(folder / "manifest.csv")


def _delete_unfinished(folder: Path) -> None:
    """A half copy is nobody's: no manifest names it, and nothing else would ever delete it."""
    for half in folder.glob(f"photos/*{_UNFINISHED}"):
        half.unlink()


def _write_whole(path: Path, jpeg: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(_UNFINISHED)
    half.write_bytes(jpeg)
    half.replace(path)

"""Import a partner's file: the same events as over HTTP, under the same keys.

A file is imported in portions, each a transaction of its own. Whoever is interrupted begins again:
what was taken is then a duplicate. The report at the end carries the hash of what it is about, so a
file that has one is left alone until the partner changes it.
"""

import asyncio
import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import run_batch
from backend.crediting.steps import Rulebook
from backend.errors import DomainError
from backend.intake.controls.bodies import ControlTotalBody
from backend.intake.controls.steps import check_speaks_for, state
from backend.intake.events.conflicts import note_conflicts
from backend.intake.events.domain import Became, PartnerEvent
from backend.intake.events.envelope import Speaker, read_event
from backend.intake.events.steps import write_events
from backend.intake.inbox.lines import (
    Control,
    Line,
    NotReadable,
    read_control,
    read_lines,
    totals_of,
)
from backend.partner_files import Delivery, FileTooLarge, PartnerFiles
from backend.partners.domain import Grants
from backend.partners.queries import source_of_partner
from backend.writing import write_alone

LINES_PER_TRANSACTION: Final = 200  # requests of the same partner wait no longer than for two

Tell = Callable[[int, int], None]


class Report(msgspec.Struct, kw_only=True):
    """What became of a file.

    Attributes:
        outcome: imported, not_readable, or totals_differ, which imports nothing.
        sha256: Of the lines and the control totals.
        stated: Days whose totals are to be reconciled.
    """

    outcome: str
    sha256: str
    reason: str | None = None
    theirs: Control | None = None
    ours: Control | None = None
    answers: dict[str, int] = {}
    faults: int = 0
    stated: int = 0


@dataclass(frozen=True, slots=True)
class Inbox:
    """What importing needs; `region` is where events count unless they say otherwise."""

    engine: AsyncEngine
    files: PartnerFiles
    rules: Rulebook
    region: str

    async def import_new(self, tell: Tell = lambda _, __: None) -> list[tuple[Delivery, Report]]:
        """Import every file that has no report yet, and write the reports.

        Raises:
            FilesUnavailable: What was imported before stays, and is a duplicate the next time.
        """
        reports = []
        for delivery in await self.files.deliveries():
            report = await self._import(delivery, tell)
            if report is not None:
                reports.append((delivery, report))
        return reports

    async def _import(self, delivery: Delivery, tell: Tell) -> Report | None:
        """The report of a file that is imported; None when it has one, or no partner."""
        async with self.engine.connect() as conn:
            source = await source_of_partner(conn, delivery.partner_id)
        content, reason = await self._read(delivery)
        if source is None or (content is None and reason is None):
            return None
        sha256 = hashlib.sha256(b"\0".join(content or [str(reason).encode()])).hexdigest()
        if await self._has_report(delivery, sha256):
            return None
        if content is None:
            taken = Taken(Report(outcome="not_readable", sha256="", reason=reason))
        else:
            taken = await self._take(delivery, source, content, tell)
        report = msgspec.structs.replace(taken.report, sha256=sha256)
        # The faults before the report: a report says that all is written.
        await self.files.write(delivery.faults, taken.faults())
        await self.files.write(delivery.report, msgspec.json.encode(report))
        return report

    async def _read(self, delivery: Delivery) -> tuple[list[bytes] | None, str | None]:
        """Lines and control totals; without them, why they cannot be read if they are there."""
        try:
            found = [await self.files.read(path) for path in (delivery.csv, delivery.control)]
        except FileTooLarge as error:
            return None, str(error)
        content = [each for each in found if each is not None]
        return (content, None) if len(content) == len(found) else (None, None)

    async def _has_report(self, delivery: Delivery, sha256: str) -> bool:
        written = await self.files.read(delivery.report)
        return written is not None and sha256.encode() in written

    async def _take(
        self, delivery: Delivery, source: str, files: Sequence[bytes], tell: Tell
    ) -> "Taken":
        content, control = files
        try:
            told = read_control(control)
            lines = await asyncio.to_thread(read_lines, content, source)
        except NotReadable as error:
            return Taken(Report(outcome="not_readable", sha256="", reason=str(error)))
        theirs = Control(told.count, told.sums)
        ours = totals_of(lines, list(theirs.sums))
        if ours != theirs:
            return Taken(Report(outcome="totals_differ", sha256="", theirs=theirs, ours=ours))
        taken = Taken(Report(outcome="imported", sha256="", theirs=theirs, ours=ours))
        speaker, grants = Speaker(delivery.partner_id, "partner", self.region), Grants(source)
        for start in range(0, len(lines), LINES_PER_TRANSACTION):
            portion = lines[start : start + LINES_PER_TRANSACTION]
            await self._write([_read(line, speaker, grants) for line in portion], taken)
            tell(start + len(portion), len(lines))
        for day in told.days:
            await self._state(delivery.partner_id, day, grants, taken)
        return taken

    async def _state(
        self, partner_id: UUID, told: ControlTotalBody, grants: Grants, taken: "Taken"
    ) -> None:
        """State a day as over HTTP; what is refused is among the faults, without a line."""

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            return await state(conn, partner_id, told, now)

        try:
            check_speaks_for(grants, told)
            await write_alone(self.engine, make, clock_shift_s=self.rules.clock_shift_s)
        except DomainError as refusal:
            taken.refuse("", f"{told.type} {told.day}", refusal)
        else:
            taken.report.stated += 1

    async def _write(self, read: Sequence["Read"], taken: "Taken") -> None:
        good = [each.event for each in read if isinstance(each.event, PartnerEvent)]
        answers = await run_batch(self.engine, partial(write_events, rules=self.rules), good)
        note_conflicts(good, answers)
        taken_in_turn = iter(answers)
        for each in read:
            answer = next(taken_in_turn) if isinstance(each.event, PartnerEvent) else each.event
            taken.add(each.line, answer)


class Read(NamedTuple):
    """A line, and the event that it is or the refusal of it."""

    line: Line
    event: PartnerEvent | DomainError


@dataclass(slots=True)
class Taken:
    """What became of the lines so far."""

    report: Report
    answers: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, line: Line, answer: Became | DomainError) -> None:
        """Count one line."""
        status = "refused" if isinstance(answer, DomainError) else answer.status
        self.answers[status] += 1
        if isinstance(answer, DomainError):
            self.refuse(str(line.number), str(line.document.get("id", "")), answer)
        self.report.answers = dict(sorted(self.answers.items()))

    def refuse(self, line: str, name: str, refusal: DomainError) -> None:
        """Add a fault."""
        self.refused.append((line, name, _slug(refusal), _where(refusal)))
        self.report.faults = len(self.refused)

    def faults(self) -> bytes:
        """The lines that were not taken, as CSV."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("line", "id", "problem", "detail"))
        writer.writerows(self.refused)
        return text.getvalue().encode()


def _read(line: Line, speaker: Speaker, grants: Grants) -> Read:
    try:
        event = read_event(line.document, speaker)
    except DomainError as refusal:
        return Read(line, refusal)
    region = getattr(event.data, "region", None) or event.region
    refused = grants.refusal_of(source=event.key.source, event_type=event.type, region=region)
    return Read(line, refused or event)


def _slug(refusal: DomainError) -> str:
    """The name of a refusal as the API writes it: `EventIdReused` is `event-id-reused`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(refusal).__name__).lower()


def _where(refusal: DomainError) -> str:
    """Where the fault is, if the refusal says so, else its sentence."""
    errors: Any = getattr(refusal, "errors", ())
    return " ".join(f"{each.pointer} {each.code}" for each in errors) or str(refusal)

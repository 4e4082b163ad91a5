"""The processor: one literal table from work to step, driven from the work table.

Fast steps delete their work and write its effect in one transaction; a poison row is found by
halving what is taken until it stands alone, and is postponed. The slow step (scoring) leases its
work, because no transaction may wait for a model.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import is_passing, sqlstate
from backend.bell import Bell, raise_if_cancelled
from backend.checkins.domain import APPEAL_WINDOW
from backend.checkins.steps import score_step
from backend.crediting.photo_credit import credit_step
from backend.crediting.simulation_step import SIMULATE_LEASE_S, simulate_step
from backend.crediting.steps import Rulebook
from backend.events import CREDIT, NOTIFY, REPORT, SCORE, SIMULATE, UNPARK, WEBHOOK
from backend.evidence_store import EvidenceStore
from backend.intake.events.parked import end_waits, unpark_step
from backend.intake.inbox.importing import Inbox
from backend.intake.sweep import sweep_orphans
from backend.ledger.queries import fold_deltas
from backend.notices.steps import notify_step
from backend.outbox import Work, lease, postpone, prolong, release, take
from backend.partner_files import FilesUnavailable
from backend.reports.steps import report_step
from backend.review.deletion import delete_due_evidence
from backend.rewards.caller import PartnerCaller
from backend.rewards.ends import expire_vouchers
from backend.upkeep import Duty, Upkeep, taking_turns, tray_duties
from backend.webhooks.deliverer import Deliverer
from backend.webhooks.steps import webhook_step
from backend.workers import Workers

# Rows per transaction.
TAKE_MAX: Mapping[str, int] = {CREDIT: 1_000, REPORT: 20, NOTIFY: 20, WEBHOOK: 20, UNPARK: 20}
LOOK_ANYWAY_S = 1.0  # due retries have no notification
# Steps that look by themselves, so that no bell for credits asks for notices too.
PACE_S: Mapping[str, float] = {NOTIFY: 1.0, WEBHOOK: 1.0}
SCORE_BATCH = 8  # photos per inference call; larger ones were no faster per photo
SCORE_LANES = 2  # one is in the model while the other one is in the database
SCORE_LEASE_S = 40.0  # held while a batch takes longer; after a crash a photo waits this long
PAUSE_AFTER_FAILURE_S = 0.05  # halving a thousand rows down to the one takes half a second
DELETE_EVERY_S = 600.0  # evidence is due two hours before the day that is promised is over
ROLL_EVERY_S = 2.0
END_WAITS_EVERY_S = 5.0  # a ride without its tap-out has waited a day already
EXPIRE_VOUCHERS_EVERY_S = 20.0  # a voucher is refused from its last moment on, job or no job
SWEEP_EVERY_S = 6 * 3_600.0  # orphans are few and small; listing a bucket is not free
IMPORT_FILES_EVERY_S = 300.0  # files come once a night; listing a bucket is not free
ROLL_ROWS_MAX = 1_000
QUERY_CANCELED = "57014"  # by a limit per statement

_log = structlog.get_logger(__name__)
_steps_done = Counter("tanhui_work_done", "Rows of work that were acted on", ["step"])
_steps_failed = Counter("tanhui_work_failed", "Rows of work that were postponed", ["step"])

FastStep = Callable[[AsyncConnection, Sequence[Work]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Processor:
    """What acting on work needs; several may run on one database.

    Attributes:
        credit_lanes: Credit transactions under way at once: one waits for the database while the
            other one decides. A third helps a lone processor and hinders two.
        deliverer: Sends webhooks; without one they wait in their table.
        inbox: Imports the files that partners leave; without one they lie there.
        caller: Has partners fulfil vouchers; without one they wait too.
    """

    engine: AsyncEngine
    bell: Bell
    workers: Workers
    store: EvidenceStore
    rules: Rulebook
    credit_lanes: int = 2
    appeal_window: timedelta = APPEAL_WINDOW
    deliverer: Deliverer | None = None
    inbox: Inbox | None = None
    caller: PartnerCaller | None = None

    def steps(self) -> Mapping[str, FastStep]:
        """The picture of the system: which step acts on which work, in one transaction."""

        async def credit(conn: AsyncConnection, works: Sequence[Work]) -> None:
            await credit_step(conn, works, self.rules)

        async def notify(conn: AsyncConnection, works: Sequence[Work]) -> None:
            await notify_step(conn, works, clock_shift_s=self.rules.clock_shift_s)

        async def unpark(conn: AsyncConnection, works: Sequence[Work]) -> None:
            await unpark_step(conn, works, self.rules)

        fast = {CREDIT: credit, REPORT: report_step, NOTIFY: notify, WEBHOOK: webhook_step}
        return {**fast, UNPARK: unpark}

    def duties(self) -> Sequence[Duty]:
        """What is repeated for ever, with how often it looks."""
        return [
            *Upkeep(self.engine, self.rules.clock_shift_s).duties(),
            Duty("sweep", self.sweep_once, SWEEP_EVERY_S),
            Duty("delete", self.delete_once, DELETE_EVERY_S),
            Duty("expire_vouchers", self.expire_vouchers_once, EXPIRE_VOUCHERS_EVERY_S),
            Duty("roll", self.roll_once, ROLL_EVERY_S),
            Duty("end_waits", partial(end_waits, self.engine, self.rules), END_WAITS_EVERY_S),
            *tray_duties(self.engine, self.store, self.rules),
            Duty("import_files", self.import_files_once, IMPORT_FILES_EVERY_S),
        ]

    async def serve(self) -> None:
        """Act on work until cancelled."""
        ring = partial(self.bell.wait, LOOK_ANYWAY_S)
        async with asyncio.TaskGroup() as group:
            for step in self.steps():
                pause = partial(asyncio.sleep, PACE_S[step]) if step in PACE_S else ring
                for _ in range(self.credit_lanes if step == CREDIT else 1):
                    group.create_task(self._serve_fast(step, pause))
            for outward in (self.deliverer, self.caller):
                if outward is not None:
                    group.create_task(outward.serve())
            for name, act, pause_s in taking_turns(self.duties()):
                group.create_task(self._repeat(name, act, partial(asyncio.sleep, pause_s)))
            for _ in range(SCORE_LANES):
                group.create_task(self._repeat(SCORE, self.score_once, ring))
            group.create_task(self._repeat(SIMULATE, self.simulate_once, ring))

    async def _serve_fast(self, step: str, pause: Callable[[], Awaitable[None]]) -> None:
        act, limit = self.steps()[step], TAKE_MAX[step]
        while True:
            try:
                done = await self.act_once(step, act, limit)
            except Exception as error:  # noqa: BLE001  # whatever one row raises, the others must flow
                raise_if_cancelled()
                _log.warning("step_failed", step=step, rows=limit, error=repr(error))
                limit = max(1, limit // 2)
                await asyncio.sleep(PAUSE_AFTER_FAILURE_S)
                continue
            limit = min(TAKE_MAX[step], limit * 2)
            if not done:
                await pause()

    async def act_once(self, step: str, act: FastStep, limit: int) -> int:
        """Take up to `limit` due rows of a fast step and act on them; return how many.

        A row that fails alone waits for its next try, and after the last one is dead. It is named
        by what was taken: the row at the head may be another one by now.
        """
        works: list[Work] = []
        try:
            async with self.engine.begin() as conn:
                works = await take(conn, step, limit=limit)
                if works:
                    await act(conn, works)
        except Exception as error:
            if len(works) == 1 and counts_against_row(error):
                await self._postpone(step, works, error)
            raise
        _steps_done.labels(step).inc(len(works))
        return len(works)

    async def _postpone(self, step: str, works: Sequence[Work], error: Exception) -> None:
        with suppress(SQLAlchemyError, OSError):
            async with self.engine.begin() as conn:
                await postpone(conn, works, type(error).__name__)
            _steps_failed.labels(step).inc(len(works))

    async def score_once(self) -> int:
        """Lease and score one batch of photos; return how many were leased."""
        async with self.engine.begin() as conn:
            works = await lease(conn, SCORE, limit=SCORE_BATCH, lease_s=SCORE_LEASE_S)
        if works:
            await self._score(works)
            _steps_done.labels(SCORE).inc(len(works))
        return len(works)

    async def _score(self, works: Sequence[Work]) -> None:
        holding = asyncio.ensure_future(self._hold(works))
        try:
            await score_step(
                self.engine,
                works,
                scorer=self.workers,
                store=self.store,
                clock_shift_s=self.rules.clock_shift_s,
                appeal_window=self.appeal_window,
            )
        except asyncio.CancelledError:
            await self._give_back(works)
            raise
        finally:
            holding.cancel()
            await asyncio.wait([holding])

    async def _hold(self, works: Sequence[Work]) -> None:
        """Keep leases: after a photo that hangs, those beside it are looked at one by one."""
        while True:
            await asyncio.sleep(SCORE_LEASE_S / 2)
            with suppress(SQLAlchemyError, OSError):
                async with self.engine.begin() as conn:
                    await prolong(conn, works, lease_s=SCORE_LEASE_S)

    async def _give_back(self, works: Sequence[Work]) -> None:
        """A restart is no crash: whoever waits for an outcome must not wait for our lease too."""
        with suppress(SQLAlchemyError, OSError):
            async with self.engine.begin() as conn:
                await release(conn, works)

    async def simulate_once(self) -> int:
        """Lease and run one simulation; return how many were leased."""
        async with self.engine.begin() as conn:
            works = await lease(conn, SIMULATE, limit=1, lease_s=SIMULATE_LEASE_S)
        try:
            await simulate_step(self.engine, works, self.rules.catalogue)
        except asyncio.CancelledError:
            await self._give_back(works)
            raise
        _steps_done.labels(SIMULATE).inc(len(works))
        return len(works)

    async def roll_once(self) -> int:
        """Fold one portion of deltas of shared accounts; return how many."""
        async with self.engine.begin() as conn:
            return await fold_deltas(conn, limit=ROLL_ROWS_MAX)

    async def expire_vouchers_once(self) -> int:
        """Return what vouchers hold that nobody used in time; return how many."""
        return await expire_vouchers(self.engine, self.rules.clock_shift_s)

    async def delete_once(self) -> int:
        """Delete one portion of photos of no plate whose time is over; return how many."""
        shift_s = self.rules.clock_shift_s
        deleted = await delete_due_evidence(self.engine, self.store, clock_shift_s=shift_s)
        if deleted:
            _log.info("evidence_deleted", evidence=deleted)
        return deleted

    async def sweep_once(self) -> int:
        """Delete evidence that nobody names; always pauses afterwards."""
        deleted = await sweep_orphans(self.engine, self.store)
        if deleted:
            _log.info("orphans_swept", evidence=deleted)
        return 0

    async def import_files_once(self) -> int:
        """Import what partners have left overnight; always pauses afterwards."""
        try:
            imported = await self.inbox.import_new() if self.inbox else []
        except FilesUnavailable as error:
            _log.warning("partner_files_unavailable", error=str(error))
            return 0
        for delivery, report in imported:
            _log.info(
                "partner_file_imported",
                file=delivery.csv,
                outcome=report.outcome,
                answers=report.answers,
                faults=report.faults,
            )
        return 0

    async def _repeat(
        self, name: str, act: Callable[[], Awaitable[int]], pause: Callable[[], Awaitable[None]]
    ) -> None:
        """Act for ever, pausing when idle and after whatever failed: the others must flow."""
        while True:
            try:
                done = await act()
            except Exception as error:  # noqa: BLE001  # a database that is away, or what nobody expected
                raise_if_cancelled()
                _log.warning("step_failed", step=name, error=repr(error))
                done = 0
            if not done:
                await pause()


def counts_against_row(error: Exception) -> bool:
    """Whether a row that failed alone has used up one of its tries.

    Taking too long does: a database that is away answers the note of the try no better, so only a
    row that is slow itself is counted, and it cannot hold a lane for ever.
    """
    return is_timeout(error) or not is_passing(error)


def is_timeout(error: Exception) -> bool:
    """Whether a statement took longer than ours or the server's limit allows."""
    if isinstance(error, DBAPIError):
        return sqlstate(error) == QUERY_CANCELED
    return isinstance(error, TimeoutError)

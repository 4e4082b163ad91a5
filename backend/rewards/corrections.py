"""Correcting a settlement after its ten minutes: one operator proposes, a second one decides.

Nothing moves before the approval. What it takes back stands in the next statement.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.errors import DomainError, NotFound, SecondPersonNeeded
from backend.events import (
    SETTLEMENT_CORRECTION_ASKED,
    SETTLEMENT_CORRECTION_DECIDED,
    Event,
)
from backend.ids import uuid7
from backend.outbox import append
from backend.rewards.correction_queries import (
    DECLINED,
    DONE,
    PENDING,
    Correction,
    decide_correction,
    insert_correction,
    locked_correction,
    standing_correction,
)
from backend.rewards.ends import Undoing, write_undos
from backend.rewards.pool import POOL
from backend.rewards.refusals import (
    CorrectionAsked,
    CorrectionDecided,
    SettlementUndone,
    UndoElsewhere,
)
from backend.rewards.settlement_queries import Settlement, settlements_by_id, undone_settlements


class Proposed(NamedTuple):
    """An operator asks to take a settlement back."""

    settlement_id: UUID
    reason: str
    operator: str


class Decided(NamedTuple):
    """A second operator approves a proposal, or declines it."""

    correction_id: UUID
    operator: str
    is_approved: bool


class Corrected(NamedTuple):
    """A proposal as it stands; a replay found it so."""

    correction: Correction
    is_replay: bool = False


async def propose_correction(conn: AsyncConnection, proposed: Proposed, now: datetime) -> Corrected:
    """Write a correction that waits for a second person.

    The settlement is the natural key: the same operator with the same reason gets the same one.
    Appends `SettlementCorrectionAsked`.

    Raises:
        NotFound, UndoElsewhere, SettlementUndone, CorrectionAsked
    """
    settlement = (await settlements_by_id(conn, [proposed.settlement_id])).get(
        proposed.settlement_id
    )
    if settlement is None:
        raise NotFound
    if settlement.settled_by == POOL:
        raise UndoElsewhere  # the code was shown: it cannot be given to anybody else
    before = await standing_correction(conn, settlement.id)
    if before is not None:
        return _again(before, proposed)
    if await undone_settlements(conn, [settlement.id]):
        raise SettlementUndone
    correction = _correction(settlement, proposed, now)
    if not await insert_correction(conn, correction):
        raise BatchRaced
    await append(conn, [Event(SETTLEMENT_CORRECTION_ASKED, [correction.id])])
    return Corrected(correction)


def _again(before: Correction, proposed: Proposed) -> Corrected:
    if (before.proposed_by, before.reason) != (proposed.operator, proposed.reason):
        raise CorrectionAsked(correction_id=str(before.id), outcome=before.outcome)
    return Corrected(before, is_replay=True)


def _correction(settlement: Settlement, proposed: Proposed, now: datetime) -> Correction:
    return Correction(
        uuid7(),
        settlement.id,
        settlement.merchant_id,
        settlement.points,
        proposed.reason,
        proposed.operator,
        now,
    )


async def decide(
    conn: AsyncConnection, decided: Decided, now: datetime, *, clock_shift_s: int
) -> Corrected:
    """Carry a correction out or decline it; the same decision again is a replay.

    Appends `SettlementCorrectionDecided`.

    Raises:
        NotFound, SecondPersonNeeded, CorrectionDecided
        SettlementUndone: The till was faster; the proposal can still be declined.
    """
    correction = await locked_correction(conn, decided.correction_id)
    if correction is None:
        raise NotFound
    outcome = DONE if decided.is_approved else DECLINED
    if (correction.decided_by, correction.outcome) == (decided.operator, outcome):
        return Corrected(correction, is_replay=True)
    if correction.outcome != PENDING:
        raise CorrectionDecided(outcome=correction.outcome)
    if correction.proposed_by == decided.operator:
        raise SecondPersonNeeded
    made = correction._replace(outcome=outcome, decided_by=decided.operator, decided_at=now)
    await decide_correction(conn, made)
    await append(conn, [Event(SETTLEMENT_CORRECTION_DECIDED, [made.id])])
    if decided.is_approved:
        await _take_back(conn, made, clock_shift_s)
    return Corrected(made)


async def _take_back(conn: AsyncConnection, correction: Correction, clock_shift_s: int) -> None:
    undoing = Undoing(
        correction.settlement_id,
        None,
        correction.proposed_by,
        correction.reason,
        correction.decided_by,
    )
    [ended] = await write_undos(conn, [undoing], clock_shift_s)
    if isinstance(ended, DomainError):
        raise ended
    if ended.is_replay:
        raise SettlementUndone

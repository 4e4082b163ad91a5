"""The batch of members who scan the code that a device shows beside their tray."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.canteens.domain import Tray, TrayClaim, is_in_time
from backend.canteens.queries import claims_by_code, insert_claims, trays_by_code
from backend.canteens.refusals import TrayAlreadyClaimed, TrayClaimTooLate
from backend.canteens.trays import Seen, join
from backend.crediting.steps import Rulebook
from backend.errors import DomainError
from backend.ledger.queries import lock_accounts


class Scan(NamedTuple):
    """A member scanned a code.

    Attributes:
        copied: The tray whose evidence was put among the member's before; None when there was none
            yet.
    """

    account_id: UUID
    code_sha256: bytes
    copied: UUID | None


class Scanned(NamedTuple):
    """What a scan brought: the tray, or None while the device has not sent it."""

    tray: Tray | None
    is_replay: bool = False


Answer = Scanned | DomainError


async def write_scans(
    conn: AsyncConnection, scans: Sequence[Scan], rules: Rulebook
) -> list[Answer]:
    """Give trays to those who scan them first; a second scan by the same member is the same answer.

    Appends `CheckInReceived` for trays that are there. One that arrives later, or whose evidence
    has not been copied yet, is joined when it does.
    """
    locked = await lock_accounts(
        conn, [each.account_id for each in scans], clock_shift_s=rules.clock_shift_s
    )
    codes = [each.code_sha256 for each in scans]
    claims = dict(await claims_by_code(conn, codes))
    trays = await trays_by_code(conn, codes)
    answers: dict[int, Answer] = {}
    taking: dict[int, TrayClaim] = {}
    for index, each in enumerate(scans):
        fresh = TrayClaim(each.code_sha256, each.account_id, locked.now)
        tray = trays.get(each.code_sha256)
        answer = _decide(fresh, claims.get(each.code_sha256), tray)
        if answer is None:
            claims[each.code_sha256] = taking[index] = fresh
        answers[index] = answer or Scanned(tray)
    there = {
        index: (tray, claim.account_id)
        for index, claim in taking.items()
        if (tray := trays.get(claim.code_sha256)) and tray.id == scans[index].copied
    }
    for index, seen in zip(
        there, await join(conn, list(there.values()), rules, locked.now), strict=True
    ):
        answers[index] = Scanned(seen.tray) if isinstance(seen, Seen) else seen
    made = [claim for index, claim in taking.items() if isinstance(answers[index], Scanned)]
    if await insert_claims(conn, made) != len(made):
        raise BatchRaced
    return [answers[index] for index in range(len(scans))]


def _decide(fresh: TrayClaim, before: TrayClaim | None, tray: Tray | None) -> Answer | None:
    """The answer that needs no write, or None for a scan that takes a tray."""
    if before is not None:
        if before.account_id != fresh.account_id:
            return TrayAlreadyClaimed()
        return Scanned(tray, is_replay=True)
    if tray is None:
        return None
    if tray.status != "waiting" or not is_in_time(fresh.claimed_at, tray.taken_at):
        return TrayClaimTooLate()
    return None

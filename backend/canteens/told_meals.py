"""Events about meals meet the trays that they name: whose they are, and what became of them.

An event names a tray that waits; the tray then takes the way of every other one, from its member
to its score. The event counts when its check-in does, and is refused or lapses with it.
"""

from collections.abc import Mapping, Sequence, Set as AbstractSet
from functools import partial
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.checkins.domain import DECIDED, Status
from backend.crediting.steps import Rulebook
from backend.db import clock, fetch, run
from backend.errors import DomainError
from backend.intake.events.deciding import SCORE_WAIT
from backend.intake.events.domain import EventKey
from backend.intake.events.parked import decide_apart
from backend.intake.events.parked_queries import lock_waiting, unpark, wait_for_scores
from backend.intake.events.queries import KEYS, arrays_of, change_outcomes, key_of, pass_gate
from backend.intake.events.steps import reopen
from backend.partners.queries import Customer, linked_accounts

PORTION = 100  # as many as trays are joined at a time

# A device's trays are told by its own partner; who tells of others waits in vain.
_TOLD = (
    "parked_event AS told JOIN tray ON tray.device_id = CAST(split_part(awaited, ':', 1) AS uuid)"
    " AND tray.sequence = CAST(split_part(awaited, ':', 2) AS bigint)"
    " JOIN device ON device.id = tray.device_id AND device.partner_id = told.partner_id"
)
_OF_TRAYS = "waits_for IN ('tray', 'score')"
_READY = (
    f"FROM {_TOLD} LEFT JOIN check_in ON check_in.id = tray.check_in_id"
    f" WHERE {_OF_TRAYS} AND tray.status <> 'waiting'"
    " AND (waits_for = 'tray' OR check_in.status = ANY(CAST(:decided AS text[])))"
)


class Told(NamedTuple):
    """An event whose tray waits no more, with what that one has become.

    Attributes:
        owner: Whose check-in it is.
    """

    key: EventKey
    customer: Customer
    waits_for: str
    tray_status: str
    check_in_id: UUID | None
    owner: UUID | None
    status: str | None


async def settle_told_meals(engine: AsyncEngine, rules: Rulebook) -> int:
    """Give trays to whom events name, and decide the events whose trays are; return how many."""
    async with engine.begin() as conn:
        named = await _name_trays(conn)
        ready = await _find_ready(conn)
    return named + await decide_apart(engine, partial(_settle, rules=rules), ready, rules)


def outcome_of(told: Told, account_id: UUID | None, taken: AbstractSet[UUID]) -> str | None:
    """What an event has become; None until its plate is judged.

    Args:
        told: With its tray, which waits no more.
        account_id: The customer's; she may unlink once the tray is hers.
        taken: Check-ins that other events have told of.
    """
    if told.tray_status == "lapsed":
        return "lapsed"
    is_hers = told.waits_for == "score" or (told.owner is not None and told.owner == account_id)
    if told.check_in_id is None or told.check_in_id in taken or not is_hers:
        return "refused"
    if told.status in {Status.CREDITED, Status.REVERSED}:
        return "credited"
    return "refused" if told.status in DECIDED else None


async def _name_trays(conn: AsyncConnection) -> int:
    """Write beside waiting trays whose they are; what a card reader gave stays."""
    return await run(
        conn,
        "WITH named AS (SELECT tray.id, CAST(body AS jsonb) ->> 'subject' AS subject"
        f" FROM {_TOLD} WHERE {_OF_TRAYS} AND tray.status = 'waiting' AND subject_token IS NULL)"
        " UPDATE tray SET subject_token = subject FROM named"
        " WHERE tray.id = named.id AND status = 'waiting' AND subject_token IS NULL",
    )


async def _settle(
    conn: AsyncConnection, keys: Sequence[EventKey], rules: Rulebook
) -> list[bool | DomainError]:
    """Decide these; changes that waited for them are decided with them."""
    await pass_gate(conn)
    told = await _lock_told(conn, keys)
    accounts = await linked_accounts(conn, [each.customer for each in told])
    outcomes = _outcomes(told, accounts, await _taken(conn, told))
    now = await clock(conn, rules.clock_shift_s)
    judged = [(each, outcome) for each, outcome in outcomes if outcome is not None]
    # What was refused names no check-in: that one may be another event's.
    became = [
        (each.key, found, each.check_in_id if found == "credited" else None)
        for each, found in judged
    ]
    await change_outcomes(conn, became)
    await unpark(conn, [each.key for each, _ in judged])
    scoring = [each.key for each, outcome in outcomes if outcome is None]
    await wait_for_scores(conn, scoring, now + SCORE_WAIT)
    await reopen(conn, await lock_waiting(conn, [each.key for each, _ in judged]), rules)
    decided = {each.key for each in told}
    return [key in decided for key in keys]


def _outcomes(
    told: Sequence[Told], accounts: Mapping[Customer, UUID], taken: AbstractSet[UUID]
) -> list[tuple[Told, str | None]]:
    """Each sees the earlier ones: of two events about one tray the second is refused."""
    mine = set(taken)
    outcomes = []
    for each in told:
        outcome = outcome_of(each, accounts.get(each.customer), mine)
        if each.check_in_id is not None and outcome in {"credited", None}:
            mine.add(each.check_in_id)
        outcomes.append((each, outcome))
    return outcomes


async def _find_ready(conn: AsyncConnection) -> Sequence[EventKey]:
    """One portion of events whose tray waits no more, and is judged if they wait for that."""
    rows = await fetch(
        conn,
        f"SELECT told.partner_id, source, event_id {_READY} ORDER BY until LIMIT :portion",
        decided=sorted(DECIDED),
        portion=PORTION,
    )
    return [key_of(row) for row in rows]


async def _lock_told(conn: AsyncConnection, keys: Sequence[EventKey]) -> Sequence[Told]:
    """Those of these events that are ready still, locked in key order but for what others have.

    The tray is locked too: of two processors with two events about it one sees the other's.
    """
    rows = await fetch(
        conn,
        "SELECT told.partner_id, source, event_id, waits_for, tray.status AS tray_status,"
        " tray.check_in_id, check_in.account_id, check_in.status,"
        " CAST(body AS jsonb) ->> 'subject' AS subject"
        f" {_READY} AND (told.partner_id, source, event_id) IN"
        f" (SELECT asked.partner_id, asked.source, asked.event_id FROM {KEYS})"
        " ORDER BY told.partner_id, source, event_id FOR UPDATE OF told, tray SKIP LOCKED",
        **arrays_of(keys),
        decided=sorted(DECIDED),
    )
    return [
        Told(
            key_of(row),
            Customer(row.partner_id, row.subject),
            row.waits_for,
            row.tray_status,
            row.check_in_id,
            row.account_id,
            row.status,
        )
        for row in rows
    ]


async def _taken(conn: AsyncConnection, told: Sequence[Told]) -> AbstractSet[UUID]:
    """Those of the check-ins that another event has told of."""
    rows = await fetch(
        conn,
        "SELECT check_in_id FROM partner_event WHERE type = 'tanhui.meal.returned.v1'"
        " AND check_in_id = ANY(CAST(:ids AS uuid[]))",
        ids=[each.check_in_id for each in told if each.check_in_id],
    )
    return {row.check_in_id for row in rows}

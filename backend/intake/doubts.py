"""The batch in which operators decide over weights that are out of range."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.checkins.domain import Change, Status
from backend.checkins.queries import settle_check_ins
from backend.crediting.steps import Rulebook
from backend.errors import DomainError, NotFound
from backend.intake.bags import write_weighings
from backend.intake.domain import Weighing
from backend.ledger.queries import lock_accounts
from backend.recycling.domain import BagDoubtDecided, Doubt
from backend.recycling.doubt_queries import decide_doubts, doubts_by_id
from backend.recycling.queries import find_bags, lock_bags, wait_again

CREDITED, DISMISSED = "credited", "dismissed"


class DoubtDecision(NamedTuple):
    """What an operator says after a look.

    Attributes:
        outcome: `credited`, or `dismissed`: the bag can be weighed again.
        mass_g: What it weighs instead; None confirms what was reported.
    """

    doubt_id: UUID
    operator: str
    outcome: str
    mass_g: int | None = None


class DecidedDoubt(NamedTuple):
    """A doubt as it stands after the decision."""

    doubt: Doubt
    check_in_id: UUID
    is_replay: bool = False


Answer = DecidedDoubt | DomainError


async def write_doubt_decisions(
    conn: AsyncConnection, decisions: Sequence[DoubtDecision], rules: Rulebook
) -> list[Answer]:
    """Credit or dismiss doubtful weights; the same decision again is a replay, another refused.

    One by one: operators are few, and each decision is a batch of its own below.
    """
    seen = await doubts_by_id(conn, [each.doubt_id for each in decisions])
    bags = await find_bags(conn, [each.code for each in seen.values()])
    accounts = [bag.account_id for bag in bags.values() if bag.account_id]
    await lock_accounts(conn, accounts, clock_shift_s=rules.clock_shift_s)
    await lock_bags(conn, list(bags))
    return [await _decide(conn, each, seen, rules) for each in decisions]


async def _decide(
    conn: AsyncConnection,
    decision: DoubtDecision,
    seen: Mapping[UUID, Doubt],
    rules: Rulebook,
) -> Answer:
    if decision.doubt_id not in seen:
        return NotFound()
    doubt = (await doubts_by_id(conn, [decision.doubt_id]))[decision.doubt_id]
    bag = (await find_bags(conn, [doubt.code]))[doubt.code]
    assert bag.check_in_id is not None, "only bound bags are weighed"
    if doubt.outcome != "pending":
        told = (decision.outcome, decision.mass_g, decision.operator)
        if told == (doubt.outcome, doubt.mass_g_decided, doubt.decided_by):
            return DecidedDoubt(doubt, bag.check_in_id, is_replay=True)
        return BagDoubtDecided(outcome=doubt.outcome, decided_at=str(doubt.decided_at))
    if decision.outcome == DISMISSED:
        await _dismiss(conn, doubt, bag.check_in_id, rules)
    elif (refused := await _credit(conn, doubt, decision, rules)) is not None:
        return refused
    locked = await lock_accounts(conn, (), clock_shift_s=rules.clock_shift_s)
    decided = doubt._replace(
        outcome=decision.outcome,
        mass_g_decided=decision.mass_g,
        decided_by=decision.operator,
        decided_at=locked.now,
    )
    await decide_doubts(conn, [decided], locked.now)
    return DecidedDoubt(decided, bag.check_in_id)


async def _credit(
    conn: AsyncConnection, doubt: Doubt, decision: DoubtDecision, rules: Rulebook
) -> DomainError | None:
    """Weigh the bag as reported, or with the one mass that the operator found."""
    quantities = {"mass_g": decision.mass_g} if decision.mass_g else doubt.quantities
    weighing = Weighing(
        doubt.code,
        quantities,
        doubt.partner_id,
        doubt.actor,
        doubt.place,
        0 if decision.mass_g else doubt.residue_g,
        doubt.weighed_at,
        is_vouched=True,
        loss_g=None if decision.mass_g else doubt.loss_g,
    )
    [answer] = await write_weighings(conn, [weighing], rules)
    return answer if isinstance(answer, DomainError) else None


async def _dismiss(conn: AsyncConnection, doubt: Doubt, check_in_id: UUID, rules: Rulebook) -> None:
    """Let the bag wait for another weighing, with two weeks from now: the doubt took its time."""
    locked = await lock_accounts(conn, (), clock_shift_s=rules.clock_shift_s)
    again = Change(check_in_id, Status.BOUND, Status.BOUND)
    await settle_check_ins(conn, [again], locked.now)
    await wait_again(conn, [doubt.code], locked.now)

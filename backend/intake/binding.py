"""The batch that binds recycling bags to members."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.checkins.domain import CheckIn, Status
from backend.checkins.queries import insert_check_ins
from backend.crediting.steps import Rulebook
from backend.errors import DomainError
from backend.events import BAG_BOUND, Event
from backend.ids import uuid7
from backend.intake.domain import Binding, Received
from backend.ledger.queries import lock_accounts
from backend.outbox import append
from backend.recycling.codes import why_unknown
from backend.recycling.custody_queries import record_custody
from backend.recycling.domain import Actor, Bag, Custody, Step, why_not_bound
from backend.recycling.queries import BagBinding, bind_bags, lock_bags

Answer = Received | DomainError


async def write_bindings(
    conn: AsyncConnection, bindings: Sequence[Binding], rules: Rulebook
) -> list[Answer]:
    """Bind bags to members; whoever scans an own bag again gets the same check-in.

    A bag that has lapsed or is lost is refused, and one that was weighed to all but its owner.
    """
    locked = await lock_accounts(
        conn, [each.account_id for each in bindings], clock_shift_s=rules.clock_shift_s
    )
    bags = dict(await lock_bags(conn, [each.code for each in bindings]))
    answers: list[Answer] = []
    made: list[CheckIn] = []
    for each in bindings:
        answer = _bind(each, bags.get(each.code), locked.now, rules.claim_secret)
        if isinstance(answer, Received) and answer.check_in:
            made.append(answer.check_in)
            bags[each.code] = _bound(each, answer.check_in)
        answers.append(answer)
    await insert_check_ins(conn, made)
    await bind_bags(
        conn, [BagBinding(c.natural_key, c.account_id, c.id, c.region) for c in made], locked.now
    )
    links = [
        Custody(each.natural_key, Step.BOUND, locked.now, locked.now, Actor.MEMBER) for each in made
    ]
    await record_custody(conn, links)
    # A partner may have weighed it before. Whoever parks such an event holds the bag's row.
    await append(conn, [Event(BAG_BOUND, [c.account_id for c in made])] if made else [])
    return answers


def _bound(binding: Binding, check_in: CheckIn) -> Bag:
    return Bag(
        binding.code,
        binding.account_id,
        check_in.id,
        binding.region,
        check_in.received_at,
        check_in.received_at,
    )


def _bind(binding: Binding, bag: Bag | None, now: datetime, secret: bytes) -> Answer:
    if bag is None:
        return why_unknown(secret, binding.code)
    if bag.check_in_id is not None:
        refused = why_not_bound(bag, binding.account_id)
        return refused or Received(bag.check_in_id, is_replay=True)
    check_in = CheckIn(
        uuid7(),
        binding.account_id,
        "mixed_recycling",
        Status.BOUND,
        None,
        "documented",
        "member",
        binding.region,
        now,
        None,
        now,
        None,
        {},
        binding.code,
        None,
        None,
    )
    return Received(check_in.id, check_in)

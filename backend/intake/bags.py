"""The batch that weighs recycling bags, and takes in how they were sorted."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.checkins.bag_reasons import BAG_WEIGHT_IN_DOUBT
from backend.checkins.domain import Change, Status
from backend.checkins.queries import settle_check_ins
from backend.crediting.domain import Order
from backend.crediting.restatement import Restatement
from backend.crediting.restating import restate_batch
from backend.crediting.steps import Rulebook, credit_batch
from backend.errors import DomainError
from backend.intake.domain import Received, Weighing
from backend.intake.weighing import Decided, Seen, decide, links_of
from backend.ledger.queries import Locked, lock_accounts
from backend.partners.queries import record_reports
from backend.recycling.custody_queries import custody_of, record_custody
from backend.recycling.domain import Bag, Custody, Doubt, Step
from backend.recycling.doubt_queries import insert_doubts, open_doubts
from backend.recycling.queries import Weighed, find_bags, lock_bags, sort_bags, weigh_bags

Answer = Received | DomainError


async def write_weighings(
    conn: AsyncConnection, weighings: Sequence[Weighing], rules: Rulebook
) -> list[Answer]:
    """Credit bags with the weight that a station reports; the same weight again is the same answer.

    A first weight is credited, by its materials or at the lowest factor. Materials of a bag that
    has its weight replace what was credited. A weight out of range waits for an operator. Appends
    `CreditBooked` and `CreditRestated`. The bag is read before its account is known, and read again
    under its lock: accounts are locked before bags everywhere.
    """
    seen = await find_bags(conn, [each.code for each in weighings])
    accounts = {bag.account_id for bag in seen.values() if bag.account_id}
    found: dict[int, Answer] = {}
    leaders = _leaders(weighings)
    for indexes in _rounds(weighings, sorted(set(leaders))):
        told = [weighings[index] for index in indexes]
        written = await _write_round(conn, told, accounts, rules)
        found.update(zip(indexes, written, strict=True))
    return [
        found[leader] if leader == index else _again(found[leader])
        for index, leader in enumerate(leaders)
    ]


def _leaders(weighings: Sequence[Weighing]) -> list[int]:
    """For each weighing the first one that says the same; most say something of their own."""
    first: dict[object, int] = {}
    return [first.setdefault(_said(each), index) for index, each in enumerate(weighings)]


def _said(weighing: Weighing) -> object:
    """What makes two weighings the same; one key's refusal is no answer to another key."""
    quantities, *shares = weighing.told
    return (weighing.code, tuple(sorted(quantities.items())), *shares, weighing.reach)


def _rounds(weighings: Sequence[Weighing], indexes: Iterable[int]) -> list[list[int]]:
    """Weighings in rounds in which no bag stands twice, so that each sees what came before it."""
    times: Counter[str] = Counter()
    rounds: list[list[int]] = []
    for index in indexes:
        code = weighings[index].code
        if times[code] == len(rounds):
            rounds.append([])
        rounds[times[code]].append(index)
        times[code] += 1
    return rounds


def _again(answer: Answer) -> Answer:
    return answer if isinstance(answer, DomainError) else answer._replace(is_replay=True)


async def _write_round(
    conn: AsyncConnection,
    weighings: Sequence[Weighing],
    accounts: Collection[UUID],
    rules: Rulebook,
) -> list[Answer]:
    # Locked again in every round: what the one before has credited may have repaid a debt.
    locked = await lock_accounts(conn, accounts, clock_shift_s=rules.clock_shift_s)
    codes = [each.code for each in weighings]
    bags = await lock_bags(conn, codes)
    chains = await custody_of(conn, [code for code, bag in bags.items() if bag.sorted_at])
    sorting = {
        code: link for code, chain in chains.items() for link in chain if link.step is Step.SORTED
    }
    seen = Seen(bags, sorting, await open_doubts(conn, codes))
    decided = [decide(each, seen, locked, rules) for each in weighings]
    answers = {
        **await _credit(conn, weighings, decided, locked, rules),
        **await _sort(conn, weighings, decided, seen, rules),
        **await _doubt(conn, bags, decided, locked),
    }
    return [
        each if isinstance(each, Received | DomainError) else answers[index]
        for index, each in enumerate(decided)
    ]


async def _credit(
    conn: AsyncConnection,
    weighings: Sequence[Weighing],
    decided: Sequence[Decided],
    locked: Locked,
    rules: Rulebook,
) -> dict[int, Answer]:
    """Book first weights, and write down what the bags weigh."""
    orders = {index: each for index, each in enumerate(decided) if isinstance(each, Order)}
    if not orders:
        return {}
    outcomes = await credit_batch(conn, list(orders.values()), locked, rules)
    answers: dict[int, Answer] = {}
    booked: list[tuple[Weighing, Order]] = []
    for (index, order), outcome in zip(orders.items(), outcomes, strict=True):
        if isinstance(outcome, DomainError):
            answers[index] = outcome
        else:
            answers[index] = Received(order.check_in_id, None, outcome.credit)
            booked.append((weighings[index], order))
    await _write_weighed(conn, booked, locked)
    return answers


async def _write_weighed(
    conn: AsyncConnection, booked: Sequence[tuple[Weighing, Order]], locked: Locked
) -> None:
    changes = [
        Change(
            order.check_in_id,
            was=Status.BOUND,
            status=Status.CREDITED,
            quantities=order.quantities,
            action=order.action,
        )
        for _, order in booked
    ]
    await settle_check_ins(conn, changes, locked.now)
    await weigh_bags(
        conn,
        [Weighed(w.code, w.mass_g, order.occurred_at, w.is_sorted) for w, order in booked],
    )
    links: list[Custody] = []
    for each, order in booked:
        steps = (Step.WEIGHED, Step.SORTED) if each.is_sorted else (Step.WEIGHED,)
        links += links_of(each, order.occurred_at, locked.now, *steps)
    await record_custody(conn, links)
    reports = [(order.check_in_id, weighing.partner_id) for weighing, order in booked]
    await record_reports(conn, [(id, partner) for id, partner in reports if partner], locked.now)


async def _sort(
    conn: AsyncConnection,
    weighings: Sequence[Weighing],
    decided: Sequence[Decided],
    seen: Seen,
    rules: Rulebook,
) -> dict[int, Answer]:
    """Let materials take the place of the one weight that was credited."""
    asked = {index: each for index, each in enumerate(decided) if isinstance(each, Restatement)}
    if not asked:
        return {}
    # The same again, after the first weights of this round.
    accounts = [each.cause.account_id for each in asked.values()]
    locked = await lock_accounts(conn, accounts, clock_shift_s=rules.clock_shift_s)
    outcomes = await restate_batch(conn, list(asked.values()), locked, rules)
    answers: dict[int, Answer] = {}
    sorted_: list[Weighing] = []
    for (index, restatement), outcome in zip(asked.items(), outcomes, strict=True):
        if isinstance(outcome, DomainError):
            answers[index] = outcome
        else:
            answers[index] = Received(restatement.cause.check_in_id, None, outcome.credit)
            sorted_.append(weighings[index])
    await sort_bags(conn, [each.code for each in sorted_], locked.now)
    links: list[Custody] = []
    for each in sorted_:
        at = _sorted_at(each, seen.bags[each.code], locked)
        links += links_of(each, at, locked.now, Step.SORTED)
    await record_custody(conn, links)
    return answers


def _sorted_at(weighing: Weighing, bag: Bag, locked: Locked) -> datetime:
    """As reported, but never before the bag was weighed nor in the future."""
    assert bag.weighed_at is not None, "only weighed bags are sorted"
    return max(bag.weighed_at, min(weighing.weighed_at or locked.now, locked.now))


async def _doubt(
    conn: AsyncConnection, bags: Mapping[str, Bag], decided: Sequence[Decided], locked: Locked
) -> dict[int, Answer]:
    """Let weights out of range wait for an operator; the member sees that somebody looks."""
    doubts = {index: each for index, each in enumerate(decided) if isinstance(each, Doubt)}
    await insert_doubts(conn, list(doubts.values()))
    answers: dict[int, Answer] = {}
    changes = []
    for index, doubt in doubts.items():
        check_in_id = bags[doubt.code].check_in_id
        assert check_in_id is not None, "only bound bags are weighed"
        answers[index] = Received(check_in_id, waits=True)
        changes.append(Change(check_in_id, Status.BOUND, Status.BOUND, BAG_WEIGHT_IN_DOUBT))
    await settle_check_ins(conn, changes, locked.now)
    return answers

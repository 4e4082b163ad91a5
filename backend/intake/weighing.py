"""What a weighing means for a bag: an order to credit, a sorting, a doubt, or an answer at once.

Decisions over values that were read under the locks of the account and of the bag.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from backend.batches import BatchRaced
from backend.checkins.bag_reasons import BAG_SORTED
from backend.crediting.domain import Cause, Order, claim_key
from backend.crediting.restatement import Amendment, Restatement
from backend.crediting.steps import Rulebook
from backend.errors import DomainError
from backend.http.principal import Reach
from backend.ids import uuid7
from backend.intake.domain import Received, Weighing
from backend.ledger.queries import Locked
from backend.recycling.codes import why_unknown
from backend.recycling.domain import (
    Bag,
    BagAlreadySorted,
    BagAlreadyWeighed,
    BagLapsed,
    BagNotBound,
    Custody,
    Doubt,
    SortingNotFitting,
    Step,
    check_balance,
    doubt_of,
)
from scoring.methodology.regions import COUNTRY

Decided = Order | Restatement | Doubt | Received | DomainError


class Seen(NamedTuple):
    """What is known of the bags of a batch.

    Attributes:
        sorted: The sorting of each bag that was sorted.
        doubts: The doubt that is open about a bag.
    """

    bags: Mapping[str, Bag]
    sorted: Mapping[str, Custody]
    doubts: Mapping[str, Doubt]


def decide(weighing: Weighing, seen: Seen, locked: Locked, rules: Rulebook) -> Decided:
    """What to do about one weighing; the same one again is a replay of the same check-in."""
    bag = seen.bags.get(weighing.code)
    if bag is None:
        return why_unknown(rules.claim_secret, weighing.code)
    if bag.account_id is None or bag.check_in_id is None or bag.bound_at is None:
        return BagNotBound()
    if bag.account_id not in locked.points_debt:
        raise BatchRaced  # it was bound after we had looked whose accounts to lock
    if (refusal := why_unreached(bag, weighing.reach) or bag.why_ended()) is not None:
        return refusal
    if bag.weighed_at is not None:
        return _after_weighing(weighing, bag, seen.sorted.get(bag.code))
    doubt = seen.doubts.get(bag.code)
    if doubt is not None and not weighing.is_vouched:
        return _while_in_doubt(weighing, bag, doubt)
    at = moment_of(weighing, bag, locked.now)
    if bag.is_late(at):
        return BagLapsed()
    kind = None if weighing.is_vouched else doubt_of(weighing.mass_g)
    return _doubt(weighing, kind, at, locked.now) if kind else _order(weighing, bag, at, rules)


def why_unreached(bag: Bag, reach: Reach | None) -> DomainError | None:
    """The refusal of a key that does not report from where the bag was bound."""
    return reach.refusal_at(bag.region or COUNTRY) if reach else None


def moment_of(weighing: Weighing, bag: Bag, now: datetime) -> datetime:
    """When the bag was weighed: as reported, but never before it was bound nor in the future.

    Stations' clocks run a little wrong, and a weight is no less true for that.
    """
    assert bag.bound_at is not None, "only bound bags are weighed"
    return max(bag.bound_at, min(weighing.weighed_at or now, now))


def _after_weighing(weighing: Weighing, bag: Bag, sorting: Custody | None) -> Decided:
    assert bag.check_in_id is not None, "weighed, so bound"
    replay = Received(bag.check_in_id, is_replay=True)
    if not weighing.is_sorted:
        if bag.mass_g == weighing.mass_g:
            return replay
        return BagAlreadyWeighed(weighed_at=_written(bag.weighed_at), mass_g=bag.mass_g)
    if sorting is None:
        return _sorting(weighing, bag)
    is_same = weighing.told == (sorting.quantities, sorting.residue_g, sorting.loss_g)
    return replay if is_same else BagAlreadySorted(sorted_at=sorting.occurred_at.isoformat())


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _sorting(weighing: Weighing, bag: Bag) -> Decided:
    """Sorted weights take the place of the one weight, if they add up to it."""
    assert bag.check_in_id is not None, "weighed, so bound"
    assert bag.account_id is not None, "weighed, so bound"
    assert bag.mass_g is not None, "weighed, so it has a mass"
    try:
        check_balance(bag.mass_g, weighing.mass_g, states_loss=weighing.loss_g is not None)
    except SortingNotFitting as refusal:
        return refusal
    cause = Cause(uuid7(), bag.check_in_id, bag.account_id, BAG_SORTED)
    return Restatement(cause, Amendment(weighing.quantities, action=weighing.action))


def _while_in_doubt(weighing: Weighing, bag: Bag, doubt: Doubt) -> Decided:
    assert bag.check_in_id is not None, "only bound bags are weighed"
    if weighing.told == (doubt.quantities, doubt.residue_g, doubt.loss_g):
        return Received(bag.check_in_id, is_replay=True, waits=True)
    return BagAlreadyWeighed(weighed_at=doubt.weighed_at.isoformat(), mass_g=doubt.mass_g)


def _doubt(weighing: Weighing, kind: str, at: datetime, now: datetime) -> Doubt:
    return Doubt(
        uuid7(),
        weighing.code,
        kind,
        dict(weighing.quantities),
        weighing.residue_g,
        weighing.actor,
        weighing.partner_id,
        weighing.place,
        at,
        now,
        loss_g=weighing.loss_g,
    )


def _order(weighing: Weighing, bag: Bag, at: datetime, rules: Rulebook) -> Order:
    assert bag.check_in_id is not None, "only bound bags are weighed"
    assert bag.account_id is not None, "only bound bags are weighed"
    return Order(
        bag.check_in_id,
        bag.account_id,
        weighing.action,
        rules.catalogue.methodology_of(weighing.action),
        f"bag:{bag.code}",
        at,
        None,
        weighing.quantities,
        "documented",
        bag.region or "",
        claim_key(rules.claim_secret, "bag", bag.code),
    )


def links_of(weighing: Weighing, at: datetime, now: datetime, *steps: Step) -> list[Custody]:
    """The links that a weighing adds to its bag's chain."""
    link = Custody(
        weighing.code,
        Step.WEIGHED,
        at,
        now,
        weighing.actor,
        weighing.partner_id,
        weighing.place,
        weighing.mass_g,
    )
    sorting = link._replace(
        step=Step.SORTED,
        mass_g=weighing.sorted_g,
        quantities=dict(weighing.quantities),
        residue_g=weighing.residue_g,
        loss_g=weighing.loss_g,
    )
    return [sorting if step is Step.SORTED else link for step in steps]

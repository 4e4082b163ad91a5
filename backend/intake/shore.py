"""Weighing marine plastic at the shore: one transaction writes the hand-in and credits its grams.

Whoever the programme does not know is weighed too: her hand-in can be paid and has no account.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.checkins.domain import CheckIn, Status
from backend.checkins.queries import insert_check_ins
from backend.crediting.domain import Order, claim_key
from backend.crediting.steps import Rulebook, credit_batch
from backend.errors import DomainError
from backend.ids import uuid7
from backend.intake.domain import EvidenceTooLate
from backend.ledger.queries import Locked, lock_accounts
from backend.marine.domain import (
    HAND_IN_WAITS,
    HandInLapsed,
    HandInUnknown,
    HandInWeighed,
    Site,
    check_order,
    make_code,
)
from backend.marine.queries import HandIn, insert_hand_in, lock_hand_in, owner_of, write_weight
from backend.marine.steps import Recorder, own_site
from backend.partners.queries import Customer, SubjectNotLinked, linked_accounts, record_reports

ACTION = "marine_waste"


class ShoreWeighing(NamedTuple):
    """What a station's scale showed, and for whom.

    Attributes:
        code: Of a hand-in that a member has requested; else None.
        subject_token: The station's own name of a linked customer, such as her card; else None.
            Without both, somebody who is not registered: nobody is credited.
    """

    site_id: UUID
    material: str
    mass_g: int
    weighed_at: datetime
    recorder: Recorder
    reported_by: str
    code: str | None = None
    subject_token: str | None = None


async def weigh_hand_in(
    conn: AsyncConnection, asked: ShoreWeighing, rules: Rulebook
) -> tuple[UUID, bool]:
    """Write a weight and credit it; return the hand-in's id, and whether it stood already.

    A requested hand-in is weighed once: the same weight again is the same answer. Appends
    `CreditBooked` when there is somebody to credit.

    Raises:
        SiteElsewhere, RegionNotGranted, SubjectNotLinked, HandInUnknown, HandInLapsed,
        HandInWeighed, StepOutOfOrder, EvidenceTooLate, and what crediting refuses.
    """
    site = await own_site(conn, asked.site_id, asked.recorder, "shore")
    account_id = await _account_of(conn, asked)
    owners = [account_id] if account_id else []
    locked = await lock_accounts(conn, owners, clock_shift_s=rules.clock_shift_s)
    if asked.code is None:
        standing = _walk_in(asked, account_id, locked.now)
        await insert_hand_in(conn, standing)
    else:
        standing = await _requested(conn, asked.code)
        if standing.mass_g is not None:
            return _again(standing, asked), True
    _check_times(standing, asked, locked.now)
    if account_id is not None:
        order = _order(standing, account_id, asked, site, rules)
        await _credit(conn, order, asked, locked, rules)
        standing = standing._replace(check_in_id=order.check_in_id)
    weighed = standing._replace(
        site_id=site.id,
        kept_by=asked.recorder.principal_id,
        mass_g=asked.mass_g,
        weighed_at=asked.weighed_at,
        material=asked.material,
    )
    await write_weight(conn, weighed)
    return weighed.id, False


async def _account_of(conn: AsyncConnection, asked: ShoreWeighing) -> UUID | None:
    if asked.code is not None:
        return await owner_of(conn, asked.code)
    if asked.subject_token is None:
        return None
    customer = Customer(asked.recorder.partner_id, asked.subject_token)
    account_id = (await linked_accounts(conn, [customer])).get(customer)
    if account_id is None:
        raise SubjectNotLinked
    return account_id


def _walk_in(asked: ShoreWeighing, account_id: UUID | None, now: datetime) -> HandIn:
    """A hand-in that nobody had requested: the keeper helps."""
    return HandIn(uuid7(), make_code(), account_id, "keeper", asked.material, now)


async def _requested(conn: AsyncConnection, code: str) -> HandIn:
    standing = await lock_hand_in(conn, code)
    if standing is None:
        raise HandInUnknown
    return standing


def _again(standing: HandIn, asked: ShoreWeighing) -> UUID:
    told = (standing.site_id, standing.material, standing.mass_g)
    if told != (asked.site_id, asked.material, asked.mass_g):
        raise HandInWeighed(mass_g=standing.mass_g)
    return standing.id


def _check_times(standing: HandIn, asked: ShoreWeighing, now: datetime) -> None:
    if asked.code is not None and asked.weighed_at - standing.requested_at > HAND_IN_WAITS:
        raise HandInLapsed
    if asked.weighed_at < now - HAND_IN_WAITS:
        raise EvidenceTooLate(days=HAND_IN_WAITS.days)
    there_since = standing.requested_at if asked.code is not None else asked.weighed_at
    check_order([there_since], asked.weighed_at, now)


async def _credit(
    conn: AsyncConnection, order: Order, asked: ShoreWeighing, locked: Locked, rules: Rulebook
) -> None:
    [outcome] = await credit_batch(conn, [order], locked, rules)
    if isinstance(outcome, DomainError):
        raise outcome
    check_in = _check_in(order, asked.reported_by, locked.now)
    await insert_check_ins(conn, [check_in])
    await record_reports(conn, [(check_in.id, asked.recorder.partner_id)], locked.now)


def _order(
    standing: HandIn, account_id: UUID, asked: ShoreWeighing, site: Site, rules: Rulebook
) -> Order:
    return Order(
        uuid7(),
        account_id,
        ACTION,
        rules.catalogue.methodology_of(ACTION),
        f"hand-in:{standing.id}",
        asked.weighed_at,
        None,
        {f"mass_g.{asked.material}": asked.mass_g},
        "documented",
        site.region,
        # As an event of the station with the code as its receipt would: of both, one counts.
        claim_key(rules.claim_secret, "marine", str(site.partner_id), standing.code),
    )


def _check_in(order: Order, reported_by: str, now: datetime) -> CheckIn:
    return CheckIn(
        order.check_in_id,
        order.account_id,
        order.action,
        Status.CREDITED,
        None,
        order.tier,
        reported_by,
        order.region,
        order.occurred_at,
        None,
        now,
        now,
        order.quantities,
        order.natural_key,
        None,
        None,
    )

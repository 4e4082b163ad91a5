"""What people are paid for hand-ins: recorded once each, added up per keeper, never moved here.

The money itself is the partner's; the programme keeps what it says, in whole fen.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.marine.domain import (
    HandInNotWeighed,
    HandInPaid,
    HandInUnknown,
    check_order,
    payout_fen,
)
from backend.marine.queries import lock_hand_ins
from backend.marine.steps import Recorder, own_site


class Paying(NamedTuple):
    """A payment as the payer tells it."""

    hand_in_id: UUID
    fen_per_kg: int
    reference: str
    paid_at: datetime


_SHOWN = (
    "SELECT hand_in_id AS id, partner_id, site_id, kept_by, mass_g, fen_per_kg, amount_fen,"
    " reference, paid_at, recorded_at FROM marine_payout"
)
_OF_PERIOD = (
    " WHERE (CAST(:partner AS uuid) IS NULL OR partner_id = :partner)"
    " AND (paid_at AT TIME ZONE 'Asia/Shanghai')::date BETWEEN :since AND :until"
)


async def pay_hand_in(
    conn: AsyncConnection, asked: Paying, recorder: Recorder, now: datetime
) -> bool:
    """Record what a hand-in was paid; True when the very same payment stands already.

    Raises:
        HandInUnknown, HandInNotWeighed, SiteElsewhere, RegionNotGranted, StepOutOfOrder,
        HandInPaid.
    """
    hand_in = (await lock_hand_ins(conn, [asked.hand_in_id])).get(asked.hand_in_id)
    if hand_in is None:
        raise HandInUnknown
    if hand_in.site_id is None or hand_in.mass_g is None or hand_in.weighed_at is None:
        raise HandInNotWeighed
    await own_site(conn, hand_in.site_id, recorder)
    stands = await shown_payout(conn, asked.hand_in_id)
    if stands is not None:
        told = (stands.fen_per_kg, stands.reference, stands.paid_at)
        if told != (asked.fen_per_kg, asked.reference, asked.paid_at):
            raise HandInPaid(amount_fen=stands.amount_fen, paid_at=stands.paid_at.isoformat())
        return True
    check_order([hand_in.weighed_at], asked.paid_at, now)
    await run(
        conn,
        "INSERT INTO marine_payout (hand_in_id, partner_id, site_id, kept_by, mass_g, fen_per_kg,"
        " amount_fen, reference, paid_at, recorded_by, recorded_at) VALUES (:id, :partner, :site,"
        " :keeper, :mass, :price, :amount, :reference, :paid, :by, :now)",
        id=hand_in.id,
        partner=recorder.partner_id,
        site=hand_in.site_id,
        keeper=hand_in.kept_by,
        mass=hand_in.mass_g,
        price=asked.fen_per_kg,
        amount=payout_fen(hand_in.mass_g, asked.fen_per_kg),
        reference=asked.reference,
        paid=asked.paid_at,
        by=recorder.principal_id,
        now=now,
    )
    return False


async def shown_payout(conn: AsyncConnection, hand_in_id: UUID) -> Row[Any] | None:
    """What was paid for a hand-in."""
    return await fetch_one(conn, f"{_SHOWN} WHERE hand_in_id = :id", id=hand_in_id)


async def list_payouts(
    conn: AsyncConnection,
    partner_id: UUID | None,
    *,
    since: date,
    until: date,
    before_id: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Payouts of these Shanghai days, newest hand-in first."""
    return await fetch(
        conn,
        f"{_SHOWN}{_OF_PERIOD} AND (CAST(:before AS uuid) IS NULL OR hand_in_id < :before)"
        " ORDER BY hand_in_id DESC LIMIT :limit",
        partner=partner_id,
        since=since,
        until=until,
        before=before_id,
        limit=limit,
    )


async def payout_totals(
    conn: AsyncConnection, partner_id: UUID | None, *, since: date, until: date
) -> Sequence[Row[Any]]:
    """Hand-ins, grams and fen per site and keeper of these Shanghai days."""
    return await fetch(
        conn,
        "SELECT site_id, kept_by, count(*) AS hand_ins, sum(mass_g)::bigint AS mass_g,"
        f" sum(amount_fen)::bigint AS amount_fen FROM marine_payout{_OF_PERIOD}"
        " GROUP BY site_id, kept_by ORDER BY site_id, kept_by",
        partner=partner_id,
        since=since,
        until=until,
    )

"""What webhooks say of bookings, vouchers, corrections: ids and amounts, and no person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch
from backend.webhooks.domain import (
    VOUCHER_EXPIRED,
    VOUCHER_ISSUED,
    VOUCHER_RETURNED,
    VOUCHER_SETTLED,
    VOUCHER_UNDECIDED,
    VOUCHER_UNDONE,
)


class Fact(NamedTuple):
    """Something that happened to a thing of one owner.

    Attributes:
        subject_id: What happened, once for each endpoint: mostly the thing itself.
        data: What the message says, with units; never an account, a code or a place.
    """

    owner_id: UUID
    subject_id: UUID
    happened_at: datetime
    data: dict[str, Any]


class Subscription(NamedTuple):
    """An endpoint that wants to hear of one type."""

    endpoint_id: UUID
    owner_id: UUID
    event_type: str


async def subscriptions(conn: AsyncConnection, event_types: Sequence[str]) -> list[Subscription]:
    """Endpoints for each of these types; also a disabled one, which may be enabled again."""
    rows = await fetch(
        conn,
        "SELECT id, owner_id, wanted FROM webhook_endpoint"
        " JOIN unnest(CAST(:types AS text[])) AS given(wanted) ON wanted = ANY(event_types)"
        " WHERE status <> 'deleted' ORDER BY id, wanted",
        types=list(event_types),
    )
    return [Subscription._make(row) for row in rows]


async def credited(
    conn: AsyncConnection, credit_ids: Sequence[UUID], partner_ids: Sequence[UUID]
) -> list[Fact]:
    """Bookings of check-ins that these partners reported."""
    rows = await fetch(
        conn,
        "SELECT partner_id, credit.id, booked_at, check_in_id, booking, action, grams FROM credit"
        " JOIN partner_report USING (check_in_id) WHERE credit.id = ANY(CAST(:ids AS uuid[]))"
        " AND partner_id = ANY(CAST(:partners AS uuid[]))",
        ids=list(credit_ids),
        partners=list(partner_ids),
    )
    return [
        Fact(
            row.partner_id,
            row.id,
            row.booked_at,
            {
                "check_in_id": row.check_in_id,
                "credit_id": row.id,
                "booking": row.booking,
                "action": row.action,
                "reduction": {"amount": row.grams, "unit": "gCO2e"},
            },
        )
        for row in rows
    ]


async def reversed_for_good(
    conn: AsyncConnection, reversal_ids: Sequence[UUID], partner_ids: Sequence[UUID]
) -> list[Fact]:
    """Reversals that no new booking replaced: the check-in counts no longer.

    Where one did, its own booking says what counts.
    """
    rows = await fetch(
        conn,
        "SELECT partner_id, reversal.id, reversed_at, old.check_in_id, old.id AS credit_id,"
        " old.booking, old.action, old.grams FROM reversal"
        " JOIN credit AS old ON old.id = reversal.credit_id"
        " JOIN partner_report ON partner_report.check_in_id = old.check_in_id"
        " LEFT JOIN credit AS new ON new.check_in_id = old.check_in_id"
        " AND new.booking = old.booking + 1"
        " WHERE reversal.id = ANY(CAST(:ids AS uuid[])) AND new.id IS NULL"
        " AND partner_id = ANY(CAST(:partners AS uuid[]))",
        ids=list(reversal_ids),
        partners=list(partner_ids),
    )
    return [
        Fact(
            row.partner_id,
            row.id,
            row.reversed_at,
            {
                "check_in_id": row.check_in_id,
                "credit_id": row.credit_id,
                "booking": row.booking,
                "action": row.action,
                "reversed": {"amount": row.grams, "unit": "gCO2e"},
            },
        )
        for row in rows
    ]


# When a voucher became what its event says; later events must not move it.
_WHEN = {
    VOUCHER_ISSUED: "voucher.issued_at",
    VOUCHER_SETTLED: "settlement.settled_at",
    VOUCHER_UNDONE: "undo.undone_at",
    VOUCHER_EXPIRED: "voucher.expires_at",
    VOUCHER_RETURNED: "call.ended_at",
    VOUCHER_UNDECIDED: "call.ask_until",
}


async def vouchers(
    event_type: str, conn: AsyncConnection, ids: Sequence[UUID], merchant_ids: Sequence[UUID]
) -> list[Fact]:
    """Vouchers of these merchants; never the code, which is worth what the voucher is.

    A voucher is undecided once for each day of asking. Where a person has had the partner asked
    again before anybody was told, there is nothing to tell until that day is over, too.
    """
    rows = await fetch(
        conn,
        f"SELECT voucher.merchant_id, voucher.id, {_WHEN[event_type]} AS happened_at,"
        " voucher.reward_id, voucher.points, settlement.id AS settlement_id, store_id, ticket,"
        " call.status AS call_status"
        " FROM voucher LEFT JOIN settlement ON settlement.voucher_id = voucher.id"
        " LEFT JOIN settlement_undo AS undo ON undo.settlement_id = settlement.id"
        " LEFT JOIN partner_call AS call ON call.voucher_id = voucher.id"
        " WHERE voucher.id = ANY(CAST(:ids AS uuid[]))"
        " AND voucher.merchant_id = ANY(CAST(:merchants AS uuid[]))",
        ids=list(ids),
        merchants=list(merchant_ids),
    )
    is_undecided = event_type == VOUCHER_UNDECIDED
    return [
        Fact(
            row.merchant_id,
            uuid5(row.id, row.happened_at.isoformat()) if is_undecided else row.id,
            row.happened_at,
            _voucher_data(event_type, row),
        )
        for row in rows
        if not (is_undecided and row.call_status == "calling")
    ]


def _voucher_data(event_type: str, row: Row[Any]) -> dict[str, Any]:
    data = {
        "voucher_id": row.id,
        "reward_id": row.reward_id,
        "points": {"amount": row.points, "unit": "points"},
    }
    if event_type in {VOUCHER_SETTLED, VOUCHER_UNDONE}:
        data |= {
            "settlement_id": row.settlement_id,
            "store_id": row.store_id,
            "ticket": row.ticket,
        }
    return data


async def corrections_asked(
    conn: AsyncConnection, correction_ids: Sequence[UUID], merchant_ids: Sequence[UUID]
) -> list[Fact]:
    """Corrections of settlements with these merchants, as they were proposed."""
    rows = await _corrections(conn, correction_ids, merchant_ids)
    return [Fact(row.merchant_id, row.id, row.proposed_at, _correction_data(row)) for row in rows]


async def corrections_decided(
    conn: AsyncConnection, correction_ids: Sequence[UUID], merchant_ids: Sequence[UUID]
) -> list[Fact]:
    """The same with what a second person has said."""
    rows = await _corrections(conn, correction_ids, merchant_ids)
    return [
        Fact(
            row.merchant_id,
            row.id,
            row.decided_at,
            {**_correction_data(row), "outcome": row.outcome},
        )
        for row in rows
    ]


async def _corrections(
    conn: AsyncConnection, ids: Sequence[UUID], merchant_ids: Sequence[UUID]
) -> Sequence[Row[Any]]:
    return await fetch(
        conn,
        "SELECT merchant_id, id, settlement_id, points, outcome, proposed_at, decided_at"
        " FROM settlement_correction WHERE id = ANY(CAST(:ids AS uuid[]))"
        " AND merchant_id = ANY(CAST(:merchants AS uuid[]))",
        ids=list(ids),
        merchants=list(merchant_ids),
    )


def _correction_data(row: Row[Any]) -> dict[str, Any]:
    return {
        "correction_id": row.id,
        "settlement_id": row.settlement_id,
        "points": {"amount": row.points, "unit": "points"},
    }


async def low_stock(
    conn: AsyncConnection, alert_ids: Sequence[UUID], merchant_ids: Sequence[UUID]
) -> list[Fact]:
    """Stock of these merchants that has run low."""
    rows = await fetch(
        conn,
        "SELECT merchant_id, id, raised_at, reward_id, pieces_left, low_stock_at FROM stock_alert"
        " WHERE id = ANY(CAST(:ids AS uuid[])) AND merchant_id = ANY(CAST(:merchants AS uuid[]))",
        ids=list(alert_ids),
        merchants=list(merchant_ids),
    )
    return [
        Fact(
            row.merchant_id,
            row.id,
            row.raised_at,
            {
                "alert_id": row.id,
                "reward_id": row.reward_id,
                "left": {"amount": row.pieces_left, "unit": "pieces"},
                "low_stock_at": {"amount": row.low_stock_at, "unit": "pieces"},
            },
        )
        for row in rows
    ]

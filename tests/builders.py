"""Values that are valid by default; a test names only what it is about."""

from datetime import UTC, datetime

from backend.checkins.domain import CheckIn, Status
from backend.crediting.domain import Order, claim_key
from backend.db import run
from backend.ids import uuid7
from backend.ledger.queries import lock_accounts, open_account

SECRET = b"\x07" * 32
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai


def make_order(account_id, **changes):
    order = Order(
        check_in_id=uuid7(),
        account_id=account_id,
        action="clean_plate",
        methodology_id="TPH-FOOD-01",
        natural_key=str(uuid7()),
        occurred_at=NOON,
        ended_at=None,
        quantities={"meals": 1},
        tier="documented",
        region="330100",
        claim=None,
    )
    return order._replace(**changes)


def make_claim(*parts):
    return claim_key(SECRET, *parts)


async def saved_account(engine, *, points=1_000_000):
    account_id = uuid7()
    async with engine.begin() as conn:
        await open_account(conn, account_id, "member")
        if points:
            await run(conn, "UPDATE fund SET budget = budget + :points", points=points)
            share = points // 8
            await run(conn, "UPDATE fund_slice SET available = available + :share", share=share)
    return account_id


def make_check_in(**changes):
    check_in_id = uuid7()
    check_in = CheckIn(
        id=check_in_id,
        account_id=uuid7(),
        action="clean_plate",
        status=Status.RECEIVED,
        reason=None,
        tier="documented",
        reported_by="member",
        region="330100",
        occurred_at=NOON,
        ended_at=None,
        received_at=NOON,
        decided_at=None,
        quantities={"meals": 1},
        natural_key=str(check_in_id),
        evidence_sha256=None,
        meal_window=None,
    )
    return check_in._replace(**changes)


__all__ = [
    "NOON",
    "SECRET",
    "lock_accounts",
    "make_check_in",
    "make_claim",
    "make_order",
    "saved_account",
]

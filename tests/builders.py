"""Values that are valid by default; a test names only what it is about."""

from datetime import UTC, datetime

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


__all__ = ["NOON", "SECRET", "lock_accounts", "make_claim", "make_order", "saved_account"]

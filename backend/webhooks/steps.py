"""React to events: make one delivery per endpoint that may and wants to hear of it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import run
from backend.events import (
    CREDIT_BOOKED,
    CREDIT_RESTATED,
    SETTLEMENT_CORRECTION_ASKED,
    SETTLEMENT_CORRECTION_DECIDED,
    STOCK_LOW,
    VOUCHER_EXPIRED,
    VOUCHER_ISSUED,
    VOUCHER_RETURNED,
    VOUCHER_SETTLED,
    VOUCHER_UNDECIDED,
    VOUCHER_UNDONE,
)
from backend.ids import uuid7
from backend.outbox import CHANNEL, Work
from backend.webhooks import domain
from backend.webhooks.delivery_queries import insert_messages
from backend.webhooks.domain import CHECK_IN_CREDITED, CHECK_IN_REVERSED, Message
from backend.webhooks.event_queries import (
    Fact,
    Subscription,
    corrections_asked,
    corrections_decided,
    credited,
    low_stock,
    reversed_for_good,
    subscriptions,
    vouchers,
)

Load = Callable[[AsyncConnection, Sequence[UUID], Sequence[UUID]], Awaitable[list[Fact]]]

# What an event of ours is called outside, and how it is read.
ANNOUNCED: Mapping[str, tuple[str, Load]] = {
    CREDIT_BOOKED: (CHECK_IN_CREDITED, credited),
    CREDIT_RESTATED: (CHECK_IN_REVERSED, reversed_for_good),
    VOUCHER_ISSUED: (domain.VOUCHER_ISSUED, partial(vouchers, domain.VOUCHER_ISSUED)),
    VOUCHER_SETTLED: (domain.VOUCHER_SETTLED, partial(vouchers, domain.VOUCHER_SETTLED)),
    VOUCHER_UNDONE: (domain.VOUCHER_UNDONE, partial(vouchers, domain.VOUCHER_UNDONE)),
    VOUCHER_EXPIRED: (domain.VOUCHER_EXPIRED, partial(vouchers, domain.VOUCHER_EXPIRED)),
    VOUCHER_RETURNED: (domain.VOUCHER_RETURNED, partial(vouchers, domain.VOUCHER_RETURNED)),
    SETTLEMENT_CORRECTION_ASKED: (domain.SETTLEMENT_CORRECTION_ASKED, corrections_asked),
    SETTLEMENT_CORRECTION_DECIDED: (domain.SETTLEMENT_CORRECTION_DECIDED, corrections_decided),
    STOCK_LOW: (domain.REWARD_STOCK_LOW, low_stock),
    VOUCHER_UNDECIDED: (domain.VOUCHER_UNDECIDED, partial(vouchers, domain.VOUCHER_UNDECIDED)),
}

_encode = msgspec.json.Encoder().encode


async def webhook_step(conn: AsyncConnection, works: Sequence[Work]) -> None:
    """Make the deliveries of these events, in the transaction that deletes their work.

    A second run of the same work finds its deliveries there and makes none.
    """
    by_event: dict[str, list[UUID]] = {}
    for work in works:
        by_event.setdefault(work.event, []).extend(work.ids)
    asked = await subscriptions(conn, [ANNOUNCED[event][0] for event in by_event])
    if not asked:
        return
    messages: list[Message] = []
    for event, ids in by_event.items():
        event_type, load = ANNOUNCED[event]
        wanted = [each for each in asked if each.event_type == event_type]
        if wanted:
            facts = await load(conn, ids, sorted({each.owner_id for each in wanted}))
            messages += messages_of(wanted, facts)
    if await insert_messages(conn, messages):
        await run(conn, f"NOTIFY {CHANNEL}")


def messages_of(wanted: Iterable[Subscription], facts: Sequence[Fact]) -> list[Message]:
    """One message per fact and endpoint of its owner."""
    return [
        Message(
            uuid7(),
            each.endpoint_id,
            each.event_type,
            fact.subject_id,
            body_of(each.event_type, fact.happened_at, fact.data),
        )
        for each in wanted
        for fact in facts
        if fact.owner_id == each.owner_id
    ]


def body_of(event_type: str, happened_at: datetime, data: Mapping[str, object]) -> str:
    """The body of a message, as it is signed."""
    return _encode(
        {"type": event_type, "timestamp": happened_at.astimezone(UTC), "data": data}
    ).decode()

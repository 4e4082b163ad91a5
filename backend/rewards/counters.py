"""Who stands at the till: a signed-in person, a till by its key, or both."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.errors import DomainError
from backend.http.principal import Principal
from backend.partners.queries import verify_key
from backend.rewards.domain import CASHIER, MANAGER
from backend.rewards.merchant_queries import Counter, Till, key_of_till, till_of_key
from backend.rewards.refusals import TillUnknown
from backend.rewards.staff_queries import staff_of

KEY_PRINCIPAL = "key:"


async def counter_of(conn: AsyncConnection, principal: Principal, till_key: str | None) -> Counter:
    """For whom and where the caller settles.

    Raises:
        NotStaff: The person works for no merchant.
        TillUnknown: The key is of no till, or of another merchant's.
    """
    if principal.partner_id is not None:
        till = await till_of_key(conn, principal.id.removeprefix(KEY_PRINCIPAL))
        if till is None:
            raise TillUnknown
        return Counter(principal.id, till.merchant_id, till.store_id, till.id)
    staff = await staff_of(conn, principal.id, MANAGER, CASHIER)
    if till_key is None:
        return Counter(principal.id, staff.merchant_id, None, None)
    till = await _till(conn, till_key)
    if till is None or till.merchant_id != staff.merchant_id:
        raise TillUnknown
    return Counter(principal.id, staff.merchant_id, till.store_id, till.id)


async def till_counter(conn: AsyncConnection, principal: Principal, till_id: UUID) -> Counter:
    """A till of the manager's merchant as its key settles.

    Raises:
        NotStaff: The caller manages no merchant.
        TillUnknown: No till of this merchant, or nobody has enrolled it.
    """
    staff = await staff_of(conn, principal.id, MANAGER)
    key_id = await key_of_till(conn, staff.merchant_id, till_id)
    if key_id is None:
        raise TillUnknown
    return Counter(f"{KEY_PRINCIPAL}{key_id}", staff.merchant_id, None, till_id)


class Asked(NamedTuple):
    """A caller, and the key of the till that she works at."""

    principal: Principal
    till_key: str | None


async def find_counters(
    conn: AsyncConnection, asked: Sequence[Asked]
) -> list[Counter | DomainError]:
    """Counters of many callers on one connection: two hundred tills at once need no more."""
    found: dict[Asked, Counter | DomainError] = {}
    for each in asked:
        if each not in found:
            try:
                found[each] = await counter_of(conn, each.principal, each.till_key)
            except DomainError as refusal:
                found[each] = refusal
    return [found[each] for each in asked]


async def _till(conn: AsyncConnection, till_key: str) -> Till | None:
    key = await verify_key(conn, till_key)
    return await till_of_key(conn, key.id) if key else None

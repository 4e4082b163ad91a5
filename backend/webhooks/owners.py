"""For whom a caller may manage endpoints: a partner's key, a merchant's manager, an operator."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch_one
from backend.http.principal import Principal, roles, scopes
from backend.http.problem import Fault
from backend.http.refusals import Forbidden, ValidationFailed
from backend.partners.queries import partner_exists
from backend.webhooks.bodies import OwnerBody
from backend.webhooks.domain import MERCHANT, PARTNER, Owner, Stop, WebhookOwnerMissing

WEBHOOK_MANAGE = "webhook.manage"  # a key of its own: what reports rides must not redirect events
MANAGER = "merchant_manager"
_OPERATORS = frozenset({"operator", "admin"})
_ONLOOKERS = _OPERATORS | {"auditor"}

MANAGES = roles("operator", "admin", MANAGER) | scopes(WEBHOOK_MANAGE)
LOOKS = MANAGES | roles("auditor")


async def owner_of(conn: AsyncConnection, caller: Principal) -> Owner | None:
    """Whose endpoints the caller may see and change; None for officials, who see all.

    Raises:
        Forbidden: A manager whom no merchant has made one.
    """
    if caller.partner_id is not None:
        return Owner(PARTNER, caller.partner_id)
    if caller.roles & _ONLOOKERS:
        return None
    row = await fetch_one(
        conn,
        "SELECT merchant_id FROM merchant_staff WHERE subject = :subject AND role = :role"
        " AND is_active",
        subject=caller.id,
        role=MANAGER,
    )
    if row is None:
        raise Forbidden
    return Owner(MERCHANT, row.merchant_id)


async def owner_named(conn: AsyncConnection, caller: Principal, named: OwnerBody | None) -> Owner:
    """For whom an endpoint is registered: the caller's own side, or whom an operator names.

    Raises:
        ValidationFailed: Somebody else than an operator names an owner.
        WebhookOwnerMissing: An operator names none, or one that does not exist.
    """
    own = await owner_of(conn, caller)
    if own is not None:
        if named is not None:
            raise ValidationFailed(errors=(Fault("/owner", "unexpected"),))
        return own
    if named is None or not await _exists(conn, named):
        raise WebhookOwnerMissing
    return Owner(named.kind, named.id)


async def _exists(conn: AsyncConnection, named: OwnerBody) -> bool:
    if named.kind == PARTNER:
        return await partner_exists(conn, named.id)
    found: Any = await fetch_one(conn, "SELECT id FROM merchant WHERE id = :id", id=named.id)
    return found is not None


def stopped_by(caller: Principal) -> Stop:
    """Which reason stands on an endpoint that this caller disables."""
    return Stop.OPERATOR if caller.roles & _OPERATORS else Stop.OWNER

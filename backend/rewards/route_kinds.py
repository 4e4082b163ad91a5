"""The two kinds of route that repeat in this room, and who may call them."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BUSY
from backend.errors import DomainError
from backend.http.cursors import PageQuery
from backend.http.principal import Policy, roles, scopes
from backend.http.routes import Answer, Call, Route
from backend.idempotency import IdempotencyKeyReused
from backend.rewards.domain import CASHIER, MANAGER
from backend.rewards.staff_queries import staff_of

VOUCHER_SETTLE = "voucher.settle"  # scope of a till's key
LOOK_EVERY_S = 0.3  # for whoever waits: a person or a partner's system needs seconds to answer
OPERATES = roles("operator", "admin")
AUDITS = OPERATES | roles("auditor")
MANAGES = roles(MANAGER)
WORKS = roles(MANAGER, CASHIER)
SETTLES = WORKS | scopes(VOUCHER_SETTLE)

Handler = Callable[[Call[Any, Any]], Awaitable[Answer]]
Refusals = tuple[type[DomainError], ...]


def makes(
    path: str,
    handler: Any,
    *,
    policy: Policy,
    body: Any,
    answer: Any,
    words: tuple[str, str],
    problems: Refusals = (),
    idempotency: Literal["required", "optional"] = "required",
    answers: tuple[int, ...] = (201,),
) -> Route[Any, Any]:
    """A POST that makes one resource for each Idempotency-Key; `words` in English and Chinese."""
    return Route(
        "POST",
        path,
        handler,
        policy=policy,
        summary=words[0],
        summary_zh=words[1],
        body=body,
        answers=dict.fromkeys(answers, answer),
        problems=(*problems, IdempotencyKeyReused, *BUSY),
        idempotency=idempotency,
    )


def lists(
    path: str,
    handler: Any,
    *,
    policy: Policy,
    page: Any,
    words: tuple[str, str],
    problems: Refusals = (),
    query: type[Any] = PageQuery,
) -> Route[Any, Any]:
    """A GET that gives one page of a list."""
    return Route(
        "GET",
        path,
        handler,
        policy=policy,
        summary=words[0],
        summary_zh=words[1],
        query=query,
        answers={200: page},
        problems=problems,
    )


async def merchant_of(conn: AsyncConnection, call: Call[Any, Any], *roles: str) -> UUID:
    """The merchant that the caller works for.

    Raises:
        NotStaff: The token has the role, but nobody has made her staff of a merchant.
    """
    return (await staff_of(conn, call.principal.id, *(roles or (MANAGER, CASHIER)))).merchant_id

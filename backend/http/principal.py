"""Who calls, and which routes are open to whom. Whoever is not let in by a policy stays out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from aiohttp import web

from backend.errors import DomainError, NotFound


class Reach(Protocol):
    """What the key of a system may report; the room that makes keys decides."""

    def refusal_of(self, *, source: str, event_type: str, region: str | None) -> DomainError | None:
        """Why an event of this source, type and region may not come with the key, or None.

        Without a region nothing is said of where.
        """

    def refusal_of_own(self, *, event_type: str, region: str) -> DomainError | None:
        """The same of a report that names no source: the partner itself speaks."""

    def refusal_at(self, region: str) -> DomainError | None:
        """Why nothing may be reported from this region with the key, or None."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose identity has been verified.

    Attributes:
        id: Stable name of the principal; keys, cursors and limits are bound to it.
        account_id: The carbon account, when the principal is a member with one.
        scopes: What a partner's or device's key may do, such as `bag.weigh`.
        reach: What a partner's or device's key may report; None for people.
        is_phone_verified: The issuer vouches for a phone number; we never see the number.
    """

    id: str
    roles: frozenset[str] = frozenset()
    account_id: UUID | None = None
    scopes: frozenset[str] = frozenset()
    partner_id: UUID | None = None
    reach: Reach | None = None
    is_phone_verified: bool = False

    @property
    def own_account(self) -> UUID:
        """The caller's carbon account.

        Raises:
            NotFound: The caller is a system or an official, who has none.
        """
        if self.account_id is None:
            raise NotFound
        return self.account_id


Authenticate = Callable[[web.Request], Awaitable[Principal | None]]


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may call a route: everybody, or a principal that holds one of these roles or scopes."""

    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    everybody: bool = False

    def allows(self, principal: Principal | None) -> bool:
        """Answer no unless a role or scope says yes."""
        if self.everybody:
            return True
        if principal is None:
            return False
        return bool(self.roles & principal.roles or self.scopes & principal.scopes)

    def __or__(self, other: "Policy") -> "Policy":
        return Policy(
            self.roles | other.roles,
            self.scopes | other.scopes,
            self.everybody or other.everybody,
        )


PUBLIC = Policy(everybody=True)


def roles(*names: str) -> Policy:
    """Let in principals that hold one of these roles."""
    return Policy(roles=frozenset(names))


def scopes(*names: str) -> Policy:
    """Let in principals whose key carries one of these scopes."""
    return Policy(scopes=frozenset(names))

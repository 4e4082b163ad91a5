"""Who calls: a member by token, a partner or device by key; and the account behind a member."""

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from uuid import UUID

from aiohttp import hdrs, web
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.http.principal import Principal
from backend.http.tokens import Claims, TokenVerifier
from backend.members.steps import find_account, join
from backend.partners.domain import Key
from backend.partners.queries import KEY_PREFIX, note_use, verify_key

KEY_CACHED_S = 5.0  # a revoked key stops working within this time
KEYS_CACHED_MAX = 1_000
ACCOUNTS_CACHED_MAX = 100_000  # the mapping of a member never changes while it exists
SCHEME = "bearer "
MEMBER = "member"


@dataclass(slots=True)
class SignIn:
    """Turns a request into a principal; `verifier` is None where no issuer is configured."""

    engine: AsyncEngine
    verifier: TokenVerifier | None
    _accounts: OrderedDict[str, UUID] = field(default_factory=OrderedDict)
    _keys: OrderedDict[bytes, tuple[float, Key | None]] = field(default_factory=OrderedDict)

    async def authenticate(self, request: web.Request) -> Principal | None:
        """The caller, or None for nobody.

        Raises:
            Unauthenticated: Credentials that are not good.
        """
        credentials = request.headers.getall(hdrs.AUTHORIZATION, [])
        if len(credentials) == 1 and credentials[0].lower().startswith(f"{SCHEME}{KEY_PREFIX}_"):
            return await self._by_key(credentials[0][len(SCHEME) :].strip())
        if self.verifier is None:
            return None
        claims = await self.verifier.claims_of(request)
        return await self._by_claims(claims) if claims else None

    async def _by_key(self, text: str) -> Principal | None:
        digest = hashlib.sha256(text.encode()).digest()
        known = self._keys.get(digest)
        if known is None or time.monotonic() - known[0] > KEY_CACHED_S:
            known = (time.monotonic(), await self._verified(text))
            self._keys[digest] = known
            if len(self._keys) > KEYS_CACHED_MAX:
                self._keys.popitem(last=False)
        key = known[1]
        if key is None:
            return None
        return Principal(
            id=f"key:{key.id}",
            roles=frozenset({key.kind}),
            scopes=key.scopes,
            partner_id=key.partner_id,
            reach=key.grants,
        )

    async def _verified(self, text: str) -> Key | None:
        async with self.engine.connect() as conn:
            key = await verify_key(conn, text)
        if key is not None and key.is_first_today:
            async with self.engine.begin() as conn:
                await note_use(conn, key.id)
        return key

    async def _by_claims(self, claims: Claims) -> Principal:
        subject = f"{claims['iss']}|{claims['sub']}"
        roles = frozenset(str(role) for role in claims.get("roles", ()))
        account_id = await self._account_of(subject) if MEMBER in roles else None
        is_phone_verified = claims.get("phone_number_verified") is True  # OpenID Connect Core, 5.1
        return Principal(
            id=subject,
            roles=roles,
            account_id=account_id,
            is_phone_verified=is_phone_verified,
        )

    async def _account_of(self, subject: str) -> UUID:
        """The member's account; the first request of a new member makes it."""
        if subject in self._accounts:
            return self._accounts[subject]
        async with self.engine.begin() as conn:
            account_id = await find_account(conn, subject) or await join(conn, subject)
        self._accounts[subject] = account_id
        if len(self._accounts) > ACCOUNTS_CACHED_MAX:
            self._accounts.popitem(last=False)
        return account_id

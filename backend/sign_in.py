"""Who calls: a member by token, a partner or device by key or by what it signs; and the account."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from aiohttp import hdrs, web
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.http.principal import Principal
from backend.http.refusals import SignatureNotValid, SignatureStale
from backend.http.signed import SIGNED_ID, signed_content
from backend.http.tokens import Claims, TokenVerifier
from backend.members.steps import find_account, join
from backend.partners.domain import Key
from backend.partners.queries import KEY_PREFIX, find_signing_key, note_use, verify_key
from backend.partners.signing_keys import verifying_key
from backend.sealing import Sealer
from backend.signatures import read_signature

KEY_CACHED_S = 5.0  # a revoked key stops working within this time
KEYS_CACHED_MAX = 1_000
ACCOUNTS_CACHED_MAX = 100_000  # the mapping of a member never changes while it exists
BEARER, SIGNATURE = "bearer ", "signature "
MEMBER = "member"

Found = TypeVar("Found")


class Verifying(NamedTuple):
    """A key that signs, with what verifies it, opened."""

    key: Key
    algorithm: str
    material: bytes


@dataclass(slots=True)
class Remembered(Generic[Found]):
    """What was looked up a moment ago, by what it was asked with; also that nothing was found."""

    _known: OrderedDict[bytes, tuple[float, Found | None]] = field(default_factory=OrderedDict)

    async def find(self, asked: bytes, look: Callable[[], Awaitable[Found | None]]) -> Found | None:
        """The answer of `look`, at most `KEY_CACHED_S` old."""
        known = self._known.get(asked)
        if known is None or time.monotonic() - known[0] > KEY_CACHED_S:
            known = self._known[asked] = (time.monotonic(), await look())
            if len(self._known) > KEYS_CACHED_MAX:
                self._known.popitem(last=False)
        return known[1]


@dataclass(slots=True)
class SignIn:
    """Turns a request into a principal.

    Attributes:
        verifier: None where no issuer is configured.
        clock: Seconds since 1970; signatures are compared with it, and it is never shifted.
    """

    engine: AsyncEngine
    verifier: TokenVerifier | None
    sealer: Sealer
    clock: Callable[[], float] = time.time
    _accounts: OrderedDict[str, UUID] = field(default_factory=OrderedDict)
    _keys: Remembered[Key] = field(default_factory=Remembered[Key])
    _signing: Remembered[Verifying] = field(default_factory=Remembered[Verifying])
    _noted: dict[str, Verifying] = field(default_factory=dict)

    async def authenticate(self, request: web.Request) -> Principal | None:
        """The caller, or None for nobody.

        Raises:
            Unauthenticated: Credentials that are not good.
            SignatureNotValid, SignatureStale: The same, of a request that is signed.
        """
        credentials = request.headers.getall(hdrs.AUTHORIZATION, [])
        # Octets that are no text come as halves of characters; neither a key nor a token has them.
        is_one = len(credentials) == 1 and credentials[0].isascii()
        scheme = credentials[0].lower() if is_one else ""
        if scheme.startswith(f"{BEARER}{KEY_PREFIX}_"):
            return await self._by_key(credentials[0][len(BEARER) :].strip())
        if scheme.startswith(f"{SIGNATURE}{KEY_PREFIX}_"):
            return await self._by_signature(request, credentials[0][len(SIGNATURE) :].strip())
        if self.verifier is None:
            return None
        claims = await self.verifier.claims_of(request)
        return await self._by_claims(claims) if claims else None

    async def _by_key(self, text: str) -> Principal | None:
        async def look() -> Key | None:
            async with self.engine.connect() as conn:
                key = await verify_key(conn, text)
            await self._note(key)
            return key

        key = await self._keys.find(hashlib.sha256(text.encode()).digest(), look)
        return _principal_of(key) if key else None

    async def _by_signature(self, request: web.Request, name: str) -> Principal:
        """The key that signed; the body is read once the key is known and the time is right."""
        message = read_signature(
            *(request.headers.get(f"webhook-{each}") for each in ("id", "timestamp", "signature"))
        )
        known = await self._signing.find(name.encode(), partial(self._look_up, name))
        if message is None or known is None:
            raise SignatureNotValid
        if not message.is_fresh(self.clock()):
            raise SignatureStale
        content = await signed_content(request)
        if not message.is_signed_by(known.algorithm, known.material, content):
            raise SignatureNotValid
        request[SIGNED_ID] = message.message_id
        await self._note_signing(known)
        return _principal_of(known.key)

    async def _look_up(self, name: str) -> Verifying | None:
        async with self.engine.connect() as conn:
            found = await find_signing_key(conn, name.removeprefix(f"{KEY_PREFIX}_"))
        if found is None:
            return None
        return Verifying(found.key, found.algorithm, verifying_key(found, self.sealer))

    async def _note_signing(self, known: Verifying) -> None:
        """Note a key once it has signed: its name is no secret, so to name it is no use of it."""
        if self._noted.get(known.key.id) is not known:
            self._noted[known.key.id] = known
            await self._note(known.key)

    async def _note(self, key: Key | None) -> None:
        """Say that a key is in use, once a day."""
        if key is not None and key.is_first_today:
            async with self.engine.begin() as conn:
                await note_use(conn, key.id)

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


def _principal_of(key: Key) -> Principal:
    return Principal(
        id=f"key:{key.id}",
        roles=frozenset({key.kind}),
        scopes=key.scopes,
        partner_id=key.partner_id,
        reach=key.grants,
    )

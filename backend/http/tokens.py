"""Bearer tokens: a JSON Web Token becomes claims, or the caller is nobody.

Algorithms are pinned, keys come from one issuer only, and nothing in a token's header makes us look
anywhere else. What claims mean is decided above.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import hdrs, web
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key

from backend.http.json_body import parse
from backend.http.jwks import JwksCache
from backend.http.problem import Refusal
from backend.http.refusals import Unauthenticated

ALGORITHMS: Final = ("RS256", "ES256", "Ed25519")  # RFC 8725: a list, and no symmetric ones
LEEWAY_S: Final = 60  # clocks of phones and issuers differ
CACHED_S: Final = 60.0  # a verified token is not verified again; revocation takes that long at most
CACHED_TOKENS: Final = 10_000  # about 10 MB of claims
TOKEN_CHARACTERS_MAX: Final = 4_096
SUBJECT_CHARACTERS_MAX: Final = 255  # OpenID Connect Core 1.0, section 2; longer fits no index

_HEADER_MEMBERS: Final = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256"})
_TOKEN_TYPES: Final = frozenset({"jwt", "at+jwt"})
_ALGORITHM_OF_KEY: Final = {"RSA": "RS256", "P-256": "ES256", "Ed25519": "Ed25519"}
_BEARER = re.compile(r"bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)", re.IGNORECASE)

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """Whose tokens, made for whom, are good here."""

    issuer: str
    audience: str


class TokenVerifier:
    """Verifies tokens of one issuer and remembers the good ones for a minute.

    Attributes:
        clock: Seconds since 1970; expiry is compared with it.
    """

    def __init__(self, rules: TokenRules, keys: JwksCache, *, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._keys = keys
        self._clock = clock
        self._verified: dict[bytes, tuple[Claims, float]] = {}

    async def claims_of(self, request: web.Request) -> Claims | None:
        """Give the claims of the request's token, None when it brings no credentials.

        Raises:
            Unauthenticated: Credentials of another kind, or a token that is not good.
        """
        token = bearer_token(request)
        return None if token is None else await self.verify(token)

    async def verify(self, token: str) -> Claims:
        """Give the claims of a good token.

        Raises:
            Unauthenticated: Whatever is wrong; the reason helps only those who forge.
        """
        digest = hashlib.sha256(token.encode()).digest()
        now = self._clock()
        known = self._verified.get(digest)
        if known and now < known[1]:
            return known[0]
        claims = await self._verify(token, now)
        self._remember(digest, claims, min(now + CACHED_S, claims["exp"] + LEEWAY_S))
        return claims

    async def _verify(self, token: str, now: float) -> Claims:
        try:
            signature = jws.extract_compact(token.encode())
            header = signature.headers()
            key = await self._keys.find(_key_id(header))
            if key is None or header["alg"] != _algorithm_of(key):
                raise Unauthenticated
            jws.deserialize_compact(token, key, algorithms=list(ALGORITHMS))
            claims = parse(signature.payload)
        except (JoseError, ValueError, KeyError, TypeError, Refusal):
            raise Unauthenticated from None
        if not isinstance(claims, dict) or not _are_good(claims, self._rules, now):
            raise Unauthenticated
        return claims

    def _remember(self, digest: bytes, claims: Claims, until: float) -> None:
        self._verified.pop(digest, None)
        self._verified[digest] = (claims, until)
        if len(self._verified) > CACHED_TOKENS:
            del self._verified[next(iter(self._verified))]


def bearer_token(request: web.Request) -> str | None:
    """Give the only bearer token of a request; None when there is no Authorization at all.

    Raises:
        Unauthenticated: Two fields, another scheme, or what cannot be a token.
    """
    fields = request.headers.getall(hdrs.AUTHORIZATION, [])
    if not fields:
        return None
    match = _BEARER.fullmatch(fields[0]) if len(fields) == 1 else None
    if match is None or len(match[1]) > TOKEN_CHARACTERS_MAX:
        raise Unauthenticated
    return match[1]


def _key_id(header: Mapping[str, Any]) -> str:
    """Give the key id of a header that says nothing but what it may."""
    is_plain = header.keys() <= _HEADER_MEMBERS
    token_type = header.get("typ", "JWT")
    key_id = header.get("kid")
    if not is_plain or not isinstance(token_type, str) or token_type.lower() not in _TOKEN_TYPES:
        raise Unauthenticated
    if header.get("alg") not in ALGORITHMS or not isinstance(key_id, str):
        raise Unauthenticated
    return key_id


def _algorithm_of(key: Key) -> str | None:
    """Give the one algorithm that a key is good for, whatever a token says."""
    kind = key.get("crv", key.key_type)
    return _ALGORITHM_OF_KEY.get(str(kind))


def _are_good(claims: Claims, rules: TokenRules, now: float) -> bool:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    subject = claims.get("sub")
    return (
        claims.get("iss") == rules.issuer
        and rules.audience in audiences
        and isinstance(subject, str)
        and 0 < len(subject) <= SUBJECT_CHARACTERS_MAX
        and isinstance(claims.get("roles", []), list)
        and _is_time(claims.get("exp"))
        and claims["exp"] + LEEWAY_S > now
        and _is_past(claims.get("nbf", 0), now)
        and _is_past(claims.get("iat", 0), now)
    )


def _is_time(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_past(value: Any, now: float) -> bool:
    return _is_time(value) and value <= now + LEEWAY_S

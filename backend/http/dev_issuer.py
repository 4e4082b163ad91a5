"""An issuer for demos and tests: whoever asks becomes whoever they name. Never in production.

Its key is made at start and lives in this process only, so its tokens die with it.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey

from backend.http.principal import PUBLIC
from backend.http.routes import Answer, Call, Route
from backend.http.tokens import TokenRules

TOKEN_LIFE_S: Final = 3_600  # a demo is shown for an hour
ROLES_MAX: Final = 16

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class TokenRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who the bearer shall be."""

    subject: Word
    roles: Annotated[list[Word], msgspec.Meta(max_length=ROLES_MAX)]
    name: Word | None = None
    phone_number_verified: bool = False


class IssuedToken(msgspec.Struct, frozen=True):
    """An OAuth 2.0 token answer."""

    access_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - the scheme's name


class IssuerDocument(msgspec.Struct, frozen=True):
    """What OpenID Connect clients need to find the keys."""

    issuer: str
    jwks_uri: str


class KeyDocument(msgspec.Struct, frozen=True):
    """A JSON Web Key Set."""

    keys: list[dict[str, str]]


class DevIssuer:
    """Makes tokens for the rules it is given.

    Attributes:
        clock: Seconds since 1970, written into the tokens.
    """

    def __init__(self, rules: TokenRules, *, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._clock = clock
        self._key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)

    def issue(
        self,
        subject: str,
        *,
        roles: list[str],
        name: str | None = None,
        is_phone_verified: bool = False,
    ) -> str:
        """Make a token that is good for an hour."""
        now = int(self._clock())
        claims: dict[str, Any] = {
            "iss": self._rules.issuer,
            "aud": self._rules.audience,
            "sub": subject,
            "roles": roles,
            "iat": now,
            "exp": now + TOKEN_LIFE_S,
        }
        if name is not None:
            claims["name"] = name
        if is_phone_verified:
            claims["phone_number_verified"] = True
        return jwt.encode({"alg": "ES256", "kid": self._key.kid}, claims, self._key)

    async def fetch_keys(self) -> bytes:
        """Give the key set to a JwksCache of the same process, without a socket."""
        return msgspec.json.encode(self._keys())

    def routes(self) -> list[Route[Any, Any]]:
        """Give the routes to mount, in a demo or a test."""
        return [
            Route(
                "POST",
                "/dev-issuer/token",
                self._answer_token,
                policy=PUBLIC,
                body=TokenRequest,
                answers={200: IssuedToken},
                summary="Development only: become anybody.",
                summary_zh="仅供开发:获取任意身份的令牌",
            ),
            Route(
                "GET",
                "/dev-issuer/jwks",
                self._answer_keys,
                policy=PUBLIC,
                answers={200: KeyDocument},
                summary="Development only: the issuer's public key.",
                summary_zh="仅供开发:签发方公钥",
            ),
            Route(
                "GET",
                "/dev-issuer/.well-known/openid-configuration",
                self._answer_issuer,
                policy=PUBLIC,
                answers={200: IssuerDocument},
                summary="Development only: where the key is.",
                summary_zh="仅供开发:签发方配置",
            ),
        ]

    def _keys(self) -> KeyDocument:
        public = self._key.as_dict(private=False)
        return KeyDocument(
            [{name: str(value) for name, value in public.items() if name != "key_ops"}]
        )

    async def _answer_token(self, call: Call[TokenRequest, None]) -> Answer:
        asked = call.body
        token = self.issue(
            asked.subject,
            roles=asked.roles,
            name=asked.name,
            is_phone_verified=asked.phone_number_verified,
        )
        return Answer(IssuedToken(token, TOKEN_LIFE_S))

    async def _answer_keys(self, _: Call[None, None]) -> Answer:
        return Answer(self._keys())

    async def _answer_issuer(self, _: Call[None, None]) -> Answer:
        issuer = self._rules.issuer
        return Answer(IssuerDocument(issuer, f"{issuer}/jwks"))

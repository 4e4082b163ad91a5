"""Forged, stale and foreign tokens, made with real keys."""

import asyncio
import base64
import json

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from backend.http.dev_issuer import DevIssuer
from backend.http.jwks import JwksCache
from backend.http.refusals import Unauthenticated
from backend.http.tokens import TokenRules, TokenVerifier
from tests.http.sample_api import Server, make_app, start

NOW = 1_795_000_000
RULES = TokenRules(issuer="https://issuer.test", audience="tanhui")
CLAIMS = {"iss": RULES.issuer, "aud": RULES.audience, "sub": "m-1", "iat": NOW, "exp": NOW + 600}
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed", "use": "sig"})
OTHER = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})


class Clock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


class Issuer:
    """Serves a key set, counts how often, and can be down."""

    def __init__(self, *keys) -> None:
        self.keys = list(keys)
        self.is_down = False
        self.fetches = 0

    async def fetch(self) -> bytes:
        self.fetches += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise OSError("down")
        return json.dumps(KeySet(self.keys).as_dict(private=False)).encode()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(EC, RSA, ED)


@pytest.fixture
def verifier(issuer, clock) -> TokenVerifier:
    return TokenVerifier(RULES, JwksCache(issuer.fetch, clock=clock), clock=clock)


def make_token(key=EC, alg="ES256", header=None, **changes) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    fields = {"alg": alg, "kid": key.kid} | (header or {})
    return jwt.encode(fields, claims, key, algorithms=[alg], registry=None)


def raw_token(header, claims, signature="AAAA") -> str:
    def part(value) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part(header)}.{part(claims)}.{signature}"


@pytest.mark.parametrize(("key", "alg"), [(EC, "ES256"), (RSA, "RS256"), (ED, "Ed25519")])
async def test_each_pinned_algorithm_verifies(verifier, key, alg) -> None:
    assert (await verifier.verify(make_token(key, alg)))["sub"] == "m-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW - 61},
        {"exp": None},
        {"exp": str(NOW + 600)},
        {"exp": NOW + 600.5},
        {"exp": True},
        {"nbf": NOW + 61},
        {"iat": NOW + 3_600},
        {"iat": "yesterday"},
        {"iss": None},
        {"iss": "https://other.test"},
        {"aud": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": "m" * 256},
        {"roles": "admin"},
        {"roles": 5},
    ],
)
async def test_a_token_with_another_claim_is_refused(verifier, changes) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(make_token(**changes))


@pytest.mark.parametrize(
    "changes",
    [{"exp": NOW - 59}, {"nbf": NOW + 59}, {"iat": NOW + 59}, {"aud": ["other", "tanhui"]}],
)
async def test_clocks_may_differ_by_a_minute(verifier, changes) -> None:
    assert await verifier.verify(make_token(**changes))


FORGED = {
    "none": raw_token({"alg": "none", "kid": "ec"}, CLAIMS),
    "no algorithm": raw_token({"kid": "ec"}, CLAIMS),
    "symmetric with the public key": jwt.encode(
        {"alg": "HS256", "kid": "rsa"},
        CLAIMS,
        OctKey.import_key(b"public key of the issuer, thirty-two bytes"),
    ),
    "another key under a known id": make_token(OTHER),
    "unknown key id": make_token(header={"kid": "gone"}),
    "path as key id": make_token(header={"kid": "../../dev/null"}),
    "no key id": raw_token({"alg": "ES256"}, CLAIMS),
    "number as key id": raw_token({"alg": "ES256", "kid": 7}, CLAIMS),
    "key set address": make_token(header={"jku": "https://evil.test/jwks"}),
    "own key": raw_token({"alg": "ES256", "kid": "ec", "jwk": {}}, CLAIMS),
    "critical": raw_token({"alg": "ES256", "kid": "ec", "crit": ["exp"]}, CLAIMS),
    "other token type": make_token(header={"typ": "logout+jwt"}),
    "algorithm of another key": raw_token({"alg": "RS256", "kid": "ec"}, CLAIMS),
    "flipped signature": make_token()[:-6] + "AAAAAA",
    "trailing dot": make_token() + ".",
    "no signature": make_token().rpartition(".")[0] + ".",
    "not a token": "a.b.c",
    "claims not an object": raw_token({"alg": "ES256", "kid": "ec"}, [1]),
    "five parts": "a.b.c.d.e",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
async def test_a_forged_token_is_refused(verifier, token) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_a_verified_token_is_remembered_for_a_minute_only(verifier, clock, issuer) -> None:
    token = make_token()
    await verifier.verify(token)
    issuer.keys.clear()
    clock.now += 59
    assert await verifier.verify(token)
    clock.now += 600
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_a_remembered_token_still_expires(verifier, clock) -> None:
    token = make_token(exp=NOW - 50)
    await verifier.verify(token)
    clock.now += 11
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_many_callers_share_one_fetch(verifier, issuer) -> None:
    tokens = [make_token(sub=f"m-{number}") for number in range(20)]
    async with asyncio.TaskGroup() as group:
        for token in tokens:
            group.create_task(verifier.verify(token))
    assert issuer.fetches == 1


async def test_unknown_key_ids_fetch_at_most_once_per_interval(verifier, issuer, clock) -> None:
    for number in range(5):
        with pytest.raises(Unauthenticated):
            await verifier.verify(make_token(header={"kid": f"gone-{number}"}))
    assert issuer.fetches == 1
    issuer.keys.append(ECKey.import_key(OTHER.as_dict(private=True) | {"kid": "next"}))
    clock.now += 31
    assert await verifier.verify(make_token(OTHER, header={"kid": "next"}))


async def test_known_keys_outlive_an_outage_of_the_issuer(verifier, issuer, clock) -> None:
    await verifier.verify(make_token())
    issuer.is_down = True
    clock.now += 601
    assert await verifier.verify(make_token(exp=NOW + 5_000))
    assert issuer.fetches == 2


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": "EC", "crv": "BP-256", "x": "AA", "y": "AA", "kid": "odd"},
        {"kty": "OKP", "crv": "X9", "x": "AA", "kid": "odd"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "odd"},
        {"kid": "odd"},
        "odd",
    ],
)
async def test_a_key_of_a_kind_that_nobody_knows_locks_nobody_out(odd, clock) -> None:
    async def fetch() -> bytes:
        known = KeySet([EC]).as_dict(private=False)["keys"]
        return json.dumps({"keys": [odd, *known]}).encode()

    verifier = TokenVerifier(RULES, JwksCache(fetch, clock=clock), clock=clock)
    assert await verifier.verify(make_token(key=EC, alg="ES256"))


async def test_a_symmetric_key_in_the_set_is_not_used(clock) -> None:
    secret = OctKey.generate_key(256, {"kid": "secret"})

    async def fetch() -> bytes:
        return json.dumps({"keys": [secret.as_dict(private=True)]}).encode()

    keys = JwksCache(fetch, clock=clock)
    assert await keys.find("secret") is None


async def test_the_development_issuer_signs_what_the_verifier_takes(clock) -> None:
    issuer = DevIssuer(RULES, clock=clock)
    verifier = TokenVerifier(RULES, JwksCache(issuer.fetch_keys, clock=clock), clock=clock)
    runner, port = await start(make_app(issuer.routes()))
    server = Server(runner.app, port)
    try:
        body = {"subject": "m-7", "roles": ["member"], "name": "小林"}
        reply = await server.request("POST", "/dev-issuer/token", body=body)
        keys = await server.request("GET", "/dev-issuer/jwks")
    finally:
        await runner.cleanup()
    claims = await verifier.verify(reply.json()["access_token"])
    assert (claims["sub"], claims["roles"], claims["name"]) == ("m-7", ["member"], "小林")
    assert "d" not in keys.json()["keys"][0]

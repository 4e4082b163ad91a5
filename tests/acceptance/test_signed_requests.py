"""A partner that signs: what opens, what does not, and what a message does the second time."""

import asyncio
import base64
import hashlib
import json
import os
import re
import time
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from yarl import URL

from backend.partners.domain import KeyTerms
from backend.partners.signing_keys import issue_hmac_key, issue_public_key
from backend.sealing import make_sealer
from backend.signatures import sign_ed25519, sign_hmac, signed_bytes
from tests.acceptance.running_service import METRO, RECYCLER, Caller
from tests.builders import SECRET
from tests.unit.test_signatures import VECTORS

SEED = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()


class Signer:
    """Sends signed requests; every part of a signature can be given instead of made."""

    def __init__(self, service, name, sign):
        self.caller, self.name, self.sign = Caller(service.session), name, sign

    async def send(self, method, path, body=b"", *, content=None, signature=None, at_s=0, **fields):
        sent_id, stamp = fields.pop("id", uuid4().hex), int(time.time()) + at_s
        content = body if content is None else content
        headers = {
            "Authorization": f"Signature {self.name}",
            "webhook-id": sent_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature or self.sign(signed_bytes(sent_id, stamp, content)),
            "Content-Type": "application/json",
        }
        headers |= {name.replace("_", "-"): value for name, value in fields.items()}
        return await self.caller.send(method, path, headers=headers, data=body)

    async def weigh(self, code, mass_g, *, signed_code=None, **parts):
        """Weigh a bag; the address is part of what is signed."""
        path, body = "/v1/bags/{}/weighings", json.dumps({"mass_g": mass_g}).encode()
        line = f"POST {path.format(signed_code or code)}\n".encode()
        return await self.send("POST", path.format(code), body, content=line + body, **parts)


async def hmac_signer(service, partner_id=RECYCLER, scope="bag.weigh", kind="device"):
    sealer = make_sealer("", SECRET)
    async with service.engine.begin() as conn:
        made = await issue_hmac_key(conn, partner_id, KeyTerms(kind, [scope]), sealer)
    secret = base64.b64decode(made.secret.removeprefix("whsec_"))
    return Signer(service, made.name, lambda signed: sign_hmac(secret, signed))


async def ed25519_signer(service):
    async with service.engine.begin() as conn:
        name = await issue_public_key(conn, RECYCLER, KeyTerms("device", ["bag.weigh"]), PUBLIC)
    return Signer(service, name, lambda signed: sign_ed25519(SEED, signed))


@pytest.mark.parametrize("signer", [hmac_signer, ed25519_signer])
async def test_a_signed_weighing_is_credited_and_the_same_message_again_says_the_same(
    api_alone, signer
):
    member, scale = await api_alone.member(), await signer(api_alone)
    await member.bind("BAG00001")
    message = {"id": "weighing-00000000001", "at_s": -270}
    first = await scale.weigh("BAG00001", 1_000, **message)
    assert first.status == 201, first.body
    before = await api_alone.row_counts()
    again = await scale.weigh("BAG00001", 1_000, **message)
    assert (again.status, again.json()) == (200, first.json())
    assert await api_alone.row_counts() == before


async def test_what_is_signed_wrongly_opens_nothing_and_says_why(api_alone):
    member, scale = await api_alone.member(), await hmac_signer(api_alone)
    await member.bind("BAG00001")
    await member.bind("BAG00002")
    before = await api_alone.row_counts()
    other = await ed25519_signer(api_alone)
    unknown = Signer(api_alone, "thk_0000000000000000", scale.sign)
    stale, invalid = "signature-stale", "signature-not-valid"
    for reply, problem in (
        (await scale.weigh("BAG00001", 1_000, at_s=-301), stale),
        (await scale.weigh("BAG00001", 1_000, at_s=+302), stale),
        (await scale.weigh("BAG00001", 1_000, signature="v1,AAAA"), invalid),
        (await scale.weigh("BAG00001", 1_000, signature="v9,AAAA"), invalid),
        (await scale.weigh("BAG00001", 1_000, signed_code="BAG00002"), invalid),
        (await scale.weigh("BAG00001", 1_000, webhook_id="of-another-message"), invalid),
        (await scale.weigh("BAG00001", 1_000, Authorization=f"Signature {other.name}"), invalid),
        (await scale.weigh("BAG00001", 1_000, ce_id="not-signed"), invalid),
        (await unknown.weigh("BAG00001", 1_000), invalid),
    ):
        assert (reply.status, reply.problem) == (401, problem), reply.body
    after = await api_alone.row_counts()
    assert {
        name: after[name] - count for name, count in before.items() if after[name] != count
    } == {
        "partner_key": 1  # the other signer
    }


async def test_a_key_is_in_use_when_it_has_signed_and_not_when_somebody_names_it(api_alone):
    member, scale = await api_alone.member(), await hmac_signer(api_alone)
    await member.bind("BAG00001")
    used = f"SELECT last_used_on FROM partner_key WHERE id = '{scale.name[4:]}'"
    for wrong in ({"signature": "v1,AAAA"}, {"at_s": -301}, {"webhook_id": "."}):
        assert (await scale.weigh("BAG00001", 1_000, **wrong)).status == 401
    assert await api_alone.value(used) is None
    assert (await scale.weigh("BAG00001", 1_000)).status == 201
    assert await api_alone.value(used) is not None


@pytest.mark.parametrize(
    "credentials",
    [b"Bearer thk_\xff_\xff", b"Signature thk_\xff", b"Bearer thk_0123456789abcdef_\xc3("],
)
async def test_credentials_that_are_no_text_open_nothing(api_alone, credentials):
    url = URL(api_alone.base)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        b"GET /v1/webhook-endpoints HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
        b"webhook-id: 1\r\nwebhook-timestamp: 1\r\nwebhook-signature: v1,AAAA\r\n"
        b"Authorization: " + credentials + b"\r\n\r\n"
    )
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_a_key_that_signs_is_no_bearer_and_a_bearer_does_not_sign(api_alone):
    scale = await hmac_signer(api_alone)
    as_bearer = Caller(api_alone.session, f"{scale.name}_{os.urandom(32).hex()}")
    assert (await as_bearer.weigh("BAG00001", mass_g=1)).problem == "unauthenticated"
    bearer = api_alone.keys["scale"]
    scale.name = "_".join(bearer.split("_")[:2])
    scale.sign = lambda signed: sign_hmac(bearer.split("_")[2].encode(), signed)
    assert (await scale.weigh("BAG00001", 1)).problem == "signature-not-valid"


async def test_the_signed_id_is_the_idempotency_key(api_alone):
    await api_alone.link_card("card-1", "li")
    metro = await hmac_signer(api_alone, METRO, "trip.report", "partner")
    now = int(time.time())
    trip = {
        "kind": "trip", "mode": "metro", "subject_token": "card-1", "distance_m": 12_000,
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 1_800)),
        "ended_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 600)),
    }  # fmt: skip
    body = json.dumps(trip).encode()
    first = await metro.send("POST", "/v1/check-ins", body, id="ride-000000000000001")
    assert first.status == 201, first.body
    again = await metro.send("POST", "/v1/check-ins", body, id="ride-000000000000001")
    assert (again.status, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    other_key = {"id": "ride-000000000000001", "Idempotency_Key": "another-0000000000001"}
    refused = await metro.send("POST", "/v1/check-ins", body, **other_key)
    assert (refused.status, refused.problem) == (400, "idempotency-key-missing")


async def test_a_signed_form_is_held_to_its_digest(api_alone):
    metro = await hmac_signer(api_alone, METRO, "trip.report", "partner")
    form = b'--b\r\nContent-Disposition: form-data; name="capture"\r\n\r\nx\r\n--b--\r\n'
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(form).digest()).decode()}:"
    fields = {"Content_Type": "multipart/form-data; boundary=b", "Content_Digest": digest}
    signed = {"content": digest.encode(), **fields}
    whole = await metro.send("POST", "/v1/check-ins", form, **signed)
    assert (whole.status, whole.problem) == (422, "validation")  # let in, and the photo is missing
    cut = await metro.send("POST", "/v1/check-ins", form.replace(b"x", b"y"), **signed)
    assert (cut.status, cut.problem) == (400, "malformed-request")
    del signed["Content_Digest"]
    bare = await metro.send("POST", "/v1/check-ins", form, **signed)
    assert (bare.status, bare.problem) == (401, "signature-not-valid")


async def test_a_body_that_is_too_large_is_not_read_for_its_signature(api_alone):
    scale = await hmac_signer(api_alone)
    reply = await scale.weigh("BAG00001", "9" * 70_000)
    assert reply.status == 413


async def test_a_secret_rests_sealed(api_alone):
    scale = await hmac_signer(api_alone)
    [row] = await api_alone.fetch("SELECT * FROM partner_key WHERE algorithm = 'v1'")
    assert (row.id, row.secret_sha256, row.public_key) == (scale.name[4:], None, None)
    secret = make_sealer("", SECRET).unseal(row.sealed_secret, place=f"partner_key {row.id}")
    assert scale.sign(b"x") == sign_hmac(secret, b"x")
    assert secret not in row.sealed_secret


async def test_the_vectors_are_requests_of_routes_that_there_are(api_alone):
    described = (await api_alone.nobody.get("/openapi.json")).json()["paths"]
    for vector in VECTORS:
        path, _, query = vector["target"].partition("?")
        template = re.sub("BAG[0-9]+", "{code}", path)
        operation = described[template][vector["method"].lower()]
        needed = {
            each["name"]
            for each in operation.get("parameters", ())
            if each.get("in") == "query" and each.get("required")
        }
        assert needed <= {part.partition("=")[0] for part in query.split("&")}, vector["name"]

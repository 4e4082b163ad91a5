"""Vectors made with the openssl program, the first one by the standard's own libraries."""

import base64
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from backend.partners.signing_keys import PublicKeyNotValid, read_public_key
from backend.signatures import (
    ED25519,
    HMAC_SHA256,
    is_public_key,
    read_signature,
    sign_ed25519,
    sign_hmac,
    signed_bytes,
)
from tests.docs.reference_tables import DOCS

FILE = json.loads((DOCS / "partners/signature-vectors.json").read_text("utf-8"))
SECRET = base64.b64decode(FILE["hmac_sha256_secret"].removeprefix("whsec_"))
SEED = bytes.fromhex(FILE["ed25519_seed_hex"])
PUBLIC = read_public_key(FILE["ed25519_public_key"])
VECTORS = FILE["vectors"]
KEYS = {HMAC_SHA256: SECRET, ED25519: PUBLIC}


def message(vector=VECTORS[0], **changes):
    fields = {
        "message_id": vector["webhook_id"],
        "timestamp": str(vector["webhook_timestamp"]),
        "signature": f"{vector['hmac_sha256']} {vector['ed25519']}",
    } | changes
    return read_signature(**fields)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_vectors_are_signed_and_verified(vector):
    content = vector["signed_content"].encode()
    signed = signed_bytes(vector["webhook_id"], vector["webhook_timestamp"], content)
    assert sign_hmac(SECRET, signed) == vector["hmac_sha256"]
    assert sign_ed25519(SEED, signed) == vector["ed25519"]
    for algorithm, key in KEYS.items():
        assert message(vector).is_signed_by(algorithm, key, content)
        assert not message(vector).is_signed_by(algorithm, key, content + b" ")


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize(
    "changes",
    [{"message_id": "msg_other"}, {"timestamp": "1614265331"}, {"signature": "v1,AAAA v1a,AAAA"}],
)
def test_any_change_breaks_the_signature(algorithm, changes):
    content = VECTORS[0]["signed_content"].encode()
    assert not message(**changes).is_signed_by(algorithm, KEYS[algorithm], content)
    assert not message().is_signed_by(algorithm, bytes(32), content)


def test_a_key_is_good_for_its_own_algorithm_only():
    content = VECTORS[0]["signed_content"].encode()
    only_hmac = message(signature=VECTORS[0]["hmac_sha256"])
    assert not only_hmac.is_signed_by(ED25519, PUBLIC, content)
    # Nobody may hand in an HMAC under the public key, which everybody knows.
    forged = sign_hmac(PUBLIC, signed_bytes("msg_1", 1_614_265_330, content))
    assert not message(message_id="msg_1", signature=forged).is_signed_by(ED25519, PUBLIC, content)


def test_one_good_signature_of_several_is_enough_and_unknown_algorithms_are_passed_over():
    content = VECTORS[0]["signed_content"].encode()
    several = message(signature=f"v9,AAAA v1,AAAA {VECTORS[0]['hmac_sha256']}")
    assert several.is_signed_by(HMAC_SHA256, SECRET, content)


@pytest.mark.parametrize(
    "changes",
    [
        {"message_id": None}, {"message_id": ""}, {"message_id": "a.b"}, {"message_id": "x" * 129},
        {"timestamp": None}, {"timestamp": "-1"}, {"timestamp": "1e9"}, {"timestamp": "9" * 13},
        {"timestamp": "１６１４２６５３３０"},
        {"signature": None}, {"signature": ""}, {"signature": "v1"}, {"signature": "v1,?"},
        {"signature": "v9,AAAA"}, {"signature": "v1,AAAA " * 200},
    ],
)  # fmt: skip
def test_fields_that_are_not_of_the_standard_are_no_signature(changes):
    assert message(**changes) is None


@pytest.mark.parametrize(
    ("now_s", "is_fresh"),
    [(1_000_300, True), (1_000_301, False), (999_700, True), (999_699, False)],
)
def test_a_signature_is_good_for_three_hundred_seconds_both_ways(now_s, is_fresh):
    assert message(timestamp="1000000").is_fresh(now_s) == is_fresh


@pytest.mark.parametrize(
    "text", ["", "whpk_", "whpk_AAAA", FILE["ed25519_public_key"][5:], "whpk_" + "é" * 44]
)
def test_a_public_key_is_written_as_the_standard_writes_it(text):
    with pytest.raises(PublicKeyNotValid):
        read_public_key(text)


@pytest.mark.parametrize(
    "octets",
    [
        bytes(32),
        b"\x01" + bytes(31),
        bytes(31) + b"\x80",
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
        b"\xec" + b"\xff" * 30 + b"\x7f",
        b"\xed" + b"\xff" * 30 + b"\x7f",
        b"\xee" + b"\xff" * 31,
    ],
)
def test_a_key_for_which_anybody_can_sign_is_none(octets):
    weak, forged = Ed25519PublicKey.from_public_bytes(octets), b"\x01" + bytes(63)
    assert any(_is_good(weak, forged, b"%d" % number) for number in range(256))
    assert not is_public_key(octets)


def test_keys_that_somebody_has_made_are_public_keys():
    made = (Ed25519PrivateKey.generate().public_key() for _ in range(64))
    assert all(is_public_key(key.public_bytes_raw()) for key in made)


def _is_good(key, signature, message):
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True

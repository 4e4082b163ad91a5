"""The examples of the standard's own libraries, and what a receiver does with several secrets."""

import base64

from backend.calling.signing import headers_of, make_secret, show_secret, sign

# Source: Standard Webhooks, reference libraries, test of `sign` (read 2026-11-21).
SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ID, STAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_vector_of_the_standard_is_signed_as_the_standard_does():
    assert sign(ID, STAMP, BODY, SECRET) == SIGNATURE


def test_a_message_carries_one_signature_per_secret_newest_first():
    newer = make_secret()
    headers = headers_of(ID, STAMP, BODY, [newer, SECRET])
    first, second = headers["webhook-signature"].split(" ")
    assert second == SIGNATURE
    assert first == sign(ID, STAMP, BODY, newer) != second
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (ID, str(STAMP))


def test_a_secret_is_shown_as_the_standard_writes_it():
    assert show_secret(SECRET) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    secret = make_secret()
    assert len(secret) in range(24, 65)
    assert base64.b64decode(show_secret(secret).removeprefix("whsec_")) == secret


def test_any_change_of_id_time_body_or_secret_changes_the_signature():
    changed = [
        sign("msg_other", STAMP, BODY, SECRET),
        sign(ID, STAMP + 1, BODY, SECRET),
        sign(ID, STAMP, BODY + b" ", SECRET),
        sign(ID, STAMP, BODY, SECRET + b"x"),
    ]
    assert SIGNATURE not in changed

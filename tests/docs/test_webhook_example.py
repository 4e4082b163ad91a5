"""The example that receivers copy works, on the vector of the standard and on what we send."""

import re
import time

import pytest

from backend.calling.signing import headers_of, make_secret, show_secret
from tests.docs.reference_tables import DOCS
from tests.unit.test_webhook_signing import BODY, ID, SIGNATURE, STAMP

PAGE = (DOCS / "how-to/webhooks.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(
    r"<!-- example: begin -->\n```python\n(.*?)```\n<!-- example: end -->", re.DOTALL
)


@pytest.fixture
def check():
    [example] = EXAMPLE.findall(PAGE)
    names = {}
    exec(example, names)
    return names["check"]


def test_the_example_takes_what_we_sign_also_during_a_rotation(check):
    old, new = make_secret(), make_secret()
    headers = headers_of(ID, int(time.time()), BODY, [new, old])
    check(show_secret(old), headers, BODY)
    check(show_secret(new), headers, BODY)


@pytest.mark.parametrize("wrong", ["body", "secret", "id", "time", "signature"])
def test_the_example_refuses_what_was_changed(check, wrong):
    secret, body, now = make_secret(), BODY, int(time.time())
    headers = dict(headers_of(ID, now, body, [secret]))
    if wrong == "body":
        body += b" "
    elif wrong == "secret":
        secret = make_secret()
    elif wrong == "id":
        headers["webhook-id"] = "msg_other"
    elif wrong == "time":
        headers = dict(headers_of(ID, now - 301, body, [secret]))
    else:
        headers["webhook-signature"] = "v1,"
    with pytest.raises(ValueError, match=r"signed|old"):
        check(show_secret(secret), headers, body)


def test_the_vector_on_the_page_is_the_one_of_the_standard():
    assert SIGNATURE in PAGE
    assert f"`{ID}`" in PAGE
    assert f"`{STAMP}`" in PAGE
    assert f"`{BODY.decode()}`" in PAGE
    assert "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" in PAGE

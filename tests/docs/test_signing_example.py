"""The example that partners copy signs what we verify, and the vectors are those of the page."""

import re
import time

from backend.partners.signing_keys import SECRET_PREFIX
from backend.signatures import HMAC_SHA256, read_signature
from tests.docs.reference_tables import DOCS
from tests.unit.test_signatures import FILE, SECRET

PAGE = (DOCS / "partners/signing.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(
    r"<!-- example: begin -->\n```python\n(.*?)```\n<!-- example: end -->", re.DOTALL
)


def test_what_the_example_signs_is_verified():
    [example] = EXAMPLE.findall(PAGE)
    names = {}
    exec(example, names)
    headers = names["signed_headers"]("thk_1", FILE["hmac_sha256_secret"], "msg_1", b"{}")
    message = read_signature(
        *(headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    )
    assert message.is_signed_by(HMAC_SHA256, SECRET, b"{}")
    assert message.is_fresh(time.time())
    assert FILE["hmac_sha256_secret"].startswith(SECRET_PREFIX)

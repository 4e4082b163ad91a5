"""The made-up partner against the real API: everything is answered, and twice is once."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from backend.members.steps import join
from backend.partners.domain import KeyTerms
from backend.partners.queries import issue_key, link
from backend.partners.signing_keys import issue_hmac_key, issue_public_key
from backend.sandbox.command import summary_of
from backend.sandbox.kinds import KINDS
from backend.sandbox.plan import Plan, line_of
from backend.sandbox.sending import Sender, send_line
from backend.sandbox.signing import sign_by_private_key, sign_by_secret
from backend.sealing import make_sealer
from backend.units import shanghai_day
from tests.acceptance.event_sender import saved_average
from tests.acceptance.running_service import METRO, until
from tests.builders import SECRET

LINKED = 3
YESTERDAY = shanghai_day(datetime.now(UTC)) - timedelta(days=1)
CODES = [f"BAG{number:05d}" for number in range(60)]


async def linked_cards(conn):
    for number in range(LINKED):
        await link(conn, METRO, f"card-{number}", await join(conn, f"rider-{number}"))


async def balances(service):
    """Of the members, once all work is done and all points that are due are paid."""
    await service.drained()
    unpaid = "SELECT count(*) = 0 FROM pending_points WHERE is_funded AND due_at <= now()"
    await until(lambda: service.value(unpaid))
    return await service.fetch(
        "SELECT account_id, lot_id, posted, held FROM account_lot JOIN account ON id = account_id"
        " WHERE kind = 'member' ORDER BY account_id, lot_id"
    )


async def test_a_simulated_day_is_taken_and_the_same_day_again_changes_nothing(service):
    async with service.engine.begin() as conn:
        bearer = await issue_key(conn, METRO, kind="partner", scopes=["event.send"])
        terms = KeyTerms("partner", ["event.send"])
        shared = await issue_hmac_key(conn, METRO, terms, make_sealer("", SECRET))
        await linked_cards(conn)
    plan = Plan("metro", YESTERDAY, 240, 12, 7, "urn:metro", "card-{number}", "330100")
    line = line_of(plan)

    first = await send_line(Sender(service.base, bearer), line, duration_s=0)
    found = summary_of(plan, line, first, 1.0)
    assert found["is_as_expected"], found
    assert sum(found["answers"].values()) == len(line)
    assert found["answers"]["credited"] > 20
    assert found["answers"]["parked"] > 100  # nine of twelve have not linked
    before = await balances(service)
    assert len(before) > LINKED

    signing = Sender(service.base, shared.name, sign_by_secret(shared.secret))
    again = await send_line(signing, line, duration_s=0)
    assert again.statuses == {"duplicate": len(line)}
    assert before == await balances(service)


async def test_every_kind_is_taken_and_changes_nothing_the_second_time_signed_by_ed25519(service):
    key = Ed25519PrivateKey.generate()
    async with service.engine.begin() as conn:
        terms = KeyTerms("partner", ["event.send"])
        public = key.public_key().public_bytes_raw()
        name = await issue_public_key(conn, METRO, terms, public)
        await linked_cards(conn)
    await saved_average(service)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    sender = Sender(service.base, name, sign_by_private_key(pem))
    lines = {}
    for kind, row in KINDS.items():
        things = CODES if row.is_printed else ()
        plan = Plan(kind, YESTERDAY, 60, 60, 3, "urn:metro", "card-{number}", "330100", things)
        lines[kind] = line_of(plan)
        found = summary_of(plan, lines[kind], await send_line(sender, lines[kind], duration_s=0), 1)
        assert found["is_as_expected"], found
        assert found["answers"].get("credited", 0) >= (0 if row.is_printed else 1), found
    before = await balances(service)
    for line in lines.values():
        again = await send_line(sender, line, duration_s=0)
        assert again.statuses == {"duplicate": len(line)}
    assert before == await balances(service)


@pytest.mark.parametrize("text", ["", "whsec_AAAA"])
def test_a_file_that_holds_no_private_key_is_told_apart(text):
    with pytest.raises(ValueError, match="openssl genpkey"):
        sign_by_private_key(text)

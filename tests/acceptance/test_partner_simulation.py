"""The made-up partner against the real API: everything is answered, and twice is once."""

from datetime import UTC, datetime, timedelta

from backend.members.steps import join
from backend.partners.domain import KeyTerms
from backend.partners.queries import issue_key, link
from backend.partners.signing_keys import issue_hmac_key
from backend.sandbox.command import summary_of
from backend.sandbox.plan import Plan, line_of
from backend.sandbox.sending import Sender, send_line
from backend.sealing import make_sealer
from backend.units import shanghai_day
from tests.acceptance.service import METRO
from tests.builders import SECRET

LINKED = 3


async def test_a_simulated_day_is_taken_and_the_same_day_again_changes_nothing(service):
    async with service.engine.begin() as conn:
        bearer = await issue_key(conn, METRO, kind="partner", scopes=["event.send"])
        terms = KeyTerms("partner", ["event.send"])
        shared = await issue_hmac_key(conn, METRO, terms, make_sealer("", SECRET))
        for number in range(LINKED):
            await link(conn, METRO, f"card-{number}", await join(conn, f"rider-{number}"))
    yesterday = shanghai_day(datetime.now(UTC)) - timedelta(days=1)
    plan = Plan("metro", yesterday, 240, 12, 7, "urn:metro", "card-{number}", "330100")
    line = line_of(plan)

    first = await send_line(Sender(service.base, bearer), line, duration_s=0)
    found = summary_of(plan, line, first, 1.0)
    assert found["is_as_expected"], found
    assert sum(found["answers"].values()) == len(line)
    assert found["answers"]["credited"] > 20
    assert found["answers"]["parked"] > 100  # nine of twelve have not linked
    await service.drained()
    before = await service.fetch("SELECT * FROM account_lot ORDER BY account_id, lot_id")
    assert len(before) > LINKED

    again = await send_line(Sender(service.base, shared.name, shared.secret), line, duration_s=0)
    assert again.statuses == {"duplicate": len(line)}
    await service.drained()
    assert before == await service.fetch("SELECT * FROM account_lot ORDER BY account_id, lot_id")

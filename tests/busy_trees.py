"""A pledge of trees, planted in part and dead in part, for the busy database."""

from datetime import timedelta

from backend.ids import uuid7
from backend.ledger.queries import lock_accounts
from backend.partners.domain import Grants
from backend.partners.queries import make_partner
from backend.trees.domain import Planting, initial_of, name_hmac
from backend.trees.queries import insert_pledge, insert_project
from backend.trees.steps import Recorder, fulfil_pledge, record_deaths
from backend.units import shanghai_day
from tests.builders import SECRET


async def fill_trees(engine, account_id):
    """Five trees pledged, three planted, one of them dead."""
    async with engine.begin() as conn:
        now = (await lock_accounts(conn, [account_id])).now
        recorder = Recorder("key:forest", uuid7(), Grants("urn:forest"))
        project_id, pledge_id = uuid7(), uuid7()
        names = {"name_zh": "林场", "name_en": "Forest"}
        await make_partner(conn, recorder.partner_id, **names, source="urn:forest")
        await insert_project(
            conn,
            id=project_id,
            partner_id=recorder.partner_id,
            **names,
            region="330100",
            created_by="op",
            created_at=now,
        )
        await insert_pledge(
            conn,
            id=pledge_id,
            account_id=account_id,
            project_id=project_id,
            kind="donation",
            trees=5,
            amount_fen=5_000,
            pledged_at=now,
            initial=initial_of("李雷"),
            name_hmac=name_hmac(SECRET, pledge_id, "李雷"),
        )
        today = shanghai_day(now)
        planting = Planting("T-1", "3", "枫香", 3, today - timedelta(days=400))
        planted, _ = await fulfil_pledge(conn, pledge_id, planting, recorder, now)
        await record_deaths(conn, planted, seen_on=today, trees=1, recorder=recorder, now=now)

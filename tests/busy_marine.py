"""Marine plastic on its way, for the busy database: weighed, gathered, moved, lost from, paid."""

from datetime import timedelta

from backend.batches import run_batch
from backend.ids import uuid7
from backend.intake.shore import ShoreWeighing, weigh_hand_in
from backend.ledger.queries import lock_accounts
from backend.marine.domain import Loss, Making, Site
from backend.marine.lot_queries import shown_step
from backend.marine.payouts import Paying, pay_hand_in
from backend.marine.queries import insert_site
from backend.marine.steps import Gathering, Recorder, Stepping, gather_hand_ins, take_step
from backend.marine.withdrawing import Withdrawal, withdraw_step
from backend.partners.domain import Grants
from backend.partners.queries import link, make_partner

CARD = "card-1"


async def fill_marine(engine, account_id, rules):
    """One shore and one recycler of one partner, three hand-ins, two steps, one payout."""

    async def write(conn, _):
        await _fill(conn, account_id, rules)
        return [None]

    await run_batch(engine, write, [None])


async def _fill(conn, account_id, rules):
    now = (await lock_accounts(conn, [account_id])).now
    recorder = Recorder("key:shore", uuid7(), Grants("urn:shore"))
    names = {"name_zh": "岸", "name_en": "Shore", "source": "urn:shore"}
    await make_partner(conn, recorder.partner_id, **names)
    await link(conn, recorder.partner_id, CARD, account_id)
    shore, recycler = [
        Site(uuid7(), recorder.partner_id, stage, "331081") for stage in ("shore", "recycler")
    ]
    for site in (shore, recycler):
        await insert_site(conn, site, names=("站", "site"), created_by="op", now=now)
    at = now - timedelta(minutes=5)
    ids = []
    for mass_g, card in ((4_000, CARD), (1_000, None), (2_000, CARD)):
        asked = ShoreWeighing(
            shore.id, "sorted_plastic", mass_g, at, recorder, "partner", None, card
        )
        ids.append((await weigh_hand_in(conn, asked, rules))[0])
    gathered = await gather_hand_ins(conn, Gathering(shore.id, ids[:2], at), recorder, now)
    [lot] = (await shown_step(conn, gathered)).made
    made = [Making("sorted_plastic", 2_900)]
    step = Stepping(recycler.id, [(lot, 3_000)], made, Loss(100, "drying"), at)
    mistyped = step._replace(made=[Making("sorted_plastic", 2_000)], loss=Loss(1_000, "drying"))
    wrong = await take_step(conn, mistyped, recorder, now)
    await withdraw_step(conn, Withdrawal(wrong, "mistyped", "op"), now)
    await take_step(conn, step._replace(replaces=wrong), recorder, now)
    alone = await gather_hand_ins(conn, Gathering(shore.id, ids[2:], at), recorder, now)
    await withdraw_step(conn, Withdrawal(alone, "too few people", "op"), now)
    await pay_hand_in(conn, Paying(ids[1], 133, "cash 1", at), recorder, now)

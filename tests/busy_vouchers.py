"""Vouchers in every state of their life, for the busy database and for the benchmark's like."""

from datetime import timedelta

from backend.batches import run_batch
from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import drain, top_up
from backend.idempotency import Intention
from backend.ids import uuid7
from backend.ledger.domain import Purpose, Transfer, points_expire_on
from backend.ledger.queries import ensure_lots, lock_accounts, open_account, post
from backend.rewards.call_domain import Outcome, Said
from backend.rewards.call_endpoints import Setting, put_endpoint
from backend.rewards.call_queries import lease_calls
from backend.rewards.call_steps import Finished, write_outcomes
from backend.rewards.corrections import Decided, Proposed, decide, propose_correction
from backend.rewards.domain import FirstRedemption
from backend.rewards.donate import Donating, write_donations
from backend.rewards.donation_queries import insert_project
from backend.rewards.ends import Undoing, Voiding, write_undos, write_voids
from backend.rewards.merchant_queries import Counter, insert_merchant
from backend.rewards.pool import import_codes
from backend.rewards.pool_codes import PoolKeys
from backend.rewards.redeem import Redemption, write_redemptions
from backend.rewards.reward_queries import insert_reward
from backend.rewards.rules import RewardRules
from backend.rewards.settle import Settling, write_settlements
from backend.rewards.statements import close_shift, make_statement
from backend.rewards.voucher_queries import vouchers_by_id
from backend.sealing import make_sealer
from backend.units import shanghai_day

RULES = RewardRules(FirstRedemption(needs_phone=False, account_age=timedelta(0)), "330100")


def make_redemption(account_id, reward_id):
    return Redemption(
        account_id=account_id,
        reward_id=reward_id,
        region="330100",
        is_phone_verified=True,
        intention=None,
    )


async def saved_points(engine, account_id, points):
    """Points out of the programme's fund, which gets as many more."""
    async with engine.begin() as conn:
        locked = await lock_accounts(conn, [account_id])
        day = shanghai_day(locked.now)
        lot = (PROGRAMME_FUND, points_expire_on(day))
        lots = await ensure_lots(conn, [lot])
        await top_up(conn, PROGRAMME_FUND, points)
        assert await drain(conn, PROGRAMME_FUND, points) == points
        moved = (PROGRAMME_FUND, account_id, points, day)
        given = Transfer(account_id, uuid7(), Purpose.ADJUST, lots[lot], *moved)
        await post(conn, [given], locked.now)


async def saved_reward(engine, **terms):
    """A merchant with one reward; gives both ids."""
    merchant_id, reward_id = uuid7(), uuid7()
    async with engine.begin() as conn:
        await open_account(conn, merchant_id, "merchant")
        await insert_merchant(conn, merchant_id, name_zh="商户", name_en="Merchant")
        now = (await lock_accounts(conn, ())).now
        values = {"name_zh": "券", "name_en": "Voucher", "points": 3, "payer": "government"}
        values |= {"stock": None, "valid_from": now, "id": reward_id, "merchant_id": merchant_id}
        await insert_reward(conn, values | terms)
    return merchant_id, reward_id


async def issue(engine, account_id, reward_id, rules=RULES):
    """One voucher, or the refusal."""

    async def write(conn, items):
        return await write_redemptions(conn, items, rules)

    [answer] = await run_batch(engine, write, [make_redemption(account_id, reward_id)])
    return answer


async def settle_at(engine, merchant_id, voucher_id, rules=RULES):
    """Settle by the voucher's code, as a cashier without a till."""

    async def write(conn, items):
        return await write_settlements(conn, items, rules)

    async with engine.connect() as conn:
        voucher = (await vouchers_by_id(conn, [voucher_id]))[voucher_id]
    counter = Counter("cashier", merchant_id, None, None)
    [answer] = await run_batch(engine, write, [Settling(voucher.code, counter, None, None)])
    return answer


async def undo(engine, merchant_id, settlement_id):
    """Undo, as the same cashier."""

    async def write(conn, items):
        return await write_undos(conn, items, 0)

    counter = Counter("cashier", merchant_id, None, None)
    [answer] = await run_batch(engine, write, [Undoing(settlement_id, counter, "cashier", "错")])
    return answer


async def void(engine, account_id, voucher_id):
    """Give a voucher back."""

    async def write(conn, items):
        return await write_voids(conn, items, 0)

    [answer] = await run_batch(engine, write, [Voiding(voucher_id, account_id)])
    return answer


async def fill_vouchers(engine, account_id):
    """One voucher in each state that a person brings about."""
    await saved_points(engine, account_id, 20)
    merchant_id, reward_id = await saved_reward(engine, stock=9)
    issued = [(await issue(engine, account_id, reward_id)).voucher_id for _ in range(4)]
    stands = await settle_at(engine, merchant_id, issued[1])
    await _decline(engine, stands.settlement_id)
    settled = await settle_at(engine, merchant_id, issued[2])
    await undo(engine, merchant_id, settled.settlement_id)
    await void(engine, account_id, issued[3])
    await _hand_over(engine, merchant_id)
    await _pool(engine, account_id)
    await _donate(engine, account_id)
    await _call(engine, account_id)


async def _decline(engine, settlement_id):
    """A correction that a second operator would not have."""
    async with engine.begin() as conn:
        now = (await lock_accounts(conn, ())).now
        made = await propose_correction(conn, Proposed(settlement_id, "错", "op"), now)
        decided = Decided(made.correction.id, "op-2", is_approved=False)
        await decide(conn, decided, now, clock_shift_s=0)


async def _hand_over(engine, merchant_id):
    """A closed shift, and a statement as it will be drafted the day after."""
    async with engine.begin() as conn:
        now = (await lock_accounts(conn, ())).now
        await close_shift(conn, Counter("cashier", merchant_id, None, None), now)
        await make_statement(conn, merchant_id, shanghai_day(now), now + timedelta(days=2))


async def _pool(engine, account_id):
    """Two codes of others, one of them given out."""
    merchant_id, reward_id = await saved_reward(engine, stock=0, fulfilment="pool")
    async with engine.begin() as conn:
        now = (await lock_accounts(conn, ())).now
        of = {"reward_id": reward_id, "merchant_id": merchant_id}
        await import_codes(
            conn,
            "A1\nA2",
            keys=PoolKeys.derive(make_sealer("", b"secret"), b"secret"),
            now=now,
            **of,
        )
    await issue(engine, account_id, reward_id)


async def _call(engine, account_id):
    """Vouchers that a partner has fulfilled, refused, and not answered for."""
    merchant_id, reward_id = await saved_reward(engine, stock=5, fulfilment="partner_call")
    sealer = make_sealer("", b"secret")
    async with engine.begin() as conn:
        now = (await lock_accounts(conn, ())).now
        url = "https://partner.example/x"
        setting = Setting(merchant_id, url, new_secret=True, changed_by="manager")
        await put_endpoint(conn, setting, sealer, now)
    await saved_points(engine, account_id, 9)
    for _ in range(3):
        await issue(engine, account_id, reward_id)
    async with engine.begin() as conn:
        calls = await lease_calls(conn, at_once=4, limit=9, lease_s=60)
        said = (
            Outcome(Said.FULFILLED, 200, reference="R-1"),
            Outcome(Said.REFUSED, 200, reason="no"),
            Outcome(Said.UNKNOWN, 500, error="status_refused"),
        )
        assert await write_outcomes(conn, list(map(Finished, calls, said)), 0) == [True] * 3


async def _donate(engine, account_id):
    project_id = uuid7()

    async def write(conn, items):
        return await write_donations(conn, items, 0)

    async with engine.begin() as conn:
        await open_account(conn, project_id, "merchant")
        now = (await lock_accounts(conn, ())).now
        names = {"name_zh": "公益", "name_en": "Charity"}
        await insert_project(conn, {"id": project_id, "created_at": now, **names})
    intention = Intention("member", uuid7().hex, b"\0" * 32)
    await run_batch(engine, write, [Donating(account_id, project_id, 2, intention)])

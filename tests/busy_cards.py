"""A card that was lost and replaced, and one that a till has scanned."""

from datetime import UTC, datetime

from backend.cards.pins import hash_pin
from backend.cards.queries import insert_card_request
from backend.cards.sheets import make_blanks
from backend.cards.steps import Desk, bind, replace
from backend.db import fetch_one
from backend.partners.cards import insert_blanks, lock_card
from backend.rewards.merchant_queries import Counter
from backend.rewards.requests import ask_member

PIN = hash_pin(b"key", "274916")


async def fill_cards(engine):
    now = datetime.now(UTC)
    desk, blanks = Desk("desk", now), make_blanks(3)
    async with engine.begin() as conn:
        await insert_blanks(conn, blanks, now)
        lost = await bind(conn, desk, token=blanks[0].token, pin=PIN, member_code=None)
        await ask(conn, lost, now)
        await replace(conn, desk, lost, token=blanks[1].token, pin=PIN)


async def ask(conn, card_id, now):
    card = await lock_card(conn, card_id)
    reward = await fetch_one(conn, "SELECT id, merchant_id FROM reward LIMIT 1")
    counter = Counter("cashier", reward.merchant_id, None, None)
    request_id = await ask_member(
        conn, card.account_id, counter=counter, reward_id=reward.id, now=now
    )
    await insert_card_request(conn, request_id, card.id)

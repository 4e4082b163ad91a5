"""Checks of cards: one that works has one holder, and what a PIN confirmed was the holder's."""

from backend.verify.check import Check

# A replaced card goes on as exactly one other card of the same account.
_CARDS = """
SELECT card.id AS card_id, card.status, card.account_id, heir.id AS heir_id,
       heir.account_id AS heir_account_id
FROM card LEFT JOIN card AS heir ON heir.id = card.replaced_by
WHERE card.status = 'replaced' AND heir.account_id IS DISTINCT FROM card.account_id
UNION ALL
SELECT card.id, card.status, card.account_id, NULL, NULL FROM card
WHERE card.status <> 'blank' AND NOT EXISTS (
  SELECT FROM card_change WHERE card_id = card.id AND what = 'bound')
"""

_REQUESTS = """
SELECT request_id, card_id, card.account_id, request.account_id AS asked_account_id
FROM card_request LEFT JOIN card ON card.id = card_id
LEFT JOIN settlement_request AS request ON request.id = request_id
WHERE card.account_id IS DISTINCT FROM request.account_id OR card.account_id IS NULL
"""

CARD_CHECKS = (
    Check(
        "cards_have_holders",
        "使用过的卡都有办卡记录,补卡后账户不变",
        "A card that was bound says by whom, and one that was replaced goes on for its account",
        _CARDS,
    ),
    Check(
        "card_requests_are_holders",
        "扫卡发起的兑换都属于持卡人",
        "A request made with a card is its holder's",
        _REQUESTS,
    ),
)

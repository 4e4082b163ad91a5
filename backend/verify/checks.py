"""All checks that are one statement, in the order in which they are printed."""

from backend.verify.canteen_checks import CANTEEN_CHECKS
from backend.verify.card_checks import CARD_CHECKS
from backend.verify.check_in_checks import CHECK_IN_CHECKS
from backend.verify.credit_checks import CREDIT_CHECKS
from backend.verify.event_checks import EVENT_CHECKS
from backend.verify.ledger_checks import LEDGER_CHECKS
from backend.verify.marine_checks import MARINE_CHECKS
from backend.verify.meter_checks import METER_CHECKS
from backend.verify.own_report_checks import OWN_REPORT_CHECKS
from backend.verify.partner_checks import PARTNER_CHECKS
from backend.verify.payment_checks import PAYMENT_CHECKS
from backend.verify.points_checks import POINTS_CHECKS
from backend.verify.recycling_checks import RECYCLING_CHECKS
from backend.verify.restatement_checks import RESTATEMENT_CHECKS
from backend.verify.review_checks import REVIEW_CHECKS
from backend.verify.reward_checks import REWARD_CHECKS
from backend.verify.tree_checks import TREE_CHECKS
from backend.verify.webhook_checks import WEBHOOK_CHECKS

CHECKS = (
    *LEDGER_CHECKS,
    *POINTS_CHECKS,
    *CREDIT_CHECKS,
    *RESTATEMENT_CHECKS,
    *OWN_REPORT_CHECKS,
    *MARINE_CHECKS,
    *TREE_CHECKS,
    *CHECK_IN_CHECKS,
    *RECYCLING_CHECKS,
    *CANTEEN_CHECKS,
    *CARD_CHECKS,
    *REVIEW_CHECKS,
    *REWARD_CHECKS,
    *PAYMENT_CHECKS,
    *WEBHOOK_CHECKS,
    *EVENT_CHECKS,
    *PARTNER_CHECKS,
    *METER_CHECKS,
)

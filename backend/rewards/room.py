"""The room put together: its routes, and the batches that run beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import Batcher
from backend.http.routes import Route
from backend.rewards.catalogue_routes import Catalogue
from backend.rewards.merchant_routes import MerchantDesk
from backend.rewards.offer_routes import OfferDesk
from backend.rewards.redeem import write_redemptions
from backend.rewards.rules import RewardRules
from backend.rewards.till_routes import TillDesk
from backend.rewards.voucher_routes import VoucherDesk


@dataclass(frozen=True, slots=True)
class RewardsRoom:
    """One of each per process; the batchers must be served."""

    routes: Sequence[Route[Any, Any]]
    batchers: Sequence[Batcher[Any, Any]]


def build_rewards(engine: AsyncEngine, rules: RewardRules) -> RewardsRoom:
    """Wire the room."""
    redemptions = Batcher(engine, partial(write_redemptions, rules=rules))
    routes = [
        *MerchantDesk(engine).routes(),
        *TillDesk(engine, rules.clock_shift_s).routes(),
        *OfferDesk(engine, rules).routes(),
        *Catalogue(engine, rules).routes(),
        *VoucherDesk(engine, rules, redemptions).routes(),
    ]
    return RewardsRoom(routes, (redemptions,))

"""The room put together: its routes, and the batches that run beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import Batcher
from backend.http.routes import Route
from backend.rewards.call_routes import CallDesk
from backend.rewards.catalogue_routes import Catalogue
from backend.rewards.correction_routes import CorrectionDesk
from backend.rewards.counters import find_counters
from backend.rewards.donate import write_donations
from backend.rewards.donation_routes import DonationDesk
from backend.rewards.ends import write_undos, write_voids
from backend.rewards.merchant_routes import MerchantDesk
from backend.rewards.offer_routes import OfferDesk
from backend.rewards.pool_codes import PoolKeys
from backend.rewards.pool_routes import PoolDesk
from backend.rewards.redeem import write_redemptions
from backend.rewards.request_routes import RequestDesk
from backend.rewards.requests import Confirmation, Confirmed, write_confirmations
from backend.rewards.rules import RewardRules
from backend.rewards.settle import write_settlements
from backend.rewards.settlement_routes import SettlementDesk
from backend.rewards.shift_routes import ShiftDesk
from backend.rewards.sponsor_routes import SponsorDesk
from backend.rewards.staff_routes import StaffDesk
from backend.rewards.statement_routes import StatementDesk
from backend.rewards.till_routes import TillDesk
from backend.rewards.voucher_routes import VoucherDesk


@dataclass(frozen=True, slots=True)
class RewardsRoom:
    """One of each per process; the batchers must be served."""

    routes: Sequence[Route[Any, Any]]
    batchers: Sequence[Batcher[Any, Any]]
    confirmations: Batcher[Confirmation, Confirmed]


def build_rewards(
    engine: AsyncEngine, rules: RewardRules, keys: PoolKeys, *, is_anywhere: bool
) -> RewardsRoom:
    """Wire the room; pool codes rest under `keys`, and `is_anywhere` calls inner addresses too."""
    shift = rules.clock_shift_s
    redemptions = Batcher(engine, partial(write_redemptions, rules=rules))
    voids = Batcher(engine, partial(write_voids, clock_shift_s=shift))
    settlements = Batcher(engine, partial(write_settlements, rules=rules))
    undos = Batcher(engine, partial(write_undos, clock_shift_s=shift))
    confirmations = Batcher(engine, partial(write_confirmations, rules=rules))
    donations = Batcher(engine, partial(write_donations, clock_shift_s=shift))
    counters = Batcher(engine, find_counters)
    routes = [
        *MerchantDesk(engine).routes(),
        *StaffDesk(engine).routes(),
        *TillDesk(engine, rules.clock_shift_s).routes(),
        *OfferDesk(engine, rules).routes(),
        *PoolDesk(engine, keys, shift).routes(),
        *Catalogue(engine, rules).routes(),
        *VoucherDesk(engine, rules, redemptions, voids, keys).routes(),
        *CallDesk(engine, keys.sealer, is_anywhere, shift).routes(),
        *SettlementDesk(engine, settlements, undos, counters).routes(),
        *CorrectionDesk(engine, shift).routes(),
        *RequestDesk(engine, rules, confirmations).routes(),
        *ShiftDesk(engine, shift).routes(),
        *StatementDesk(engine, shift).routes(),
        *SponsorDesk(engine).routes(),
        *DonationDesk(engine, donations, shift).routes(),
    ]
    batchers = (redemptions, voids, settlements, undos, confirmations, donations, counters)
    return RewardsRoom(routes, batchers, confirmations)

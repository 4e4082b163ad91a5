"""Facts that rooms tell each other through the work table, and what the processor does about them.

An event is a past participle; each (event, step) is one row of `work`, written in the transaction
that made the event true. No event carries personal data: ids only.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

SCORE, CREDIT, REPORT = "score", "credit", "report"
NOTIFY = "notify"
WEBHOOK = "webhook"
SIMULATE = "simulate"
UNPARK = "unpark"

IDS_PER_EVENT_MAX = 1_000  # one batch; keeps a row of work below 40 kB

CHECK_IN_RECEIVED = "CheckInReceived"
CHECK_IN_ACCEPTED = "CheckInAccepted"
CHECK_IN_APPEALED = "CheckInAppealed"
CREDIT_BOOKED = "CreditBooked"
CREDIT_RESTATED = "CreditRestated"
POINTS_FUNDED = "PointsFunded"
POINTS_EXPIRED = "PointsExpired"
STOP_ANNOUNCED = "StopAnnounced"
SIMULATION_REQUESTED = "SimulationRequested"
CUSTOMER_LINKED = "CustomerLinked"
BAG_BOUND = "BagBound"
BAG_LAPSED = "BagLapsed"
PICKUP_MISSED = "PickupMissed"
VOUCHER_ISSUED = "VoucherIssued"
VOUCHER_SETTLED = "VoucherSettled"
VOUCHER_UNDONE = "VoucherUndone"
VOUCHER_EXPIRED = "VoucherExpired"
VOUCHER_FULFILLED = "VoucherFulfilled"
VOUCHER_RETURNED = "VoucherReturned"
VOUCHER_UNDECIDED = "VoucherUndecided"
SETTLEMENT_CORRECTION_ASKED = "SettlementCorrectionAsked"
SETTLEMENT_CORRECTION_DECIDED = "SettlementCorrectionDecided"
STOCK_LOW = "StockLow"

# The picture of the system: which steps an event causes.
STEPS_OF: Mapping[str, tuple[str, ...]] = {
    CHECK_IN_RECEIVED: (SCORE,),
    CHECK_IN_ACCEPTED: (CREDIT,),
    CHECK_IN_APPEALED: (SCORE,),
    CREDIT_BOOKED: (REPORT, WEBHOOK),
    CREDIT_RESTATED: (REPORT, NOTIFY, WEBHOOK),
    POINTS_FUNDED: (NOTIFY,),
    POINTS_EXPIRED: (NOTIFY,),
    STOP_ANNOUNCED: (NOTIFY,),
    SIMULATION_REQUESTED: (SIMULATE,),
    CUSTOMER_LINKED: (UNPARK,),
    BAG_BOUND: (UNPARK,),
    BAG_LAPSED: (NOTIFY,),
    PICKUP_MISSED: (NOTIFY,),
    VOUCHER_ISSUED: (WEBHOOK,),
    VOUCHER_SETTLED: (WEBHOOK,),
    VOUCHER_UNDONE: (WEBHOOK,),
    VOUCHER_EXPIRED: (WEBHOOK,),
    VOUCHER_FULFILLED: (NOTIFY,),
    VOUCHER_RETURNED: (NOTIFY, WEBHOOK),
    VOUCHER_UNDECIDED: (NOTIFY, WEBHOOK),
    SETTLEMENT_CORRECTION_ASKED: (WEBHOOK,),
    SETTLEMENT_CORRECTION_DECIDED: (WEBHOOK,),
    STOCK_LOW: (WEBHOOK,),
}


class Event(NamedTuple):
    """One fact about at most `IDS_PER_EVENT_MAX` things of one kind."""

    name: str
    ids: Sequence[UUID]

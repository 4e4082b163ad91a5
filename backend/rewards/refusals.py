"""What the rules of rewards refuse, one class per problem type."""

from backend.errors import DomainError


class NotStaff(DomainError):
    """This sign-in belongs to nobody who works for a merchant here, or not in this role."""


class StaffElsewhere(DomainError):
    """This person works for another merchant; one sign-in settles for one merchant only."""


class ManagerNeeded(DomainError):
    """Without this manager nobody could manage the merchant or name another one."""


class TillCodeNotValid(DomainError):
    """This enrolment code was used, is older than a day, or was never given out."""


class RewardNotOffered(DomainError):
    """This reward cannot be redeemed at this time."""


class RewardElsewhere(DomainError):
    """This reward is for other regions."""


class RewardTermsNotClear(DomainError):
    """The terms of this reward contradict each other."""


class OutOfStock(DomainError):
    """No piece of this reward is left."""


class LimitReached(DomainError):
    """This member has redeemed this reward as often as its limit allows."""


class PhoneNotBound(DomainError):
    """The first redemption needs a sign-in with a verified phone number."""


class AccountTooYoung(DomainError):
    """The first redemption needs an account that has existed for some days."""


class VoucherAlreadySettled(DomainError):
    """This voucher was settled before; it settles once."""


class VoucherAlreadyVoided(DomainError):
    """The member gave this voucher back; it is worth nothing."""


class VoucherAlreadyUndone(DomainError):
    """The settlement of this voucher was taken back, which ended the voucher."""


class VoucherAlreadyExpired(DomainError):
    """This voucher was not used in time."""


class VoucherBeingFulfilled(DomainError):
    """The merchant's system is handing this voucher over; nothing else can be done with it."""


class RecipientNotClear(DomainError):
    """The reward goes to a phone number or an account, and the request names no such one."""


class CallEndpointMissing(DomainError):
    """The merchant has not said where its system is called."""


class PartnerCallGoesOn(DomainError):
    """The partner is still asked what became of this voucher; nobody needs to decide."""


class PartnerCallDecided(DomainError):
    """What became of this voucher is known, and it is something else."""


class VoucherCodeMistyped(DomainError):
    """The check digit does not fit these twelve digits."""


class TicketAlreadyUsed(DomainError):
    """This ticket of the store has settled another voucher."""


class UndoTooLate(DomainError):
    """A settlement is undone within ten minutes."""


class UndoElsewhere(DomainError):
    """A settlement is undone at the till that made it."""


class SettlementUndone(DomainError):
    """This settlement was taken back before; there is nothing left to correct."""


class CorrectionAsked(DomainError):
    """Somebody has proposed a correction of this settlement before."""


class CorrectionDecided(DomainError):
    """This correction was decided before."""


class MemberCodeNotValid(DomainError):
    """This member code was used, is older than a minute, or is of nobody."""


class RequestDecided(DomainError):
    """This request was confirmed or declined before."""


class RequestExpired(DomainError):
    """The member did not confirm within two minutes."""


class TillUnknown(DomainError):
    """This key is not that of an enrolled till of the merchant."""


class NothingToClose(DomainError):
    """Nothing was settled or undone since the last shift was closed."""


class PeriodNotOver(DomainError):
    """A statement is made a quarter of an hour after its last day has ended."""


class PeriodStated(DomainError):
    """An earlier statement reaches to this day or beyond it."""


class StatementDecided(DomainError):
    """This statement has gone on; what was asked for is not open any more."""


class StatementTooLong(DomainError):
    """This statement has more lines than a file should."""


class ProjectEnded(DomainError):
    """This project takes no more donations."""

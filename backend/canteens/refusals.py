"""What the rules of canteens and their devices refuse, one class per problem type."""

from backend.errors import DomainError


class CanteenUnknown(DomainError):
    """There is no such canteen, or no such partner to run it."""


class DeviceCodeNotValid(DomainError):
    """This one-time code was used by another device, is older than ten minutes, or never was."""


class DeviceKeyUsed(DomainError):
    """This public key is another device's; each device makes a key of its own."""


class DeviceNotEnrolled(DomainError):
    """This device has never been enrolled, so there is nothing to suspend or resume."""


class DeviceUnknown(DomainError):
    """This key is of no device, or the device has been enrolled with another one since."""


class DeviceSuspended(DomainError):
    """An operator has suspended this device; what it sends is not taken."""


class TraySubjectNotClear(DomainError):
    """A tray has either the token of a card or the code that the device showed beside it."""


class TraySequenceUsed(DomainError):
    """This device has sent another tray under this sequence before."""


class TrayCodeUsed(DomainError):
    """This code stood beside another tray before; each tray has a new one."""


class TrayAlreadyClaimed(DomainError):
    """Another member has scanned the code of this tray before."""


class TrayClaimTooLate(DomainError):
    """The code of a tray is scanned within 20 seconds of its photo."""


class WasteDayNotValid(DomainError):
    """Waste is entered for today and the 400 days before; a report has at most 366 days."""

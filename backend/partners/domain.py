"""What a key may report: for which source, which types, which regions. Pure values and decisions.

Every part of a grant that is left empty means: all that the partner itself may speak for.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from backend.errors import DomainError
from scoring.methodology.regions import places_around

BEARER: Final = "bearer"  # a key whose whole text is sent; all others sign

# All that routes ask of keys; a test compares it with them. What is not here would open nothing.
SCOPES: Final = frozenset(
    {
        "bag.weigh",
        "canteen.waste",
        "customer.link",
        "event.send",
        "marine.custody",
        "marine.keep",
        "tray.return",
        "tree.record",
        "trip.report",
        "voucher.settle",
        "webhook.manage",
    }
)

# Where a source may go on below a granted one: `urn:metro` covers `urn:metro:line-4`, not
# `urn:metropolis`.
_BOUNDARIES: Final = (":", "/", "#", "?")
_AMENDS = re.compile(r"\.(?:corrected|withdrawn)(?=\.v\d+$)")


class SourceNotGranted(DomainError):
    """This key does not speak for the event's source."""


class TypeNotGranted(DomainError):
    """This key does not report events of this type."""


class RegionNotGranted(DomainError):
    """This key does not report from this region."""


@dataclass(frozen=True, slots=True)
class Grants:
    """What a key may report.

    Attributes:
        source: The partner's own CloudEvents source; nothing outside it is ever granted.
        sources: Sources at or below it; empty is all of them.
        event_types: CloudEvents types; one covers its corrections and withdrawals. Empty is all.
        regions: Six digits each; a province or a city covers what lies in it. Empty is all.
    """

    source: str
    sources: frozenset[str] = frozenset()
    event_types: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()

    def allows(self, *, source: str, event_type: str, region: str) -> bool:
        """Whether an event of this source, type and region may come with this key."""
        return self.refusal_of(source=source, event_type=event_type, region=region) is None

    def refusal_of(self, *, source: str, event_type: str, region: str | None) -> DomainError | None:
        """Why an event may not come with this key, or None.

        Args:
            source: Source of the event, compared as it is written.
            event_type: Its type; of a correction or withdrawal, the type of that.
            region: Six digits; None is looked at later, or means nothing here.
        """
        if not self._covers(source):
            return SourceNotGranted(granted=sorted(self.sources or {self.source}))
        if self.event_types and amended_type(event_type) not in self.event_types:
            return TypeNotGranted(granted=sorted(self.event_types))
        return None if region is None else self.refusal_at(region)

    def refusal_of_own(self, *, event_type: str, region: str) -> DomainError | None:
        """The same of a report that names no source: a key of one line does not speak for all."""
        return self.refusal_of(source=self.source, event_type=event_type, region=region)

    def refusal_at(self, region: str) -> DomainError | None:
        """Why nothing may be reported from this region, or None."""
        if self.regions and not self.regions & set(places_around(region)):
            return RegionNotGranted(granted=sorted(self.regions))
        return None

    def _covers(self, source: str) -> bool:
        return is_below(source, self.source) and (
            not self.sources or any(is_below(source, granted) for granted in self.sources)
        )


class Key(NamedTuple):
    """A verified key of a partner's server or of a device.

    Attributes:
        is_first_today: Nobody has noted yet that it was used on this Shanghai day.
    """

    id: str
    partner_id: UUID
    kind: str
    scopes: frozenset[str]
    grants: Grants
    is_first_today: bool


class KeyTerms(NamedTuple):
    """What a new key may do and report; an empty part is all that its partner may speak for.

    Attributes:
        kind: `partner` or `device`.
    """

    kind: str
    scopes: Sequence[str]
    event_types: Sequence[str] = ()
    regions: Sequence[str] = ()
    sources: Sequence[str] = ()


class Material(NamedTuple):
    """What a key is recognised by: the one part that its algorithm needs."""

    algorithm: str
    secret_sha256: bytes | None = None
    sealed_secret: bytes | None = None
    public_key: bytes | None = None


class SigningKey(NamedTuple):
    """A key that signs, with what verifies it."""

    key: Key
    algorithm: str
    sealed_secret: bytes | None
    public_key: bytes | None


def is_below(source: str, granted: str) -> bool:
    """Whether a source is the granted one or continues it at a boundary."""
    if source == granted:
        return True
    rest = source.removeprefix(granted)
    return rest != source and (granted.endswith(_BOUNDARIES) or rest.startswith(_BOUNDARIES))


def amended_type(event_type: str) -> str:
    """The type of the fact: `tanhui.trip.corrected.v1` is about a `tanhui.trip.v1`."""
    return _AMENDS.sub("", event_type)

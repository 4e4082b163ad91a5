"""One version of a methodology as its TOML file states it, and its identity.

The identity is the SHA-256 of the canonical content: the file's fields and every factor row that
the version can select. Layout and comments do not count; any figure, date or source does.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from scoring.methodology.factor import EmissionFactor
from scoring.methodology.values import Tier


@dataclass(frozen=True, slots=True)
class Formula:
    """One countable quantity: reduction = quantity x (product of baseline - product of project).

    Attributes:
        quantity: name of the quantity, `mass_g.pet` for one material.
        baseline: keys of the factors to multiply.
        project: the same for what the activity itself emits; empty is none.
    """

    quantity: str
    baseline: tuple[str, ...]
    project: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cap:
    """Most of one kind of quantity that one person is credited for in a period.

    Attributes:
        quantity: kind without material.
        most: base units.
        per: quantity that multiplies the cap, `days` of a metered period, or empty.
        per_most: upper limit of that multiplier.
        reason: why this number.
    """

    quantity: str
    most: int
    per: str
    per_most: int
    reason: str


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example that the tests and the documentation share."""

    inputs: Mapping[str, Any]
    region: str
    tier: Tier
    arithmetic: str
    grams: int


@dataclass(frozen=True, slots=True)
class MethodologyVersion:
    """A published rule from activity to reduction, never edited.

    Attributes:
        methodology_id: stable code such as TPH-FOOD-01.
        version: semver.
        hash: identity, see the module.
        action: key of the action in the API, such as `clean_plate`.
        kind: `scene` goes to personal accounts, `project` does not.
        valid_from: first day of activities it applies to.
        valid_until: last day, None until the next version starts.
        period: `day` or `year`, over which exclusions and caps run.
        late_window_hours: how late evidence may arrive after the activity.
        exclusion: `trip`, `no_drive_day` or empty.
        combine: `sum` counts all quantities given, `first_given` the first in the file's order.
        multipliers: exact decimal strings by tier.
        narrative: texts for readers, by name and language.
        evidence: kinds of evidence that a tier needs.
        factors: every row that it can select.
        draft_reason: why it is not creditable, in `zh` and `en`; None for a version that is.
        content: canonical content behind the hash.
    """

    methodology_id: str
    version: str
    hash: str
    action: str
    title: Mapping[str, str]
    kind: str
    valid_from: date
    valid_until: date | None
    review_due: date
    period: str
    late_window_hours: int
    exclusion: str
    combine: str
    gas_basis: str
    multipliers: Mapping[Tier, str]
    formulas: tuple[Formula, ...]
    caps: Mapping[str, Cap]
    narrative: Mapping[str, str]
    evidence: Mapping[Tier, tuple[str, ...]]
    examples: tuple[Example, ...]
    factors: Mapping[str, EmissionFactor]
    draft_reason: Mapping[str, str] | None
    content: str

    @property
    def label(self) -> str:
        """Id and version, for messages."""
        return f"{self.methodology_id} {self.version}"


def canonical(file: Mapping[str, Any], factors: tuple[EmissionFactor, ...]) -> str:
    """Content as JSON with sorted keys and rows; the same for every layout of the TOML.

    The table `[draft]` is a remark about the file and not of it: a draft is published under the
    hash that was reviewed, by taking the table away.
    """
    file = {name: value for name, value in file.items() if name != "draft"}
    rows = [row.content() for row in sorted(factors, key=lambda row: row.id)]
    return json.dumps(
        {"methodology": file, "factors": rows},
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
        default=_time_text,
    )


def content_hash(content: str) -> str:
    """SHA-256 of the canonical content, 64 hex digits."""
    return hashlib.sha256(content.encode()).hexdigest()


def _time_text(value: object) -> str:
    # A day; a moment or a time of the day stands where a text is wanted, and is refused there.
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError(f"{value!r} has no canonical form")

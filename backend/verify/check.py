"""What a check is, and what it found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class Check(NamedTuple):
    """One invariant.

    Attributes:
        name: Stable; scripts and dashboards go by it.
        zh: What must be so, for people.
        en: The same in English.
        sql: Returns one row per breach and none while all is well; no parameters.
    """

    name: str
    zh: str
    en: str
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        count: Breaches in all.
        examples: The first few, as column names with values.
    """

    name: str
    zh: str
    en: str
    count: int
    examples: Sequence[Mapping[str, Any]]

    @property
    def ok(self) -> bool:
        """Whether the invariant holds."""
        return not self.count

"""The base of every refusal.

A refusal is named for what is wrong; its class docstring is the sentence that a developer reads,
and `problems.py` holds the sentences that people read. Rules raise it, and in a batch it is a
value.
"""

from collections.abc import Mapping
from types import MappingProxyType


class DomainError(Exception):
    """A request that the rules of the programme refuse; nothing was changed.

    Attributes:
        facts: Members that the problem details carry beside the fixed ones, for example the time at
            which a voucher was settled. Never personal data of somebody else.
        words: By language, what is wrong and what helps, where one kind of problem has several
            causes; without them the row of the kind speaks.
    """

    words: Mapping[str, tuple[str, str]] = MappingProxyType({})

    def __init__(self, detail: str | None = None, **facts: object) -> None:
        super().__init__(detail or (type(self).__doc__ or "").partition("\n")[0])
        self.facts: Mapping[str, object] = facts


class NotFound(DomainError):
    """There is no such resource, or it is not yours to see."""


class SecondPersonNeeded(DomainError):
    """Whoever proposed this cannot approve it."""

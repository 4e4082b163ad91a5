"""Collecting what is wrong with data files, so that an author sees every fault at once."""

from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from scoring.methodology.refusals import CatalogueBroken

_Read = TypeVar("_Read")
_Row = TypeVar("_Row")
_Given = ParamSpec("_Given")


class Faults:
    """The faults of one reading; `settle` raises them together."""

    def __init__(self) -> None:
        self.found: list[CatalogueBroken] = []

    def attempt(
        self, read: Callable[_Given, _Read], *args: _Given.args, **named: _Given.kwargs
    ) -> _Read | None:
        """What `read` gives, or None after a fault that was noted."""
        try:
            return read(*args, **named)
        except CatalogueBroken as broken:
            self.found += broken.faults
            return None

    def each(self, rows: Iterable[_Row], read: Callable[[_Row], _Read]) -> tuple[_Read, ...]:
        """What `read` gives for the rows without a fault."""
        read_rows = (self.attempt(read, row) for row in rows)
        return tuple(value for value in read_rows if value is not None)

    def settle(self) -> None:
        """Raise the first fault with all others attached, if there is one."""
        if self.found:
            first, *others = self.found
            first.also = tuple(others)
            raise first

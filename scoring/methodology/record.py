"""Reading one TOML table strictly: every field is asked for by name and type, none is left over."""

import re
import tomllib
from collections.abc import Callable
from datetime import date
from typing import Any, NoReturn, TypeVar

from scoring.methodology.faults import Faults
from scoring.methodology.refusals import (
    CatalogueBroken,
    FieldInvalid,
    FieldMissing,
    FieldUnknown,
)

_Field = TypeVar("_Field")
DECIMAL = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)


def parse_toml(where: str, text: str) -> dict[str, Any]:
    """Parse TOML without floats: a factor written as a binary float has lost its exact value.

    Raises:
        FieldInvalid: not TOML, which covers a key that is given twice, or a float in it.
    """

    def refuse(number: str) -> NoReturn:
        do = f'Write the exact decimal as a string: "{number}"'
        raise FieldInvalid(where, f"{number} is a binary float", do)

    try:
        return tomllib.loads(text, parse_float=refuse)
    except CatalogueBroken:
        raise
    except (
        ValueError,
        RecursionError,
    ) as broken:  # numbers and nesting without end raise their own
        do = "Correct the line that the message names"
        raise FieldInvalid(where, f"not TOML: {broken}", do) from broken


class Record:
    """One table of a data file; `where` names it in messages.

    A field that is missing or wrong is noted and answered by an empty value of its type, so that
    one reading finds all faults; `close` raises them.
    """

    def __init__(self, where: str, fields: dict[str, Any]) -> None:
        self.where = where
        self._left = dict(fields)
        self._faults = Faults()

    def __contains__(self, name: str) -> bool:
        """Whether there is such a field that nothing has read yet."""
        return name in self._left

    def text(self, name: str) -> str:
        """A non-empty string."""
        return self._take(name, _is_text, '"…", a non-empty string', "")

    def optional_text(self, name: str) -> str:
        """A string, empty when absent."""
        return self.text(name) if name in self._left else ""

    def one_of(self, name: str, allowed: frozenset[str]) -> str:
        """A string of a closed list."""
        wanted = f"one of {', '.join(sorted(allowed))}"
        return self._take(name, lambda found: _is_text(found) and found in allowed, wanted, "")

    def matching(self, name: str, pattern: re.Pattern[str], wanted: str) -> str:
        """A string of one form."""
        return self._take(
            name, lambda found: _is_text(found) and pattern.fullmatch(found), wanted, ""
        )

    def decimal(self, name: str) -> str:
        """An exact decimal string such as 0.038, kept as it is written."""
        wanted = 'an exact decimal string such as "0.038", not negative'
        return self.matching(name, DECIMAL, wanted) or "0"

    def integer(self, name: str) -> int:
        """A whole number above zero."""
        return self._take(name, _is_positive, "a whole number above zero", 1)

    def day(self, name: str) -> date:
        """A TOML local date."""
        wanted = "a date such as 2026-01-01"
        return self._take(name, lambda found: type(found) is date, wanted, date.min)

    def optional_day(self, name: str) -> date | None:
        """A date, or None when absent."""
        return self.day(name) if name in self._left else None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings, empty when absent."""
        if name not in self._left:
            return ()
        return tuple(self._take(name, _is_texts, "a list of strings", ()))

    def record(self, name: str) -> "Record":
        """A table within this one.

        Raises:
            FieldMissing, FieldInvalid: no such table; nothing in it can be read.
        """
        found = self._left.pop(name, None)
        if isinstance(found, dict):
            return Record(f"{self.where}: [{name}]", found)
        kind = FieldMissing if found is None else FieldInvalid
        raise kind(self.where, f"no table [{name}]", f"Add the table [{name}] with its fields")

    def optional_record(self, name: str) -> "Record":
        """A table within this one, empty when absent."""
        return self.record(name) if name in self._left else Record(f"{self.where}: [{name}]", {})

    def records(self, name: str) -> list["Record"]:
        """A list of tables, empty when absent; a row that has an id is named by it."""
        rows: list[dict[str, Any]] = []
        if name in self._left:
            rows = self._take(name, _is_tables, f"tables [[{name}]]", rows)
        return [
            Record(f"{self.where}: {name} {place}{_named(row)}", row)
            for place, row in enumerate(rows, 1)
        ]

    def rest(self) -> dict[str, Any]:
        """Everything not read yet, for tables whose names are data."""
        left, self._left = self._left, {}
        return left

    def fault(self, kind: type[CatalogueBroken], what: str, do: str) -> None:
        """Note a fault of this row that its types cannot show."""
        self._faults.found.append(kind(self.where, what, do))

    def close(self) -> None:
        """Refuse what nothing has read, together with the faults noted.

        Raises:
            CatalogueBroken: the first fault of this table, with the others attached.
        """
        for name in sorted(self._left):
            self.fault(FieldUnknown, f"nothing reads {name}", "Correct its spelling or remove it")
        self._faults.settle()

    def _take(
        self, name: str, is_right: Callable[[Any], object], wanted: str, fallback: _Field
    ) -> _Field:
        found = self._left.pop(name, None)
        if found is None:
            self.fault(FieldMissing, f"{name} is missing", f"Add {name}: {wanted}")
            return fallback
        if not is_right(found):
            self.fault(FieldInvalid, f"{name} is {found!r}", f"Give {wanted}")
            return fallback
        field: _Field = found
        return field


def _is_text(found: Any) -> bool:
    return isinstance(found, str) and bool(found.strip())


def _is_positive(found: Any) -> bool:
    return isinstance(found, int) and not isinstance(found, bool) and found > 0


def _is_texts(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(entry, str) for entry in found)


def _is_tables(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(entry, dict) for entry in found)


def _named(row: dict[str, Any]) -> str:
    name = row.get("id", row.get("quantity"))
    return f" ({name})" if name else ""

"""Reading one TOML table strictly: every field is asked for by name and type, none is left over."""

import re
import tomllib
from datetime import date
from typing import Any, NoReturn

from scoring.methodology.refusals import FieldInvalid, FieldMissing, FieldUnknown

DECIMAL = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)


def parse_toml(where: str, text: str) -> dict[str, Any]:
    """Parse TOML without floats: a factor written as a binary float has lost its exact value.

    Raises:
        FieldInvalid: not TOML, or a float in it.
    """

    def refuse(number: str) -> NoReturn:
        raise FieldInvalid(f"{where}: write {number} as an exact decimal string")

    try:
        return tomllib.loads(text, parse_float=refuse)
    except tomllib.TOMLDecodeError as broken:
        raise FieldInvalid(f"{where}: {broken}") from broken


class Record:
    """One table of a data file; `where` names it in messages."""

    def __init__(self, where: str, fields: dict[str, Any]) -> None:
        self.where = where
        self._left = dict(fields)

    def text(self, name: str) -> str:
        """A non-empty string."""
        found = self._take(name)
        if not isinstance(found, str) or not found.strip():
            raise FieldInvalid(f"{self.where}: {name} must be a non-empty string")
        return found

    def optional_text(self, name: str) -> str:
        """A string, empty when absent."""
        return self.text(name) if name in self._left else ""

    def one_of(self, name: str, allowed: frozenset[str]) -> str:
        """A string of a closed list."""
        found = self.text(name)
        if found not in allowed:
            raise FieldInvalid(f"{self.where}: {name} is one of {sorted(allowed)}, not {found!r}")
        return found

    def decimal(self, name: str) -> str:
        """An exact decimal string such as 0.038, kept as it is written."""
        found = self.text(name)
        if DECIMAL.fullmatch(found) is None:
            raise FieldInvalid(f"{self.where}: {name} must be a decimal string, not {found!r}")
        return found

    def integer(self, name: str) -> int:
        """A whole number above zero."""
        found = self._take(name)
        if not isinstance(found, int) or isinstance(found, bool) or found <= 0:
            raise FieldInvalid(f"{self.where}: {name} must be a whole number above zero")
        return found

    def day(self, name: str) -> date:
        """A TOML local date."""
        found = self._take(name)
        if type(found) is not date:
            raise FieldInvalid(f"{self.where}: {name} must be a date")
        return found

    def optional_day(self, name: str) -> date | None:
        """A date, or None when absent."""
        return self.day(name) if name in self._left else None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings, empty when absent."""
        found = self._left.pop(name, [])
        if not isinstance(found, list) or not all(isinstance(entry, str) for entry in found):
            raise FieldInvalid(f"{self.where}: {name} must be a list of strings")
        return tuple(found)

    def record(self, name: str) -> "Record":
        """A table within this one."""
        found = self._take(name)
        if not isinstance(found, dict):
            raise FieldInvalid(f"{self.where}: {name} must be a table")
        return Record(f"{self.where} {name}", found)

    def optional_record(self, name: str) -> "Record":
        """A table within this one, empty when absent."""
        return self.record(name) if name in self._left else Record(f"{self.where} {name}", {})

    def records(self, name: str) -> list["Record"]:
        """A list of tables, empty when absent."""
        found = self._left.pop(name, [])
        return [Record(f"{self.where} {name} {place}", row) for place, row in enumerate(found, 1)]

    def rest(self) -> dict[str, Any]:
        """Everything not read yet, for tables whose names are data."""
        left, self._left = self._left, {}
        return left

    def close(self) -> None:
        """Refuse what nothing has read."""
        if self._left:
            raise FieldUnknown(f"{self.where}: nothing reads {sorted(self._left)}")

    def _take(self, name: str) -> Any:
        if name not in self._left:
            raise FieldMissing(f"{self.where}: {name} is missing")
        return self._left.pop(name)

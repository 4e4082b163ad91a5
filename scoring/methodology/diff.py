"""What differs between two versions, field by field, factors and their sources included."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from scoring.methodology.version import MethodologyVersion

# What names an entry of a list, so that moving a row is no difference.
_NAMED_BY = ("id", "quantity")


class Change(NamedTuple):
    """One field that differs.

    Attributes:
        path: such as `cap(meals).most` or `factor(grid-2023-330000).value`.
        old: as JSON would show it; None where the field is new.
        new: None where the field is gone.
    """

    path: str
    old: Any
    new: Any


def diff(old: MethodologyVersion, new: MethodologyVersion) -> tuple[Change, ...]:
    """Every field of the content that differs, sorted by path; equal hashes differ in nothing."""
    before, after = _fields(old), _fields(new)
    return tuple(
        Change(path, before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    )


def _fields(version: MethodologyVersion) -> dict[str, Any]:
    content = json.loads(version.content)
    factors = {f"factor({row['id']})": row for row in content["factors"]}
    return dict(_flatten("", {**content["methodology"], **factors}))


def _flatten(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _flatten(f"{path}.{name}" if path else name, entry)
    elif isinstance(value, list) and all(isinstance(entry, dict) for entry in value) and value:
        for place, entry in enumerate(value, 1):
            named = next((entry[name] for name in _NAMED_BY if name in entry), place)
            yield from _flatten(f"{path}({named})", entry)
    else:
        yield path, value

"""Lines of a partner's file as CloudEvents, and the totals that they must add up to. Pure.

Columns are `id`, `type`, `subject`, `time`, if need be `source`, and the members of `data` by their
names; one member of an object by a point, such as `materials.glass`. An empty cell is left out. The
same event by HTTP and by file is the same event: its id, and what is decided by.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from backend.intake.controls.bodies import ControlTotalBody
from backend.intake.events.domain import Role
from backend.intake.events.kinds import TYPES

ATTRIBUTES: Final[Sequence[str]] = ("id", "type", "subject", "time", "source")
NEEDED: Final = frozenset({"id", "type", "time"})
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_NAMES_ANOTHER: Final = ("corrects", "withdraws")  # in the data, but no part of what was done


class NotReadable(Exception):
    """The file has no heading, columns missing or in each other's way, or is not UTF-8."""


class Control(msgspec.Struct, forbid_unknown_fields=True):
    """What is in the file: lines, and the sum of each column of amounts."""

    count: int
    sums: dict[str, int] = {}


class ControlFile(Control, forbid_unknown_fields=True):
    """What the partner says is in the file, and what it says of whole days.

    Attributes:
        days: To be reconciled when the lines are imported.
    """

    days: list[ControlTotalBody] = []


class Line(NamedTuple):
    """One line of the file; the heading is line 1."""

    number: int
    document: dict[str, Any]


def read_lines(content: bytes, source: str) -> list[Line]:
    """All lines as CloudEvents of the partner's source.

    Raises:
        NotReadable: Nothing of the file can be trusted.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotReadable("The file is not UTF-8.") from None
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        heading = _heading(next(rows, []))
        return [Line(rows.line_num, _document(heading, row, source)) for row in rows if any(row)]
    except csv.Error as error:
        raise NotReadable(f"Line {rows.line_num}: {error}.") from None


def _heading(row: Sequence[str]) -> list[str]:
    heading = [name.strip() for name in row]
    names = set(heading)
    if not heading or len(names) != len(heading) or not names >= NEEDED:
        raise NotReadable("The first line names the columns, id, type and time among them.")
    if both := sorted(names & {name.partition(".")[0] for name in names if "." in name}):
        raise NotReadable(f"{both[0]} is a column, and other columns are members of it.")
    return heading


def read_control(content: bytes) -> ControlFile:
    """The control totals.

    Raises:
        NotReadable: Not the members that a control file has.
    """
    try:
        return msgspec.json.decode(content, type=ControlFile)
    except msgspec.MsgspecError as error:
        raise NotReadable(f"Control totals: {error}.") from None
    except UnicodeDecodeError:
        raise NotReadable("Control totals: not UTF-8.") from None


def totals_of(lines: Sequence[Line], columns: Sequence[str]) -> Control:
    """What the lines add up to in these columns."""
    return Control(
        len(lines),
        {name: sum(_amount(line.document["data"], name) for line in lines) for name in columns},
    )


def _document(heading: Sequence[str], row: Sequence[str], source: str) -> dict[str, Any]:
    cells = {name: cell.strip() for name, cell in zip(heading, row, strict=False) if cell.strip()}
    attributes: dict[str, str] = {name: cells.pop(name) for name in ATTRIBUTES if name in cells}
    data = _typed(attributes.get("type", ""), _nested(cells))
    document: dict[str, Any] = {"specversion": "1.0", "source": source, **attributes, "data": data}
    if len(row) > len(heading):
        document["extra_cells"] = len(row) - len(heading)  # refused as an attribute that is not one
    return document


def _nested(cells: Mapping[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, cell in cells.items():
        outer, point, inner = name.partition(".")
        if point:
            data.setdefault(outer, {})[inner] = cell
        else:
            data[outer] = cell
    return data


def _typed(event_type: str, data: dict[str, Any]) -> dict[str, Any]:
    """Turn text into the numbers that this type of event has; what does not fit stays as it is.

    Everything else keeps its spelling, so that the event is the same as by HTTP.
    """
    known = TYPES.get(event_type)
    if known is None or known[1] == Role.WITHDRAWN:
        return data
    told = {name: value for name, value in data.items() if name not in _NAMES_ANOTHER}
    try:
        meant = msgspec.convert(told, known[0].data, strict=False)
    except msgspec.ValidationError:
        return data
    return {name: _number(value, getattr(meant, name, value)) for name, value in data.items()}


def _number(told: Any, meant: Any) -> Any:
    if isinstance(meant, (int, float)):
        return meant
    if isinstance(told, dict) and isinstance(meant, dict):
        return {name: _number(value, meant.get(name, value)) for name, value in told.items()}
    return told


def _amount(data: Mapping[str, Any], name: str) -> int:
    """A number of a line, also of one that will be refused; anything else adds nothing."""
    outer, point, inner = name.partition(".")
    value = data.get(outer)
    if point:
        value = value.get(inner) if isinstance(value, dict) else None
    written = str(value)
    return int(written) if _WHOLE.fullmatch(written) else 0

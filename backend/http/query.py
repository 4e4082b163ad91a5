"""Strict query strings: each parameter once, known, and read without guessing.

Python's int() takes full-width digits, underscores and spaces; a query string here does not.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from backend.http.json_body import fault_of
from backend.http.problem import Fault, Words
from backend.http.refusals import MalformedRequest, ValidationFailed
from backend.http.texts import unreadable_leaves

PARAMETERS_MAX: Final = 32  # no list has a third of that many filters

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_ZONE_LOST = re.compile(r"T[0-9:.]+ [0-9]{2}:?[0-9]{2}$")
_PLUS_LOST: Final = Words(
    "Send + as %2B: unescaped it is a space.", "加号请写成 %2B:未转义的加号会变成空格。"
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class NoQuery(msgspec.Struct, frozen=True):
    """The query type of routes that take no parameters."""


class QueryReader:
    """Reads the query string of one route into its Struct of scalars."""

    def __init__(self, kind: type[Any] | None) -> None:
        self._kind = kind or NoQuery
        self._readers = {
            field.encode_name: _reader_of(field.type)
            for field in msgspec.inspect.type_info(self._kind).fields  # type: ignore[attr-defined]
        }

    def read(self, parameters: Mapping[str, str]) -> object:
        """Convert the parameters that `split_query` gave.

        Raises:
            ValidationFailed: An unknown parameter, or a value of another form or range.
        """
        values: dict[str, object] = {}
        for name, text in parameters.items():
            if name not in self._readers:
                raise ValidationFailed(errors=(self._unknown(),))
            values[name] = self._readers[name](name, text)
        try:
            query: object = msgspec.convert(values, self._kind, strict=True)
        except msgspec.ValidationError as error:
            raise ValidationFailed(errors=(_hinted(fault_of(error), parameters),)) from None
        return query

    def _unknown(self) -> Fault:
        known = ", ".join(self._readers)
        words = Words(f"Known: {known or 'none'}", f"可用参数:{known or '无'}")
        return Fault("", "unknown_parameter", words)


def _hinted(fault: Fault, parameters: Mapping[str, str]) -> Fault:
    """Say what has become of the + of a time zone, which is the encoding of a space."""
    if _ZONE_LOST.search(parameters.get(fault.pointer.removeprefix("/"), "")):
        return fault._replace(words=_PLUS_LOST)
    return fault


def split_query(query_string: str) -> dict[str, str]:
    """Split `a=1&b=2`; a parameter that occurs twice has no single meaning.

    Raises:
        MalformedRequest: Repeated, not UTF-8, too many, or an empty name.
        ValidationFailed: A text that nobody can read.
    """
    try:
        pairs = parse_qsl(
            query_string,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=PARAMETERS_MAX,
        )
    except ValueError:
        raise MalformedRequest("The query string cannot be read.") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise MalformedRequest("A parameter occurs twice.")
    for fault in unreadable_leaves(parameters):
        raise ValidationFailed(errors=(fault,))
    return parameters


def read_integer(name: str, text: str) -> int:
    """Read a decimal integer in ASCII digits, without sign plus, spaces or leading zeros."""
    if not _INTEGER.fullmatch(text):
        raise ValidationFailed(errors=(Fault(f"/{name}", "not_an_integer"),))
    return int(text)


def _read_boolean(name: str, text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValidationFailed(errors=(Fault(f"/{name}", "not_a_boolean"),))
    return text == "true"


def _read_uuid(name: str, text: str) -> str:
    if not _UUID.fullmatch(text):
        raise ValidationFailed(errors=(Fault(f"/{name}", "not_a_uuid"),))
    return text


def _read_text(_: str, text: str) -> str:
    return text


def _reader_of(kind: msgspec.inspect.Type) -> Callable[[str, str], object]:
    """Choose by the scalar type; `X | None` reads as X, because absence is the only null."""
    if isinstance(kind, msgspec.inspect.UnionType):
        kind = next(t for t in kind.types if not isinstance(t, msgspec.inspect.NoneType))
    if isinstance(kind, msgspec.inspect.Metadata):
        return _reader_of(kind.type)
    if isinstance(kind, msgspec.inspect.IntType):
        return read_integer
    if isinstance(kind, msgspec.inspect.BoolType):
        return _read_boolean
    if isinstance(kind, msgspec.inspect.UUIDType):
        return _read_uuid
    return _read_text

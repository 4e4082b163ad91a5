"""Strict JSON: bytes in, a typed value out, or a refusal that says where.

msgspec alone lets the last of two equal member names win, accepts NUL and integers of any size; the
standard library accepts NaN and lone surrogates. The documents that get past here are the ones
that every party reads in the same way.
"""

import json
import re
from typing import Final

import msgspec

from backend.http.expectations import expectation
from backend.http.problem import Fault
from backend.http.refusals import MalformedJson, ValidationFailed
from backend.http.texts import leaves, unreadable_leaves

DEPTH_MAX: Final = 32  # ours nest to 4; a decoder that recurses must stop far before the C stack
INTEGER_MAX: Final = 2**63 - 1  # what PostgreSQL's bigint holds

# A cheap look decides whether the values must be walked one by one: only these escapes bring NUL or
# half of a surrogate pair, and only integers of more digits than these can pass bigint.
_ESCAPES = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_DIGITS_SAFE: Final = 18

# A string without its end is taken too: to look for one from each of its quotes takes for ever.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_MEMBER = re.compile(r"`([a-z][a-z0-9_]{0,63})`")
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+|\.\.\.)\]")
_CODES = (
    ("Object missing required field", "missing"),
    ("Object contains unknown field", "unknown_member"),
    ("Invalid", "unknown_value"),
    ("Expected `", "unexpected"),
)


def decode_body(data: bytes, kind: object) -> object:
    """Decode and validate one body.

    Raises:
        MalformedJson: Not one JSON document that all parties read alike.
        ValidationFailed: A document of another shape, with the pointer of the first fault.
    """
    return convert(parse(data), kind)


def parse(data: bytes) -> object:
    """Parse one document; refuses what decoders disagree about."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise MalformedJson("The body is not UTF-8.") from None
    if text.count("[") + text.count("{") > DEPTH_MAX:
        _refuse_depth(text)
    try:
        document = _decode(text)
    except ValueError:  # also an integer of more than 4,300 digits
        raise MalformedJson from None
    if "\\u" in text and _ESCAPES.search(text):
        _refuse_values(document)
    return document


def convert(document: object, kind: object) -> object:
    """Give a parsed document its type, without turning one JSON type into another.

    Raises:
        ValidationFailed: Another shape, or a text that nobody can read; with its pointer.
    """
    for fault in unreadable_leaves(document):
        raise ValidationFailed(errors=(fault,))
    try:
        converted: object = msgspec.convert(document, kind, strict=True)
    except msgspec.ValidationError as error:
        raise ValidationFailed(errors=(fault_of(error),)) from None
    return converted


def fault_of(error: msgspec.ValidationError, root: str = "") -> Fault:
    """Translate msgspec's sentence into a pointer and a code.

    Its sentences about unknown values quote them, so only those about types and ranges are passed
    on; an unknown member is named when its name is a plain identifier.
    """
    what, _, path = str(error).partition(" - at `$")
    code = next((code for start, code in _CODES if what.startswith(start)), "invalid")
    pointer = root + "".join(f"/{name or index}" for name, index in _STEP.findall(path))
    if code in {"missing", "unknown_member"} and (member := _MEMBER.search(what)):
        pointer = f"{pointer}/{member[1]}"
    words = expectation(what.replace("`", "")) if code == "unexpected" else None
    return Fault(pointer, code, words)


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("A member name occurs twice in one object.")
    return members


def _refuse_constant(_: str) -> object:
    raise MalformedJson("JSON has no NaN and no Infinity.")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        raise MalformedJson("A number is larger than any that can be kept.")
    return number


def _refuse_depth(text: str) -> None:
    """Count real nesting: brackets inside strings do not nest."""
    depth = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise MalformedJson(f"The document nests deeper than {DEPTH_MAX}.")
        elif character in "]}":
            depth -= 1


def _refuse_values(document: object) -> None:
    for pointer, value in leaves(document, ""):
        if isinstance(value, str):
            _refuse_text(value, pointer)
        elif isinstance(value, int) and not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise ValidationFailed(errors=(Fault(pointer, "out_of_range"),))


def _refuse_text(text: str, pointer: str) -> None:
    if "\0" in text:
        raise ValidationFailed(errors=(Fault(pointer, "nul_character"),))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MalformedJson("A string holds half of a surrogate pair.") from None


class _LongInteger(Exception):
    pass


def _short_integer(digits: str) -> int:
    if len(digits) > _DIGITS_SAFE:
        raise _LongInteger
    return int(digits)


# Made once: making a decoder takes longer than decoding one of our bodies.
_decode_any = json.JSONDecoder(
    object_pairs_hook=_members, parse_constant=_refuse_constant, parse_float=_finite
).decode
_decode_short = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_constant=_refuse_constant,
    parse_float=_finite,
    parse_int=_short_integer,
).decode


def _decode(text: str) -> object:
    try:
        document: object = _decode_short(text)
    except _LongInteger:
        document = _decode_any(text)
        _refuse_values(document)
    return document

"""From a CloudEvents 1.0.2 document to a partner's event, or to a refusal that says where.

Three forms carry the same: one JSON document, an array of them, or the data alone with `ce-` header
fields. Attributes that we do not know are extensions: they are checked for form and then ignored.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple
from uuid import UUID

import msgspec

from backend.http.expectations import expectation
from backend.http.json_body import convert, fault_of, parse
from backend.http.principal import Reach
from backend.http.problem import Fault, Words
from backend.http.refusals import (
    MalformedJson,
    MalformedRequest,
    PayloadTooLarge,
    ValidationFailed,
)
from backend.http.texts import unreadable_leaves
from backend.intake.bodies import Moment
from backend.intake.domain import in_utc
from backend.intake.events.domain import (
    EventKey,
    EventKind,
    EventTypeUnknown,
    PartnerEvent,
    Role,
)
from backend.intake.events.kinds import TYPES

EVENT_BYTES_MAX: Final = 64 * 1024  # the size that every CloudEvents consumer takes, and no more
NAME_CHARACTERS_MAX: Final = 256  # of an id and a source; a UUID and a long address fit

# RFC 3986, 4.1: a relative reference has no colon in its first segment.
_URI_REFERENCE = (
    r"^(?![^A-Za-z/?#][^/?#]*:)(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$"
)
_ATTRIBUTE = re.compile(r"[a-z0-9]{1,64}")
_JSON_TYPE = re.compile(
    r'application/(?:[\w.+-]+\+)?json(?:\s*;\s*charset="?utf-8"?)?\s*', re.IGNORECASE
)
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")  # CloudEvents 1.0.2, 3.1: not in any attribute
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_DATA = frozenset({"data", "data_base64"})
_canonical = msgspec.json.Encoder(order="deterministic").encode

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_CHARACTERS_MAX)]
Source = Annotated[str, msgspec.Meta(max_length=NAME_CHARACTERS_MAX, pattern=_URI_REFERENCE)]
Subject = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Envelope(msgspec.Struct, kw_only=True):
    """A CloudEvent in JSON; further attributes of lower-case letters and digits are allowed."""

    specversion: Literal["1.0"]
    id: Name
    source: Source
    type: Name
    subject: Subject | None = None
    time: Moment | None = None
    datacontenttype: Name | None = None
    dataschema: Name | None = None
    data: dict[str, Any] | None = None
    data_base64: str | None = None


class _Corrects(msgspec.Struct, kw_only=True):
    corrects: Name


class _Withdraws(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    withdraws: Name


# Where a change names its event; what completes one has a name of its own for it.
_ABOUT: Final = {Role.CORRECTED: "/data/corrects", Role.WITHDRAWN: "/data/withdraws"}


class Speaker(NamedTuple):
    """Whose key brought the event, where it counts unless it says otherwise, and what it reaches.

    Attributes:
        reach: None where nobody asks: the key was looked at before, or the file is the partner's.
    """

    partner_id: UUID
    reported_by: str
    region: str
    reach: Reach | None = None


def read_event(document: object, speaker: Speaker) -> PartnerEvent:
    """Read one event of the structured form.

    Raises:
        ValidationFailed: With the pointer of the first fault.
        EventTypeUnknown, TimeNotPlausible, PayloadTooLarge.
    """
    if not isinstance(document, dict):
        raise _fault("", "unexpected", expectation("Expected object"))
    _check_attributes(document)
    envelope: Any = convert(document, Envelope)
    return _read(envelope, _data_of(envelope, document), speaker)


def read_binary(fields: Iterable[tuple[str, str]], body: bytes, speaker: Speaker) -> PartnerEvent:
    """Read one event whose attributes are header fields and whose data is the body.

    Raises:
        MalformedRequest: A field occurs twice, or is not encoded as the binding says.
        MalformedJson, ValidationFailed, EventTypeUnknown, PayloadTooLarge.
    """
    attributes: dict[str, object] = {}
    for name, value in fields:
        attribute = name[len("ce-") :].lower()
        if attribute in attributes or attribute in {*_DATA, "datacontenttype"}:
            raise MalformedRequest("A ce- field occurs twice, or says what another field says.")
        attributes[attribute] = decode_field(value)
    if body:
        attributes["data"] = parse(body)
    return read_event(attributes, speaker)


def decode_field(value: str) -> str:
    """The text of a header field: percent-encoded UTF-8, as the HTTP binding says.

    Raises:
        MalformedRequest: Not printable ASCII, a broken escape, or bytes that are no UTF-8 text.
    """
    if not _PRINTABLE.fullmatch(value) or _ESCAPE.search(value):
        raise MalformedRequest("A ce- field is not percent-encoded UTF-8.")
    if value.startswith('"') and value.endswith('"') and len(value) > 1:
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    try:
        parts = value.split("%")
        octets = parts[0].encode() + b"".join(
            bytes([int(part[:2], 16)]) + part[2:].encode() for part in parts[1:]
        )
        text = octets.decode()
    except UnicodeDecodeError:
        raise MalformedRequest("A ce- field is not percent-encoded UTF-8.") from None
    if _CONTROL.search(text):
        raise MalformedRequest("A ce- field holds a control character.")
    return text


def read_parked(
    key: EventKey, body: str, *, waits_for: str, reported_by: str, region: str
) -> PartnerEvent:
    """An event that waits, as it was read when it came.

    Raises:
        DomainError: Its type has changed since, and does not take it any more.
    """
    kept: dict[str, Any] = msgspec.json.decode(body)
    document = {"specversion": "1.0", "id": key.event_id, "source": key.source, **kept}
    speaker = Speaker(key.partner_id, reported_by, region)
    return read_event(document, speaker)._replace(waits_for=waits_for)


def _check_attributes(document: Mapping[object, object]) -> None:
    """Attribute names have lower-case letters and digits, and values of extensions are scalars."""
    for name, value in document.items():
        if name in _DATA:
            continue
        if not _ATTRIBUTE.fullmatch(str(name)):
            raise _fault(
                "",
                "attribute_name",
                Words(
                    "Attribute names have letters a-z and digits only",
                    "属性名只能用小写字母 a-z 和数字",
                ),
            )
        if not isinstance(value, (str, bool, int, type(None))):
            raise _fault(
                f"/{name}",
                "unexpected",
                Words("Attributes are strings, integers or booleans", "属性须为文本、整数或布尔值"),
            )
        if isinstance(value, str) and _CONTROL.search(value):
            raise _fault(f"/{name}", "control_character")


def _data_of(envelope: Envelope, document: Mapping[str, object]) -> dict[str, Any]:
    if not _JSON_TYPE.fullmatch(envelope.datacontenttype or "application/json"):
        raise _fault(
            "/datacontenttype",
            "unknown_value",
            Words("Data is application/json", "data 须为 application/json"),
        )
    if envelope.data_base64 is None:
        if envelope.data is None:
            raise _fault("/data", "missing")
        return envelope.data
    if document.get("data") is not None:
        raise _fault(
            "/data_base64",
            "unexpected",
            Words("Either data or data_base64", "data 与 data_base64 只能有一个"),
        )
    try:
        decoded = parse(base64.b64decode(envelope.data_base64, validate=True))
    except (ValueError, MalformedJson):
        raise _fault(
            "/data_base64",
            "invalid",
            Words("Not base64 of one JSON document", "不是单个 JSON 文档的 base64"),
        ) from None
    if not isinstance(decoded, dict):
        raise _fault("/data_base64", "unexpected", expectation("Expected object"))
    for fault in unreadable_leaves(decoded, "/data"):
        raise ValidationFailed(errors=(fault,))
    return decoded


def _read(envelope: Envelope, data: dict[str, Any], speaker: Speaker) -> PartnerEvent:
    if envelope.type not in TYPES:
        raise EventTypeUnknown(errors=(Fault("/type", "unknown_value"),))
    kind, role = TYPES[envelope.type]
    told_at = in_utc(envelope.time) if envelope.time else None
    body = _body(envelope, told_at, data)
    about, value = _content(kind, role, data)
    if value is not None and kind.completes(value):
        role, about = Role.COMPLETED, kind.completes(value)
    if about == envelope.id:
        words = Words("An event cannot be about itself", "事件不能指向自己")
        raise _fault(_ABOUT.get(role, "/data"), "names_itself", words)
    _check_needed(kind, role, envelope)
    return PartnerEvent(
        EventKey(speaker.partner_id, envelope.source, envelope.id),
        kind,
        role,
        envelope.subject,
        about,
        told_at,
        value,
        speaker.region,
        speaker.reported_by,
        body,
        hashlib.sha256(body).digest(),
        reach=speaker.reach,
    )


def _content(kind: EventKind, role: Role, data: dict[str, Any]) -> tuple[str | None, Any]:
    """Which event this one is about, and its data; a withdrawal has none."""
    try:
        if role == Role.WITHDRAWN:
            return msgspec.convert(data, _Withdraws, strict=True).withdraws, None
        if role == Role.CORRECTED:
            about = msgspec.convert(data, _Corrects, strict=True).corrects
            rest = {name: value for name, value in data.items() if name != "corrects"}
            return about, msgspec.convert(rest, kind.data, strict=True)
        return None, msgspec.convert(data, kind.data, strict=True)
    except msgspec.ValidationError as error:
        raise ValidationFailed(errors=(fault_of(error, "/data"),)) from None


def _check_needed(kind: EventKind, role: Role, envelope: Envelope) -> None:
    if role == Role.REPORTED and kind.has_subject and envelope.subject is None:
        raise _fault("/subject", "missing")
    if role == Role.CORRECTED and envelope.time is None:
        raise _fault(
            "/time",
            "missing",
            Words("Of two corrections the later one counts", "两次更正以较晚的为准,须给出时间"),
        )


def _body(envelope: Envelope, told_at: datetime | None, data: dict[str, Any]) -> bytes:
    """What decides whether two events are the same: their meaning, not their spelling."""
    meant = {"type": envelope.type, "subject": envelope.subject, "time": told_at, "data": data}
    body = _canonical({name: value for name, value in meant.items() if value is not None})
    if len(body) > EVENT_BYTES_MAX:
        raise PayloadTooLarge(f"An event has at most {EVENT_BYTES_MAX} bytes.")
    return body


def _fault(pointer: str, code: str, words: Words | None = None) -> ValidationFailed:
    return ValidationFailed(errors=(Fault(pointer, code, words),))

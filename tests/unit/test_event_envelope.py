"""CloudEvents as bytes and fields: what is taken, and where a refusal points."""

import base64
import json
from uuid import UUID

import jsonschema
import pytest

from backend.http.problem import Refusal
from backend.http.refusals import MalformedRequest, PayloadTooLarge, ValidationFailed
from backend.intake.events.domain import EventTypeUnknown, Role
from backend.intake.events.envelope import Speaker, decode_field, read_binary, read_event
from backend.intake.events.kinds import KINDS, TYPES
from backend.intake.events.type_routes import examples_of, schema_of

SPEAKER = Speaker(UUID(int=1), "partner", "330100")
RIDE = {
    "record": "ride",
    "mode": "metro",
    "started_at": "2026-11-20T08:00:00+08:00",
    "ended_at": "2026-11-20T08:40:00+08:00",
    "distance_m": 12_000,
}
EVENT = {
    "specversion": "1.0",
    "id": "ride-1",
    "source": "urn:metro",
    "type": "tanhui.trip.v1",
    "subject": "card-1",
    "time": "2026-11-20T08:41:00+08:00",
    "data": RIDE,
}


def changed(**changes):
    return {name: value for name, value in {**EVENT, **changes}.items() if value is not None}


def read(document):
    return read_event(document, SPEAKER)


def encoded(value):
    return base64.b64encode(value).decode()


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"specversion": "0.3"}, "/specversion", "unknown_value"),
        ({"specversion": "2.0"}, "/specversion", "unknown_value"),
        ({"specversion": None}, "/specversion", "missing"),
        ({"id": None}, "/id", "missing"),
        ({"source": None}, "/source", "missing"),
        ({"type": None}, "/type", "missing"),
        ({"id": ""}, "/id", "unexpected"),
        ({"id": "x" * 300}, "/id", "unexpected"),
        ({"id": 7}, "/id", "unexpected"),
        ({"source": "not a uri"}, "/source", "unexpected"),
        ({"source": "1bad:scheme"}, "/source", "unexpected"),
        ({"source": "/broken%zz"}, "/source", "unexpected"),
        ({"source": ""}, "/source", "unexpected"),
        ({"Foo-Bar": "x"}, "", "attribute_name"),
        ({"traceparent": {"a": 1}}, "/traceparent", "unexpected"),
        ({"time": "yesterday"}, "/time", "unknown_value"),
        ({"time": "2026-11-20T08:41:00"}, "/time", "unexpected"),  # no offset
        ({"id": "a\nb"}, "/id", "control_character"),
        ({"subject": "a\x07"}, "/subject", "control_character"),
        ({"subject": "  "}, "/subject", "blank"),
        ({"data": {**RIDE, "region": "a\u202eb"}}, "/data/region", "control_character"),
        ({"datacontenttype": "text/xml"}, "/datacontenttype", "unknown_value"),
        ({"data": None}, "/data", "missing"),
        ({"data": "text"}, "/data", "unexpected"),
        ({"data": {**RIDE, "mode": "rocket"}}, "/data/mode", "unknown_value"),
        ({"data": {**RIDE, "distance_m": 1.5}}, "/data/distance_m", "unexpected"),
        ({"data": {**RIDE, "grams": 5}}, "/data/grams", "unknown_member"),
        ({"data_base64": encoded(b"{}")}, "/data_base64", "unexpected"),  # beside data
        ({"data": None, "data_base64": "*"}, "/data_base64", "invalid"),
        ({"data": None, "data_base64": encoded(b"[]")}, "/data_base64", "unexpected"),
        ({"data": None, "data_base64": encoded(b"{")}, "/data_base64", "invalid"),
        ({"subject": None}, "/subject", "missing"),
        ({"subject": "x" * 129}, "/subject", "unexpected"),
    ],
)
def test_a_malformed_event_is_refused_where_it_is_wrong(changes, pointer, code):
    with pytest.raises(ValidationFailed) as refused:
        read(changed(**changes))
    [fault] = refused.value.errors
    assert (fault.pointer, fault.code) == (pointer, code)


@pytest.mark.parametrize("document", [None, 7, "text", [], [EVENT]])
def test_what_is_no_object_is_no_event(document):
    with pytest.raises(ValidationFailed):
        read(document)


def test_an_unknown_type_and_an_event_that_is_too_large_have_refusals_of_their_own():
    with pytest.raises(EventTypeUnknown):
        read(changed(type="tanhui.trip.v2"))
    with pytest.raises(PayloadTooLarge):
        read(changed(data={**RIDE, "note": "y" * 65_536}))


def test_identity_is_the_meaning_and_not_the_spelling():
    first = read(EVENT)
    same = changed(
        data=dict(reversed(RIDE.items())),
        time="2026-11-20T00:41:00Z",
        traceparent="00-1-2-01",
        datacontenttype="application/json; charset=utf-8",
    )
    assert read(same).sha256 == first.sha256
    in_base64 = changed(data=None, data_base64=encoded(json.dumps(RIDE).encode()))
    assert read(in_base64).sha256 == first.sha256
    for name, value in (("subject", "card-2"), ("data", {**RIDE, "distance_m": 12_001})):
        assert read(changed(**{name: value})).sha256 != first.sha256


def test_the_binary_form_says_the_same_as_the_structured_one():
    fields = [(f"ce-{name}", str(value)) for name, value in EVENT.items() if name != "data"]
    body = json.dumps(RIDE).encode()
    assert read_binary(fields, body, SPEAKER).sha256 == read(EVENT).sha256
    chinese = [(name, "%E5%8D%A1-1" if name == "ce-subject" else value) for name, value in fields]
    assert read_binary(chinese, body, SPEAKER).subject == "卡-1"
    for more in (("CE-ID", "ride-2"), ("ce-data", "{}"), ("ce-datacontenttype", "text/plain")):
        with pytest.raises(MalformedRequest):
            read_binary([*fields, more], body, SPEAKER)
    with pytest.raises(Refusal):
        read_binary(fields, b"{", SPEAKER)
    with pytest.raises(ValidationFailed):
        read_binary(fields, b"", SPEAKER)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("urn:metro", "urn:metro"),
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),  # the example of the binding
        ('"quoted \\"text\\""', 'quoted "text"'),
        ("100%25", "100%"),
        ("%2541", "%41"),  # decoded once, never twice
    ],
)
def test_a_field_is_percent_encoded_text(field, text):
    assert decode_field(field) == text


@pytest.mark.parametrize(
    "field", ["100%", "%zz", "%E5", "%C0%AF", "%00", "%0d%0aX-Evil: 1", "é", "a\tb", "%ED%A0%80"]
)
def test_a_trap_in_a_field_is_refused(field):
    with pytest.raises(MalformedRequest):
        decode_field(field)


@pytest.mark.parametrize("type_", TYPES)
def test_published_examples_are_taken_and_fit_their_schema(type_):
    kind, role = TYPES[type_]
    schema = schema_of(kind, role)
    jsonschema.Draft202012Validator.check_schema(schema)
    for data in examples_of(kind, role):
        jsonschema.validate(data, schema)
        event = read(changed(type=type_, data=data))
        assert event.role in ({role, Role.COMPLETED} if role == Role.REPORTED else {role})
        with pytest.raises(ValidationFailed):
            read(changed(type=type_, data={**data, "unknown": 1}))
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**data, "unknown": 1}, schema)


def test_a_correction_needs_a_time_and_a_change_needs_what_it_is_about():
    for kind in KINDS:
        corrected = f"{kind.name}.corrected.v1"
        [data] = examples_of(kind, Role.CORRECTED)
        with pytest.raises(ValidationFailed) as refused:
            read(changed(type=corrected, data=data, time=None))
        assert refused.value.errors[0].pointer == "/time"
        del data["corrects"]
        with pytest.raises(ValidationFailed):
            read(changed(type=corrected, data=data))

"""Whatever bytes arrive, the readers give a value or a refusal, never another error."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from backend.http.forms import _collect, _parts, file_field, text_field
from backend.http.json_body import decode_body, parse
from backend.http.negotiation import accepts_json, language_of
from backend.http.problem import Refusal
from backend.http.query import QueryReader, split_query
from tests.http.sample_api import Bag, ThingQuery, Trip

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
INTEGERS = st.integers(-(2**63) + 1, 2**63 - 1)
SCALARS = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False)
DOCUMENTS = st.recursive(
    SCALARS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
FIELDS = {"capture": text_field("capture"), "photo": file_field("photo", 100)}
PIECES = st.one_of(
    st.sampled_from([b"--b", b"--", b"\r\n", b"\r\n\r\n", b":", b'"', b"\\", b"\xff", b"\0"]),
    st.sampled_from([b"Content-Disposition: form-data; ", b'name="photo"', b'name="capture"']),
)


@given(DOCUMENTS, st.booleans())
def test_every_sound_document_is_read_as_the_standard_library_reads_it(document, is_ascii) -> None:
    encoded = json.dumps(document, ensure_ascii=is_ascii).encode()
    assert parse(encoded) == json.loads(encoded)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\u0d8e1-9.truefalsn ').map(str.encode))
def test_any_body_is_a_value_or_a_refusal(body) -> None:
    with suppress(Refusal):
        assert isinstance(decode_body(body, Trip | Bag), Trip | Bag)


@given(st.lists(PIECES, max_size=40).map(b"".join))
def test_any_form_is_a_form_or_a_refusal(body) -> None:
    with suppress(Refusal):
        assert _collect(_parts(b"--b" + body, b"b"), FIELDS).parts


@given(st.text(alphabet="limtcurso=&%0129fFeE+;é\0", max_size=40))
def test_any_query_string_is_a_query_or_a_refusal(query_string) -> None:
    with suppress(Refusal):
        assert QueryReader(ThingQuery).read(split_query(query_string)).limit


@pytest.mark.parametrize("read", [language_of, accepts_json])
@given(field=st.text(alphabet="zhen*/;q=.019, ajson", max_size=60))
def test_any_preference_is_read(read, field) -> None:
    assert read(field) in {"zh", "en", True, False}

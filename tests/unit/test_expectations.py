from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest

from backend.http.json_body import fault_of


class Sample(msgspec.Struct, forbid_unknown_fields=True):
    """Members of every kind that our bodies have."""

    mass_g: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    share: Annotated[float, msgspec.Meta(ge=0.5)] = 1.0
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=3)] | None = None
    code: Annotated[str, msgspec.Meta(pattern="^[A-Z]+$")] = "A"
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    day: date | None = None
    thing: UUID | None = None
    is_open: bool = True
    things: Annotated[list[int], msgspec.Meta(min_length=1)] | None = None
    inner: "Sample | None" = None
    anything: Any = None


@pytest.mark.parametrize(
    ("member", "value", "en", "zh"),
    [
        ("mass_g", "1", "Expected int, got str", "应为整数,收到的是文本"),
        ("mass_g", 1.5, "Expected int, got float", "应为整数,收到的是数字"),
        ("mass_g", None, "Expected int, got null", "应为整数,收到的是空值"),
        ("mass_g", 0, "Expected int >= 1", "应为整数 >= 1"),
        ("mass_g", 10, "Expected int <= 9", "应为整数 <= 9"),
        ("share", 0.25, "Expected float >= 0.5", "应为数字 >= 0.5"),
        ("name", 1, "Expected str | null, got int", "应为文本或空值,收到的是整数"),
        ("name", "", "Expected str of length >= 1", "应为文本,长度 >= 1"),
        ("name", "long", "Expected str of length <= 3", "应为文本,长度 <= 3"),
        ("code", "a", "Expected str matching regex '^[A-Z]+$'", "应为文本,格式 '^[A-Z]+$'"),
        (
            "at",
            "2026-11-29T10:00:00",
            "Expected datetime with a timezone component",
            "应为日期时间,须带时区",
        ),
        ("day", 1, "Expected date | null, got int", "应为日期或空值,收到的是整数"),
        ("thing", [], "Expected uuid | null, got array", "应为UUID或空值,收到的是数组"),
        ("is_open", {}, "Expected bool, got object", "应为布尔值,收到的是对象"),
        ("things", [], "Expected array of length >= 1", "应为数组,长度 >= 1"),
        ("inner", True, "Expected object | null, got bool", "应为对象或空值,收到的是布尔值"),
    ],
)
def test_what_was_expected_is_said_in_both_languages(member, value, en, zh):
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert({member: value}, Sample, strict=True)
    fault = fault_of(refused.value)
    assert (fault.pointer, fault.code, fault.words) == (f"/{member}", "unexpected", (en, zh))

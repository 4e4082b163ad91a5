"""What a decoder expected, as msgspec says it in English, and the same in Chinese."""

import re
from collections.abc import Mapping
from typing import Final

from backend.http.problem import Words

_KINDS: Final[Mapping[str, str]] = {
    "array": "数组",
    "bool": "布尔值",
    "date": "日期",
    "datetime": "日期时间",
    "float": "数字",
    "int": "整数",
    "null": "空值",
    "object": "对象",
    "str": "文本",
    "uuid": "UUID",
}
_KIND: Final = "|".join(_KINDS)
_SENTENCE: Final = re.compile(rf"Expected ((?:{_KIND})\b(?: \| (?:{_KIND})\b)*)(.*)")
# What may follow the kind; a sentence that ends otherwise stays English.
_LIMITS: Final = (
    (re.compile("()"), ""),
    (re.compile(rf", got ({_KIND})"), ",收到的是{}"),
    (re.compile(r" of length ([<>=]+ \d+)"), ",长度 {}"),
    (re.compile(r" ([<>]=? -?[\d.]+)"), " {}"),
    (re.compile(" matching regex (.+)"), ",格式 {}"),
    (re.compile("( with a timezone component)"), ",须带时区"),
)


def expectation(sentence: str) -> Words:
    """The sentence in both languages."""
    found = _SENTENCE.fullmatch(sentence)
    if found is None:
        return Words(sentence, sentence)
    kinds = "或".join(_KINDS[kind] for kind in found[1].split(" | "))
    for pattern, words in _LIMITS:
        if limit := pattern.fullmatch(found[2]):
            return Words(sentence, f"应为{kinds}{words.format(_KINDS.get(limit[1], limit[1]))}")
    return Words(sentence, sentence)

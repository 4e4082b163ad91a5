"""What the client prefers: a language, a media type, how long to wait.

Answers are cached by the field's text: a client sends the same one with every request.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from aiohttp import hdrs, web

from backend.http.problem import PAGE_TYPE, Language
from backend.http.query import read_integer
from backend.http.refusals import NotAcceptable

WAIT_S_MAX: Final = 10.0  # longer holds a connection through proxies that give up
_CACHED_FIELDS: Final = 512  # distinct field values; clients send a handful

_WEIGHT = re.compile(r"q\s*=\s*([01](?:\.[0-9]{0,3})?)", re.IGNORECASE)
_JSON_TYPES: Final = frozenset({"*/*", "application/*", "application/json"})
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*([^,;\s]+)", re.IGNORECASE)


@lru_cache(_CACHED_FIELDS)
def language_of(accept_language: str) -> Language:
    """Choose Chinese unless English is preferred; other languages read Chinese."""
    best, best_weight = "zh", 0.0
    for tag, weight in _weighted(accept_language):
        primary = tag.partition("-")[0].lower()
        if primary in {"zh", "en"} and weight > best_weight:
            best, best_weight = primary, weight
    return "en" if best == "en" else "zh"


@lru_cache(_CACHED_FIELDS)
def accepts_json(accept: str) -> bool:
    """Say whether JSON is among what the client takes; no field takes everything.

    A problem is always JSON, so a client that asks for problems takes JSON too.
    """
    if not accept.strip():
        return True
    wanted = _JSON_TYPES | {"application/problem+json"}
    return any(kind.lower() in wanted and weight > 0 for kind, weight in _weighted(accept))


@lru_cache(_CACHED_FIELDS)
def asks_for_page(accept: str) -> bool:
    """Say whether a browser asks in order to show the answer; programs do not name HTML."""
    return any(kind.lower() == PAGE_TYPE and weight > 0 for kind, weight in _weighted(accept))


def require_json(request: web.Request) -> None:
    """Refuse when the Accept field excludes the only thing there is."""
    if not accepts_json(request.headers.get(hdrs.ACCEPT, "")):
        raise NotAcceptable


def wait_of(request: web.Request, parameters: dict[str, str]) -> float:
    """Read `?wait=N` (taken out of `parameters`), else `Prefer: wait=N`; seconds, at most 10.

    A preference that cannot be read is ignored, as RFC 7240 asks; a parameter is refused.
    """
    if "wait" in parameters:
        seconds = read_integer("wait", parameters.pop("wait"))
        return min(max(float(seconds), 0.0), WAIT_S_MAX)
    found = _WAIT.search(request.headers.get("Prefer", ""))
    if found and found[1].isascii() and found[1].isdigit():
        return min(float(found[1][:4]), WAIT_S_MAX)
    return 0.0


def _weighted(field: str) -> Iterator[tuple[str, float]]:
    for element in field.split(","):
        name, *parameters = (part.strip() for part in element.split(";"))
        weights = [found[1] for part in parameters if (found := _WEIGHT.match(part))]
        yield name, float(weights[0] if weights else 1)

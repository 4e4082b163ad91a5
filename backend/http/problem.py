"""Problem details (RFC 9457): the row that describes one kind of problem, and its rendering.

Which error is which problem is a table that the composition root hands in; nothing here knows a
room. No problem ever repeats what the client sent.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from backend.errors import DomainError

Language = Literal["zh", "en"]
CONTENT_TYPE = "application/problem+json"
PAGE_TYPE = "text/html"
CONTENT_LANGUAGE: Mapping[Language, str] = {"zh": "zh-CN", "en": "en"}


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One row of the problem table: what is wrong and what the reader does next, in two languages.

    Attributes:
        slug: Last segment of the type's address, `/problems/{slug}`; never changes its meaning.
        headers: Sent with every problem of this type.
    """

    slug: str
    status: int
    title_zh: str
    title_en: str
    next_zh: str
    next_en: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        """Identifier of the type, relative to the deployment; it is also its page."""
        return f"/problems/{self.slug}"


class Words(NamedTuple):
    """A sentence in both languages."""

    en: str
    zh: str


class Fault(NamedTuple):
    """One thing wrong with the input, at a JSON pointer into the body or a named parameter."""

    pointer: str
    code: str
    words: Words | None = None


class FaultAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fault in the reader's language; `code` never changes its meaning."""

    pointer: str
    code: str
    detail: str | None = None


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What every refusal and error answers with; single types add members of their own."""

    type: str
    title: str
    status: int
    detail: str
    next: str
    request_id: str
    errors: tuple[FaultAnswer, ...] = ()


ProblemTable = Mapping[type[DomainError], ProblemType]
RESERVED_MEMBERS = frozenset(Problem.__struct_fields__)


class Refusal(DomainError):
    """A request that HTTP itself refuses, before any room has seen it.

    Attributes:
        errors: What exactly is wrong with the input.
        headers: Fields of the response that belong to this refusal, such as `Allow`.
    """

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: tuple[Fault, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.errors = errors
        self.headers: Mapping[str, str] = headers or {}


def problem_type_of(refusal: type[DomainError], table: ProblemTable) -> ProblemType | None:
    """Find the row of the nearest ancestor that has one; None means that the table has a gap."""
    for kind in refusal.__mro__:
        if kind in table:
            return table[kind]
    return None


def render_problem(
    kind: ProblemType, *, error: DomainError | None, language: Language, request_id: str
) -> bytes:
    """Encode the problem; `error` adds its sentence, its faults and its own members.

    A DomainError's sentence is written for developers in English, so Chinese readers get the
    title of the table instead, unless the error has words for people.
    """
    title, detail, next_step = _words_of(kind, error, language)
    problem = Problem(
        type=kind.uri,
        title=title,
        status=kind.status,
        detail=detail,
        next=next_step,
        request_id=request_id,
        errors=_faults(error, language) if isinstance(error, Refusal) else (),
    )
    if error is None or not error.facts:
        return msgspec.json.encode(problem)
    members = {k: v for k, v in error.facts.items() if k not in RESERVED_MEMBERS}
    return msgspec.json.encode({**msgspec.to_builtins(problem), **members})


def draw_problem(
    kind: ProblemType, *, error: DomainError | None, language: Language, request_id: str
) -> bytes:
    """The same for a person: whoever scans a printed code that leads nowhere has a browser."""
    title, detail, next_step = map(html.escape, _words_of(kind, error, language))
    more = f"<p>{detail}</p>" if detail != title else ""
    return (
        f'<!doctype html><html lang="{CONTENT_LANGUAGE[language]}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{title}</title></head>'
        f"<body><h1>{title}</h1>{more}<p>{next_step}</p><p><small>{request_id}</small></p></body>"
        "</html>\n"
    ).encode()


def _words_of(
    kind: ProblemType, error: DomainError | None, language: Language
) -> tuple[str, str, str]:
    """Title, detail and what to do next."""
    title, next_step = (
        (kind.title_zh, kind.next_zh) if language == "zh" else (kind.title_en, kind.next_en)
    )
    detail = title if error is None or language == "zh" else str(error)
    if error is not None and language in error.words:
        detail, next_step = error.words[language]
    return title, detail, next_step


def _faults(refusal: Refusal, language: Language) -> tuple[FaultAnswer, ...]:
    return tuple(
        FaultAnswer(each.pointer, each.code, each.words and getattr(each.words, language))
        for each in refusal.errors
    )

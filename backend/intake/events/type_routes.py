"""The published event types: what each is, the JSON Schema of its data, and an example."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import PUBLIC
from backend.http.routes import Answer, Call, Route
from backend.intake.events.domain import EventKind, Role
from backend.intake.events.kinds import TYPES

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAME = {"type": "string", "minLength": 1, "maxLength": 256}


class EventTypeAnswer(msgspec.Struct, kw_only=True):
    """One type; `subject` says whether an event of it names the partner's customer."""

    type: str
    title: str
    role: str
    subject: bool
    data_schema: dict[str, Any]
    examples: list[dict[str, Any]]


class EventTypePage(msgspec.Struct, kw_only=True):
    """Types by name; `next_cursor` is absent after the last page."""

    items: list[EventTypeAnswer]
    next_cursor: str | None = None


def schema_of(kind: EventKind, role: Role) -> dict[str, Any]:
    """JSON Schema of the data of one type, whole and without references to elsewhere."""
    if role == Role.WITHDRAWN:
        return _with_about({"type": "object", "properties": {}, "required": []}, "withdraws")
    (schema,), components = msgspec.json.schema_components(
        [kind.data], ref_template="#/$defs/{name}"
    )
    if role == Role.CORRECTED:
        components = {name: _with_about(each, "corrects") for name, each in components.items()}
    return {"$schema": SCHEMA_DIALECT, **schema, "$defs": components}


def _with_about(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The same object, which also names the event that it is about."""
    properties = {name: _NAME, **schema["properties"]}
    required = [name, *schema.get("required", ())]
    return {**schema, "properties": properties, "required": required, "additionalProperties": False}


def examples_of(kind: EventKind, role: Role) -> list[dict[str, Any]]:
    """Data that is taken as it is."""
    if role == Role.WITHDRAWN:
        return [{"withdraws": "20261120-0001"}]
    about = {"corrects": "20261120-0001"} if role == Role.CORRECTED else {}
    examples = [about | _without_nulls(msgspec.to_builtins(each)) for each in kind.examples]
    return examples[:1] if role == Role.CORRECTED else examples


def _without_nulls(example: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in example.items() if value is not None}


class EventTypes:
    """The catalogue of types; it is the same for everybody and changes with the release."""

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the published types."""
        return [
            Route(
                "GET",
                "/v1/event-types",
                self.list_types,
                policy=PUBLIC,
                summary="List the event types that partners can send, with their schemas",
                summary_zh="合作方可上报的事件类型及其数据结构",
                query=PageQuery,
                answers={200: EventTypePage},
            )
        ]

    async def list_types(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of types by name."""
        after = position_of(call, str) or ""
        names = [name for name in sorted(TYPES) if name > after]
        page = names[: call.query.limit]
        items = [_answer(name, is_english=call.language == "en") for name in page]
        cursor = cursor_at(call, page[-1]) if len(names) > len(page) else None
        return Answer(EventTypePage(items=items, next_cursor=cursor))


def _answer(name: str, *, is_english: bool) -> EventTypeAnswer:
    kind, role = TYPES[name]
    return EventTypeAnswer(
        type=name,
        title=kind.title_en if is_english else kind.title_zh,
        role=role.value,
        subject=kind.has_subject and role == Role.REPORTED,
        data_schema=schema_of(kind, role),
        examples=examples_of(kind, role),
    )

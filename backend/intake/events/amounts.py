"""What an event tells, as it is kept for reconciliation. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date

import msgspec
from msgspec import inspect

from backend.intake.events.domain import EventKind, PartnerEvent, Role
from backend.units import SHANGHAI


def day_of(event: PartnerEvent) -> date | None:
    """The Shanghai day on which a reported activity began; changes have none of their own."""
    if event.role != Role.REPORTED:
        return None
    began = event.kind.deed(event.data).occurred_at
    return began.astimezone(SHANGHAI).date() if began else None


def amounts_of(event: PartnerEvent) -> str | None:
    """The whole numbers of an event's data as JSON, by their names; a withdrawal has none.

    One member of an object has a point in its name, as in the files that partners leave:
    `materials.glass`.
    """
    if event.data is None:
        return None
    return msgspec.json.encode(dict(_numbers(msgspec.to_builtins(event.data)))).decode()


def _numbers(data: Mapping[str, object], outer: str = "") -> Iterator[tuple[str, int]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{outer}{name}.")
        elif isinstance(value, int) and not isinstance(value, bool):
            yield f"{outer}{name}", value


def names_of(kind: EventKind) -> frozenset[str]:
    """The names under which `amounts_of` may give numbers of such an event."""
    return frozenset(_names(inspect.type_info(kind.data)))


def _names(kind: inspect.Type, name: str = "") -> Iterator[str]:
    if isinstance(kind, inspect.IntType):
        yield name
    for inner, its_name in _inside(kind, name):
        yield from _names(inner, its_name)


def _inside(kind: inspect.Type, name: str) -> Iterator[tuple[inspect.Type, str]]:
    match kind:
        case inspect.Metadata(type=inner):
            yield inner, name
        case inspect.UnionType(types=types):
            yield from ((each, name) for each in types)
        case inspect.StructType(fields=fields):
            yield from ((field.type, field.encode_name) for field in fields)
        case inspect.DictType(key_type=inspect.LiteralType(values=keys), value_type=value):
            yield from ((value, f"{name}.{key}") for key in keys)
        case _:
            pass

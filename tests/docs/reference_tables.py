"""Tables of the reference that are made from the code: `python -m tests.docs.reference_tables`.

A test compares them with the pages, so a page can be late but never wrong.
"""

from collections.abc import Iterator
from pathlib import Path

from tests.docs.methodology_tables import (
    rows_of_examples,
    rows_of_factors,
    rows_of_methodologies,
    rows_of_published_figures,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"
BEGIN, END = "<!-- table: {} -->", "<!-- end of table -->"


def rows_of_problems() -> Iterator[str]:
    from backend.http import HTTP_PROBLEMS
    from backend.problems import PROBLEMS

    yield "| type | status | title | what to do next |"
    yield "|---|---|---|---|"
    rows = {row.slug: row for row in {**HTTP_PROBLEMS, **PROBLEMS}.values()}
    for row in sorted(rows.values(), key=lambda row: (row.status, row.slug)):
        titles, steps = f"{row.title_zh} · {row.title_en}", f"{row.next_zh} · {row.next_en}"
        yield f"| `{row.slug}` | {row.status} | {titles} | {steps} |"


def rows_of_reasons() -> Iterator[str]:
    from backend.checkins.reasons import REASONS

    yield "| reason | what we saw | what helps |"
    yield "|---|---|---|"
    for row in REASONS.values():
        yield (f"| `{row.code}` | {row.text_zh} · {row.text_en} | {row.hint_zh} · {row.hint_en} |")


def rows_of_card() -> Iterator[str]:
    card = (DOCS.parent / "models" / "plate.card.md").read_text(encoding="utf-8")
    body = card.split("+++\n", maxsplit=2)[2].strip()
    for line in body.splitlines():
        yield f"#{line}" if line.startswith("#") else line


def rows_of_event_types() -> Iterator[str]:
    """One section per kind: its types, the fields of its data, its examples."""
    import msgspec

    from backend.intake.events.domain import Role, type_name
    from backend.intake.events.kinds import KINDS
    from backend.intake.events.type_routes import examples_of, schema_of

    for kind in KINDS:
        names = ", ".join(f"`{type_name(kind.name, Role(role))}`" for role in TOLD)
        yield f"## {kind.title_zh} · {kind.title_en}\n\n{names}\n"
        yield "`subject` is your customer.\n" if kind.has_subject else "`subject` is not read.\n"
        yield "| data | field | type | |"
        yield "|---|---|---|---|"
        for name, schema in schema_of(kind, Role.REPORTED)["$defs"].items():
            for field, kind_of_field in schema["properties"].items():
                need = "required" if field in schema.get("required", ()) else ""
                yield f"| `{name}` | `{field}` | {_type_words(kind_of_field)} | {need} |"
        yield "\n```json"
        for example in examples_of(kind, Role.REPORTED):
            yield msgspec.json.encode(example).decode()
        yield "```\n"


def _type_words(schema) -> str:
    """A field's type and bounds in a few words."""
    if "anyOf" in schema:
        return " or ".join(_type_words(each) for each in schema["anyOf"] if each["type"] != "null")
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    words = [schema.get("format") or schema["type"]]
    words += [f"{sign} {schema[name]}" for name, sign in BOUNDS.items() if name in schema]
    words += [f"`{schema['pattern']}`"] if "pattern" in schema else []
    return " ".join(words).replace("|", "\\|")


TOLD = ("reported", "corrected", "withdrawn")
BOUNDS = {"minimum": "≥", "maximum": "≤", "minLength": "length ≥", "maxLength": "length ≤"}

TABLES = {
    "reference/event-types.md": {"event types": rows_of_event_types},
    "model-card.md": {"card": rows_of_card},
    "reference/methodologies.md": {
        "methodologies": rows_of_methodologies,
        "examples": rows_of_examples,
    },
    "reference/factors.md": {
        "factors": rows_of_factors,
        "published figures": rows_of_published_figures,
    },
    "reference/problems.md": {"problems": rows_of_problems},
    "reference/reasons.md": {"reasons": rows_of_reasons},
}


def rendered(page: str) -> str:
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, rows in TABLES[page].items():
        before, begin, rest = text.partition(BEGIN.format(name))
        _, end, after = rest.partition(END)
        text = f"{before}{begin}\n" + "\n".join(rows()) + f"\n{end}{after}"
    return text


if __name__ == "__main__":
    for page in TABLES:
        (DOCS / page).write_text(rendered(page), encoding="utf-8")

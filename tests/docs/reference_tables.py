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


TABLES = {
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

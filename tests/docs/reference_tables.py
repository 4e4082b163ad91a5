"""Tables of the reference that are made from the code: `python -m tests.docs.reference_tables`.

A test compares them with the pages, so a page can be late but never wrong.
"""

from collections.abc import Iterator
from pathlib import Path

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


def rows_of_methodologies() -> Iterator[str]:
    from scoring.methodology import load_catalogue

    yield "| methodology | action | title | version | from | period | cap | late window |"
    yield "|---|---|---|---|---|---|---|---|"
    for each in load_catalogue():
        caps = ", ".join(
            f"{cap.quantity} ≤ {cap.most:,}" + (f" per {cap.per}" if cap.per else "")
            for cap in each.caps.values()
        )
        yield (
            f"| `{each.methodology_id}` | `{each.action}` | {each.title['zh']} · {each.title['en']}"
            f" | {each.version} `{each.hash[:12]}` | {each.valid_from} | {each.period} | {caps}"
            f" | {each.late_window_hours} h |"
        )


def rows_of_factors() -> Iterator[str]:
    from scoring.methodology import load_catalogue

    yield "| factor | value | region | used from | status | source |"
    yield "|---|---|---|---|---|---|"
    factors = {row.id: row for each in load_catalogue() for row in each.factors.values()}
    for row in sorted(factors.values(), key=lambda row: row.id):
        source = " ".join(filter(None, (row.source.issuer, row.source.title, row.source.number)))
        yield (
            f"| `{row.id}` | {row.value} {row.numerator}/{row.denominator} | {row.region}"
            f" | {max(row.valid_from, row.published_on)} | {row.status}"
            f" | {source}; {row.locator} |".replace("\n", " ")
        )


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
    "reference/methodologies.md": {"methodologies": rows_of_methodologies},
    "reference/factors.md": {"factors": rows_of_factors},
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

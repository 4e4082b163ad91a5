"""Rows of the pages about methodologies and factors, made from the catalogue itself."""

from collections.abc import Iterator

from scoring.methodology import MethodologyVersion, calculate, load_catalogue
from scoring.methodology.catalogue import packaged_texts, read_factor_sets
from scoring.methodology.factor import EmissionFactor


def rows_of_methodologies() -> Iterator[str]:
    yield "| methodology | action | title | version | status | from | period | cap | late window |"
    yield "|---|---|---|---|---|---|---|---|---|"
    catalogue = load_catalogue()
    for each in (*catalogue, *catalogue.drafts):
        caps = ", ".join(
            f"{cap.quantity} ≤ {cap.most:,}" + (f" per {cap.per}" if cap.per else "")
            for cap in each.caps.values()
        )
        status = "draft" if each.draft_reason else "published"
        yield (
            f"| `{each.methodology_id}` | `{each.action}` | {each.title['zh']} · {each.title['en']}"
            f" | {each.version} `{each.hash[:12]}` | {status}"
            f" | {each.valid_from} | {each.period} | {caps} | {each.late_window_hours} h |"
        )


def rows_of_examples() -> Iterator[str]:
    catalogue = load_catalogue()
    rehearsal = catalogue.rehearsing(*catalogue.drafts)
    for each in (*catalogue, *catalogue.drafts):
        yield f"### {each.methodology_id} {each.title['zh']} · {each.title['en']}"
        yield ""
        yield from _statements(each)
        for example in each.examples:
            found = calculate(
                each.methodology_id,
                example.inputs,
                on=each.valid_from,
                region=example.region,
                tier=example.tier,
                catalogue=rehearsal,
            )
            yield f"{example.arithmetic}, booked: **{found.grams:,} g** ({example.tier})"
            yield ""
            for language in ("zh", "en"):
                yield f"> {' '.join(found.sentences[language])}"
                yield ">" if language == "zh" else ""


def _statements(each: MethodologyVersion) -> Iterator[str]:
    told = each.narrative
    if each.draft_reason:
        yield f"**草案 · Draft**: {each.draft_reason['zh']} · {each.draft_reason['en']}"
        yield ""
    for name, zh, en in (
        ("applies", "适用", "Applies to"),
        ("baseline", "基准", "Baseline"),
        ("project", "项目", "Project"),
    ):
        yield f"- {zh} · {en}: {told[f'{name}_zh']} · {told[f'{name}_en']}"
    sources = dict.fromkeys(
        f"{row.source.issuer}, {row.source.title}" for row in each.factors.values()
    )
    yield f"- 来源 · Sources: {'; '.join(sources)}"
    yield ""


def rows_of_factors() -> Iterator[str]:
    yield from _factor_rows(row for row in all_factors() if row.id in used_ids())


def rows_of_published_figures() -> Iterator[str]:
    yield from _factor_rows(row for row in all_factors() if row.id not in used_ids())


def all_factors() -> list[EmissionFactor]:
    sets = read_factor_sets(packaged_texts("factors"))
    return sorted((row for rows in sets.values() for row in rows), key=lambda row: row.id)


def used_ids() -> set[str]:
    catalogue = load_catalogue()
    return {name for each in (*catalogue, *catalogue.drafts) for name in each.factors}


def _factor_rows(rows: Iterator[EmissionFactor]) -> Iterator[str]:
    yield "| factor | value | GWP set | region | data year | used from | status | source |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in rows:
        source = " ".join(filter(None, (row.source.issuer, row.source.title, row.source.number)))
        yield (
            f"| `{row.id}` | {row.value} {row.numerator}/{row.denominator} | {row.gwp_set}"
            f" | {row.region} | {row.data_year} | {max(row.valid_from, row.published_on)}"
            f" | {row.status} | {source}; {row.locator} |".replace("\n", " ")
        )

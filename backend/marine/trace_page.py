"""The trace of a product as a page for everybody who scans its QR code."""

import html

from backend.marine.trace_answers import PassageAnswer, RegionAnswer, TraceAnswer
from backend.paper import draw_paper, draw_qr, draw_rows
from backend.units import GRAMS_PER_KILOGRAM

STAGE_WORDS = {
    "shore": ("岸边收集点", "shore station"),
    "port": ("港口", "port"),
    "sorter": ("分拣中心", "sorting centre"),
    "recycler": ("再生工厂", "recycler"),
}
KIND_WORDS = {
    "gathered": ("交投汇集", "gathered from hand-ins"),
    "moved": ("运抵", "arrived"),
    "processed": ("加工", "processed"),
}
LOSS_WORDS = {
    "drying": ("水分蒸发", "drying"),
    "not_plastic": ("非塑料", "not plastic"),
    "residue": ("加工残渣", "residue"),
    "spilled": ("遗撒", "spilled"),
    "other": ("其他", "other"),
}
_WITHHELD = (
    "参与人数较少,为保护隐私不公布质量,日期只到月份。"
    " Few people took part: to protect them, masses are withheld and days are months."
)
_MASSES = ("投入 In", "产出 Out", "损耗 Lost")


def draw_trace(trace: TraceAnswer, uri: str, banner: str = "") -> bytes:
    """The page of a product lot; `uri` is where its QR code leads."""
    facts = [
        ("产品批次 Product lot", trace.code),
        ("质量 Mass", _or_dash(trace.mass_g)),
        ("产出日期 Made on", trace.made_on),
        ("产出地区 Made in", _named(trace.region)),
    ]
    head = "".join(f'<th class="mass">{heading}</th>' for heading in _MASSES)
    rows = "".join(_row(each) for each in trace.passages)
    note = f'<p class="note">{_WITHHELD}</p>' if trace.is_withheld else ""
    body = (
        f'<div class="head">{draw_rows(facts)}{draw_qr(uri)}</div>{note}'
        f'<table class="way"><tr><th>环节 Stage</th>{head}</tr>{rows}</table>'
    )
    return draw_paper(("海洋塑料溯源", "The way of marine plastic"), body, banner)


def _row(passage: PassageAnswer) -> str:
    """One stage: what happened there, where and when, and what it took, made and lost."""
    stage, kind = STAGE_WORDS[passage.stage], KIND_WORDS[passage.kind]
    where = html.escape("; ".join(_named(each) for each in passage.regions))
    days = passage.first if passage.first == passage.last else f"{passage.first} – {passage.last}"
    masses = (_or_dash(passage.taken_g), _or_dash(passage.made_g), _lost(passage))
    cells = "".join(
        f'<td class="mass" title="{heading}">{mass}</td>'
        for heading, mass in zip(_MASSES, masses, strict=True)
    )
    return (
        f"<tr><td>{stage[0]} · {kind[0]}<small>{stage[1]}, {kind[1]}</small>"
        f'<small>{where}</small><small class="when">{html.escape(days)}</small></td>{cells}</tr>'
    )


def _lost(passage: PassageAnswer) -> str:
    lost = [
        f"{_kilograms(each.mass_g)}<small>{' '.join(LOSS_WORDS[each.reason])}</small>"
        for each in passage.losses or ()
    ]
    return "".join(lost) or "—"


def _named(region: RegionAnswer) -> str:
    return f"{region.name_zh} {region.name_en}"


def _or_dash(mass_g: int | None) -> str:
    return "—" if mass_g is None else _kilograms(mass_g)


def _kilograms(mass_g: int) -> str:
    """To the gram: masses of a trace are read to be added up."""
    return f"{mass_g // GRAMS_PER_KILOGRAM:,}.{mass_g % GRAMS_PER_KILOGRAM:03d} kg"

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
_HEADINGS = ("环节 Stage", "地区 Region", "日期 Date", "投入 In", "产出 Out", "损耗 Lost")


def draw_trace(trace: TraceAnswer, uri: str) -> bytes:
    """The page of a product lot; `uri` is where its QR code leads."""
    facts = [
        ("产品批次 Product lot", trace.code),
        ("质量 Mass", _kilograms(trace.mass_g) if trace.mass_g is not None else "—"),
        ("产出日期 Made on", trace.made_on),
        ("产出地区 Made in", _named(trace.region)),
    ]
    head = "".join(f"<th>{heading}</th>" for heading in _HEADINGS)
    rows = "".join(_row(each) for each in trace.passages)
    note = f'<p class="note">{_WITHHELD}</p>' if trace.is_withheld else ""
    body = f"{draw_rows(facts)}<table><tr>{head}</tr>{rows}</table>{note}{draw_qr(uri)}"
    return draw_paper(("海洋塑料溯源", "The way of marine plastic"), body)


def _row(passage: PassageAnswer) -> str:
    stage, kind = STAGE_WORDS[passage.stage], KIND_WORDS[passage.kind]
    days = passage.first if passage.first == passage.last else f"{passage.first} – {passage.last}"
    lost = "; ".join(
        f"{' '.join(LOSS_WORDS[each.reason])} {_kilograms(each.mass_g)}"
        for each in passage.losses or ()
    )
    texts = (
        f"{stage[0]} · {kind[0]} {stage[1]}, {kind[1]}",
        "; ".join(_named(each) for each in passage.regions),
        days,
    )
    masses = (_or_dash(passage.taken_g), _or_dash(passage.made_g), lost or "—")
    cells = [f"<td>{html.escape(text)}</td>" for text in texts]
    cells += [f'<td class="mass">{html.escape(text)}</td>' for text in masses]
    return f"<tr>{''.join(cells)}</tr>"


def _named(region: RegionAnswer) -> str:
    return f"{region.name_zh} {region.name_en}"


def _or_dash(mass_g: int | None) -> str:
    return "—" if mass_g is None else _kilograms(mass_g)


def _kilograms(mass_g: int) -> str:
    """To the gram: masses of a trace are read to be added up."""
    return f"{mass_g // GRAMS_PER_KILOGRAM:,}.{mass_g % GRAMS_PER_KILOGRAM:03d} kg"

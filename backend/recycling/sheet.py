"""A sheet of labels for the printer: one HTML file of A4 pages that needs nothing from elsewhere.

A browser prints it and a print shop takes it; the QR codes are vector drawings, sharp at any size.
"""

import html
import io
from collections.abc import Sequence
from typing import Final

import segno

from backend.recycling.codes import BagLink, in_groups

ACROSS: Final = 3
DOWN: Final = 8
LABELS_PER_PAGE: Final = ACROSS * DOWN  # 70 x 37 mm, the usual label stock (3 x 8 on A4)
LABELS_PER_SHEET_MAX: Final = 5 * LABELS_PER_PAGE  # about 300 kB, half a second of one core

# The policy of the answer: the file may show its own styles and load nothing.
SHEET_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

_STYLE: Final = """
@page { size: A4; margin: 0 }
* { box-sizing: border-box }
body { margin: 0; font: 9pt/1.35 "Noto Sans CJK SC", "PingFang SC", sans-serif; color: #000 }
.page { width: 210mm; height: 296mm; display: grid; break-after: page;
  grid-template: repeat(8, 37mm) / repeat(3, 70mm) }
.label { display: flex; gap: 3mm; align-items: center; padding: 3mm 4mm; overflow: hidden }
.label svg { width: 29mm; height: 29mm; flex: none }
p { margin: 0; white-space: nowrap }
.en { font-size: 7pt }
.code { font: 10pt/1.4 monospace }
""".strip()


def draw_sheet(codes: Sequence[str], link: BagLink, *, batch_number: int, first: int) -> str:
    """Labels of these codes, page by page; `first` is the place of the first one in its batch."""
    labels = [
        _label(code, link, f"{batch_number}-{first + place}") for place, code in enumerate(codes)
    ]
    pages = [
        f'<section class="page">{"".join(labels[start : start + LABELS_PER_PAGE])}</section>'
        for start in range(0, len(labels), LABELS_PER_PAGE)
    ]
    title = f"回收袋标签 Recycling bag labels · {batch_number}"
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(pages)}</body></html>\n"
    )


def draw_qr(uri: str) -> str:
    """The QR code as SVG with its quiet zone.

    Error correction Q: a quarter of it may be torn, creased or wet, as bags are.
    """
    picture = io.BytesIO()
    segno.make_qr(uri, error="q", boost_error=False).save(
        picture, kind="svg", xmldecl=False, svgns=True, omitsize=True, nl=False
    )
    return picture.getvalue().decode()


def _label(code: str, link: BagLink, place: str) -> str:
    groups = in_groups(code)
    return (
        f'<div class="label">{draw_qr(link.uri_of(code))}<div><p>回收袋 · 扫码绑袋</p>'
        f'<p class="en">Scan to bind this bag</p><p class="code">{html.escape(groups[:9])}</p>'
        f'<p class="code">{html.escape(groups[10:])}</p><p>{html.escape(place)}</p></div></div>'
    )

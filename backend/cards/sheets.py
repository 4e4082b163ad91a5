"""Blank cards on paper: each with its QR code, and a slip with its number that stays at home."""

import html
from collections.abc import Iterable
from typing import Final

from backend.ids import uuid7
from backend.paper import draw_qr
from backend.partners.cards import Blank
from backend.rewards.codes import in_groups, make_code, make_digits

CARDS_MAX: Final = 500  # a hundred pages; more are several sheets

# A card is as large as a bank card (ISO/IEC 7810 ID-1), five to a page, with its slip beside it.
_STYLE: Final = """
@page { size: A4; margin: 10mm }
body { font-family: sans-serif; margin: 0 }
.row { display: flex; height: 54mm; page-break-inside: avoid; margin-bottom: 1mm }
.card, .slip { box-sizing: border-box; border: 0.2mm dashed #999; padding: 4mm; height: 54mm }
.card { width: 85.6mm; display: flex; gap: 4mm } .slip { width: 85.6mm }
svg { width: 34mm; height: 34mm } h1 { font-size: 12pt; margin: 0 0 2mm } p { font-size: 8pt }
.number { font-family: monospace; font-size: 11pt }
"""


def make_blanks(count: int) -> list[Blank]:
    """Cards of nobody: 128 random bits for machines, twelve digits for people."""
    return [Blank(uuid7(), make_code(), make_digits()) for _ in range(count)]


def sheet_of(blanks: Iterable[Blank], title: str) -> str:
    """A page to print, in HTML that loads nothing; whoever has it can use every card that is bound.

    Args:
        blanks: With their tokens, which are nowhere else.
        title: Name of the programme.
    """
    rows = "".join(_row(blank, html.escape(title)) for blank in blanks)
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{rows}</body></html>"
    )


def _row(blank: Blank, title: str) -> str:
    number = in_groups(blank.number)
    return (
        f'<div class="row"><div class="card">{draw_qr(blank.token)}<div><h1>{title}</h1>'
        f'<p class="number">{number}</p><p>低碳卡,凭密码使用<br>Card, used with its PIN</p>'
        "</div></div>"
        f'<div class="slip"><h1>{title}</h1><p class="number">{number}</p>'
        "<p>请沿虚线剪下,留在家中;卡遗失时,凭此号码到服务台补卡。<br>"
        "Cut here and keep it at home. If the card is lost, bring this number to the desk.</p>"
        "</div></div>"
    )

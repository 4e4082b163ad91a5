"""Pages that people print or open from a QR code: one HTML file that loads nothing from elsewhere.

Both languages stand on each page, because paper has no Accept-Language.
"""

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import segno

# The page may show its own styles and load nothing.
PAPER_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
PAPER_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": PAPER_POLICY,
}

_STYLE: Final = """
@page { size: A4; margin: 18mm }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #111;
  font: 1rem/1.55 "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif }
h1 { font-size: 1.5rem; margin: 0 0 .2rem }
h1 small { display: block; font-size: 1rem; font-weight: normal; color: #555 }
table { border-collapse: collapse; width: 100%; margin: 1.2rem 0 }
tr { break-inside: avoid }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem;
  border-bottom: 1px solid #ccc }
td small { display: block; color: #555 }
.mass { text-align: right; white-space: nowrap }
.mass small { white-space: normal }
.when { white-space: nowrap }
.head { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: center }
.head table { flex: 1 1 20rem; width: auto }
.qr svg { width: 32mm; height: 32mm; display: block }
.note { color: #555; font-size: .9rem }
.banner { border: 2px solid; padding: .3rem .6rem; font-weight: bold; text-align: center }
@media print {
  body { margin: 0 auto }
  .way { font-size: 10pt }
}
@media screen and (max-width: 40rem) {
  .way tr, .way td { display: block }
  .way tr { border-bottom: 1px solid #ccc; padding: .4rem 0 }
  .way th { display: none }
  .way td { border: 0; padding: .1rem .6rem; text-align: left }
  .way .mass::before { content: attr(title) ": " }
}
""".strip()


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What the pages of one deployment have in common.

    Attributes:
        public_url: Where people reach this service, without a slash at its end; empty means the
            address of the request.
        banner: Stands above everything; says of a demo that its data are made up.
    """

    public_url: str = ""
    banner: str = ""


def draw_paper(titles: tuple[str, str], body: str, banner: str = "") -> bytes:
    """A page with a Chinese and an English title; `body` is HTML, escaped by whoever made it."""
    above = f'<p class="banner">{html.escape(banner)}</p>' if banner else ""
    zh, en = (html.escape(title) for title in titles)
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{zh} · {en}</title><style>{_STYLE}</style></head>"
        f'<body>{above}<h1>{zh}<small lang="en">{en}</small></h1>{body}</body></html>\n'
    ).encode()


def draw_rows(rows: Sequence[tuple[str, str]]) -> str:
    """A table of names and values; both are escaped here."""
    cells = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{cells}</table>"


def draw_qr(uri: str) -> str:
    """The QR code of an address as SVG; a seventh of it may be torn or dirty."""
    picture = io.BytesIO()
    segno.make_qr(uri, error="m").save(
        picture, kind="svg", xmldecl=False, svgns=True, omitsize=True, nl=False
    )
    drawn = picture.getvalue().decode()
    return f'<div class="qr" role="img" aria-label="二维码 QR code">{drawn}</div>'

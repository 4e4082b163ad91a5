"""What is printed, on paper and on the screen that follows a QR code: whole lines, whole pages."""

import io
import re
from datetime import date

import pytest
from PIL import Image
from zxingcpp import read_barcodes

from backend.cards.sheets import make_blanks, sheet_of
from backend.marine.trace_answers import LossAnswer, PassageAnswer, RegionAnswer, TraceAnswer
from backend.marine.trace_page import draw_trace
from backend.recycling.codes import BagLink, make_codes
from backend.recycling.sheet import draw_sheet
from backend.trees.bodies import PublicCertificate
from backend.trees.certificate_page import draw_certificate
from tests.browser.chromium import needs_chromium, open_page

pytestmark = needs_chromium

PHONE, LAPTOP = {"width": 390, "height": 850}, {"width": 1_280, "height": 850}
URI = "https://tanhui.example/trace/2Q4AS8VAX1GS"
ZHOUSHAN = RegionAnswer(code="330900", name_zh="浙江省舟山市", name_en="Zhoushan, Zhejiang")
A4_POINTS = (595, 842)
PAPER = {"width": 658, "height": 987}  # A4 less margins of 18 mm, at 96 pixels an inch
# Words wrap between spans, which one line each shows as more than one box or as overflow.
BROKEN = """each => {
  const range = document.createRange();
  range.selectNodeContents(each.firstChild.nodeType === 3 ? each.firstChild : each);
  return range.getClientRects().length > 1 || each.scrollWidth > each.clientWidth + 1;
}"""
LINK = BagLink("https://id.example.cn", "9520000")
CODES = make_codes(b"s" * 32, 12, 30)
BLANKS = make_blanks(7)


def make_trace():
    """Seven passages, two losses in each that is a processing, and masses of many tonnes."""
    losses = [LossAnswer(reason=name, mass_g=1_234_567) for name in ("drying", "not_plastic")]
    steps = [
        ("shore", "gathered", None),
        ("port", "moved", None),
        ("port", "processed", losses),
        ("sorter", "moved", None),
        ("sorter", "processed", losses),
        ("recycler", "moved", None),
        ("recycler", "processed", losses),
    ]
    passages = [
        PassageAnswer(
            stage=stage,
            kind=kind,
            regions=[ZHOUSHAN],
            first="2026-11-01",
            last="2026-11-20",
            taken_g=12_345_678,
            made_g=12_345_678,
            losses=lost,
        )
        for stage, kind, lost in steps
    ]
    return TraceAnswer(
        code="2Q4AS8VAX1GS",
        mass_g=12_345_678,
        made_on="2026-11-20",
        region=ZHOUSHAN,
        is_withheld=False,
        passages=passages,
    )


def make_certificate():
    return PublicCertificate(
        number="2026-89DKJERTDR",
        holder_initial="林",
        kind="planting_day",
        project_zh="竹影区青山生态修复与水源涵养林场",
        project_en="Bamboo Shade District Green Hill Restoration Forest",
        region="330100",
        species="枫香",
        trees=30,
        alive=28,
        planted_on=date(2026, 3, 12),
    )


PAGES = {
    "trace": draw_trace(make_trace(), URI).decode(),
    "certificate": draw_certificate(make_certificate(), "林**", URI).decode(),
    "bags": draw_sheet(CODES, LINK, batch_number=1234, first=4_977),
    "cards": sheet_of(BLANKS, "青禾市绿色生活碳普惠公共服务平台"),
}


async def printed(page):
    """How many pages the printer gets; each of them is A4."""
    pdf = await page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", pdf)
    assert {(round(float(w)), round(float(h))) for w, h in boxes} == {A4_POINTS}
    return len(boxes)


def codes_in(picture):
    return sorted(each.text for each in read_barcodes(Image.open(io.BytesIO(picture))))


@pytest.mark.parametrize("name", ["trace", "certificate"])
async def test_a_page_behind_a_qr_code_fits_a_phone_and_one_sheet(name):
    async with open_page(viewport=PHONE) as page:
        await page.set_content(PAGES[name])
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        await page.set_viewport_size(LAPTOP)
        assert codes_in(await page.screenshot(full_page=True)) == [URI]
        assert await printed(page) == 1


@pytest.mark.parametrize(
    ("name", "lines", "count"),
    [("trace", ".mass, .when", 3 * 8 + 7), ("bags", ".label p", 5 * 30)],
)
async def test_dates_masses_and_lines_of_labels_are_whole(name, lines, count):
    async with open_page(viewport=PAPER) as page:
        await page.emulate_media(media="print")
        await page.set_content(PAGES[name])
        found = page.locator(lines)
        assert await found.count() == count
        assert await found.evaluate_all(f"all => all.filter({BROKEN}).map(e => e.innerText)") == []


async def test_a_long_name_of_the_programme_stays_on_its_card_and_leaves_the_code_its_size():
    async with open_page(viewport=PAPER) as page:
        await page.set_content(PAGES["cards"])
        over = (
            "each => each.scrollHeight > each.clientHeight || each.scrollWidth > each.clientWidth"
        )
        assert await page.locator(".card, .slip").evaluate_all(f"all => all.filter({over})") == []
        widths = (
            "all => all.map(each => Math.round(each.getBoundingClientRect().width * 25.4 / 96))"
        )
        assert set(await page.locator("svg").evaluate_all(widths)) == {34}  # mm


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("bags", [LINK.uri_of(code) for code in CODES]),
        ("cards", [blank.token for blank in BLANKS]),
    ],
)
async def test_sheets_print_on_two_pages_and_every_code_is_read_from_them(name, codes):
    async with open_page(viewport=LAPTOP) as page:
        await page.set_content(PAGES[name])
        assert await printed(page) == 2
        assert codes_in(await page.screenshot(full_page=True)) == sorted(codes)

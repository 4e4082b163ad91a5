"""Codes of bags: what is ours, what was mistyped, what is foreign, and what a QR code says."""

import pytest
from hypothesis import given, strategies as st

from backend.recycling.codes import (
    ALPHABET,
    BATCH_CODES_MAX,
    BagLink,
    in_groups,
    is_signed,
    is_well_typed,
    make_codes,
    why_unknown,
)
from backend.recycling.domain import BagCodeMistyped, BagForeign, BagUnknown, tolerance_g
from backend.recycling.sheet import draw_sheet

OURS, THEIRS = b"\x07" * 32, b"\x08" * 32
LINK = BagLink("https://id.example.cn", "9520000")
CODES = make_codes(OURS, 12, 40)
places = st.integers(0, 15)


def test_codes_of_a_batch_are_its_own_and_always_the_same():
    assert make_codes(OURS, 12, 40) == CODES
    assert len({*CODES, *make_codes(OURS, 13, BATCH_CODES_MAX)}) == 40 + BATCH_CODES_MAX
    assert sorted(CODES) == CODES
    assert all(is_signed(OURS, code) for code in CODES)


@given(st.sampled_from(CODES), places, st.sampled_from(ALPHABET))
def test_every_wrong_character_is_a_mistyped_code(code, place, character):
    typed = code[:place] + character + code[place + 1 :]
    assert is_well_typed(typed) == (typed == code)


@given(st.sampled_from(CODES), places, places)
def test_every_two_characters_that_changed_places_are_a_mistyped_code(code, one, other):
    typed = list(code)
    typed[one], typed[other] = code[other], code[one]
    assert is_well_typed("".join(typed)) == ("".join(typed) == code)


def test_a_code_says_whether_it_is_ours_foreign_or_mistyped():
    foreign = make_codes(THEIRS, 12, 1)[0]
    mistyped = CODES[0][:-1] + ("0" if CODES[0][-1] != "0" else "1")
    kinds = [type(why_unknown(OURS, code)) for code in (CODES[0], foreign, mistyped, "QH000001")]
    assert kinds == [BagUnknown, BagForeign, BagCodeMistyped, BagUnknown]


@pytest.mark.parametrize(
    "scanned",
    [
        CODES[3],
        in_groups(CODES[3]),
        in_groups(CODES[3]).replace(" ", "-").lower(),
        LINK.uri_of(CODES[3]),
        f"https://elsewhere.example/bags/8004/9520000{CODES[3]}?linkType=all",
        f"  http://ID.EXAMPLE.CN/8004/9520000{CODES[3].lower()}#x",
    ],
)
def test_what_is_scanned_or_typed_is_the_code(scanned):
    assert LINK.code_in(scanned) == CODES[3]


def test_letters_that_we_never_print_are_read_as_what_they_look_like():
    assert LINK.code_in(CODES[0].replace("0", "O").replace("1", "l")) == CODES[0]
    assert LINK.code_in("BOLOGNA0000001IL") == "BOLOGNA0000001IL"


@pytest.mark.parametrize(
    ("scanned", "refusal"),
    [
        (f"https://id.example.cn/8004/6901234{CODES[3]}", BagForeign),
        ("https://id.example.cn/01/06901234567892/21/7", BagForeign),
        ("weixin://wxpay/bizpayurl?pr=1", BagForeign),
        ("https://[", BagForeign),
        ("回收袋", BagUnknown),
        ("", BagUnknown),
        ("A" * 33, BagUnknown),
    ],
)
def test_what_names_no_bag_of_ours_is_refused(scanned, refusal):
    with pytest.raises(refusal):
        LINK.code_in(scanned)


def test_the_link_is_a_gs1_digital_link_in_the_characters_that_pack_well():
    uri = LINK.uri_of(CODES[0])
    assert uri == f"HTTPS://ID.EXAMPLE.CN/8004/9520000{CODES[0]}"
    assert len(f"9520000{CODES[0]}") <= 30  # the longest GIAI


def test_a_sheet_has_a_page_for_every_twenty_four_labels():
    drawn = draw_sheet(CODES[:25], LINK, batch_number=12, first=121)
    assert drawn.count('<section class="page">') == 2
    assert drawn.count("<svg") == 25
    assert "12-121" in drawn
    assert "12-145" in drawn
    assert "http:" not in drawn.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(
    ("weighed_g", "tolerance"),
    [(500, 100), (2_000, 100), (2_019, 100), (2_020, 101), (20_000, 1_000)],
)
def test_a_sorting_may_be_off_by_a_twentieth_or_a_hundred_grams(weighed_g, tolerance):
    assert tolerance_g(weighed_g) == tolerance

"""Codes printed on bags: made with a keyed check, read from what a phone scanned or a person typed.

A code has sixteen characters that are told apart on paper: eight of the serial, seven of an HMAC
that only this programme can make, and one that finds typing errors without any key. So a code that
we never registered still says whether it was mistyped, is another programme's, or is ours.
"""

import hmac
import re
from itertools import pairwise
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from backend.errors import DomainError
from backend.recycling.domain import (
    BAG_CODE_PATTERN,
    BagCodeMistyped,
    BagForeign,
    BagUnknown,
)

# Source: D. Crockford, Base 32, crockford.com/base32.html (from memory): no I, L, O and U.
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SERIAL_CHARACTERS: Final = 8  # 40 bits: a batch's number and the place in it
KEYED_CHARACTERS: Final = 7  # 35 bits: a code made up by a stranger passes once in 34 billion
CODE_CHARACTERS: Final = SERIAL_CHARACTERS + KEYED_CHARACTERS + 1
BATCH_CODES_MAX: Final = 5_000  # a carton of bag rolls; one transaction of half a second
_PLACES: Final = 1 << 14  # serials per batch: the next power of two above its codes, with room
_BITS: Final = 5
# GS1 General Specifications: AI (8004) is the Global Individual Asset Identifier, up to 30
# characters that begin with a company prefix. A bag is one object that is followed on its way, not
# a trade item (01) and not handed back to be filled again (8003).
GIAI_AI: Final = "8004"

_OURS = re.compile(f"[{ALPHABET}]{{{CODE_CHARACTERS}}}")
_PLAIN = re.compile(BAG_CODE_PATTERN)
_LOOKS_LIKE = str.maketrans("ILO", "110")  # what people read for the letters that we leave out
_BETWEEN_GROUPS = re.compile(r"[\s-]")


class BagLink(NamedTuple):
    """Where the QR code of a bag leads.

    Attributes:
        origin: Of the resolver, such as `https://id.example.cn`, without a path.
        company_prefix: Digits that GS1 gave the programme.
    """

    origin: str
    company_prefix: str

    def uri_of(self, code: str) -> str:
        """The GS1 Digital Link of a bag.

        In capitals: scheme and host mean the same, and the QR code packs letters and digits alone
        into fewer and larger squares.
        """
        return f"{self.origin}/{GIAI_AI}/{self.company_prefix}{code}".upper()

    def code_in(self, scanned: str) -> str:
        """The bag's code in what was scanned or typed: the link of its QR code, or the code itself.

        The host is not compared: a programme may move, and its printed bags do not.

        Raises:
            BagForeign: A link of somebody else.
            BagUnknown: Not in the form of any code.
        """
        text = scanned.strip()
        code = self._in_link(text) if "://" in text else _BETWEEN_GROUPS.sub("", text).upper()
        if not _PLAIN.fullmatch(code):
            raise BagUnknown
        read = code.translate(_LOOKS_LIKE)
        return read if not is_well_typed(code) and is_well_typed(read) else code

    def _in_link(self, text: str) -> str:
        """The asset reference behind our prefix; other identifiers and queries are passed over."""
        try:
            segments = urlsplit(text).path.split("/")
        except ValueError:
            raise BagForeign from None
        for name, value in pairwise(segments):
            asset = unquote(value).upper()
            if name == GIAI_AI and asset.startswith(self.company_prefix):
                return asset.removeprefix(self.company_prefix)
        raise BagForeign


def make_codes(secret: bytes, batch_number: int, count: int) -> list[str]:
    """The codes of a batch, in the order in which they are printed; the same call, the same codes.

    Numbers repeat after 2^26 batches; the table's key would refuse them.
    """
    assert count <= BATCH_CODES_MAX, "the route has refused more"
    first = batch_number * _PLACES % (1 << SERIAL_CHARACTERS * _BITS)
    return [_signed(secret, first + place) for place in range(count)]


def is_well_typed(code: str) -> bool:
    """Whether the last character is the check of the others: no key is needed to know."""
    return bool(_OURS.fullmatch(code)) and _parity(code[:-1]) == code[-1]


def is_signed(secret: bytes, code: str) -> bool:
    """Whether this programme has made the code; says nothing about whether it is registered."""
    if not is_well_typed(code):
        return False
    keyed = code[SERIAL_CHARACTERS:-1]
    return hmac.compare_digest(_keyed(secret, code[:SERIAL_CHARACTERS]), keyed)


def why_unknown(secret: bytes, code: str) -> DomainError:
    """What to tell of a code that is not registered.

    One of another length than ours may be of an older print that was never registered here.
    """
    if len(code) != CODE_CHARACTERS:
        return BagUnknown()
    if not is_well_typed(code):
        return BagCodeMistyped()
    return BagUnknown() if is_signed(secret, code) else BagForeign()


def in_groups(code: str) -> str:
    """Groups of four, as they are printed and read aloud."""
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))


def _signed(secret: bytes, serial: int) -> str:
    written = _base32(serial, SERIAL_CHARACTERS)
    body = written + _keyed(secret, written)
    return body + _parity(body)


def _keyed(secret: bytes, serial: str) -> str:
    digest = hmac.digest(secret, b"bag code\x1f" + serial.encode(), "sha256")
    return _base32(int.from_bytes(digest[:8], "big"), KEYED_CHARACTERS)


def _base32(number: int, characters: int) -> str:
    return "".join(
        ALPHABET[number >> _BITS * place & 0x1F] for place in reversed(range(characters))
    )


def _parity(body: str) -> str:
    """The one character that makes the code's value at the field's generator zero.

    Finds every wrong character and every two that changed places: the powers of the generator of
    GF(32) differ for all places of a code shorter than 32.

    Source:
        I. S. Reed, G. Solomon, Polynomial codes over certain finite fields, J. SIAM 8 (1960), with
        one check symbol and the primitive polynomial x^5 + x^2 + 1.
    """
    value = 0
    for character in body:
        value = _doubled(value ^ ALPHABET.index(character))
    return ALPHABET[value]


def _doubled(value: int) -> int:
    shifted = value << 1
    return shifted ^ 0b100101 if shifted >> _BITS else shifted

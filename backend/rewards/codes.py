"""Codes that people show, read aloud and type: what they are made of and how typing is checked.

Pure but for the randomness of the operating system.
"""

import base64
import hashlib
import hmac
import re
import secrets

CODE_BYTES = 16  # 128 random bits cannot be guessed, so no attempt has to be counted
DIGITS_RANDOM = 11  # with at most a million live vouchers, one guess in 100,000 names any of them
TILL_CODE_CHARACTERS = 8  # forty bits that live for a day, typed once by a signed-in person
TILL_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0, 1, I and O, which look alike

HANDLE_DIGITS = 10
PASS_DIGITS = 8
STEP_S = 30
STEPS_TOLERATED = 1  # a phone's clock may be half a minute away from ours

CODE_PATTERN = re.compile(r"[A-Z2-7]{26}")
DIGITS_PATTERN = re.compile(r"[0-9]{12}")

# Totally anti-symmetric quasigroup of order ten: finds every wrong digit and every two neighbours
# that changed places.
# Source: H. M. Damm, Total anti-symmetrische Quasigruppen, dissertation, Marburg 2004, p. 111.
_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def make_code() -> str:
    """128 random bits in the alphabet that QR codes pack densely."""
    return base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().rstrip("=")


def make_digits() -> str:
    """Eleven random digits and their check digit."""
    digits = f"{secrets.randbelow(10**DIGITS_RANDOM):0{DIGITS_RANDOM}d}"
    return digits + str(_damm(digits))


def are_digits_good(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    return _damm(digits) == 0


def in_groups(digits: str) -> str:
    """Groups of four, as people read them."""
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def plain_code(typed: str) -> str:
    """The code without the spaces and hyphens that people put between groups, in capitals."""
    return re.sub(r"[\s-]", "", typed).upper()


def make_till_code() -> str:
    """Eight characters that are told apart on paper."""
    return "".join(secrets.choice(TILL_ALPHABET) for _ in range(TILL_CODE_CHARACTERS))


def make_handle() -> str:
    """Ten random digits that name an account for a day."""
    return f"{secrets.randbelow(10**HANDLE_DIGITS):0{HANDLE_DIGITS}d}"


def member_pass(secret: bytes, step: int) -> str:
    """Eight digits that only the holder of the secret knows, for one step of thirty seconds.

    Source:
        RFC 6238 (TOTP) with HMAC-SHA-256, truncated as in RFC 4226, section 5.3 (read 2026-11-21).
    """
    digest = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha256).digest()
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**PASS_DIGITS:0{PASS_DIGITS}d}"


def step_of(secret: bytes, shown: str, *, now_s: float) -> int | None:
    """The step whose pass this is, among those that the tolerance allows; None when it is none."""
    current = int(now_s) // STEP_S
    for step in range(current - STEPS_TOLERATED, current + STEPS_TOLERATED + 1):
        if hmac.compare_digest(member_pass(secret, step), shown):
            return step
    return None


def _damm(digits: str) -> int:
    interim = 0
    for digit in digits:
        interim = _DAMM[interim][int(digit)]
    return interim

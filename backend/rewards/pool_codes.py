"""Pool codes as values: read from CSV with an error per row, sealed and opened again."""

import csv
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self
from uuid import UUID

from backend.sealing import Sealer

CODE_CHARACTERS_MAX = 200


class RowError(NamedTuple):
    """What is wrong with one line of a file; lines count from one, the heading included."""

    line: int
    code: str


class PoolKeys(NamedTuple):
    """What seals codes, and the key that finds the same code again."""

    sealer: Sealer
    find: bytes

    @classmethod
    def derive(cls, sealer: Sealer, secret: bytes) -> Self:
        """The keys of a programme; the secret itself hashes nothing."""
        return cls(sealer, hmac.new(secret, b"pool code find", hashlib.sha256).digest())

    def sealed(self, code_id: UUID, code: str) -> bytes:
        """The code as it rests in the database; it opens under its own id only."""
        return self.sealer.seal(code.encode(), place=_place(code_id))

    def opened(self, code_id: UUID, ciphertext: bytes) -> str:
        """The code that was sealed.

        Raises:
            SealBroken: its key is no longer in the settings.
        """
        return self.sealer.unseal(ciphertext, place=_place(code_id)).decode()

    def fingerprint(self, code: str) -> bytes:
        """What finds the same code again."""
        return hmac.new(self.find, code.encode(), hashlib.sha256).digest()


def _place(code_id: UUID) -> str:
    return f"pool_code {code_id}"


def read_codes(text: str) -> tuple[Mapping[str, int], Sequence[RowError]]:
    """Codes with their lines, and what is wrong with the other lines.

    The file has one column `code`, with or without that heading; a byte order mark is ignored.
    """
    codes: dict[str, int] = {}
    errors: list[RowError] = []
    for line, row in enumerate(csv.reader(text.removeprefix("\ufeff").splitlines()), start=1):
        code = row[0].strip() if row else ""
        if line == 1 and code.lower() == "code":
            continue
        fault = _fault_of(row, code, codes)
        if fault:
            errors.append(RowError(line, fault))
        else:
            codes[code] = line
    return codes, errors


def _fault_of(row: Sequence[str], code: str, earlier: Mapping[str, int]) -> str | None:
    if not code:
        return "empty"
    if len(row) > 1:
        return "too_many_columns"
    if len(code) > CODE_CHARACTERS_MAX or not code.isprintable():
        return "not_a_code"
    return "repeated" if code in earlier else None

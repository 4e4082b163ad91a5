"""What people type behind a command, read strictly: a typing error is told what is wanted."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from errno import EHOSTUNREACH, ENETUNREACH
from pathlib import Path
from socket import gaierror
from ssl import SSLError
from typing import Final

EXIT_USAGE: Final = 2
# SQLSTATE: wrong password or role, no such database, full, ending or not yet begun.
_NOT_LET_IN: Final = ("28", "3D", "53300", "57P")
_NO_WAY: Final = frozenset({EHOSTUNREACH, ENETUNREACH, None})  # none where all of many failed
_SEE: Final = "Check TANHUI_DATABASE_URL; tanhui migrate uses TANHUI_MIGRATE_URL."
BIGINT_MAX: Final = 2**63 - 1  # what a column of ids or amounts holds


def whole(least: int, most: int = BIGINT_MAX) -> Callable[[str], int]:
    """A type of `argparse`: a whole number from `least` to `most`."""

    def read(text: str) -> int:
        # Longer texts are no number of ours, and Python refuses to read the longest.
        if len(text) > len(str(BIGINT_MAX)) or not text.isascii() or not text.isdecimal():
            raise argparse.ArgumentTypeError(_wanted(least, most, text))
        if not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(_wanted(least, most, text))
        return int(text)

    return read


def day(text: str) -> date:
    """A type of `argparse`: a day such as 2026-11-21."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a day such as 2026-11-21, not {text[:40]!r}") from None


def is_text(arguments: Sequence[str]) -> bool:
    """Whether all of what was typed can be printed and stored: octets that are no UTF-8 cannot."""
    try:
        "".join(arguments).encode()
    except UnicodeEncodeError:
        return False
    return True


def run_in_words(command: Callable[[], int]) -> int:
    """The exit code of a command; 2 with a sentence for what it refuses or cannot reach.

    Python would say 1, which is a finding of `tanhui verify` and others.
    """
    try:
        return command()
    except SystemExit as refused:
        if not isinstance(refused.code, str):
            raise
        words: str | None = refused.code
    except BrokenPipeError:
        raise
    except Exception as error:
        words = _words_of(error)
        if words is None:
            raise
    print(words, file=sys.stderr)
    return EXIT_USAGE


def _words_of(error: Exception) -> str | None:
    """What to say of a database that is away or does not let us in; None for other errors.

    The driver's errors are told by their SQLSTATE: an auditor's install has no driver.
    """
    cause = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None) or ""
    reason = str(cause).partition("\n")[0] or "no answer in time"
    if str(state).startswith(_NOT_LET_IN):
        return f"The database does not let us in: {reason}. {_SEE}"
    is_away = isinstance(error, OSError) and error.errno in _NO_WAY
    if is_away or isinstance(error, (ConnectionError, TimeoutError, gaierror, SSLError)):
        return f"The database, or what else the settings name, cannot be reached: {reason}. {_SEE}"
    return None


def row_or_all(text: str) -> str:
    """A type of `argparse`: the id of a row, or the word `all`."""
    return text if text == "all" else str(whole(1)(text))


def characters(most: int) -> Callable[[str], str]:
    """A type of `argparse`: a text of at most `most` characters."""

    def read(text: str) -> str:
        if len(text) > most:
            raise argparse.ArgumentTypeError(f"at most {most} characters, not {len(text)}")
        return text

    return read


def text_of(file: Path) -> str:
    """The text of a file that a command names.

    Raises:
        SystemExit: It cannot be read.
    """
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise SystemExit(f"{file} is not UTF-8.") from None
    except OSError as error:
        raise SystemExit(f"{file} cannot be read: {error.strerror}.") from None


@contextmanager
def writing_to(place: Path) -> Iterator[None]:
    """Write files where a command says.

    Raises:
        SystemExit: It cannot be written.
    """
    try:
        yield
    except OSError as error:
        name = error.filename or place
        raise SystemExit(f"{name} cannot be written: {error.strerror}.") from None


def _wanted(least: int, most: int, text: str) -> str:
    return f"a whole number from {least} to {most}, not {text[:40]!r}"

"""Text that a person can read: something to see, in the order in which it was written.

A name of nothing but spaces names nobody, and a bell or a reversed direction makes a list, a CSV
file or a log show something else than what is kept. Tabs and line ends stay: notes have lines.
"""

import re
from collections.abc import Iterator
from typing import Final

from backend.http.problem import Fault

# Controls of Unicode (C0 and C1) and those that turn the direction of what follows.
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_BLANK: Final = re.compile("[\\s\u200b-\u200f\u2060\ufeff]+")


def unreadable(text: str) -> str | None:
    """Why nobody can read this text, as a fault's code; None when somebody can."""
    if "\0" in text:
        return "nul_character"
    if _CONTROL.search(text):
        return "control_character"
    return "blank" if _BLANK.fullmatch(text) else None


def unreadable_leaves(document: object, pointer: str = "") -> Iterator[Fault]:
    """The texts of a parsed document that nobody can read, names of members among them."""
    for where, value in leaves(document, pointer):
        if isinstance(value, str) and (code := unreadable(value)):
            yield Fault(where, code)


def leaves(value: object, pointer: str) -> Iterator[tuple[str, object]]:
    """Walk scalars and member names; names that are not identifiers stay out of the pointer."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield pointer, name
            step = name if name.isidentifier() and name.isascii() else "..."
            yield from leaves(member, f"{pointer}/{step}")
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from leaves(element, f"{pointer}/{index}")
    else:
        yield pointer, value

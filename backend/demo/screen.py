"""What the demo writes: titles, lines, tables, progress; Chinese characters take two columns."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

BANNER = "━━ 模拟数据 SIMULATED DATA · 青禾市是虚构的城市 Qinghe is a fictional city ━━"
LINES_EVERY = 10  # photos; where a line cannot be written over, more would bury the rest


@dataclass(slots=True)
class Screen:
    """A terminal, or a file that is read later; `is_open_line` while progress is on the screen."""

    stream: TextIO
    is_open_line: bool = False

    def say(self, line: str = "") -> None:
        """Write one line."""
        if self.is_open_line:
            self._write("\n")
            self.is_open_line = False
        self._write(line + "\n")

    def title(self, line: str) -> None:
        """Begin a part."""
        self.say()
        self.say(f"■ {line}")

    def progress(self, text: str, done: int, total: int) -> None:
        """Show how far it is: one line that changes, or a line now and then."""
        line = f"  {text} {done}/{total}"
        if self.stream.isatty():
            self._write(f"\r{line} ")
            self.is_open_line = True
        elif done % LINES_EVERY == 0 or done == total:
            self.say(line)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str | int]]) -> None:
        """Write columns; numbers stand on the right, under their heads."""
        texts = [list(head), *([_text(cell) for cell in row] for row in rows)]
        widths = [max(_width(text) for text in column) for column in zip(*texts, strict=True)]
        rights = [
            all(isinstance(cell, int) for cell in column) for column in zip(*rows, strict=True)
        ]
        for row in texts:
            parts = map(_padded, row, widths, rights or [False] * len(head))
            self.say("  " + "  ".join(parts).rstrip())

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _text(cell: str | int) -> str:
    return f"{cell:,}" if isinstance(cell, int) else cell


def _padded(text: str, width: int, is_right: bool) -> str:  # noqa: FBT001 - called by map
    room = " " * (width - _width(text))
    return room + text if is_right else text + room

"""Rows as files for people and their spreadsheets.

Every text cell that a spreadsheet could take for a formula gets an apostrophe before it.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

FILE_LINES_MAX = 50_000  # a file of that length takes about ten seconds to write as XLSX
# Source: OWASP, CSV Injection (read 2026-11-21).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Cell = str | int | None


def as_csv(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Rows as CSV with a byte order mark: without it a spreadsheet guesses the encoding wrongly."""
    text = io.StringIO()
    csv.writer(text).writerows([[_plain(cell) for cell in row] for row in rows])
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(rows: Iterable[Sequence[Cell]], title: str) -> bytes:
    """Rows as one sheet; texts are written as texts, whatever they begin with."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    for row in rows:
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, value=_plain(value))
            if isinstance(value, str):
                cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _plain(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell

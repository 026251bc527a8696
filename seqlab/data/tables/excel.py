"""The first sheet of an Excel workbook that holds anything, as the CSV that it would be saved as."""

import csv
import warnings
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

from seqlab.data.fetch.archive import Bounds
from seqlab.data.tables.unpack import WHOLE_AGAIN, Source
from seqlab.errors import DataError

MOST_EMPTY = 1000  # rows without a cell one after the other, after which a sheet is taken to have ended
CELL = 8  # bytes that an empty cell takes here: a far one is short in the file, and makes many


def csv_of_excel(source: Source) -> tuple[Source, list[str]]:
    """The rows of the first visible sheet that has any, written as CSV with dates like 2024-01-31, and what is to be
    said of that. Raises DataError where openpyxl is not installed or cannot read it, and beyond the limits of
    unpacking."""
    try:
        import openpyxl
    except ImportError as problem:
        raise DataError(
            f"{source.where} is an Excel file, and nothing installed here reads it",
            "`pip install seqlab[excel]`, or save it as CSV with a header, and name that file",
        ) from problem
    try:
        with source.open() as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on styles and the like, which are not read
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
            for sheet in sheets:
                text, rows = _text_of(sheet, Bounds(source.where, source.size))
                if rows:
                    notes = [f"of its {len(sheets)} sheets '{sheet.title}' is read"] if len(sheets) > 1 else []
                    return Source(text.encode(), source.where, source.name), notes
    except DataError:
        raise
    except Exception as problem:  # openpyxl lets through whatever its parsers raise
        said = str(problem).strip().partition("\n")[0] or type(problem).__name__
        raise DataError(f"{source.where} is no Excel file that can be read: {said}", WHOLE_AGAIN) from problem
    raise DataError(f"{source.where} is empty", "name a file with a header and rows")


def _text_of(sheet: Any, bounds: Bounds) -> tuple[str, int]:
    """A sheet as CSV, each row as wide as the widest, and how many of its rows hold anything."""
    rows: list[list[str]] = []
    last = 0  # row that holds anything
    for row in sheet.iter_rows(values_only=True):
        bounds.add(CELL * len(row))
        rows.append(["" if cell is None else _written(cell) for cell in row])
        last = len(rows) if any(rows[-1]) else last
        if len(rows) > last + MOST_EMPTY:
            break
    rows = rows[:last]
    width = max((place + 1 for row in rows for place, cell in enumerate(row) if cell), default=0)
    bounds.add(width * len(rows))
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([*row, *[""] * width][:width] if any(row) else [] for row in rows)
    return text.getvalue(), sum(map(any, rows))


def _written(cell: Any) -> str:
    if isinstance(cell, datetime):
        cell = (cell + timedelta(microseconds=500_000)).replace(microsecond=0)  # Excel's fractions of days round
        midnight = not (cell.hour or cell.minute or cell.second)
        return cell.date().isoformat() if midnight else cell.isoformat(" ")
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)

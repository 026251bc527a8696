"""How a file of rows is written: its encoding, what separates its cells, its header. Read from its beginning."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO

from seqlab.errors import DataError

MISSING = ("?", "-", "--", ".", "n.a.", "missing")  # beside what pandas takes for missing: "", NA, N/A, null, nan, ...
BLANKS = r"\s+"  # the separator of columns that are aligned by blanks
NAMES = {"\t": "tabs", ";": "semicolons", "|": "bars", BLANKS: "blanks"}
LONGEST_CELL = 1 << 24  # characters; beyond, a quote was not closed
READ_WITH_POINT = "entries like 1.234 are read with a decimal point"
SAVE_AS_CSV = "save it as CSV with a header, and name that file"
_NO_VALUE = {"", "na", "n/a", "#n/a", "null", "none", "nan", "<na>", *MISSING}
_OTHERS = {  # what a file of another kind begins with
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"SQLite format 3": "a database",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"<?xml": "XML",
    b"{": "JSON",
    b"[{": "JSON",
    b"[[": "JSON",
}


@dataclass(frozen=True)
class Layout:
    """names: of the columns. skipped: rows before the first one of values. as_text: columns whose numbers are names.

    notes: what was repaired or could be otherwise, a sentence each.
    """

    encoding: str
    separator: str
    decimal: str
    shown: bool  # whether the numbers show that mark, and cannot as well be thousands
    names: tuple[str, ...]
    skipped: int
    as_text: tuple[str, ...]
    notes: tuple[str, ...]


def encoding_of(start: bytes, where: str) -> str:
    """The encoding that the first bytes tell: UTF-16 by its mark or its zeros, else UTF-8. Raises DataError where they
    are no text, or text of another kind."""
    for begins, kind in _OTHERS.items():
        if start.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(begins.lower()):
            raise DataError(f"{where} is {kind}, no table", SAVE_AS_CSV)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    zeros = [start[first::2].count(0) for first in (0, 1)]
    for own, other, name in ((1, 0, "utf-16-le"), (0, 1, "utf-16-be")):
        if zeros[own] > 0.4 * len(start) / 2 and zeros[other] < 0.1 * zeros[own]:
            return name
    odd = sum(start.count(byte) for byte in range(32) if byte not in b"\t\n\r\f\x1a")
    if odd > max(8, len(start) / 100):
        raise DataError(f"{where} is no text: {odd:,} of its first {len(start):,} bytes are control bytes", SAVE_AS_CSV)
    return "utf-8-sig"


def layout_of(sample: str, cut: bool, encoding: str, where: str) -> Layout:
    """The layout of a table that begins with `sample`; cut: it goes on. Raises DataError where there are no rows."""
    separator = _separator(sample)
    rows = _rows(sample, separator)
    if cut and len(rows) > 1:
        rows.pop()
    full = [(number, row) for number, row in enumerate(rows) if any(cell.strip() for cell in row)]
    if not full:
        raise DataError(f"{where} is empty", "name a file with a header and rows")
    notes = [] if separator == "," else [f"its columns are separated by {NAMES[separator]}"]
    width = Counter(len(row) for _, row in full[1:] or full).most_common(1)[0][0]
    first = _first_of_table([row for _, row in full], width)
    if first:
        notes.append(f"its first {'line is' if first == 1 else f'{first} lines are'} no part of the table")
        full = full[first:]
    number, head = full[0]
    body = [row for _, row in full[1:]]
    decimal = _decimal(body or [head], separator)
    if (body and _is_header(head, body, decimal)) or (not body and not any(_is_number(cell, decimal) for cell in head)):
        skipped = number + 1
        if not body:
            raise DataError(f"{where} has a header and no rows", "name a file with a header and rows")
        names, said = _named(head, body, width)
        notes += said
    else:
        skipped, names = number, [f"column_{place}" for place in range(1, max(len(head), width) + 1)]
        notes.append(f"it has no header: its columns are called {names[0]}" + (f" to {names[-1]}" if names[1:] else ""))
    short = sum(len(row) < len(names) for row in body)
    if short:
        rows_said = f"{_count(short, 'row')} of the first {len(body):,}"
        notes.append(f"{rows_said} {'is' if short == 1 else 'are'} shorter than the header: the rest is missing there")
    cells = [cell.strip() for row in body for cell in row]
    shown = any(_has_decimals(cell, decimal) for cell in cells)
    if decimal == "." and separator == ";" and not shown and any(re.fullmatch(r"[-+]?\d+\.\d+", one) for one in cells):
        notes.append(READ_WITH_POINT)
    marks = [mark for mark in MISSING if mark in cells]
    if marks:
        notes.append(f"taken as missing: {' '.join(marks)}")
    as_text = [name for place, name in enumerate(names) if _has_leading_zeros(_cells(body, place))]
    if as_text:
        notes.append(f"numbers with leading zeros are names, not numbers: {', '.join(as_text)}")
    return Layout(encoding, separator, decimal, shown, tuple(names), skipped, tuple(as_text), tuple(notes))


def rows_of(lines: Iterable[str], separator: str) -> Iterable[list[str]]:
    """The rows of a text as lists of cells, blank lines as empty lists."""
    if separator == BLANKS:
        return (line.split() for line in lines)
    csv.field_size_limit(LONGEST_CELL)
    return csv.reader(lines, delimiter=separator, skipinitialspace=True)


def _first_of_table(rows: list[list[str]], width: int) -> int:
    """How many rows stand above the table: titles in one cell, Excel's sep=; and comments above a header."""
    first = 0
    while first + 2 < len(rows):  # a header and a row are left at least
        row = rows[first]
        filled = sum(bool(cell.strip()) for cell in row)
        title = filled < 2 and (len(row) < width or width > 2) and width > 1
        after = rows[first + 1 :]
        comment = row[0].startswith("#") and (after[0][0].startswith("#") or _is_header(after[0], after[1:], "."))
        if not (title or comment or row[0].lower().startswith("sep=")):
            return first
        first += 1
    return first


def _rows(sample: str, separator: str) -> list[list[str]]:
    found = []
    try:
        for row in rows_of(StringIO(sample, newline=""), separator):
            found.append(row)
    except csv.Error:  # a cell that does not end: pandas tells where it begins
        pass
    return found


def _separator(sample: str) -> str:
    """Of the usual ones that by which most rows have one and the same number of cells; the comma where none does."""
    best, most = ",", 0.0
    for separator in ("\t", ";", "|", ","):
        widths = Counter(len(row) for row in _rows(sample, separator) if row)
        if not widths:
            continue
        width, rows = max(widths.items(), key=lambda item: (item[1], item[0]))
        if width > 1 and rows / widths.total() > most:
            best, most = separator, rows / widths.total()
    if most:
        return best
    rows_by_blanks = [row for row in _rows(sample, BLANKS) if row]
    numbers = sum(_is_number(cell, ".") for row in rows_by_blanks for cell in row)
    same = len({len(row) for row in rows_by_blanks[:-1]}) == 1 and len(rows_by_blanks[0]) > 1
    return BLANKS if same and numbers > sum(map(len, rows_by_blanks)) / 2 else ","


def _decimal(body: list[list[str]], separator: str) -> str:
    """The comma where numbers are written with it, as where German or French is spoken; else the point."""
    if separator == ",":
        return "."
    cells = [cell.strip().lstrip("+-") for row in body for cell in row]
    points, commas = (
        sum(cell.count(mark) == 1 and cell.replace(mark, "").isdecimal() for cell in cells) for mark in ".,"
    )
    return "," if commas > points else "."


def _has_decimals(cell: str, mark: str) -> bool:
    """Whether it is a number with decimals after the mark, that could not as well be thousands, as 1.234."""
    mark = re.escape(mark)
    number = re.fullmatch(rf"[-+]?\d+{mark}\d+", cell)
    return number is not None and not re.fullmatch(rf"[-+]?[1-9]\d{{0,2}}{mark}\d{{3}}", cell)


def _is_number(cell: str, decimal: str) -> bool:
    try:
        float(cell.strip().rstrip("%").replace(decimal, "."))
    except ValueError:
        return False
    return True


def _cells(body: list[list[str]], place: int) -> list[str]:
    """The entries of a column that are not missing."""
    found = (row[place].strip() for row in body if place < len(row))
    return [cell for cell in found if cell.lower() not in _NO_VALUE]


def _is_header(head: list[str], body: list[list[str]], decimal: str) -> bool:
    """Not where its numbers stand above numbers and no word above them; where there are none, not where most of its
    words come again below. Numbers that count up are a header all the same: 0, 1, 2 or 2019, 2020, 2021."""
    numbers = [cell for cell in head if _is_number(cell, decimal)]
    below = [_cells(body, place) for place in range(len(head))]
    if not numbers:
        again = [cell.strip() in column for cell, column in zip(head, below, strict=True) if column]
        repeated = sum(again) > len(again) / 2
        words = not any(_is_number(cell, decimal) for column in below for cell in column)
        return not (repeated and words)
    if all(cell.strip().isdecimal() for cell in numbers):
        values = [int(cell) for cell in numbers]
        counts_up = values == list(range(values[0], values[0] + len(values)))
        if counts_up and (len(values) > 2 or (values[0] == 0 and len(values) == 2)):
            return True
    for cell, column in zip(head, below, strict=True):
        if cell.strip().lower() in _NO_VALUE or not column:
            continue
        above_numbers = sum(_is_number(one, decimal) for one in column) > len(column) / 2
        if above_numbers != _is_number(cell, decimal):
            return True
    return False


def _named(head: list[str], body: list[list[str]], width: int) -> tuple[list[str], list[str]]:
    """The columns' names, each once, and what was repaired. Rows with one cell more have names of their own first."""
    names, notes = [cell.strip() for cell in head], []
    if width == len(names) + 1:
        if _cells(body, width - 1):
            names = ["row_name", *names]
            notes.append("its rows have one cell more than the header: the first is called row_name")
        else:
            names = [*names, ""]
    blank = [place for place, name in enumerate(names) if not name]
    for place in blank:
        names[place] = f"column_{place + 1}"
    if [place for place in blank if _cells(body, place)]:
        notes.append(f"columns without a name are called {', '.join(names[place] for place in blank)}")
    seen, twice = set[str](), []
    for place, name in enumerate(names):
        number, fresh = 1, name
        while fresh in seen:
            number += 1
            fresh = f"{name} ({number})"
        seen.add(fresh)
        if fresh != name:
            twice.append(fresh)
        names[place] = fresh
    if twice:
        notes.append(f"names that come again are numbered: {', '.join(twice[:10])}")
    return names, notes


def _has_leading_zeros(cells: list[str]) -> bool:
    """Codes as 01234: digits alone, all of one length, one of them with a zero in front."""
    lengths = {len(cell) for cell in cells}
    return len(lengths) == 1 and lengths != {1} and all(map(str.isdecimal, cells)) and any(c[0] == "0" for c in cells)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"

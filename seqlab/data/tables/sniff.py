"""How a file of rows is written: its encoding, what separates its cells, its header. Read from its beginning."""

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from itertools import chain

from seqlab.data.tables.header import Row, cells_of, header_of, kind_of
from seqlab.data.tables.missing import MARKS
from seqlab.data.text.charset import wide
from seqlab.errors import DataError

BLANKS = r"\s+"  # the separator of columns that are aligned by blanks
NAMES = {"\t": "tabs", ";": "semicolons", "|": "bars", BLANKS: "blanks"}
_BY_BLANKS = re.compile(r'"[^"]*"|\S+')
LONGEST_CELL = 1 << 24  # characters; beyond, a quote was not closed
READ_WITH_POINT = "entries like 1.234 are read with a decimal point"
SAVE_AS_CSV = "save it as CSV with a header, and name that file"
_END = "\x01"
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
    raw: columns that are to be read as they are written: of words, of numbers with marks of what is missing, and of
    numbers whose mark pandas cannot be given.

    notes: what was repaired or could be otherwise, a sentence each.
    """

    encoding: str
    separator: str
    decimal: str
    shown: bool  # whether the numbers show that mark, and cannot as well be thousands
    names: tuple[str, ...]
    skipped: int
    as_text: tuple[str, ...]
    raw: frozenset[str]
    notes: tuple[str, ...]


def encoding_of(start: bytes, where: str) -> str:
    """The encoding that the first bytes tell: UTF-16 or UTF-32, else empty. Raises DataError where they are no text, or
    text of another kind."""
    for begins, kind in _OTHERS.items():
        if start.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(begins.lower()):
            raise DataError(f"{where} is {kind}, no table", SAVE_AS_CSV)
    if encoding := wide(start):
        return encoding
    odd = sum(start.count(byte) for byte in range(32) if byte not in b"\t\n\r\f\x1a")
    if odd > max(8, len(start) / 100):
        raise DataError(f"{where} is no text: {odd:,} of its first {len(start):,} bytes are control bytes", SAVE_AS_CSV)
    return ""


def layout_of(sample: str, cut: bool, encoding: str, where: str) -> Layout:
    """The layout of a table that begins with `sample`; cut: it goes on. Raises DataError where there are no rows."""
    separator = _separator(sample, cut)
    rows, _ = _rows(sample, separator)
    if cut and len(rows) > 1:
        rows.pop()
    full = [(number, row) for number, row in enumerate(rows) if any(cell.strip() for cell in row)]
    if not full:
        raise DataError(f"{where} is empty", "name a file with a header and rows")
    after_blank = {place for place in range(1, len(full)) if full[place][0] > full[place - 1][0] + 1}
    header = header_of([row for _, row in full], after_blank)
    first = header.above + header.heads
    if first == len(full):
        raise DataError(f"{where} has a header and no rows", "name a file with a header and rows")
    skipped = full[first][0] if not header.heads else full[first - 1][0] + 1
    names, body = header.names, [row for _, row in full[first:]]
    notes = list(header.notes)
    below = body if header.heads else body[1:]
    short = sum(len(row) < len(names) for row in below)
    if short:
        rows_said = f"{short:,} {'row' if short == 1 else 'rows'} of the first {len(below):,}"
        notes.append(f"{rows_said} {'is' if short == 1 else 'are'} shorter than the header: the rest is missing there")
    decimal, shown = _decimal(below or body, separator)
    cells = [cell.strip() for row in below for cell in row]
    if decimal == "." and separator == ";" and not shown and any(re.fullmatch(r"[-+]?\d+\.\d+", one) for one in cells):
        notes.append(READ_WITH_POINT)
    columns = {name: cells_of(below, place) for place, name in enumerate(names)}
    as_text = tuple(name for name, column in columns.items() if _has_leading_zeros(column))
    comma_by_comma = separator == decimal == ","
    marked = {names[place] for row in below for place, cell in enumerate(row[: len(names)]) if _is_mark(cell)}
    raw = {name for name, column in columns.items() if _is_raw(column, decimal, comma_by_comma)} | marked
    return Layout(encoding, separator, decimal, shown, tuple(names), skipped, as_text, frozenset(raw), tuple(notes))


def rows_of(lines: Iterable[str], separator: str) -> Iterable[Row]:
    """The rows of a text as lists of cells, blank lines as empty lists."""
    if separator == BLANKS:
        return ([one.strip('"') for one in _BY_BLANKS.findall(line)] for line in lines)
    csv.field_size_limit(LONGEST_CELL)
    return csv.reader(lines, delimiter=separator, skipinitialspace=True)


def _rows(sample: str, separator: str) -> tuple[list[Row], int]:
    """The rows of a sample, and how many of its lines are in a cell in quotes that does not end."""
    found: list[Row] = []
    lines = list(StringIO(sample, newline=""))
    reader = rows_of(chain(lines, [_END]), separator)
    before, until = 0, 0
    try:
        for row in reader:
            if row == [_END]:
                return found, 0
            found.append(row)
            before, until = until, getattr(reader, "line_num", 0)
    except csv.Error:  # a cell that is too long: pandas tells where it begins
        before = until
    return found, len(lines) - before


def _separator(sample: str, cut: bool) -> str:
    """Of the usual ones that by which most rows have one and the same number of cells; the comma where none does."""
    best, most, cells = ",", 0.0, 1
    for separator in ("\t", ";", "|", ","):
        rows, open_lines = _rows(sample, separator)
        widths = Counter(len(row) for row in rows if row)
        if not widths or open_lines > (len(rows) if cut else 0):  # a quote in a name that is not at its beginning
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        if width > 1 and count / widths.total() > most:
            best, most, cells = separator, count / widths.total(), width
    if most and best != "\t":
        return best
    by_blanks = [row for row in _rows(sample, BLANKS)[0] if row]
    if cut:
        by_blanks.pop()
    width = len(by_blanks[0]) if by_blanks else 0
    if width <= cells or any(len(row) != width for row in by_blanks):
        return best
    if most:  # blanks before a tab
        by_tabs = [row[0].split() for row in _rows(sample, "\t")[0] if row]
        return BLANKS if all(len(row) > 1 and _are_numbers(row) for row in by_tabs[1:]) else best
    below = by_blanks[1:] or by_blanks
    return BLANKS if any(_are_numbers([row[place] for row in below]) for place in range(width)) else ","


def _are_numbers(cells: Row) -> bool:
    return all(kind_of(cell) == "number" for cell in cells)


def _decimal(body: list[Row], separator: str) -> tuple[str, bool]:
    """The comma where numbers are written with it, as where German or French is spoken, else the point; and whether
    some number shows it, for 1.234 can be thousands too."""
    cells = [cell.strip() for row in body for cell in row]
    points, commas = (sum(_has_decimals(cell, mark) for cell in cells) for mark in ".,")
    if separator == ",":
        return ("," if commas and not points else ".", bool(points or commas))
    if points or commas:
        return ("," if commas > points else ".", True)
    points, commas = (
        sum(cell.count(mark) == 1 and cell.lstrip("+-").replace(mark, "").isdecimal() for cell in cells)
        for mark in ".,"
    )
    return ("," if commas > points else ".", False)


def _has_decimals(cell: str, mark: str) -> bool:
    """Whether it is a number with decimals after the mark, that could not as well be thousands, as 1.234."""
    cell = cell.removesuffix("%").strip("$€£¥ ")
    if mark not in cell:
        return False
    number = re.fullmatch(rf"[-+]?(?:\d+|[1-9]\d{{0,2}}(?:[{'.' if mark == ',' else ','} ]\d{{3}})+)\{mark}\d+", cell)
    return number is not None and not re.fullmatch(rf"[-+]?[1-9]\d{{0,2}}\{mark}\d{{3}}", cell)


def _is_mark(cell: str) -> bool:
    return cell.strip().lower() in MARKS


def _is_raw(column: Row, decimal: str, comma_by_comma: bool) -> bool:
    """Whether most entries of a column are no numbers as pandas reads them, or one has a point that it would take for
    decimals."""
    if comma_by_comma and any("." in cell for cell in column):
        return True
    return 2 * sum(_is_plain(cell, "." if comma_by_comma else decimal) for cell in column) <= len(column)


def _is_plain(cell: str, decimal: str) -> bool:
    try:
        float(cell if decimal == "." else cell.replace(".", "_.").replace(",", "."))
    except ValueError:
        return False
    return True


def _has_leading_zeros(cells: Row) -> bool:
    """Codes as 01234: digits alone, all of one length, one of them with a zero in front."""
    lengths = {len(cell) for cell in cells}
    return len(lengths) == 1 and lengths != {1} and all(map(str.isdecimal, cells)) and any(c[0] == "0" for c in cells)

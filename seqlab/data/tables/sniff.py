"""How a file of rows is written: its encoding, what separates its cells, its header. Read from its beginning."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seqlab.data.tables.footer import lines_below
from seqlab.data.tables.header import Row, cells_of, header_of
from seqlab.data.tables.missing import is_mark
from seqlab.data.tables.separators import quote_of, rows_in, separator_of
from seqlab.data.text.charset import wide
from seqlab.errors import DataError

READ_WITH_MARK = {
    ".": "entries like 1.234 are read with a decimal point",
    ",": "entries like 1,234 are read with a decimal comma",
}
MOST_COLUMNS = 20_000  # each costs the same, however few the rows: about 0.1 ms
SAVE_AS_CSV = "save it as CSV with a header, and name that file"
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
    """names: of the columns. skipped: rows before the first one of values; below: lines after the last one. as_text:
    columns whose numbers are names.
    raw: columns that are to be read as they are written: of words, of numbers with marks of what is missing, and of
    numbers whose mark pandas cannot be given. has_comments: lines between the rows that begin with # are none.

    notes: what was repaired or could be otherwise, a sentence each.
    """

    encoding: str
    separator: str
    quote: str
    has_comments: bool
    decimal: str
    shown: bool  # whether the numbers show that mark, and cannot as well be thousands
    names: tuple[str, ...]
    skipped: int
    below: int
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


def _without_rows(where: str, sampled: int) -> DataError:
    """What is wrong with a table of which only a header is seen, in so many characters if these are not all of it."""
    if not sampled:
        return DataError(f"{where} has a header and no rows", "name a file with a header and rows")
    return DataError(
        f"the first row below the header of {where} is longer than {sampled:,} characters",
        "look for a quote that is not closed, or leave out columns",
    )


def layout_of(sample: str, cut: bool, encoding: str, where: str, end: Sequence[str] = ()) -> Layout:
    """The layout of a table that begins with `sample` and ends with the lines `end`; cut: the sample is not all of it.
    Raises DataError where there are no rows."""
    if cut and len(sample.strip().splitlines()) == 1:
        raise DataError(
            f"the first line of {where} is longer than {len(sample):,} characters",
            "look for line ends that are missing, or leave out columns",
        )
    quote = quote_of(sample)
    separator = separator_of(sample, cut, quote)
    rows = rows_in(sample, separator, quote)[0]
    if (width := max(map(len, rows), default=0)) > MOST_COLUMNS:
        raise DataError(
            f"{where} has {width:,} columns, more than the {MOST_COLUMNS:,} that are read",
            "leave some out, or write its columns as rows",
        )
    if cut and len(rows) > 1:
        rows.pop()
    full = [(number, row) for number, row in enumerate(rows) if any(cell.strip() for cell in row)]
    if not full:
        raise DataError(f"{where} is empty", "name a file with a header and rows")
    after_blank = {place for place in range(1, len(full)) if full[place][0] > full[place - 1][0] + 1}
    header = header_of([row for _, row in full], after_blank)
    first = header.above + header.heads
    if first == len(full):
        raise _without_rows(where, len(sample) if cut else 0)
    skipped = full[first][0] if not header.heads else full[first - 1][0] + 1
    names, whole, notes = header.names, [row for _, row in full[first:]], [*header.notes]
    below = lines_below(end, separator, quote, len(names))
    if below:
        last = [line.strip() for line in end[-below:] if line.strip()]
        whole = whole if cut else whole[: -len(last)]
        lines = "line is" if below == 1 else f"{below} lines are"
        notes.append(f"its last {lines} no part of the table, as '{last[0][:40]}'")
    body = [row for row in whole if not row[0].startswith("#")]
    comments = [row for row in whole if row[0].startswith("#")]
    has_comments = 0 < len(comments) < len(body) and '"' not in sample and all(_is_comment(row) for row in comments)
    body = body if has_comments else whole
    if has_comments:
        notes.append(f"lines that begin with # are no part of the table, as '{separator.join(comments[0])[:40]}'")
    rows = body if header.heads else body[1:]
    short = sum(len(row) < len(names) for row in rows)
    if short:
        rows_said = f"{short:,} {'row' if short == 1 else 'rows'} of the first {len(rows):,}"
        notes.append(f"{rows_said} {'is' if short == 1 else 'are'} shorter than the header: the rest is missing there")
    decimal, shown = _decimal(rows or body, separator)
    either = re.compile(rf"[-+]?\d+\{decimal}\d+")
    if separator == ";" and not shown and any(either.fullmatch(cell.strip()) for row in rows for cell in row):
        notes.append(READ_WITH_MARK[decimal])
    columns = {name: cells_of(rows, place) for place, name in enumerate(names)}
    as_text = tuple(name for name, column in columns.items() if has_leading_zeros(column))
    comma_by_comma = separator == decimal == ","
    marked = {names[place] for row in rows for place, cell in enumerate(row[: len(names)]) if is_mark(cell.strip())}
    raw = {name for name, column in columns.items() if _is_raw(column, decimal, comma_by_comma)} | marked
    how = (encoding, separator, quote, has_comments, decimal, shown)
    return Layout(*how, tuple(names), skipped, below, as_text, frozenset(raw), tuple(notes))


def _is_comment(row: Row) -> bool:
    """Whether a row that begins with # has no other cell, or words alone: a column of names like #1 has more."""
    return not any(cell.strip() for cell in row[1:])


def _decimal(body: list[Row], separator: str) -> tuple[str, bool]:
    """The comma where numbers are written with it, as where German or French is spoken, else the point; and whether
    some number shows it, for 1.234 can be thousands too."""
    cells = [cell.strip() for row in body for cell in row if "." in cell or "," in cell]
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
    """Whether it is a number with decimals after the mark, that could not as well be thousands, as 1.234; or with so
    many groups of thousands that only this mark is left for decimals, as 1.234.567 for the comma."""
    cell = cell.removesuffix("%").strip("$€£¥ ")
    other = "." if mark == "," else ","
    if cell.count(other) > 1 and mark not in cell:
        return re.fullmatch(rf"[-+]?[1-9]\d{{0,2}}(?:\{other}\d{{3}})+", cell) is not None
    if mark not in cell:
        return False
    number = re.fullmatch(rf"[-+]?(?:\d+|[1-9]\d{{0,2}}(?:[{other} ]\d{{3}})+)\{mark}\d+", cell)
    return number is not None and not re.fullmatch(rf"[-+]?[1-9]\d{{0,2}}\{mark}\d{{3}}", cell)


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


def has_leading_zeros(cells: Iterable[str]) -> bool:
    """Codes as 01234: digits alone, all of one length, one of them with a zero in front."""
    cells = list(cells)
    lengths = {len(cell) for cell in cells}
    return len(lengths) == 1 and lengths != {1} and all(map(str.isdecimal, cells)) and any(c[0] == "0" for c in cells)

"""What separates the cells of a file of rows, and its rows as lists of cells."""

import csv
import re
from collections import Counter
from collections.abc import Iterable
from io import StringIO
from itertools import chain

from seqlab.data.tables.header import Row, kind_of

BLANKS = r"\s+"  # the separator of columns that are aligned by blanks
SEVERAL_BLANKS = r"\s{2,}"  # of those with words of several parts
NAMES = {"\t": "tabs", ";": "semicolons", "|": "bars", BLANKS: "blanks", SEVERAL_BLANKS: "several blanks"}
LONGEST_CELL = 1 << 24  # characters; beyond, a quote was not closed
_END = "\x01"
_KNOWN = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
_BY_BLANKS = {quote: re.compile(rf"{quote}(?:[^{quote}]|{quote}{quote})*{quote}(?!\S)|\S+") for quote in "\"'"}
_DIGITS_AND_BLANKS = re.compile(r"\d,\d+[ \t]+[-+]?\d")
_IN_SINGLE_QUOTES = re.compile(r"(?:^|(?<=[\s,;|]))'[^']*'(?=[\s,;|]|$)")


def rows_of(lines: Iterable[str], separator: str, quote: str = '"') -> Iterable[Row]:
    """The rows of a text as lists of cells, blank lines as empty lists."""
    if separator == BLANKS:
        return ([one.strip(quote) for one in _BY_BLANKS[quote].findall(line)] for line in lines)
    if separator == SEVERAL_BLANKS:
        return (re.split(r"\s{2,}|\t", line.strip()) if line.strip() else [] for line in lines)
    csv.field_size_limit(LONGEST_CELL)
    return csv.reader(lines, delimiter=separator, quotechar=quote, skipinitialspace=True)


def quote_of(sample: str) -> str:
    """The single quote where cells stand in some and none in double ones."""
    if '"' in sample or "'" not in sample:
        return '"'
    lines = sample.splitlines()
    return "'" if 2 * sum(_IN_SINGLE_QUOTES.search(line) is not None for line in lines) > len(lines) else '"'


def rows_in(sample: str, separator: str, quote: str) -> tuple[list[Row], int]:
    """The rows of a sample, and how many of its lines are in a cell in quotes that does not end."""
    found: list[Row] = []
    lines = list(StringIO(sample, newline=""))
    reader = rows_of(chain(lines, [_END]), separator, quote)
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


def separator_of(sample: str, cut: bool, quote: str) -> str:
    """Of the usual ones that by which most rows have one and the same number of cells, or blanks; the comma where none
    does. cut: the sample ends within the file."""
    if known := _KNOWN.match(sample):
        return known[1]
    sample = _below_comments(sample)
    best, most = ",", 0.0
    for separator in ("\t", ";", "|", ","):
        rows, open_lines = rows_in(sample, separator, quote)
        widths = Counter(0 if _splits_a_quote(row, quote) else len(row) for row in rows if row)
        if not widths or open_lines > (len(rows) if cut else 0):  # a quote in a name that is not at its beginning
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        if width > 1 and count / widths.total() > most:
            best, most = separator, count / widths.total()
    if most and (best in ";|" or (best == "," and not _DIGITS_AND_BLANKS.search(sample))):
        return best
    blanks = {one: [row for row in rows_in(sample, one, quote)[0] if row] for one in (BLANKS, SEVERAL_BLANKS)}
    if cut:
        blanks = {one: rows[:-1] for one, rows in blanks.items()}
    if not most:
        return next((one for one, rows in blanks.items() if _is_table(rows)), ",")
    others = [row for row in rows_in(sample, best, quote)[0] if row]
    are_parted = _are_parted_before_tabs if best == "\t" else _have_decimal_commas
    return BLANKS if are_parted(blanks[BLANKS], others) else best


def _splits_a_quote(row: Row, quote: str) -> bool:
    """Whether one of its cells begins within quotes, so that another one ends there."""
    return sum(cell.count(quote) % 2 for cell in row if quote in cell) > 1


def _below_comments(sample: str) -> str:
    """Without the lines at the beginning that are comments."""
    lines = sample.splitlines(keepends=True)
    first = next((place for place, line in enumerate(lines) if not line.startswith("#")), 0)
    return "".join(lines[first:])


def _are_parted_before_tabs(by_blanks: list[Row], by_tabs: list[Row]) -> bool:
    """Whether what stands before tabs is several numbers."""
    first = [row[0].split() for row in by_tabs[1:]]
    return _have_one_width(by_blanks) and all(len(row) > 1 and _are_numbers(row) for row in first)


def _have_decimal_commas(by_blanks: list[Row], by_commas: list[Row]) -> bool:
    """Whether all are numbers by blanks, but for dates, and are not by commas."""
    rest = [cell for row in by_blanks[1:] for cell in row if "," in cell or kind_of(cell) != "date"]
    return _have_one_width(by_blanks) and _are_numbers(rest) and not all(map(_are_numbers, by_commas[1:]))


def _is_table(rows: list[Row]) -> bool:
    """Whether rows by blanks are those of a table: all of one width, with a column of numbers, or of words of which
    each column holds a few again and again; or most of one width and most columns of numbers, where the header may have
    a cell less."""
    if not rows:
        return False
    body = rows[1:] or rows
    width, count = Counter(map(len, body)).most_common(1)[0]
    if width < 2:
        return False
    numbers = _columns_of_numbers([row for row in body if len(row) == width])
    if _have_one_width(rows):
        return numbers > 0 or (width > 2 and len(rows) > 3 and _repeat(rows))
    head = len(rows[0])
    return 2 * numbers > width and (head == width or 1 < head == width - 1) and 2 * count > len(body) > 1


def _have_one_width(rows: list[Row]) -> bool:
    return len({len(row) for row in rows}) == 1


def _columns_of_numbers(rows: list[Row]) -> int:
    return sum(_are_numbers([row[place] for row in rows]) for place in range(len(rows[0])))


def _repeat(rows: list[Row]) -> bool:
    return all(2 * len({row[place] for row in rows}) <= len(rows) for place in range(len(rows[0])))


def _are_numbers(cells: Row) -> bool:
    """Numbers and marks of what is missing, not all of them marks."""
    kinds = set(map(kind_of, cells))
    return kinds <= {"number", ""} and "number" in kinds

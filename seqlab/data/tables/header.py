"""Where the rows of a table begin in a file, and what its columns are called."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from seqlab.data.tables.date_shapes import MONTHS
from seqlab.data.tables.missing import MARKS
from seqlab.data.tables.numbers import is_number

MOST_ABOVE = 60  # rows above a table that are looked at
MOST_HEADS = 3  # rows of a header
_MONTH = rf"(?:{'|'.join(MONTHS)})[a-z]*\.?"
_DATE = re.compile(
    r"(?:[12]\d{3}([-/.:年])\d{1,2}(?:(?:\1|月)\d{1,2})?[日月]?|\d{1,2}([-/.])\d{1,2}\2(?:\d{4}|\d\d)"
    rf"|\d{{1,2}}[-. ]{_MONTH}[-. ]\d{{2,4}}|(?:[a-z]{{3}},? )?{_MONTH} \d{{1,2}},? \d{{4}}|\d{{1,2}}:\d\d(?::\d\d)?)"
    r"(?:[T ,].*)?",
    re.IGNORECASE,
)

UNNAMED = "columns without a name are called "  # and their names

_RULE = re.compile(r"[-=:+]{3,}")  # drawn below a header

Row = list[str]
_NOTHING = frozenset(("", *MARKS))


@dataclass(frozen=True)
class Header:
    """names: of the columns, each once. above: rows that are no part of the table; heads: rows of the header after
    them. notes: what was repaired, a sentence each."""

    names: list[str]
    above: int
    heads: int
    notes: list[str]


def header_of(rows: list[Row], after_blank: set[int]) -> Header:
    """The header of rows that all have something in them. after_blank: the places of those below a blank line."""
    width = Counter(len(row) for row in rows[1:] or rows).most_common(1)[0][0]
    above = _rows_above(rows, width, after_blank)
    notes = []
    if above:
        notes.append(f"its first {'line is' if above == 1 else f'{above} lines are'} no part of the table")
        rows = rows[above:]
        width = Counter(len(row) for row in rows[1:] or rows).most_common(1)[0][0]
    head, body = rows[0], rows[1:]
    if (own := _in_other_writing(head, body, width)) is not None:
        head, rows = own, [own, *body]
        notes.append(f"its header is written otherwise than its rows: it names {', '.join(own[:6])}")
    if not (_is_header(head, body) if body else not any(kind_of(cell) == "number" for cell in head)):
        names = [f"column_{place}" for place in range(1, max(len(head), width) + 1)]
        notes.append(f"it has no header: its columns are called {names[0]}" + (f" to {names[-1]}" if names[1:] else ""))
        return Header(names, above, 0, notes)
    heads = 2 if len(body) > 1 and all(map(_RULE.fullmatch, filter(None, map(str.strip, body[0])))) else 1
    while heads < min(MOST_HEADS, len(rows) - 1) and _goes_on(rows[heads - 1], rows[heads], rows[heads + 1 :]):
        heads += 1
    names_in = [row for row in rows[:heads] if not all(map(_RULE.fullmatch, filter(None, map(str.strip, row))))]
    names, said = _named(_joined(names_in or rows[:heads]), rows[heads:], width)  # a file may hold nothing but rules
    if len(names_in) > 1:
        shown = ", ".join(names[:6]) + (", ..." if names[6:] else "")
        said = [f"its header has {len(names_in)} rows: its columns are called {shown}", *said]
    return Header(names, above, heads, notes + said)


def _in_other_writing(head: Row, body: list[Row], width: int) -> Row | None:
    """The names in a first row that begins with #, or is separated otherwise than the rows below, where it has one for
    each of their columns."""
    filled = [cell.strip() for cell in head if cell.strip()]
    if not body or width < 2 or not filled or not (head[0].startswith("#") or len(filled) == 1):
        return None
    if head[0].startswith("#"):
        first = head[0].lstrip("#").strip()
        names = [cell.strip() for cell in ([first, *head[1:]] if first else head[1:])]
    else:
        parted = (filled[0].split(mark) for mark in ";\t|,")
        names = next(([cell.strip() for cell in cells] for cells in parted if len(cells) == width), [])
    if len(names) != width or len(set(names)) < width or any(kind_of(name) != "word" for name in names):
        return None
    return None if len(body) > 1 and _is_clear(body[0], body[1:]) else names


@lru_cache(1 << 17)
def kind_of(cell: str) -> str:
    """number, date or word; empty for a cell with nothing in it or a mark of what is missing."""
    cell = cell.strip()
    if cell.lower() in _NOTHING:
        return ""
    if is_number(cell) or is_number(cell.removeprefix("<").removeprefix(">")):
        return "number"
    return "date" if _DATE.fullmatch(cell) else "word"


def cells_of(body: list[Row], place: int) -> Row:
    """The entries of a column that are not missing."""
    cells = [row[place].strip() for row in body if place < len(row)]
    return [cell for cell in cells if cell.lower() not in _NOTHING]


def _usual_kind(cells: Row) -> str:
    """The kind of more than half of the entries of a column, else word."""
    kind, count = Counter(map(kind_of, cells)).most_common(1)[0]
    return kind if count > len(cells) / 2 else "word"


def _rows_above(rows: list[Row], width: int, after_blank: set[int]) -> int:
    """How many rows stand above the table: titles in one cell, Excel's sep=; comments above a header; and what is of
    another width than the table, or above a blank line, before a row that can only be a header."""
    for place in range(1, min(len(rows) - 2, MOST_ABOVE)):
        apart = place in after_blank or all(len(row) not in (width, width - 1) for row in rows[:place])
        if apart and len(rows[place]) == width and 2 * place < len(rows) and _is_clear(rows[place], rows[place + 1 :]):
            return place
    first = 0
    while first + 2 < len(rows):  # a header and a row are left at least
        row = rows[first]
        filled = sum(bool(cell.strip()) for cell in row)
        title = filled < 2 and (len(row) < width or width > 2) and width > 1
        after = rows[first + 1 :]
        if _in_other_writing(row, after, width) is not None:
            return first
        comment = row[0].startswith("#") and (after[0][0].startswith("#") or _is_header(after[0], after[1:]))
        if not (title or comment or row[0].lower().startswith("sep=")):
            return first
        first += 1
    return first


def _is_clear(head: Row, body: list[Row]) -> bool:
    """Whether a row of words alone stands above numbers or dates."""
    if not all(kind_of(cell) == "word" for cell in head):
        return False
    below = (cells for place in range(len(head)) if (cells := cells_of(body, place)))
    return any(_usual_kind(cells) != "word" for cells in below)


def _is_header(head: Row, body: list[Row]) -> bool:
    """Not where its numbers stand above numbers, its dates above dates and no word above either; where there are none,
    not where most of its words come again below. Numbers that count up are a header all the same: 0, 1, 2 or 2019,
    2020, 2021."""
    kinds = [kind_of(cell) for cell in head]
    below = [cells_of(body, place) for place in range(len(head))]
    numbers = [cell for cell, kind in zip(head, kinds, strict=True) if kind == "number"]
    if not numbers and "date" not in kinds:
        again = [cell.strip() in column for cell, column in zip(head, below, strict=True) if column]
        repeated = sum(again) > len(again) / 2
        words = not any(kind_of(cell) == "number" for column in below for cell in column)
        return not (repeated and words)
    if numbers and all(cell.strip().isdecimal() for cell in numbers):
        values = [int(cell) for cell in numbers]
        counts_up = values == list(range(values[0], values[0] + len(values)))
        if counts_up and (len(values) > 2 or (values[0] == 0 and len(values) == 2)):
            return True
    return any(kind and column and _usual_kind(column) != kind for kind, column in zip(kinds, below, strict=True))


def _goes_on(before: Row, row: Row, body: list[Row]) -> bool:
    """Whether a row below a header belongs to it: words where all below are numbers or dates, in two columns or more,
    as units are, tickers below prices, or the name of an index. Not where it has a word, as the row above it, in a
    column of words: that is a row without numbers."""
    if len(body) < 2:
        return False
    below = [cells_of(body, place) for place in range(len(row))]
    usual = [_usual_kind(column) if column else "" for column in below]
    names_itself = any(
        kind == "word" and cell.strip() and place < len(before) and before[place].strip()
        for place, (cell, kind) in enumerate(zip(row, usual, strict=True))
    )
    above = [cell.strip() for cell, kind in zip(row, usual, strict=True) if kind not in ("", "word")]
    words = [cell for cell in above if cell]
    new = all(kind_of(cell) == "word" and all(cell not in column for column in below) for cell in words)
    return len(above) > 1 and bool(words) and new and not names_itself


def _joined(heads: list[Row]) -> Row:
    """One name for each column of a header of several rows: `AAA Close` of Close above AAA."""
    if len(heads) == 1:
        return [cell.strip() for cell in heads[0]]
    width = max(map(len, heads))
    levels = [[cell.strip() for cell in [*row, *[""] * width][:width]] for row in heads]
    index = {}
    if sum(map(bool, levels[-1])) == 1 and levels[-1][0]:  # the name of the first column alone
        index = {0: levels.pop()[0]}
    for level in levels[:-1]:  # a cell stands for those right of it that are empty
        for place in range(2, width):
            level[place] = level[place] or level[place - 1]
    for level in [*reversed(levels)]:  # what is the same in all columns tells nothing, as a single ticker
        if len(levels) > 1 and len(set(level[1:])) == 1 and level[0].lower() != "price":
            levels.remove(level)
    if len(levels) > 1 and levels[-1][0].lower() in ("ticker", "tickers", "symbol"):
        levels.reverse()
    names = [" ".join(filter(None, parts)) for parts in zip(*levels, strict=True)]
    return [index.get(place, name) for place, name in enumerate(names)]


def _named(names: Row, body: list[Row], width: int) -> tuple[Row, list[str]]:
    """The columns' names, each once, and what was repaired. Rows with one cell more have names of their own first."""
    notes = []
    if width == len(names) + 1:
        if cells_of(body, width - 1):
            names = ["row_name", *names]
            notes.append("its rows have one cell more than the header: the first is called row_name")
        else:
            names = [*names, ""]
    blank = [place for place, name in enumerate(names) if not name]
    for place in blank:
        names[place] = f"column_{place + 1}"
    if [place for place in blank if cells_of(body, place)]:
        notes.append(UNNAMED + ", ".join(names[place] for place in blank))
    fresh = each_once(names)
    twice = [one for one, name in zip(fresh, names, strict=True) if one != name]
    if twice:
        notes.append(f"names that come again are numbered: {', '.join(twice[:10])}")
    return fresh, notes


def each_once(names: Iterable[str]) -> list[str]:
    """Names of columns, of which those that come again are numbered: `a`, `a (2)`, `a (3)`."""
    fresh: dict[str, None] = {}
    numbers: dict[str, int] = {}  # of each name the last that was given: a thousand alike are not counted anew each
    for name in names:
        one = name
        while one in fresh:
            numbers[name] = numbers.get(name, 1) + 1
            one = f"{name} ({numbers[name]})"
        fresh[one] = None
    return [*fresh]

"""What stands below a table in its file: sources, notes, and a row of totals."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from seqlab.data.tables.header import kind_of
from seqlab.data.tables.separators import rows_of

MOST_LINES = 40  # below a table that are looked at
_SAYS = re.compile(
    r"(?:sources?|notes?|footnotes?|remarks?|data (?:from|source|provided)|(?:last )?updated?|copyright|quellen?|"
    r"stand|hinweise?|anmerkung(?:en)?|fuentes?|notas?|generated|exported|created|report)\b.*|(?:#|©|\(c\)|\x1a).*|\*+\s.*|"
    r"\(\d+ rows?.*\)|\d+ rows?(?: .*)?",
    re.IGNORECASE | re.DOTALL,
)
_TOTAL = re.compile(r"(?:grand |sub)?totals?|sums?|summe|gesamt|insgesamt|all|overall|total general", re.IGNORECASE)


def lines_below(lines: Sequence[str], separator: str, quote: str, width: int) -> int:
    """How many of the last lines of a file are no part of its table of so many columns: what follows a blank line with
    other cells than the table, and lines of one cell that say that they are a source or a note."""
    last = [*lines[-MOST_LINES:]]
    if width < 2 or sum(line.count(quote) for line in last) % 2 or any("\r" in line.strip("\r\n") for line in last):
        return 0
    rows = [next(iter(rows_of([line], separator, quote)), []) for line in last]
    usual = Counter(kind_of(row[0]) for row in rows if len(row) == width).most_common(1)
    apart = [
        _is_apart(row, line, quote, width, usual[0][0] if usual else "word")
        for line, row in zip(last, rows, strict=True)
    ]
    below = len(rows)  # the first row that is no part of the table
    while below > 1 and (
        not rows[below - 1] or (apart[below - 1] and _SAYS.fullmatch(_text(rows[below - 1], separator)))
    ):
        below -= 1
    first_apart = next((place + 1 for place in reversed(range(len(rows))) if not apart[place]), len(rows))
    if first_apart < below and first_apart < len(rows) and not rows[first_apart]:
        below = first_apart
    return len(rows) - below if any(rows[below:]) and below > 1 else 0


def _is_apart(row: Sequence[str], line: str, quote: str, width: int, usual: str) -> bool:
    """Whether a line has other cells than the table, but for the first none that is filled and not in quotes, or a word
    where there usually is none."""
    if len(row) != width:
        return True
    filled = line.startswith(quote) or any(cell.strip() for cell in row[1:])
    return not filled or (usual in ("number", "date") and kind_of(row[0]) == "word")


def total_in(columns: Mapping[str, np.ndarray]) -> str:
    """What the last row is called where it holds the sums of the rows above in half of its numbers or more."""
    names = [
        column[-1]
        for column in [*columns.values()][:2]
        if column.dtype == object
        and len(column)
        and isinstance(column[-1], str)
        and _TOTAL.fullmatch(column[-1].strip())
    ]
    numbers = [
        column for column in columns.values() if column.dtype.kind in "iuf" and len(column) and np.isfinite(column[-1])
    ]
    if not names or not numbers or len(numbers[0]) < 3:
        return ""
    sums = [np.isclose(np.nansum(column[:-1]), column[-1], rtol=1e-4) and column[-1] != 0 for column in numbers]
    return str(names[0]).strip() if 2 * sum(sums) >= len(sums) else ""


def _text(row: Sequence[str], separator: str) -> str:
    return separator.join(row).strip()

"""Text, numbers and durations as people read them, in a terminal or a chart."""

import calendar
import html
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence

HIDDEN = {"Cc", "Cf", "Zl", "Zp"}  # Unicode's categories


def hidden(text: str) -> set[str]:
    """The characters of a text that a terminal does not show but obeys: control and format characters, among them
    those that turn the direction of writing, and separators of lines and paragraphs; not newline and tab."""
    return {c for c in set(text) if unicodedata.category(c) in HIDDEN and c not in "\n\t"}


def plain(text: str) -> str:
    """Text without its `hidden` characters: safe for a terminal."""
    return text.translate(dict.fromkeys(map(ord, hidden(text))))


def numbers(values: Sequence[float]) -> list[str]:
    """Numbers of one axis as a person reads them: with the digits that tell them apart, and no more."""
    size, spread = max(map(abs, values)), max(values) - min(values)
    place = math.floor(math.log10(spread)) - 3 if spread > 1e-9 * size else -2  # a thousandth of the spread is seen
    if size and not 1e-4 <= size < 1e9:
        return [f"{value:.{min(max(math.floor(math.log10(size)) - place, 2), 9)}e}" for value in values]
    return [f"{value:,.{min(max(-place, 0), 12)}f}" for value in values]


def duration(seconds: float) -> str:
    """Seconds as a person says them: 8 s, 3 min 20 s, 1 h 05 min."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def dates_in_words(dates: Iterable[object], step: str) -> list[str]:
    """Dates of a series as people write them, by what one of its steps is: 1961-01 of months, 2009Q4 of quarters, 1999
    of years, where each is the first or the last day of such; else 2022-12-28, or 2022-12-28 15:00."""
    written = [str(date) for date in dates]
    short = [_period_in_words(one, step) for one in written]
    return [one for one in short if one] if all(short) else [one.replace("T", " ") for one in written]


def _period_in_words(date: str, step: str) -> str:
    """The month, quarter or year of which a date is the first or the last day; empty where it is of none."""
    if not step.endswith(("month", "months", "quarter", "year", "years")) or not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        return ""
    year, month, day = map(int, date.split("-"))
    if day not in (1, calendar.monthrange(year, month)[1]):
        return ""
    of = 12 if "year" in step else 3 if step == "quarter" else 1
    if month % of != (1 % of if day == 1 else 0):
        return date[:7]
    return date[:4] if of == 12 else f"{date[:4]}Q{(month + 2) // 3}" if of == 3 else date[:7]


def html_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]], note: str = "") -> str:
    """A small table for a notebook; whatever is in it is text and never markup."""
    cells = [[f"{value:.6g}" if isinstance(value, float) else str(value) for value in row] for row in rows]
    head = f"<tr>{''.join(f'<th>{html.escape(name)}</th>' for name in header)}</tr>" if any(header) else ""
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in cells)
    below = f"<p>{html.escape(note)}</p>" if note else ""
    return f"<p><b>{html.escape(title)}</b></p><table>{head}{body}</table>{below}"

"""What fits a terminal: sentences in lines that end with a word, tables without the columns that have no room.

Off a terminal nothing is broken and nothing left out: what a script reads is the same everywhere.
"""

import os
import re
import shlex
import sys
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

NARROWEST = 40  # columns: a narrower terminal breaks lines itself
SENTENCE = 100  # columns of a sentence at most: the eye loses its place in longer lines
ROOM_FOR_TEXT = 24  # columns from which on a table's text goes on under its own beginning
COMMAND = re.compile(r"( *[a-z ]+: )?(seqlab .*)")  # a line that is to be copied
ROW = re.compile(r"\S {2,}\S")  # what a row of a table has in it and a sentence has not


def room(stream: TextIO | None = None) -> int | None:
    """How many columns a line may have on the terminal behind a stream, by default standard output; None where there
    is none. The last column stays free: some terminals wrap at it."""
    stream = stream or sys.stdout
    if not stream.isatty():
        return None
    wide = 0
    with suppress(ValueError):
        wide = int(os.environ.get("COLUMNS", ""))
    if wide <= 0:
        with suppress(OSError, ValueError):  # ValueError: a stream without a number
            wide = os.get_terminal_size(stream.fileno()).columns
    return max((wide or 80) - 1, NARROWEST)


def fitted(text: str, wide: int | None, hang: int | None = None) -> str:
    """Text whose lines have at most `wide` columns, broken at words; a command is broken so that a shell takes it.

    hang: how far the lines after the first are indented; None: as far as the first.
    """
    if wide is None:
        return text
    return "\n".join(_fitted(line, wide, hang) for line in text.split("\n"))


def _fitted(line: str, wide: int, hang: int | None) -> str:
    command = COMMAND.fullmatch(line)
    wide = wide if command or ROW.search(line) else min(wide, SENTENCE)
    if len(line) <= wide:
        return line
    if command:
        with suppress(ValueError):  # what no shell takes is a sentence
            return _command(command[1] or "", shlex.split(command[2]), wide)
    return textwrap.fill(
        line.replace(" %", "\N{NO-BREAK SPACE}%"),  # which textwrap does not break at
        wide,
        subsequent_indent=" " * (len(line) - len(line.lstrip()) if hang is None else hang),
        break_long_words=False,
        break_on_hyphens=False,
    ).replace("\N{NO-BREAK SPACE}%", " %")


def _command(label: str, words: Sequence[str], wide: int) -> str:
    lines = [label + words[0]]
    for word in (word if word == "<" else shlex.quote(word) for word in words[1:]):
        if len(lines[-1]) + len(word) + 3 > wide:  # a blank, and one with the backslash
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += " " + word
    return "\n".join(lines)


def table(
    rows: Sequence[Sequence[str]],
    widths: Sequence[int],
    expendable: Sequence[Sequence[int]] = (),
    *,
    names: Sequence[str] | None = None,
    more: str = "",
    below: bool = False,
) -> list[str]:
    """Rows of cells as lines that fit the terminal, if there is one.

    widths: of each column, with the blanks before it, or negative with those after it; 0 for a last one that is text.
    Where that is too wide, columns become as narrow as their cells; then one group of `expendable` ones after the
    other is left out, and a line says which, by `names` or the first row, and `more`; with `below` they stand in a
    table of their own below, beside the first column.
    """
    wide = room()
    lines = _padded(rows, widths, range(len(widths)))
    if wide is None or max(map(len, lines), default=0) <= wide:
        return lines
    rows = [[c.rstrip() if width < 0 else c.strip() for c, width in zip(row, widths, strict=True)] for row in rows]
    widths = [_narrow(width, [row[k] for row in rows], k) for k, width in enumerate(widths)]
    shown = [k for k, width in enumerate(widths) if width]
    out: list[int] = []
    for group in expendable:
        if max(map(len, _padded(rows, widths, shown))) <= wide:
            break
        shown = [k for k in shown if k not in group]
        out += [k for k in group if widths[k]]
    lines = _padded(rows, widths, shown)
    if not widths[-1]:
        begin = sum(abs(widths[k]) for k in shown) + 2 * (widths[-2] > 0)
        lines = [_with_text(line, row[-1], begin, wide) for line, row in zip(lines, rows, strict=True)]
    if out and below:
        parts = [["", *rows[0][1:]], *(row for row in rows[1:] if any(row[k] for k in out))]
        return [*lines, "", *_padded(parts, widths, [0, *sorted(out)])]
    left_out = [name.strip() for k, name in enumerate(names or rows[0]) if k in out and name.strip()]
    return [*lines, f"no room for {', '.join(left_out)}{more}"] if left_out else lines


def _padded(rows: Sequence[Sequence[str]], widths: Sequence[int], shown: Sequence[int]) -> list[str]:
    return ["".join(_cell(row[k], widths[k]) for k in shown).rstrip() for row in rows]


def _cell(text: str, width: int) -> str:
    return f"{text:{-width}}" if width < 0 else f"{text:>{width}}" if width else text


def _narrow(width: int, cells: Sequence[str], place: int) -> int:
    """The width of a column that is as wide as its cells and two blanks, which none needs that begins a line."""
    longest = max(map(len, cells))
    if not longest or not width:
        return 0
    return -longest - 2 if width < 0 else longest + 2 * (place > 0)


def _with_text(line: str, text: str, begin: int, wide: int) -> str:
    """A row of a table and its text, which goes on under its own beginning; where that is far right, below the row."""
    if wide - begin < ROOM_FOR_TEXT:
        return f"{line}\n{fitted(f'    {text}', wide)}" if text else line
    return fitted(f"{line:{begin}}{text}".rstrip(), wide, hang=begin)

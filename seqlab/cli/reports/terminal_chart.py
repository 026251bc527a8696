"""A forecast as a picture of letters: history as a line of dots, the bands of what may come as shaded blocks."""

import os
import sys
from typing import NamedTuple

import numpy as np

from seqlab.cli.layout import room
from seqlab.cli.output import is_read_aloud
from seqlab.forecasting import Forecast
from seqlab.formatting import numbers
from seqlab.scoring import LEVELS, MEDIAN

ROWS = 10
NARROWEST, WIDEST = 41, 89  # columns: more than `room` gives at least; the table under it is as wide
BANDS = ((0.1, 0.9), (0.25, 0.75))
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # the bits of a braille letter, (4 rows, 2 columns)


class Letters(NamedTuple):
    """What a picture is made of. history: a letter, or none where braille draws it four times as fine."""

    history: str
    wide: str
    narrow: str
    median: str
    now: str


BLOCKS = Letters("", "░", "▒", "─", "│")
ASCII = Letters("*", ".", ":", "-", "|")


def for_stdout(one: Forecast) -> list[str]:
    """The picture for a terminal on standard output, in letters that it has; nothing elsewhere."""
    wide = room()
    if wide is None:
        return []
    if is_read_aloud():
        return [_in_words(one), ""]
    letters = ASCII if os.environ.get("TERM") == "dumb" or not _has(sys.stdout.encoding, "░▒─│⣿") else BLOCKS
    drawn = lines(one, wide, letters)
    return [*drawn, ""] if drawn else []


def _in_words(one: Forecast) -> str:
    """What the picture shows, for who has it read aloud."""
    past = one.history(min(max(20, 3 * len(one.dates)), len(one.series.close)))
    low, high = (LEVELS.index(level) for level in BANDS[0])
    shown = numbers([past.min(), past.max(), past[-1], *(one.prices[-1, k] for k in (MEDIAN, low, high))])
    names = [f"{round(100 * (1 - level))} %" for level in BANDS[0]]
    return (
        f"In the last {len(past)} rows the values were between {shown[0]} and {shown[1]}, at the end {shown[2]}. "
        f"For {one.dates[-1]} the median of the forecast is {shown[3]}; it is above {shown[4]} with a chance of "
        f"{names[0]} and above {shown[5]} with one of {names[1]}."
    )


def _has(encoding: str | None, text: str) -> bool:
    try:
        return text.encode(encoding or "ascii").decode(encoding or "ascii") == text
    except (UnicodeError, LookupError):
        return False


def lines(one: Forecast, width: int, letters: Letters = BLOCKS) -> list[str]:
    """The picture in lines of at most `width` letters; none where that is too narrow or a price is no number."""
    steps = len(one.dates)
    shown = min(max(20, 3 * steps), len(one.series.close))
    past = one.history(shown)
    fan = np.vstack([np.full(len(LEVELS), past[-1]), one.prices])  # (1 + steps, Q)
    low, high = (LEVELS.index(level) for level in BANDS[0])
    bottom, top = min(past.min(), fan[:, low].min()), max(past.max(), fan[:, high].max())
    if width < NARROWEST or not np.isfinite(top - bottom):
        return []
    scale = Scale(bottom, top) if top > bottom else Scale(bottom - 1, top + 1)

    prices = numbers([scale.price(row) for row in range(ROWS)])
    margin = max(map(len, prices)) + 1
    columns = min(width, WIDEST) - margin - 6  # 6: the line of the last price, and the names of the levels
    if columns < 20:
        return []
    before = round(columns * (shown - 1) / (shown - 1 + steps))
    after = columns - before
    canvas = [[" "] * columns for _ in range(ROWS)]
    _draw_past(canvas, past, before, scale, letters)
    # column c of the fan shows the moment at its right edge, between the steps as a straight line
    moments = np.arange(1, after + 1) * steps / after
    curves = {k: np.interp(moments, np.arange(steps + 1), fan[:, k]) for k in range(len(LEVELS))}
    for (level_low, level_high), letter in zip(BANDS, (letters.wide, letters.narrow), strict=True):
        ends = curves[LEVELS.index(level_low)], curves[LEVELS.index(level_high)]
        for c in range(after):
            for row in range(scale.row(ends[1][c]), scale.row(ends[0][c]) + 1):
                canvas[row][before + c] = letter
    for c in range(after):
        canvas[scale.row(curves[MEDIAN][c])][before + c] = letters.median

    names = {}
    for level in (0.25, 0.75, 0.1, 0.9, 0.5):  # where two fall on a row the later stays
        names[scale.row(fan[-1, LEVELS.index(level)])] = f" q{round(100 * level)}"
    labelled = (0, (ROWS - 1) // 2, ROWS - 1)
    drawn = [
        f"{prices[row] if row in labelled else '':>{margin - 1}} {''.join(canvas[row][:before])}{letters.now}"
        f"{''.join(canvas[row][before:])}{names.get(row, '')}".rstrip()
        for row in range(ROWS)
    ]
    return [*drawn, _dates(one, shown, margin, before, margin + columns + 1)]


class Scale:
    """Which row a price is on: row 0 has the highest, at its top edge, and row ROWS - 1 the lowest."""

    def __init__(self, bottom: float, top: float) -> None:
        self.bottom, self.top = bottom, top

    def row(self, price: float, fine: int = 1) -> int:
        """The row, or with `fine` the one of fine * ROWS thinner ones."""
        share = (self.top - price) / (self.top - self.bottom)
        return min(int(min(max(share, 0.0), 1.0) * ROWS * fine), ROWS * fine - 1)

    def price(self, row: int) -> float:
        """What the middle of a row stands for."""
        return self.top - (row + 0.5) / ROWS * (self.top - self.bottom)


def _draw_past(canvas: list[list[str]], past: np.ndarray, columns: int, scale: Scale, letters: Letters) -> None:
    """The last prices as a line that ends at the right edge of its columns, each joined to the one before."""
    places = np.interp(np.linspace(0, len(past) - 1, 2 * columns), np.arange(len(past)), past)
    fine = 1 if letters.history else 4
    bits = np.zeros((ROWS, columns), int)
    before = scale.row(places[0], fine)
    for x, price in enumerate(places):
        here = scale.row(price, fine)
        first, last = sorted((here, before + (before < here) - (before > here)))  # up to the row next to the last dot's
        for y in range(first, last + 1):
            bits[y // fine, x // 2] |= DOTS[y % fine][x % 2]
        before = here
    for row, column in zip(*np.nonzero(bits), strict=True):
        canvas[row][column] = letters.history or chr(0x2800 + bits[row, column])


def _dates(one: Forecast, shown: int, margin: int, before: int, width: int) -> str:
    """The first date, the last that is known, under its line, and the last of the forecast: those that have room."""
    first, now, end = one.series.in_words(np.array([one.series.dates[-shown], one.series.dates[-1], one.dates[-1]]))
    line = " " * margin + first
    at = margin + before - len(now) // 2
    if at > len(line) + 1 and at + len(now) + 2 < width - len(end):
        line = f"{line:{at}}{now}"
    return f"{line:{max(width - len(end), len(line) + 2)}}{end}"

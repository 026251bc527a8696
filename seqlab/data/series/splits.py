"""Splits that a file tells of in a column of its own, and prices put on the scale of its last row by them."""

import re
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pandas as pd

NAMES = {"split", "splits", "stocksplit", "stocksplits", "sharesplits", "splitratio", "splitfactor", "splitcoefficient"}
NONE = {"", "-", "--", "0", "1", "1:1", "1/1", "nan", "none", "na", "n/a", "null"}
RATIO = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?::|/|-?\s*for\s*-?|-?\s*to\s*-?|\s)\s*(\d+(?:[.,]\d+)?)", re.IGNORECASE)
FEW, SHARE = 3, 0.05  # days of splits at most, the number or the share: more is a factor of every day
LARGE = 6  # times the usual return, from where on a split cannot be missed in the prices of its day
NEAR = 0.15  # of the log of a split's ratio, within which a jump on the day before or after is the split's


def split_column(labels: Sequence[str]) -> str | None:
    """The label of the column that tells of splits: 'Stock Splits', 'split_factor', '8. split coefficient'."""
    return next((label for label in labels if re.sub(r"[\W\d_]+", "", label.lower()) in NAMES), None)


def split_ratios(entries: pd.Series) -> np.ndarray | None:
    """New shares for one old (N,), 1 on days without a split, of entries like 4.0, '4:1', '1/10', '3 for 2'.

    None where an entry cannot be read, or where too many tell of one: then they are something else.
    """
    ratios = np.ones(len(entries))
    text = entries.astype("string").str.strip().fillna("")
    for row in np.flatnonzero(~text.str.lower().isin(NONE).to_numpy(bool)):
        ratio = _ratio(str(text.iloc[row]))
        if ratio is None:
            return None
        ratios[row] = ratio or 1.0  # 0.0 is none
    return ratios if (ratios != 1).sum() <= max(FEW, SHARE * len(ratios)) else None


def _ratio(text: str) -> float | None:
    two = RATIO.fullmatch(text)
    try:
        new, old = (
            (float(part.replace(",", ".")) for part in two.groups()) if two else (float(text.replace(",", ".")), 1.0)
        )
    except ValueError:
        return None
    return new / old if old > 0 and 0 <= new < np.inf else None


def apply_splits(close: np.ndarray, ratios: np.ndarray, dates: np.ndarray, column: str) -> tuple[np.ndarray, list[str]]:
    """By what the prices are to be multiplied (N,) to be on the scale of the last, and what is to be said of that.

    close: (N,), NaN where missing. ratios: of `split_ratios` (N,). dates: (N,), ascending. column: its label.
    A split counts if the prices jump by it on its day or the one before or after; else they are adjusted already.
    A ratio that is written the other way round, old for new, is turned by the jump.
    """
    factor = np.ones(len(close))
    known = np.flatnonzero(np.isfinite(close) & (close > 0))
    moves = np.diff(np.log(close[known]))  # into known[1:]
    events = [row for row in np.flatnonzero(ratios != 1) if 0 < np.searchsorted(known, row) < len(known)]
    usual = 1.48 * float(np.median(np.abs(moves))) if len(moves) else 0.0
    large = {row: abs(np.log(ratios[row])) > LARGE * usual for row in events}
    jumps = {row: _jump(moves, int(np.searchsorted(known, row)) - 1, float(np.log(ratios[row]))) for row in events}
    surely = [jumps[row] is not None for row in events if large[row]]
    done, adjusted = [], []
    for row in events:
        found = jumps[row]
        if not large[row] and surely:  # too small to be seen: as the others are
            at = int(np.searchsorted(known, row)) - 1
            found = (at, float(np.log(ratios[row]))) if sum(surely) > len(surely) / 2 else None
        if found is None:
            adjusted.append(f"{_in_words(ratios[row])} on {dates[row]}")
            continue
        ratio = float(ratios[row]) if found[1] * np.log(ratios[row]) > 0 else 1 / float(ratios[row])
        factor[: known[found[0] + 1]] /= ratio
        by = f"divided by {ratio:.6g}" if ratio > 1 else f"multiplied by {1 / ratio:.6g}"
        done.append(f"{_in_words(ratio)} on {dates[row]}: the prices before are {by}")
    notes = [f"its column {column} tells of {said}" for said in done[:FEW]]
    if len(done) > FEW:
        notes.append(
            f"its column {column} tells of {len(done) - FEW:,} more, by which the prices before are divided too"
        )
    if adjusted:
        some = ", ".join(adjusted[:FEW]) + (f" and {len(adjusted) - FEW:,} more" if len(adjusted) > FEW else "")
        one = "it" if len(adjusted) == 1 else "them"
        notes.append(f"its column {column} tells of {some}: the prices are adjusted for {one} already")
    return factor, notes


def _jump(moves: np.ndarray, at: int, size: float) -> tuple[int, float] | None:
    """Where log prices jump by a split of the log ratio `size`, and its size as they have it; None if they do not."""
    for way in (size, -size):
        if abs(moves[at] + way) < abs(moves[at]) and (way == size or abs(moves[at] + way) < NEAR * abs(way)):
            return at, way
        for beside in (at + 1, at - 1):
            if 0 <= beside < len(moves) and abs(moves[beside] + way) < NEAR * abs(way):
                return beside, way
    return None


def _in_words(ratio: float) -> str:
    exact = Fraction(ratio).limit_denominator(100)
    return f"{exact.numerator} for {exact.denominator}"

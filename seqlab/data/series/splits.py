"""Splits of shares that a file tells of in a column of its own, beside closes that may not know of them."""

import re

import numpy as np
import pandas as pd

TELLS = r"(?:stock|share)?_?splits?(?:_?(?:ratio|factor|coefficient))?"  # Stock Splits, split_factor, Split Ratio
FOR_ONE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?::|/|-?\s*for\s*-?|to)\s*(\d+(?:\.\d+)?)\s*", re.IGNORECASE)
SMALL = 1.2  # new shares for one old, below which a jump may as well be news


def split_column(labels: list[str]) -> str | None:
    """The column that tells of splits, if there is one."""
    plain = {label: re.sub(r"[^a-z]+", "_", label.lower()).strip("_") for label in labels}
    return next((label for label, name in plain.items() if re.fullmatch(TELLS, name)), None)


def split_ratios(entries: pd.Series) -> np.ndarray | None:
    """New shares for one old on each row (N,), 1 where none was split: of 4.0, 4:1, 4/1, 4 for 1; nothing or 0 is none.
    None where an entry says anything else."""
    written = entries.astype("string").str.strip().fillna("")
    ratios = np.ones(len(written))
    for row in np.flatnonzero(~written.isin(["", "0", "0.0", "1", "1.0"])):
        found = FOR_ONE.fullmatch(written.iloc[row])
        try:
            ratio = float(found[1]) / float(found[2]) if found else float(written.iloc[row])
        except (ValueError, ZeroDivisionError):
            return None
        if not 0 <= ratio < np.inf:
            return None
        ratios[row] = ratio or 1.0
    return ratios


def split_factors(close: np.ndarray, ratios: np.ndarray, dates: np.ndarray, name: str) -> tuple[np.ndarray, list[str]]:
    """What closes (N,) are multiplied by to be on the scale of the last one, and a sentence for each split.

    Ascending dates. A split counts where the close jumps by it, on its row or on one beside; where it does not, the
    closes are adjusted for it already. name: of the column that tells of splits.
    """
    factors, notes = np.ones(len(close)), []
    moves = np.append(np.nan, np.diff(np.log(np.where(close > 0, close, np.nan))))
    for row in np.flatnonzero(ratios != 1):
        ratio = ratios[row]
        way = f"{ratio:g} for 1" if ratio > 1 else f"1 for {1 / ratio:g}"
        said = f"column '{name}' tells of a split of {way} on {dates[row]}"
        beside = np.array([place for place in (row - 1, row, row + 1) if 0 < place < len(close)], int)
        off = np.nan_to_num(np.abs(moves[beside] + np.log(ratio)), nan=np.inf)
        if not len(beside) or abs(np.log(ratio)) < np.log(SMALL):
            notes.append(f"{said}: too small or too early to be seen in the closes, and left")
        elif off.min() < abs(np.log(ratio)) / 2:
            factors[: beside[off.argmin()]] /= ratio
            notes.append(f"{said}: the closes before are divided by {ratio:g}")
        else:
            notes.append(f"{said}, for which the closes are adjusted already")
    return factors, notes

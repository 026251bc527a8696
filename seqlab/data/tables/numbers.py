"""Numbers as people write them in a column: 1,234.5, 1.234,5, 1 234, 12 %, $5, (3), beside a few words."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

MOST = 0.9  # of a column's entries are numbers: then it is one of numbers
_POINT = r"[-+]?(?:[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?|\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|inf|infinity)"
_COMMA = r"[-+]?(?:[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?|\d+,?\d*(?:e[-+]?\d+)?|,\d+(?:e[-+]?\d+)?|inf|infinity)"
_CURRENCY = r"[$€£¥]"
_AROUND = rf"[\s\u00a0\u202f'’_]|{_CURRENCY}|%"  # blanks and apostrophes part thousands; signs say of what


@dataclass(frozen=True)
class Numbers:
    """What a column holds: values (N,) float64, NaN where an entry is no number; notes on how it was read, and the mark
    before its decimals, if its entries show it."""

    values: np.ndarray
    notes: tuple[str, ...]
    decimal: str


def read_numbers(written: pd.Series, decimal: str = ".", *, most: float = MOST) -> Numbers | None:
    """The numbers of a column of text, or None where a smaller share of its entries than `most` are some.

    decimal: the mark, for entries like 1,234 that can be read in two ways. 12 % is 12.
    """
    text = written.astype("string").str.strip()
    known = text.notna()
    sample = text[known].iloc[:: int(known.sum()) // 1000 + 1]
    if not len(sample) or not max(_fits(_bare(sample)).values()) >= most * len(sample) / 2:
        return None  # a look is enough for words
    bare = _bare(text)
    fits = _fits(bare)
    style = decimal if fits[","] == fits["."] else max(fits, key=lambda mark: fits[mark])
    if not known.any() or fits[style] < most * known.sum():
        return None
    plain = bare.where(bare.str.fullmatch(_POINT if style == "." else _COMMA, case=False))
    thousands = "," if style == "." else "."
    notes = []
    grouped = plain.str.contains(thousands, regex=False, na=False)
    if grouped.any():
        notes.append(f"{text[grouped].iloc[0]} is read as {_plain(plain[grouped], style).iloc[0]}")
    elif style == "," and plain.str.contains(",", regex=False, na=False).any():
        notes.append("numbers are written with a decimal comma")
    values = pd.to_numeric(_plain(plain, style), errors="coerce").to_numpy(np.float64, na_value=np.nan)
    percent = text.str.endswith("%", na=False)
    if percent.any():
        notes.append("percent signs are left out: 12 % is 12")
    if text.str.contains(_CURRENCY, regex=True, na=False).any():
        notes.append("signs of currency are left out")
    if text.str.startswith("(", na=False).any():
        notes.append("numbers in parentheses are below zero")
    lost = known & plain.isna()
    if lost.any():
        notes.append(
            f"{int(lost.sum()):,} of {int(known.sum()):,} entries are no numbers and taken as missing, "
            f"as '{text[lost].iloc[0][:30]}'"
        )
    return Numbers(values, tuple(notes), style if fits[","] != fits["."] or grouped.any() else "")


def _bare(text: pd.Series) -> pd.Series:
    """Without what stands around numbers; a minus as computers write it, and for (3) too."""
    bare = text.str.replace(_AROUND, "", regex=True).str.replace("\u2212", "-", regex=False)
    return bare.str.replace(r"^\(([\d.,]+)\)$", r"-\1", regex=True)


def _fits(bare: pd.Series) -> dict[str, int]:
    """How many entries are numbers with a decimal point, and with a decimal comma."""
    return {
        mark: int(bare.str.fullmatch(shape, case=False).fillna(False).sum())
        for mark, shape in ((".", _POINT), (",", _COMMA))
    }


def _plain(numbers: pd.Series, decimal: str) -> pd.Series:
    thousands = "," if decimal == "." else "."
    return numbers.str.replace(thousands, "", regex=False).str.replace(decimal, ".", regex=False)

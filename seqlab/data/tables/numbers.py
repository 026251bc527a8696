"""Numbers as people write them in a column: 1,234.5, 1.234,5, 1 234, 12 %, $5, (3), 1.2K, beside a few words."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

MOST = 0.9  # of a column's entries are numbers: then it is one of numbers
_POINT = r"[-+]?(?:[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}(?:\.\d*)?|\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|inf|infinity)"
_COMMA = r"[-+]?(?:[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?|\d+,?\d*(?:e[-+]?\d+)?|,\d+(?:e[-+]?\d+)?|inf|infinity)"
_CURRENCY = r"[$€£¥₹₩₽]|(?:^(?:USD|EUR|GBP|CHF|JPY)\s)|(?:\s(?:USD|EUR|GBP|CHF|JPY)$)"
_BLANK = r"[\s\u00a0\u202f]"
# blanks, apostrophes and underscores part thousands, and nothing else: `1 2,5` is no number; signs say of what
_AROUND = rf"{_CURRENCY}|(?<=\d)(?:{_BLANK}|['’_])(?=\d{{3}}(?!\d))|(?<!\d){_BLANK}+|{_BLANK}+(?!\d)|%(?=\)?$)"
_SIZES = {"K": 1e3, "k": 1e3, "M": 1e6, "mn": 1e6, "B": 1e9, "bn": 1e9, "T": 1e12}
_NUMBER = re.compile(rf"{_POINT}|{_COMMA}", re.IGNORECASE)
_SIGNS = re.compile(_AROUND)


@dataclass(frozen=True)
class Numbers:
    """What a column holds: values (N,) float64, NaN where an entry is no number; notes on how it was read, and the mark
    before its decimals, if its entries show it."""

    values: np.ndarray
    notes: tuple[str, ...]
    decimal: str


def is_number(cell: str) -> bool:
    """Whether a cell alone is a number in one of these writings."""
    bare = _SIGNS.sub("", cell.strip()).replace("\u2212", "-")
    return _NUMBER.fullmatch(bare[1:-1] if bare.startswith("(") and bare.endswith(")") else bare) is not None


def read_numbers(written: pd.Series, decimal: str = ".", *, most: float = MOST) -> Numbers | None:
    """The numbers of a column of text, or None where a smaller share of its entries than `most` are some.

    decimal: the mark, for entries like 1,234 that can be read in two ways. 12 % is 12.
    """
    text = written.astype("string").str.strip()
    known = text.notna()
    sample = text[known].iloc[:: int(known.sum()) // 1000 + 1]
    if not len(sample) or not max(_fits(_bare(sample)[0]).values()) >= most * len(sample) / 2:
        return None  # a look is enough for words
    bare, sizes = _bare(text)
    fits = _fits(bare)
    style = decimal if fits[","] == fits["."] else max(fits, key=lambda mark: fits[mark])
    if not known.any() or fits[style] < most * known.sum():
        return None
    plain_text = bare.where(bare.str.fullmatch(_POINT if style == "." else _COMMA, case=False))
    values = pd.to_numeric(_plain(plain_text, style), errors="coerce").to_numpy(np.float64, na_value=np.nan)
    values = np.where(sizes == 1, values, np.round(values * sizes, 6))
    notes = _repairs(text, plain_text, values, sizes, style)
    grouped = plain_text.str.contains("," if style == "." else ".", regex=False, na=False).any()
    lost = known & plain_text.isna()
    if lost.any():
        notes.append(
            f"{int(lost.sum()):,} of {int(known.sum()):,} entries are no numbers and taken as missing, "
            f"as '{text[lost].iloc[0][:30]}'"
        )
    return Numbers(values, tuple(notes), style if fits[","] != fits["."] or grouped else "")


def _repairs(text: pd.Series, plain: pd.Series, values: np.ndarray, sizes: np.ndarray, style: str) -> list[str]:
    """What was repaired in the entries that are numbers, a sentence each."""
    notes = []
    there = plain.notna()
    grouped = plain.str.contains("," if style == "." else ".", regex=False, na=False)
    grouped |= there & text.str.contains(r"\d[\s\u00a0\u202f'’]\d{3}", regex=True, na=False)
    if grouped.any():
        notes.append(f"{text[grouped].iloc[0]} is read as {_shown(values[grouped.to_numpy(bool)][0])}")
    elif style == "," and plain.str.contains(",", regex=False, na=False).any():
        notes.append("numbers are written with a decimal comma")
    sized = (sizes != 1) & there.to_numpy(bool)
    if sized.any():
        notes.append(f"{text[sized].iloc[0]} is read as {_shown(values[sized][0])}")
    text = text[there]
    if text.str.endswith("%").any():
        notes.append("percent signs are left out: 12 % is 12")
    if text.str.contains(_CURRENCY, regex=True).any():
        notes.append("signs of currency are left out")
    if text.str.startswith("(").any():
        notes.append("numbers in parentheses are below zero")
    if (text.str.fullmatch(r".*\d-")).any():
        notes.append("numbers with a minus behind them are below zero")
    return notes


def _shown(value: float) -> str:
    return f"{value:.15g}"


def _bare(text: pd.Series) -> tuple[pd.Series, np.ndarray]:
    """Without what stands around numbers, a minus as computers write it, and for (3) and 3- too; and what each entry
    is multiplied by, for 1.2K is 1200."""
    bare = text.str.replace(_AROUND, "", regex=True).str.replace("\u2212", "-", regex=False)
    bare = bare.str.replace(r"^\(([\d.,]+)\)$", r"-\1", regex=True).str.replace(r"^([\d.,]+)-$", r"-\1", regex=True)
    sizes: np.ndarray = np.ones(len(text))
    size = bare.str.extract(r"^[-+]?[\d.,]*\d(K|k|M|mn|B|bn|T)$")[0]
    if bare[size.notna()].str.contains(r"\d[.,]\d", regex=True).any():  # 5K and 10K alone may be names
        sizes = size.map(_SIZES).to_numpy(np.float64, na_value=1.0)
        bare = bare.where(size.isna(), bare.str.replace(r"[A-Za-z]+$", "", regex=True))
    return bare, sizes


def _fits(bare: pd.Series) -> dict[str, int]:
    """How many entries are numbers with a decimal point, and with a decimal comma."""
    return {
        mark: int(bare.str.fullmatch(shape, case=False).fillna(False).sum())
        for mark, shape in ((".", _POINT), (",", _COMMA))
    }


def _plain(numbers: pd.Series, decimal: str) -> pd.Series:
    thousands = "," if decimal == "." else "."
    return numbers.str.replace(thousands, "", regex=False).str.replace(decimal, ".", regex=False)

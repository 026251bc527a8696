"""The numbers of a file's column of text, with what people write before and behind them."""

import re

import numpy as np
import pandas as pd

from seqlab.data.tables import missing
from seqlab.data.tables.numbers import read_numbers

LIMITS = r"[<>]=?\s*(?=\d)"  # as what is too small to be measured is written
SIZES = {  # words behind numbers
    **dict.fromkeys(("tsd", "tausend", "thousand", "mille"), 1e3),
    **dict.fromkeys(("mio", "million", "millions", "millionen", "millones"), 1e6),
    **dict.fromkeys(("mrd", "billion", "billions", "milliarden", "milliard", "milliards"), 1e9),
}
LONGEST = 5  # letters of a unit: kWh, °C, µg/m³
_SIZE_LETTERS = {"k", "m", "b", "t"}  # thousands, millions; or metres, bits
_MARKS = re.compile(r"[*†‡^]+|\[\w{1,2}\]|\(\w{1,2}\)|[prefsPREFS]")  # as of what is provisional, revised, estimated
_SIGNED = (
    r"^(?P<before>[A-Z]{0,3}[$€£¥₹]|[A-Z]{3}|Rs\.?|kr\.?|['~≈])?\s*"
    r"(?P<number>[-+\u2212\u2013]?(?:\d[\d.,'’\u00a0\u202f\u2009 ]*|[.,]\d+)(?:[eE][-+]?\d+)?)"
    r"(?P<after>\s*(?:[^\d\s.,+-][^\d\s]{0,11}|[\[(]\w{1,2}[\])]))?$"
)


def numbers_of_column(column: pd.Series, decimal: str) -> tuple[np.ndarray, list[str], pd.Series]:
    """The numbers of a column (N,), NaN where there is none, what was repaired, and the entries that are no numbers."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan), [], column[:0]
    text = column.astype("string").str.strip().reset_index(drop=True)
    text = text.mask(text == "")
    marked = missing.are_marks(text).fillna(False)
    counts = {str(mark): int(count) for mark, count in text[marked].value_counts().items()}
    text = text.mask(marked)
    limits = text.str.match(LIMITS).fillna(False)
    bare = text.str.replace(rf"^{LIMITS}", "", regex=True)
    values, notes = _read(bare, decimal)
    odd = bare[bare.notna() & np.isnan(values)]
    if odd.str.contains(r"\d", regex=True).any():
        mended, sizes, said = _without_signs(bare, odd)
        if said:
            values, notes = _read(mended, decimal)
            values, notes = values * sizes, [*notes, *said]
    if limits.any():
        notes.append(f"entries like '{text[limits].iloc[0]}', {int(limits.sum()):,}, are read as the number alone")
    return values, [*notes, *missing.in_words({str(column.name): counts})], text[text.notna() & np.isnan(values)]


def _read(text: pd.Series, decimal: str) -> tuple[np.ndarray, list[str]]:
    has_digits = text.str.contains(r"\d", regex=True).any()  # words alone need no look: there may be many columns
    found = read_numbers(text, decimal, most=0.0) if has_digits else None
    if found is None:
        return np.full(len(text), np.nan), []
    return found.values, [note for note in found.notes if "are no numbers" not in note]


def _without_signs(text: pd.Series, odd: pd.Series) -> tuple[pd.Series, np.ndarray, list[str]]:
    """Entries without a currency, a unit and marks around their numbers; what each is to be multiplied by; and what is
    to be said. odd: those that are no numbers as they are; of several units or currencies none is left out."""
    parts = odd.str.extract(_SIGNED)
    parts = parts[parts["number"].notna()]
    after = parts["after"].str.strip().fillna("")
    size = after.str.lower().str.strip(".").map(SIZES).astype(float)
    are_marks = after.str.fullmatch(_MARKS).fillna(False) & (after != "")
    units = after[(after != "") & size.isna() & ~are_marks]
    before = parts["before"].fillna("")
    no_units = units.str.lower().isin(_SIZE_LETTERS) | (units.str.len() > LONGEST)
    if units.nunique() > 1 or no_units.any():
        parts = parts.drop(index=units.index)
    if before[before != ""].nunique() > 1:
        parts = parts.drop(index=before.index[before != ""], errors="ignore")
    if not len(parts):
        return text, np.ones(len(text)), []
    there, notes = parts.index, list[str]()
    sized, marked, unit = size[there].dropna(), are_marks[there], units[units.index.isin(there)]
    if len(sized):
        notes.append(f"'{odd[sized.index[0]]}' is read as that many times {sized.iloc[0]:,.0f}")
    if len(unit):
        notes.append(f"'{unit.iloc[0]}' behind numbers is left out")
    if marked.any():
        notes.append(f"marks behind numbers, like '{odd[there][marked].iloc[0]}', {int(marked.sum()):,}, are left out")
    sign = before[there][before[there] != ""]
    if len(sign):
        notes.append(f"'{sign.iloc[0]}' before numbers is left out")
    mended, times = text.copy(), pd.Series(1.0, text.index)
    mended[there] = parts["number"].str.replace("\u2013", "-").str.strip()
    times[sized.index] = sized
    if not notes:
        notes.append(f"'{odd[there[0]]}' is read as {mended[there[0]]}")
    return mended, times.to_numpy(), notes

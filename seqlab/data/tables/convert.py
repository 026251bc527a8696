"""Entries of a column as words and as numbers, however the table that they are in has typed them."""

import numpy as np
import pandas as pd

from seqlab.data.tables import missing
from seqlab.data.tables.entries import Entries
from seqlab.data.tables.numbers import is_number, read_numbers
from seqlab.errors import DataError

YES = ("true", "yes", "y", "t", "on", "1")
NO = ("false", "no", "n", "f", "off", "0")
_BOOLEANS = {**dict.fromkeys(YES, 1.0), **dict.fromkeys(NO, 0.0)}


def coded(values: np.ndarray | pd.Series) -> Entries:
    """Entries (N,) as words: 1 and 1.0 are '1', true and True are 'true', text is without blanks around it."""
    if values.dtype.kind == "b" or pd.api.types.is_bool_dtype(values):
        codes = pd.Series(values).astype("Int8").to_numpy(np.int64, na_value=-1)
        return Entries(("false", "true"), codes)
    if values.dtype.kind in "iuf":
        codes, found = pd.factorize(values)
        return Entries(tuple(_word(number) for number in found.tolist()), codes)
    if values.dtype.kind == "M":
        return Entries.of(pd.Series(values).astype("string"))
    return Entries.of(values)


def as_words(values: np.ndarray | pd.Series) -> np.ndarray:
    """Entries (N,) as words, see `coded`; nan where one is missing."""
    return coded(values).text()


def numbers_of(values: np.ndarray | pd.Series, kind: str, name: str = "") -> np.ndarray:
    """Entries (N,) as a float64 array of its own, NaN where one is missing: numbers, 0 and 1 of booleans and NaN of
    other words beside them, days since 1970 of dates. Raises DataError naming the column where it holds something
    else."""
    dated = values.dtype.kind == "M"
    if kind == "number" and values.dtype.kind in "iuf":
        return np.array(
            values if isinstance(values, np.ndarray) else values.to_numpy(np.float64, na_value=np.nan), float
        )
    if kind == "date" and dated:
        seconds = _without_zone(values).astype("datetime64[s]")
        return np.where(np.isnat(seconds), np.nan, seconds.astype(np.int64) / 86400)
    entries = coded(values)
    known = entries.without([word for word in entries.words if missing.is_mark(word)])
    if not known.words:
        return np.full(len(values), np.nan)
    if kind == "boolean" and not dated:
        found = [_BOOLEANS.get(word.lower(), np.nan) for word in entries.words]
        if not np.isnan(found).all():
            return entries.spread(found, np.nan, np.float64)
    if kind == "number" and not dated:
        read = read_numbers(known)
        if read is not None:
            return read.values
    wanted = {"number": "numbers", "boolean": "yes and no", "date": "dates"}[kind]
    odd = next((word for word in known.words if kind != "number" or not is_number(word)), known.words[0])
    raise DataError(
        f"column '{name}' held {wanted} in training, and holds '{odd[:40]}'",
        "write it as in the training table" if kind != "date" else "write dates like 2024-01-31",
    )


def _without_zone(values: np.ndarray | pd.Series) -> np.ndarray:
    return values if isinstance(values, np.ndarray) else values.dt.tz_localize(None).to_numpy()


def _word(number: float) -> str:
    return str(int(number)) if np.isfinite(number) and number == int(number) else repr(float(number))

"""Entries of a column as words and as numbers, however the table that they are in has typed them."""

import numpy as np
import pandas as pd

from seqlab.data.tables.numbers import read_numbers
from seqlab.errors import DataError

YES = ("true", "yes", "y", "t", "on", "1")
NO = ("false", "no", "n", "f", "off", "0")


def as_words(values: pd.Series) -> np.ndarray:
    """Entries (N,) as words: 1 and 1.0 are '1', true and True are 'true'; nan where one is missing."""
    if pd.api.types.is_bool_dtype(values):
        return values.map({True: "true", False: "false"}, na_action="ignore").astype(object).to_numpy(object)
    if pd.api.types.is_numeric_dtype(values):
        codes, found = pd.factorize(values)
        return np.array([*(_word(number) for number in found), np.nan], object)[codes]
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.astype("string").to_numpy(object, na_value=np.nan)
    return text_of(values)


def text_of(values: pd.Series) -> np.ndarray:
    """Entries (N,) as text without blanks around it, nan where one is missing."""
    return values.astype("string").str.strip().to_numpy(object, na_value=np.nan)


def numbers_of(values: pd.Series, kind: str) -> np.ndarray:
    """Entries (N,) as a float64 array of its own, NaN where one is missing: numbers, 0 and 1 of booleans and NaN of
    other words beside them, days since 1970 of dates. Raises DataError naming the column where it holds something
    else."""
    dated = pd.api.types.is_datetime64_any_dtype(values)
    if values.isna().all():
        return np.full(len(values), np.nan)
    if kind == "date" and dated:
        seconds = values.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
        return np.where(np.isnat(seconds), np.nan, seconds.astype(np.int64) / 86400)
    if kind == "boolean" and not dated:
        words = pd.Series(as_words(values), dtype=object).str.lower()
        found = words.map({**dict.fromkeys(YES, 1.0), **dict.fromkeys(NO, 0.0)})
        if found.notna().any():
            return np.array(found.to_numpy(np.float64))
    if kind == "number" and not dated:
        if pd.api.types.is_numeric_dtype(values):
            return np.array(values.to_numpy(np.float64, na_value=np.nan))
        read = read_numbers(values)
        if read is not None:
            return np.array(read.values)
        values = values[pd.to_numeric(values, errors="coerce").isna()]
    known = values[values.notna()]
    wanted = {"number": "numbers", "boolean": "yes and no", "date": "dates"}[kind]
    raise DataError(
        f"column '{values.name}' held {wanted} in training, and holds '{str(known.iloc[0])[:40]}'",
        "write it as in the training table" if kind != "date" else "write dates like 2024-01-31",
    )


def _word(number: float) -> str:
    return str(int(number)) if np.isfinite(number) and number == int(number) else repr(float(number))

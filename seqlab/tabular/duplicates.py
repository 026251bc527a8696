"""Rows of tables that are there twice."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from seqlab.data.contamination import CHANCE
from seqlab.data.tables.convert import as_words

CHUNK = 100_000  # rows hashed at a time


def row_hashes(frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """uint64 (N,), the same for rows whose entries in the columns `names` are: words, or numbers of any type."""
    parts = (frame.iloc[start : start + CHUNK][list(names)] for start in range(0, len(frame), CHUNK))
    return np.concatenate([_hashes(part) for part in parts])


def _hashes(frame: pd.DataFrame) -> np.ndarray:
    alike = {
        name: column.to_numpy(np.float64, na_value=np.nan)
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
        else as_words(column)
        for name, column in frame.items()
    }
    return pd.util.hash_pandas_object(pd.DataFrame(alike), index=False).to_numpy(np.uint64)


def copies(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """A sentence where many rows of a table are copies of others in the columns `names`."""
    count = len(frame) - len(np.unique(row_hashes(frame, names)))
    if count <= CHANCE * len(frame):
        return []
    return [
        f"{count:,} of {len(frame):,} rows are copies of others, and may be on both sides of a split; "
        "a column whose equal values belong together keeps them on one side (--groups)"
    ]

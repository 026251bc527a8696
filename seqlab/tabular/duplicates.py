"""Rows of tables that are there twice."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from seqlab.data.contamination import CHANCE
from seqlab.data.tables.arrays import arrays_of
from seqlab.data.tables.convert import coded

CHUNK = 100_000  # rows hashed at a time


def row_hashes(frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """uint64 (N,), the same for rows whose entries in the columns `names` are: words, or numbers of any type.

    Those that pandas gives for a DataFrame of these columns as float64 or words: checkpoints keep them."""
    chosen = frame.loc[:, list(names)]
    parts = (chosen.iloc[start : start + CHUNK] for start in range(0, len(frame), CHUNK))
    return np.concatenate([_hashes(part) for part in parts])


def _hashes(frame: pd.DataFrame) -> np.ndarray:
    found, factor = np.full(len(frame), 0x345678, np.uint64), np.uint64(1000003)
    with np.errstate(over="ignore"):
        for left, (_, values) in zip(range(frame.shape[1], 0, -1), arrays_of(frame), strict=True):
            found = (found ^ _hashes_of(values)) * factor
            factor += np.uint64(82520 + 2 * left)
        return found + np.uint64(97531)


def _hashes_of(values: np.ndarray | pd.Series) -> np.ndarray:
    if values.dtype.kind in "iuf":
        numbers = values if isinstance(values, np.ndarray) else values.to_numpy(np.float64, na_value=np.nan)
        return pd.util.hash_array(numbers.astype(np.float64))
    entries = coded(values)
    each = pd.util.hash_array(np.array(entries.words, object), categorize=False)
    return entries.spread(each, np.iinfo(np.uint64).max, np.uint64)


def copies(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """A sentence where many rows of a table are copies of others in the columns `names`."""
    count = len(frame) - len(np.unique(row_hashes(frame, names)))
    if count <= CHANCE * len(frame):
        return []
    return [
        f"{count:,} of {len(frame):,} rows are copies of others, and may be on both sides of a split; "
        "a column whose equal values belong together keeps them on one side (--groups)"
    ]

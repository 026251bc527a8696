"""Rows that are there twice: copies within a table, and rows to measure on that were learnt from."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from seqlab.data.entries import as_words

SKETCHED = 10_000  # hashes that a checkpoint keeps of the rows it learnt from
FEWEST = 20  # rows whose hashes are as small as those: of fewer nothing is said
MOST_COPIES = 0.02  # of the rows: fewer are chance
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
    if count <= MOST_COPIES * len(frame):
        return []
    return [
        f"{count:,} of {len(frame):,} rows are copies of others: what is held out may have been learnt from; "
        "a column that tells which belong together keeps them on one side (--groups)"
    ]


def sketch(hashes: np.ndarray) -> str:
    """The smallest of the hashes of some rows, as text: which of other rows are among them can be told from it."""
    return np.unique(_short(hashes))[:SKETCHED].tobytes().hex()


def share_seen(hashes: np.ndarray, seen: str) -> float:
    """How many of the rows with these hashes are among those of the sketch, from 0 to 1; of a large table an estimate
    from those whose hashes are as small as the sketch's (bottom-k sampling; Cohen and Kaplan 2007), 0 where these are
    too few."""
    known, hashes = np.frombuffer(bytes.fromhex(seen), np.uint32), _short(hashes)
    if len(known) == SKETCHED:
        hashes = hashes[hashes <= known[-1]]
        if len(hashes) < FEWEST:
            return 0.0
    return float(np.isin(hashes, known).mean()) if len(hashes) else 0.0


def _short(hashes: np.ndarray) -> np.ndarray:
    return (hashes >> np.uint64(32)).astype(np.uint32)

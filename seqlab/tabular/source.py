"""A table as it is given: a file, or a pandas DataFrame, which is treated as a file that holds the same."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from seqlab.data.tables.column_types import typed
from seqlab.data.tables.reader import Table, read_table
from seqlab.errors import DataError

TableData = str | Path | pd.DataFrame | Table


def load_table(data: TableData, written: Mapping[str, str] = {}) -> Table:
    """The table in a file, or of a DataFrame, whose index is ignored; a `Table` is returned as it is.

    written: how the columns of a table like it are written, see `read_table`. Raises DataError for what is no table.
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, pd.DataFrame):
        return _of_frame(data, written)
    return read_table(Path(data), written)


def _of_frame(frame: pd.DataFrame, written: Mapping[str, str]) -> Table:
    if frame.empty:
        raise DataError("the DataFrame has no rows or no columns", "give one with both")
    names = pd.Index([str(name) for name in frame.columns])
    if not names.is_unique:
        twice = names[names.duplicated()][0]
        raise DataError(f"the DataFrame has two columns named '{twice}'", "rename one of them")
    columns: Any = dict(frame.reset_index(drop=True).set_axis(names, axis=1).items())
    known, notes, found = typed(columns, ".", (), written)
    content = hashlib.sha256(repr(list(names)).encode())
    content.update(pd.util.hash_pandas_object(known, index=False).to_numpy().tobytes())
    return Table("table", known, content.hexdigest(), tuple(notes), found)

"""A table as it is given: a file, or a pandas DataFrame, which is treated as a file that holds the same."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from seqlab.data.tables.reader import Table, read_table, table_of
from seqlab.errors import DataError

TableData = str | Path | pd.DataFrame | Table


def load_table(data: TableData, written: Mapping[str, str] = {}) -> Table:
    """The table in a file, or of a DataFrame, whose index is ignored; a `Table` is returned as it is.

    written: how the columns of a table like it are written, see `read_table`. Raises DataError for what is no table.
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, pd.DataFrame):
        return table_of(data, written=written)
    if not isinstance(data, str | Path):
        raise DataError(
            f"a table is a file or a DataFrame, not of type {type(data).__name__}",
            "give pd.DataFrame(rows, columns=[...]), with the names of the columns",
        )
    return read_table(Path(data), written)

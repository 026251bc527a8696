"""Parquet files as DataFrames, as far as what they unpack to has its limits: a value that repeats takes no room."""

import importlib
from typing import Any

from seqlab.data.fetch.archive import MOST_UNPACKED
from seqlab.data.tables.unpack import WHOLE_AGAIN, Source
from seqlab.errors import DataError

BATCH = 1 << 13  # rows that are unpacked before it is looked at how much they are
ALWAYS = 64 << 20  # bytes that are unpacked from a file of any size
MOST_RATIO = 1000  # of the bytes unpacked to those of the file: columns of zeros and ones have some hundred


def frame_of_parquet(file: Source, otherwise: str) -> Any:
    """The DataFrame in a Parquet file.

    otherwise: what to do where nothing installed reads it. Raises DataError for that, for what is damaged and for what
    unpacks to too much.
    """
    try:
        arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as problem:
        raise DataError(
            f"{file.where} is Parquet, and nothing installed here reads it", f"`pip install pyarrow`, or {otherwise}"
        ) from problem
    most = min(MOST_UNPACKED, max(ALWAYS, MOST_RATIO * file.size))
    try:
        with file.open() as content, parquet.ParquetFile(content) as packed:
            batches, size = [], 0
            for batch in packed.iter_batches(BATCH):
                size += batch.nbytes
                if size > most:
                    raise DataError(f"{file.where} unpacks to more than {most / 1e6:,.0f} MB", "take a part of it")
                batches.append(batch)
            return arrow.Table.from_batches(batches, packed.schema_arrow).to_pandas()
    except DataError:
        raise
    except Exception as problem:  # pyarrow has kinds of its own
        said = str(problem).strip().partition("\n")[0]
        raise DataError(f"{file.where} is no Parquet that can be read: {said}", WHOLE_AGAIN) from problem

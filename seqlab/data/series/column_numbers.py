"""The numbers of a file's column of text, as the reader of tables reads them, and what it cannot read."""

import numpy as np
import pandas as pd

from seqlab.data.tables import missing
from seqlab.data.tables.numbers import read_numbers


def numbers_of_column(column: pd.Series, decimal: str) -> tuple[np.ndarray, list[str], pd.Series]:
    """The numbers of a column (N,), NaN where there is none, what was repaired, and the entries that are no numbers."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan), [], column[:0]
    text = column.astype("string").str.strip().reset_index(drop=True)
    text = text.mask(text == "")
    marked = missing.are_marks(text).fillna(False)
    counts = {str(mark): int(count) for mark, count in text[marked].value_counts().items()}
    text = text.mask(marked)
    found = read_numbers(text, decimal, most=0.0, is_known=True)
    values = np.full(len(text), np.nan) if found is None else found.values
    notes = [] if found is None else [note for note in found.notes if "are no numbers" not in note]
    return values, [*notes, *missing.in_words({str(column.name): counts})], text[text.notna() & np.isnan(values)]

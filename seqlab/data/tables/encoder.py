"""A table's columns as numbers a net can learn from: standardized, one of several categories, dates, what is missing.

All that is fitted is fitted on the rows that are given, which are those of the training part.
"""

import re
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from seqlab.data.tables.arrays import arrays_of
from seqlab.data.tables.condense import condensed
from seqlab.data.tables.convert import NO, YES, coded, numbers_of
from seqlab.data.tables.encoded_column import CYCLES, Column, Filled
from seqlab.data.tables.entries import Entries
from seqlab.errors import DataError, did_you_mean

MOST_CATEGORIES = 50  # of a column; the rarer ones share one feature
FEW_ROWS = 20  # among so few no column is called an identifier
ALL_DIFFERENT = 0.95  # of the entries of a column of words: it identifies rows, and says nothing about new ones
_IDENTIFIER = re.compile(
    r"(.*[_\W])?(id|uuid|guid|key|index|idx|row|nr|no|number|row_name|unnamed.*|column_1)|(?-i:.*[a-z]I[dD])", re.I
)


@dataclass(frozen=True)
class Encoder:
    """columns: those the net learns from, in the order of their features."""

    columns: tuple[Column, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the encoded columns: `age`, `age is missing`, `colour=red`, ..."""
        return tuple(feature for column in self.columns for feature in column.features)

    @property
    def sources(self) -> tuple[int, ...]:
        """For each feature the index of its column."""
        return tuple(place for place, column in enumerate(self.columns) for _ in column.features)

    def encode(self, frame: pd.DataFrame, into: np.ndarray | None = None) -> np.ndarray:
        """float32 (N, features), nothing missing, written to `into` if that is given, which is all zeros. Columns are
        found by name, in any order, others ignored; a category that was not fitted is zero in all its features. Raises
        DataError for a column that is not there, or holds something else than it did."""
        return self._encode(frame, into)[0]

    def filled(self, frame: pd.DataFrame) -> list[str]:
        """A sentence for each column of rows in which some are missing, and what stands there, or are unlike those that
        it was fitted on."""
        notes = []
        for column, found in zip(self.columns, self._encode(frame)[1], strict=True):
            if found.missing:
                rows = f"missing in {found.missing:,} of {found.rows:,} rows"
                notes.append(f"column '{column.name}': {rows}: {column.instead()}")
            if found.unknown:
                entries = f"{found.unknown:,} {'entry' if found.unknown == 1 else 'entries'}"
                instead = f", {column.instead()}" if column.kind == "boolean" else ""
                notes.append(
                    f"column '{column.name}' has {entries} unlike those it was trained on, taken as unknown{instead}"
                )
        return condensed(notes)

    def _encode(self, frame: pd.DataFrame, into: np.ndarray | None = None) -> tuple[np.ndarray, list[Filled]]:
        names = {column.name for column in self.columns}
        there = {str(name) for name in frame}
        absent = [column.name for column in self.columns if column.name not in there]
        if absent:
            raise DataError(
                f"the table has no column {', '.join(repr(name) for name in absent[:5])}",
                did_you_mean(absent[0], sorted(there)),
            )
        encoded = np.zeros((len(frame), len(self.features)), np.float32) if into is None else into  # (N, features)
        ends = np.cumsum([len(column.features) for column in self.columns]).tolist()
        where = {column.name: (column, end) for column, end in zip(self.columns, ends, strict=True)}
        found = {}
        for name, values in arrays_of(frame.loc[:, [name for name in frame if str(name) in names]]):
            column, end = where[name]
            found[name] = column.fill(values, encoded[:, end - len(column.features) : end])
        return encoded, [found[column.name] for column in self.columns]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> "Encoder":
        """What `to_dict` gave, also after JSON made lists of tuples."""
        lists = ("categories", "rare", "cycles")
        return cls(tuple(Column(**{**each, **{key: tuple(each[key]) for key in lists}}) for each in saved["columns"]))


def fit_encoder(frame: pd.DataFrame) -> tuple[Encoder, list[str]]:
    """The encoder of these rows, the training part's, and a sentence for each column that was changed or left out.

    Raises DataError where no column is left.
    """
    columns, notes = [], []
    for name, values in arrays_of(frame):
        column, about = _fitted(name, values)
        columns += [] if column is None else [column]
        notes += about
    if not columns:
        raise DataError(
            "no column is left to learn from" + (f": {'; '.join(notes[:3])}" if notes else ""),
            "use a table with columns that differ between its rows",
        )
    return Encoder(tuple(columns)), condensed(notes)


def mean_and_deviation(values: np.ndarray) -> tuple[float, float]:
    """Of numbers of any size; the deviation is 1 where they are all the same, so that it can be divided by."""
    size = float(np.abs(values).max())
    if values.min() == values.max():
        return float(values[0]), 1.0
    scaled = values / size  # its squares do not overflow
    return float(scaled.mean()) * size, float(scaled.std()) * size or 1.0


def _fitted(name: str, values: np.ndarray | pd.Series) -> tuple[Column | None, list[str]]:
    """A column as it is encoded, None where it says nothing about new rows, and what is to be said of that."""
    kind, words = _kind(values)
    known = _known(values, kind) if words is None else np.flatnonzero(words.codes >= 0)
    missing = len(values) - len(known)
    useless = _useless_numbers(name, known, values) if words is None else _useless_words(words, missing)
    if useless:
        return None, [f"column '{name}' {useless}: left out"]
    if words is not None and kind == "category":
        column, notes = _fitted_category(name, words)
    else:
        column, notes = _fitted_numbers(name, kind, known if words is None else _known(values, kind))
    if missing:
        column = replace(column, flagged=True)
        share = f"{missing:,} of {len(values):,} rows"
        instead = "encoded as no category" if kind == "category" else "filled with its median"
        notes.append(f"column '{name}' is missing in {share}: {instead}, and flagged")
    return column, notes


def _kind(values: np.ndarray | pd.Series) -> tuple[str, Entries | None]:
    """number, boolean, date or category, and the words of text."""
    if values.dtype.kind == "b":
        return "boolean", None
    if values.dtype.kind == "M":
        return "date", None
    if values.dtype.kind in "iuf":
        return "number", None
    entries = coded(values)
    words = {word.lower() for word in entries.words}
    pairs = (set(pair) for pair in zip(YES, NO, strict=True))
    return ("boolean" if any(words == pair for pair in pairs) else "category"), entries


def _known(values: np.ndarray | pd.Series, kind: str) -> np.ndarray:
    """The finite numbers that a column is."""
    numbers = numbers_of(values, kind)
    return numbers[np.isfinite(numbers)]


def _useless_words(words: Entries, missing: int) -> str:
    """Why a column of words says nothing about new rows; empty where it may."""
    if not words.words:
        return "is missing in all rows"
    known, first = words.known, words.words[0][:40]
    if len(words.words) == 1:
        return "" if missing else f"is {first} in all rows"
    if known + missing <= FEW_ROWS or len(words.words) < ALL_DIFFERENT * known:
        return ""
    return f"has a different word in nearly every row ({first}, ...), like an identifier"


def _useless_numbers(name: str, known: np.ndarray, values: np.ndarray | pd.Series) -> str:
    if not len(known):
        return "is missing in all rows"
    if known.min() == known.max():
        return "" if len(known) < len(values) else f"is {str(pd.Series(values).iloc[0])[:40]} in all rows"
    if len(values) <= FEW_ROWS or values.dtype.kind not in "iuf" or not _IDENTIFIER.fullmatch(name):
        return ""
    whole = (known == np.floor(known)).all()
    return "numbers the rows, like an identifier" if whole and len(np.unique(known)) == len(known) else ""


def _counts(array: np.ndarray) -> bool:
    """Whether whole numbers go up from row to row, by one or nearly."""
    if len(array) <= FEW_ROWS or not 0 <= array[0] <= 0.1 * len(array) or array[-1] >= 2 * len(array):
        return False
    return bool((np.diff(array) > 0).all()) and bool((array == np.floor(array)).all())


def _fitted_numbers(name: str, kind: str, known: np.ndarray) -> tuple[Column, list[str]]:
    notes = []
    mean, deviation = mean_and_deviation(known)
    cycles = _cycles(known) if kind == "date" else ()
    if kind == "number" and _counts(known):
        notes.append(f"column '{name}' counts the rows: leave it out if that is only their order in the file")
    if kind != "number":
        notes.append(f"column '{name}' is read as {'dates' if kind == 'date' else 'yes or no'}")
    return Column(name, kind, mean, deviation, float(np.median(known / 2)) * 2, cycles=cycles), notes


def _fitted_category(name: str, words: Entries) -> tuple[Column, list[str]]:
    ordered = sorted(words.words, key=lambda word: (-words.counts[word], word))
    kept, rare = ordered[:MOST_CATEGORIES], ordered[MOST_CATEGORIES:]
    notes = []
    if rare:
        notes.append(
            f"column '{name}' has {len(ordered):,} categories: the {len(kept)} most frequent are kept, "
            f"the others share one"
        )
    return Column(name, "category", categories=tuple(sorted(kept)), rare=tuple(sorted(rare))), notes


def _cycles(days: np.ndarray) -> tuple[str, ...]:
    """Those of which the dates show two turns and more than one place in them."""
    span = float(days.max() - days.min())
    return tuple(cycle for cycle, length in CYCLES.items() if span >= 2 * length and len(np.unique(days % length)) > 2)

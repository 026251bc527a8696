"""The column to predict: classes or a number, as its entries show, and how a net learns it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from seqlab.data.tables.convert import as_words, numbers_of
from seqlab.data.tables.encoder import mean_and_deviation
from seqlab.data.tables.numbers import read_numbers
from seqlab.errors import DataError, UsageError

TASKS = ("auto", "classification", "regression")
MOST_CLASSES = 20  # whole numbers of more values are amounts
OFTEN = 3  # rows for each of them on average; with fewer they are amounts too
LARGEST = 1e150  # of numbers, so that their squares can be added up


@dataclass(frozen=True)
class Target:
    """task: classification into `classes`, or regression of a number with this mean and deviation; the other's fields
    are empty, or 0 and 1. why: the task, and what shows it, in one sentence. floor: no number is predicted below it;
    None: any may be."""

    name: str
    task: str
    classes: tuple[str, ...]
    mean: float
    deviation: float
    why: str
    floor: float | None = None

    def encode(self, column: pd.Series) -> np.ndarray:
        """int64 class numbers (N,), or float32 (N,) standardised. Raises as `values` does."""
        values = self.values(column)
        return values if self.classes else ((values - self.mean) / self.deviation).astype(np.float32)

    def values(self, column: pd.Series) -> np.ndarray:
        """int64 class numbers (N,), or the numbers themselves, float64 (N,). Raises DataError for an entry that is
        missing, no class that is known, or no number."""
        if column.isna().any():
            missing = int(column.isna().sum())
            raise DataError(
                f"{missing:,} {'row has' if missing == 1 else 'rows have'} no '{self.name}'", "drop them first"
            )
        if self.task == "regression":
            values = _numbers(column)
            if not np.isfinite(values).all():
                raise DataError(f"'{self.name}' is infinite or not a number in some rows", "drop them first")
            return values
        places = {word: place for place, word in enumerate(self.classes)}
        codes, found = pd.factorize(as_words(column))
        unknown = [word for word in found if word not in places]
        if unknown:
            raise DataError(
                f"'{self.name}' has the class '{unknown[0]}', which was not learned",
                f"known: {', '.join(self.classes[:20])}",
            )
        return np.array([places[word] for word in found], np.int64)[codes]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> "Target":
        """What `to_dict` gave, also after JSON made a list of the classes."""
        return cls(**{**saved, "classes": tuple(saved["classes"])})


def fit_target(column: pd.Series, task: str = "auto") -> Target:
    """The target that a column is; rows without an entry count for nothing.

    task `auto`: words, yes and no, and few whole numbers that repeat are classes, other numbers are numbers.
    Raises UsageError for an unknown task, DataError for a column that has one value, none, or does not fit the task.
    """
    if task not in TASKS:
        raise UsageError(f"there is no task '{task}'", f"known: {', '.join(TASKS)}")
    name, known = str(column.name), column.dropna()
    if not len(known):
        raise DataError(f"the target '{name}' is missing in all rows", "name another column")
    if pd.api.types.is_datetime64_any_dtype(known):
        raise DataError(f"the target '{name}' holds dates", "name a column of numbers or of classes")
    if known.nunique() == 1:
        what = f"one value, {str(known.iloc[0])[:40]}, in all {len(known):,} rows"
        raise DataError(f"the target '{name}' has {what}", "name a column that differs between rows")
    shown, reason = _shown(known)
    kind = shown if task == "auto" else task
    why = f"'{name}' {reason}: {kind}" if task == "auto" else f"'{name}' is used for {kind}, as given"
    if kind == "regression":
        values = _numbers(known)
        values = values[np.isfinite(values)]
        if not len(values) or values.min() == values.max():
            raise DataError(f"the target '{name}' has fewer than two different numbers", "name another column")
        largest = float(np.abs(values).max())
        if largest > LARGEST:
            raise DataError(
                f"the target '{name}' has numbers as large as {largest:.3g}, too large to be squared",
                "divide the column by a power of ten, or name another",
            )
        return Target(name, kind, (), *mean_and_deviation(values), why)
    counts = pd.Series(as_words(known)).value_counts()
    if counts.max() == 1:
        raise DataError(
            f"the target '{name}' has a different value in each of {len(known):,} rows: these are not classes",
            "name a column whose values repeat" + (", or use task regression" if _is_number(known) else ""),
        )
    single = int((counts == 1).sum())
    if single:
        why += f"; {single:,} of {len(counts):,} classes {'has' if single == 1 else 'have'} one row only"
    classes = sorted(counts.index, key=lambda word: (float(word), word)) if _is_number(known) else sorted(counts.index)
    return Target(name, kind, tuple(classes), 0.0, 1.0, why)


def _shown(known: pd.Series) -> tuple[str, str]:
    """The task that the entries show, and what shows it."""
    if not _is_number(known):
        return "classification", f"holds {known.nunique():,} different words"
    values = known.to_numpy(np.float64)
    different = len(np.unique(values))
    if (values != np.floor(values)).any():
        return "regression", "holds numbers with a fraction"
    if different == 2 or (different <= MOST_CLASSES and len(values) >= OFTEN * different):
        return "classification", f"holds {different} whole numbers that repeat"
    return "regression", f"holds {different:,} different whole numbers"


def _is_number(known: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(known) and not pd.api.types.is_bool_dtype(known)


def _numbers(column: pd.Series) -> np.ndarray:
    """Raises DataError where they are words."""
    if not _is_number(column) and (pd.api.types.is_bool_dtype(column) or read_numbers(column) is None):
        raise DataError(
            f"the target '{column.name}' holds '{str(column.iloc[0])[:40]}', which is not a number",
            "use task classification",
        )
    return numbers_of(column, "number", str(column.name))

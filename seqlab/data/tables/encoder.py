"""A table's columns as numbers a net can learn from: standardized, one of several categories, dates, what is missing.

All that is fitted is fitted on the rows that are given, which are those of the training part.
"""

import re
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from seqlab.data.tables.convert import NO, YES, as_words, numbers_of
from seqlab.errors import DataError, did_you_mean

MOST_CATEGORIES = 50  # of a column; the rarer ones share one feature
FURTHEST = 1000.0  # deviations from the mean: a number beyond is an error in the data, and would overflow float32
FEW_ROWS = 20  # among so few no column is called an identifier
ALL_DIFFERENT = 0.95  # of the entries of a column of words: it identifies rows, and says nothing about new ones
CYCLES = {"year": 365.2425, "week": 7.0, "day": 1.0}  # days
_IDENTIFIER = re.compile(
    r"(.*[_\W])?(id|uuid|guid|key|index|idx|row|nr|no|number|row_name|unnamed.*|column_1)|(?-i:.*[a-z]I[dD])", re.I
)


@dataclass(frozen=True)
class Column:
    """One column as the net sees it.

    kind: number, boolean and date are standardized by mean and deviation, and median stands where one is missing (of a
    date all three are days since 1970); a category is 1 in the feature of its word, or in that of the `rare` ones.
    flagged: a feature says where it is missing. cycles: of a date, which of year, week and day come as sine and cosine.
    """

    name: str
    kind: str
    mean: float = 0.0
    deviation: float = 1.0
    median: float = 0.0
    categories: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()
    cycles: tuple[str, ...] = ()
    flagged: bool = False

    @property
    def features(self) -> tuple[str, ...]:
        """What the encoded columns of this one are called."""
        if self.kind == "category":
            names = [f"{self.name}={word}" for word in self.categories] + [f"{self.name}=(rare)"] * bool(self.rare)
        else:
            names = [
                self.name,
                *(f"{self.name} in the {one}, {wave}" for one in self.cycles for wave in ("sin", "cos")),
            ]
        return (*names, f"{self.name} is missing") if self.flagged else tuple(names)

    def fill(self, values: pd.Series, into: np.ndarray) -> int:
        """Writes the encoded values into (N, features) float32, all zeros so far; how many are unknown: a category that
        was not fitted, or another word beside yes and no, which counts as missing."""
        if self.kind == "category":
            return self._fill_categories(values, into)
        raw = numbers_of(values, self.kind)
        missing = ~np.isfinite(raw)
        unknown = int((missing & values.notna().to_numpy()).sum())
        raw[missing] = self.median
        for place, cycle in enumerate(self.cycles):
            turn = 2 * np.pi * (raw - 4.0 * (cycle == "week")) / CYCLES[cycle]  # weeks begin on Mondays
            into[:, 1 + 2 * place] = np.where(missing, 0, np.sin(turn))
            into[:, 2 + 2 * place] = np.where(missing, 0, np.cos(turn))
        with np.errstate(over="ignore"):  # what overflows is too far away in any case
            raw -= self.mean
            raw /= self.deviation
        into[:, 0] = np.clip(raw, -FURTHEST, FURTHEST, out=raw)
        if self.flagged:
            into[:, -1] = missing
        return unknown

    def _fill_categories(self, values: pd.Series, into: np.ndarray) -> int:
        places = {word: place for place, word in enumerate(self.categories)}
        places |= dict.fromkeys(self.rare, len(self.categories))
        codes, found = pd.factorize(as_words(values))
        targets = np.array([*(places.get(word, -1) for word in found), -1])[codes]  # a code of -1 is missing
        rows = np.flatnonzero(targets >= 0)
        into[rows, targets[rows]] = 1
        if self.flagged:
            into[:, -1] = codes < 0
        return int(((targets < 0) & (codes >= 0)).sum())


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

    def unknown(self, frame: pd.DataFrame) -> dict[str, int]:
        """How many entries of each column were not there when it was fitted, see `Column.fill`, if there are any."""
        return {name: number for name, number in self._encode(frame)[1].items() if number}

    def _encode(self, frame: pd.DataFrame, into: np.ndarray | None = None) -> tuple[np.ndarray, dict[str, int]]:
        absent = [column.name for column in self.columns if column.name not in frame]
        if absent:
            raise DataError(
                f"the table has no column {', '.join(repr(name) for name in absent[:5])}",
                did_you_mean(absent[0], [str(name) for name in frame]),
            )
        encoded = np.zeros((len(frame), len(self.features)), np.float32) if into is None else into  # (N, features)
        first, unknown = 0, {}
        for column in self.columns:
            last = first + len(column.features)
            unknown[column.name] = column.fill(frame[column.name], encoded[:, first:last])
            first = last
        return encoded, unknown

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
    for name in frame:
        values = frame[name]
        dropped = _useless(values)
        if dropped:
            notes.append(f"column '{name}' {dropped}: left out")
            continue
        column, about = _fitted(str(name), values)
        columns.append(column)
        notes += about
    if not columns:
        raise DataError(
            "no column is left to learn from" + (f": {'; '.join(notes[:3])}" if notes else ""),
            "use a table with columns that differ between its rows",
        )
    return Encoder(tuple(columns)), notes


def mean_and_deviation(values: np.ndarray) -> tuple[float, float]:
    """Of numbers of any size; the deviation is 1 where they are all the same, so that it can be divided by."""
    size = float(np.abs(values).max())
    if values.min() == values.max():
        return float(values[0]), 1.0
    scaled = values / size  # its squares do not overflow
    return float(scaled.mean()) * size, float(scaled.std()) * size or 1.0


def _useless(values: pd.Series) -> str:
    """Why a column says nothing about new rows; empty where it may."""
    if pd.api.types.is_numeric_dtype(values):
        return _useless_numbers(values)
    known = values.dropna()
    if not len(known):
        return "is missing in all rows"
    if (known == known.iloc[0]).all():
        return "" if len(known) < len(values) else f"is {str(known.iloc[0])[:40]} in all rows"
    if len(values) <= FEW_ROWS or pd.api.types.is_datetime64_any_dtype(values):
        return ""
    if known.nunique() < ALL_DIFFERENT * len(known):
        return ""
    return f"has a different word in nearly every row ({str(known.iloc[0])[:40]}, ...), like an identifier"


def _useless_numbers(values: pd.Series) -> str:
    array = values.to_numpy(np.float64, na_value=np.nan)
    array = array[np.isfinite(array)]
    if not len(array):
        return "is missing in all rows"
    if (array == array[0]).all():
        return "" if len(array) < len(values) else f"is {values.iloc[0]} in all rows"
    if len(values) <= FEW_ROWS or (array != np.floor(array)).any():
        return ""
    if _IDENTIFIER.fullmatch(str(values.name)) and len(np.unique(array)) == len(array):
        return "numbers the rows, like an identifier"
    return ""


def _counts(array: np.ndarray) -> bool:
    """Whether whole numbers go up from row to row, by one or nearly."""
    if len(array) <= FEW_ROWS or (array != np.floor(array)).any():
        return False
    return bool((np.diff(array) > 0).all()) and 0 <= array[0] <= 0.1 * len(array) and array[-1] < 2 * len(array)


def _fitted(name: str, values: pd.Series) -> tuple[Column, list[str]]:
    missing = int(values.isna().sum())
    notes: list[str] = []
    kind = _kind(values)
    if kind == "category":
        column, notes = _fitted_category(name, values)
    else:
        numbers = numbers_of(values, kind)
        finite = numbers[np.isfinite(numbers)]
        missing = len(numbers) - len(finite)
        mean, deviation = mean_and_deviation(finite)
        cycles = _cycles(finite) if kind == "date" else ()
        if kind == "number" and _counts(finite):
            notes.append(f"column '{name}' counts the rows: leave it out if that is only their order in the file")
        if kind != "number":
            notes.append(f"column '{name}' is read as {'dates' if kind == 'date' else 'yes or no'}")
        column = Column(name, kind, mean, deviation, float(np.median(finite / 2)) * 2, cycles=cycles)
    if missing:
        column = Column(**{**vars(column), "flagged": True})
        share = f"{missing:,} of {len(values):,} rows"
        instead = "encoded as no category" if kind == "category" else "filled with its median"
        notes.append(f"column '{name}' is missing in {share}: {instead}, and flagged")
    return column, notes


def _kind(values: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(values):
        return "boolean"
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    if pd.api.types.is_numeric_dtype(values):
        return "number"
    words = set(pd.unique(pd.Series(as_words(values)).dropna().str.lower()))
    pairs = (set(pair) for pair in zip(YES, NO, strict=True))
    return "boolean" if any(words == pair for pair in pairs) else "category"


def _fitted_category(name: str, values: pd.Series) -> tuple[Column, list[str]]:
    counts = pd.Series(as_words(values)).value_counts()
    ordered = sorted(counts.index, key=lambda word: (-counts[word], word))
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

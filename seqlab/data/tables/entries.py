"""A column of text as its different words and where each of them stands: what is decided, is decided once a word."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Entries:
    """words: the different entries without blanks around them, none of them empty, in the order in which they come.
    codes (N,): the place of each row's word, -1 where it has none."""

    words: tuple[str, ...]
    codes: np.ndarray

    @classmethod
    def of(cls, column: np.ndarray | pd.Series) -> "Entries":
        """Raises UnicodeError for bytes that are no text."""
        values = column if isinstance(column, np.ndarray) else column.to_numpy(object, na_value=np.nan)
        places: dict[str, int] = {}
        seen: dict[str, int] = {}
        codes = []
        for entry in values.tolist():
            code = seen.get(entry) if type(entry) is str else None
            if code is None:
                word = _text(entry)
                code = places.setdefault(word, len(places)) if word else -1
                if type(entry) is str:
                    seen[entry] = code
            codes.append(code)
        return cls(tuple(places), np.array(codes, np.int64))

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many rows have each word."""
        rows = np.bincount(self.codes + 1, minlength=len(self.words) + 1)[1:]
        return dict(zip(self.words, rows.tolist(), strict=True))

    @property
    def known(self) -> int:
        """How many rows have a word."""
        return int((self.codes >= 0).sum())

    def without(self, words: Collection[str]) -> "Entries":
        """Other entries, in which the rows of these words have none."""
        if not words:
            return self
        kept = [word for word in self.words if word not in words]
        places = {word: place for place, word in enumerate(kept)}
        into = np.array([*(places.get(word, -1) for word in self.words), -1])
        return Entries(tuple(kept), into[self.codes])

    def share(self, is_so: Callable[[str], Any]) -> float:
        """Of the rows that have a word, how many have one of which this is so."""
        return sum(rows for word, rows in self.counts.items() if is_so(word)) / max(self.known, 1)

    def spread(self, values: Sequence[Any] | np.ndarray, missing: Any, kind: Any) -> np.ndarray:
        """(N,) of this kind: what is given for each word at the rows that have it, `missing` at the others."""
        each = np.empty(len(self.words) + 1, kind)
        each[:-1], each[-1] = values, missing
        return each[self.codes]

    def text(self) -> np.ndarray:
        """(N,) objects: the words, nan where there is none."""
        return self.spread(self.words, np.nan, object)


def _text(entry: Any) -> str:
    """Empty for what is missing."""
    if isinstance(entry, str):
        return entry.strip()
    if entry is None or entry is pd.NA or entry is pd.NaT or (isinstance(entry, float) and entry != entry):
        return ""
    return (entry.decode() if isinstance(entry, bytes) else str(entry)).strip()

"""One column of a table as a net sees it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from seqlab.data.tables.convert import coded, numbers_of

FURTHEST = 1000.0  # deviations from the mean: a number beyond is an error in the data, and would overflow float32
CYCLES = {"year": 365.2425, "week": 7.0, "day": 1.0}  # days


@dataclass(frozen=True)
class Filled:
    """Of the rows of a column how many are missing, and how many are unlike those that it was fitted on."""

    rows: int
    missing: int
    unknown: int


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

    def fill(self, values: np.ndarray | pd.Series, into: np.ndarray) -> Filled:
        """Writes the encoded values into (N, features) float32, all zeros so far. Unknown is a category that was not
        fitted, or another word beside yes and no, which counts as missing."""
        if self.kind == "category":
            return self._fill_categories(values, into)
        raw = numbers_of(values, self.kind, self.name)
        missing = ~np.isfinite(raw)
        count = int(missing.sum())
        unknown = int((missing & ~pd.isna(values)).sum()) if count and self.kind == "boolean" else 0
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
        return Filled(len(raw), count - unknown, unknown)

    def _fill_categories(self, values: np.ndarray | pd.Series, into: np.ndarray) -> Filled:
        places = {word: place for place, word in enumerate(self.categories)}
        places |= dict.fromkeys(self.rare, len(self.categories))
        entries = coded(values)
        targets = entries.spread([places.get(word, -1) for word in entries.words], -1, np.int64)
        rows = np.flatnonzero(targets >= 0)
        into[rows, targets[rows]] = 1
        missing = entries.codes < 0
        if self.flagged:
            into[:, -1] = missing
        return Filled(len(targets), int(missing.sum()), int(((targets < 0) & ~missing).sum()))

    def instead(self) -> str:
        """What stands where it is missing, in words."""
        if self.kind == "category":
            what = "encoded as no category"
        elif self.kind == "date":
            what = f"filled with the median of training, {np.datetime64(round(86400 * self.median), 's')}"
            what = what.removesuffix("T00:00:00")
        elif self.kind == "boolean":
            often = "half yes, half no" if self.median == 0.5 else "yes" if self.median else "no"
            what = f"filled with what most rows of training have, {often}"
        else:
            what = f"filled with the median of training, {self.median:.6g}"
        return f"{what}, and flagged" if self.flagged else what

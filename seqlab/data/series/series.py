"""Series: numbers in order of time, of whatever origin."""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from seqlab.data.series.checks import check
from seqlab.data.series.covariates import Covariates
from seqlab.data.series.moments import is_of_days_after, last_moment, moment_of
from seqlab.data.series.spacing import spacing
from seqlab.errors import DataError
from seqlab.formatting import dates_in_words

FEW_RISES = 20
FIELDS = ("open", "high", "low", "close", "adj_close", "volume")


@dataclass(frozen=True, eq=False)
class Series:
    """What was observed of one ticker or column, oldest first; every array has one entry per row, (N,).

    Mostly daily prices, but the rows may be of any spacing and, where `additive`, the values of any sign.

    name: ticker, or file stem.
    source: `yahoo`, `store`, `snapshot`, `file` or `frame`.
    origin: where from and how old, for a person.
    close: the origin's own.
    adjusted: what changes are taken of; splits and dividends removed where the origin knows them.
    open, high, low: on the scale of `adjusted`; NaN where unknown.
    volume: as the origin counts it; NaN where unknown.
    notes: what was repaired or is worth saying.
    exchange: where it trades, as Yahoo Finance calls it (NMS, GER, ...); empty where unknown.
    additive: changes are differences of values of any sign, not log returns of what is above zero.
    kind: `prices`; `returns`, compounded to prices; `counts`, whole numbers; or `levels`, any other numbers.
    column: of the file or frame that it was read from; empty where it is none of these.
    dropped: the rows that were left out, and why.
    filled: of a series that was completed (see `grid.complete`) the rows that it lacked, (N,); else none.
    panel: the table that it is one series of; empty where it is the only one, or none.
    covariates: what is known beside it, where that was asked for.
    """

    name: str
    source: str
    origin: str
    dates: np.ndarray  # datetime64[D], [m] where there are several rows a day, or [s]; strictly increasing
    close: np.ndarray
    adjusted: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    volume: np.ndarray
    notes: tuple[str, ...] = ()
    exchange: str = ""
    additive: bool = False
    kind: str = "prices"
    column: str = ""
    dropped: tuple[str, ...] = ()
    filled: np.ndarray | None = None
    panel: str = ""
    covariates: Covariates | None = None

    def __len__(self) -> int:
        return len(self.dates)

    def path(self) -> np.ndarray:
        """What changes add up on, (N,): the log of `adjusted`, or itself where the series is additive."""
        return self.adjusted.copy() if self.additive else np.log(self.adjusted)

    def moved(self, change: np.ndarray, row: int = -1) -> np.ndarray:
        """The values that `close` of a row becomes by changes of the path, of any shape; counts are whole."""
        now = self.close[row] if self.is_price else self.adjusted[row]
        values = now + change if self.additive else now * np.exp(change)
        return np.round(values) if self.kind == "counts" else values

    def possible(self, changes: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Changes of the path from `rows` (O,) over ascending horizons, (O, H, Q), as they can be by what each of these
        rows knew: what had not been below zero does not go there, and what had not fallen does not fall."""
        if self.is_price or not self.additive:
            return changes
        now = self.adjusted[rows, None, None]
        rises = rises_so_far(self.adjusted)[rows, None, None]
        least = np.where(np.minimum.accumulate(self.adjusted)[rows, None, None] >= 0, 0.0, -np.inf)
        values = now + np.where(rises, np.maximum.accumulate(changes, axis=1), changes)
        values = np.maximum(values, np.where(rises, now, least))
        return np.where(np.isfinite(least) | rises, values - now, changes)

    def about(self) -> list[str]:
        """What was read, and what was repaired in it or looks wrong: a sentence each."""
        return [f"{self.name}: {note}" for note in (self._read_in_words(), *self.notes)]

    def _read_in_words(self) -> str:
        end, left = self.in_words(self.dates[-1:])[0], f"; left out: {', '.join(self.dropped)}" if self.dropped else ""
        read = self.read()
        if not self.column:
            to = "" if end in self.origin else f" to {end}"
            return f"{read['rows']:,} {'days' if read['step'].startswith('day') else 'rows'}{to}, {self.origin}{left}"
        lacking = f"; missing, with their places kept: {read['missing']:,}" if read["missing"] else ""
        return (
            f"column {self.column}, step {read['step']}, season {read['season'] or 'none'}, kind {self.kind}, "
            f"{read['rows']:,} rows to {end}{left or '; none left out'}{lacking}"
        )

    def in_words(self, dates: np.ndarray) -> list[str]:
        """Its dates, or later ones, as people write them: months as 1961-01."""
        recent = self.dates[-12:]
        return dates_in_words([*recent, *dates], spacing(self.dates).unit)[len(recent) :]

    def read(self) -> dict[str, Any]:
        """What was read: the column, the step, the season by its name, the kind, rows, those missing and left out."""
        found, missing = spacing(self.dates), 0 if self.filled is None else int(self.filled.sum())
        return {
            "column": self.column or None,
            "step": found.in_words,
            "season": found.name_of(self.season),
            "season_rows": self.season,
            "kind": self.kind,
            "changes": "differences" if self.additive else "relative",
            "rows": len(self) - missing,
            "missing": missing,
            "left_out": list(self.dropped),
        }

    @property
    def is_price(self) -> bool:
        return self.kind in ("prices", "returns") and not self.additive

    @property
    def least(self) -> float:
        """What its values cannot go below, as far as it shows: where it is now if it never falls, zero if it is above
        that by its kind or has not been below."""
        if self.additive and self.never_falls:
            return float(self.adjusted[-1])
        return 0.0 if not self.additive or self.adjusted.min() >= 0 else -np.inf

    @property
    def last_in_words(self) -> str:
        """What the last number is called: the last close, or the last value."""
        return "last close" if self.is_price else "last value"

    @property
    def never_falls(self) -> bool:
        """Whether it only stays and rises, as what is counted up does."""
        return only_rises(self.adjusted)

    @property
    def is_daily_prices(self) -> bool:
        """Whether there is a price a day: what the shipped forecaster has learned."""
        return self.is_price and spacing(self.dates).unit == "day"

    @property
    def seasons(self) -> tuple[int, ...]:
        """Rows after which the values may come again, the shorter first: the calendar's, but daily prices of exchanges
        know no week, nor do others than the day."""
        found = spacing(self.dates)
        if not self.is_price:
            return found.seasons
        return () if self.is_daily_prices and len(found.weekdays) < 7 else found.seasons[:1]

    @property
    def season(self) -> int:
        """The longest of them, 1 where there is none."""
        return self.seasons[-1] if self.seasons else 1

    @property
    def sha256(self) -> str:
        """Of the numbers alone, whatever they are called and wherever they came from."""
        digest = hashlib.sha256(self.dates.astype("<i8").tobytes())
        for values in (self.close, self.adjusted, self.open, self.high, self.low, self.volume):
            digest.update(np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes())
        return digest.hexdigest()

    def until(self, last: str | date | np.datetime64) -> "Series":
        """The part up to and including the day or the time `last`, without notes on what came later.

        Raises UsageError if that is no date, DataError if nothing is left.
        """
        end = last_moment(moment_of(last), self.dates.dtype)
        count = int(np.searchsorted(self.dates, end, side="right"))
        if count == 0:
            raise DataError(f"{self.name} has no rows up to {last}", f"they begin on {self.dates[0]}")
        arrays = ("dates", "close", "adjusted", "open", "high", "low", "volume")
        parts = {name: getattr(self, name)[:count] for name in arrays}
        found = check(self.dates, self.adjusted, is_price=self.is_price)
        notes = [note for note in self.notes if note not in found and not is_of_days_after(note, end)]
        notes += check(self.dates[:count], self.adjusted[:count], is_price=self.is_price)
        filled = None if self.filled is None else self.filled[:count]
        return replace(self, notes=tuple(notes), filled=filled, **parts)


def only_rises(values: np.ndarray) -> bool:
    """Whether values (N,) never fall and often rise, over FEW_RISES rows or more."""
    return bool(len(values)) and bool(rises_so_far(values)[-1])


def rises_so_far(values: np.ndarray) -> np.ndarray:
    """Whether values (N,) up to and including each row `only_rises`, (N,)."""
    steps, count = np.diff(values, prepend=values[:1]), np.arange(len(values))
    has_fallen, rose = np.logical_or.accumulate(~(steps >= 0)), (steps > 0).cumsum()
    return (count >= FEW_RISES) & ~has_fallen & (rose > 0.1 * count)


def day_of(written: str | date | np.datetime64) -> np.datetime64:
    """A date as it is written, 2022-12-28, as datetime64[D]. Raises UsageError if it is none."""
    return moment_of(written).astype("datetime64[D]")


def field_name(label: str) -> str:
    """A column's name as one of FIELDS where it is one: 'Adj Close', 'Adjusted Close' -> 'adj_close'."""
    words = re.sub(r"[^a-z]+", " ", label.lower()).split()
    joined = "_".join("adj" if word == "adjusted" else word for word in words)
    return {"adjclose": "adj_close", "close_adj": "adj_close", "vol": "volume"}.get(joined, joined)

"""Series: numbers in order of time, of whatever origin, made from a table whose faults are repaired or reported."""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import pandas as pd

from seqlab.data.series.calendar import spacing
from seqlab.data.series.checks import check
from seqlab.errors import DataError, UsageError

FIELDS = ("open", "high", "low", "close", "adj_close", "volume")


@dataclass(frozen=True, eq=False)
class Series:
    """What was observed of one ticker or column, oldest first; every array has one entry per row, (N,).

    Mostly daily prices, but the rows may be of any spacing and, where `additive`, the values of any sign.

    name: ticker, or file stem.
    source: `yahoo`, `store`, `snapshot` or `file`.
    origin: where from and how old, for a person.
    close: the origin's own.
    adjusted: what changes are taken of; splits and dividends removed where the origin knows them.
    open, high, low: on the scale of `adjusted`; NaN where unknown.
    volume: as the origin counts it; NaN where unknown.
    notes: what was repaired or is worth saying.
    exchange: where it trades, as Yahoo Finance calls it (NMS, GER, ...); empty where unknown.
    additive: changes are differences of values of any sign, not log returns of prices.
    is_quote: the values are closes, not those of a column of any other name.
    """

    name: str
    source: str
    origin: str
    dates: np.ndarray  # datetime64[D], or [m] where there are several rows a day; strictly increasing
    close: np.ndarray
    adjusted: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    volume: np.ndarray
    notes: tuple[str, ...] = ()
    exchange: str = ""
    additive: bool = False
    is_quote: bool = True

    def __len__(self) -> int:
        return len(self.dates)

    def path(self) -> np.ndarray:
        """What changes add up on, (N,): the log of `adjusted`, or itself where the series is additive."""
        return self.adjusted.copy() if self.additive else np.log(self.adjusted)

    def moved(self, change: np.ndarray, row: int = -1) -> np.ndarray:
        """The values that `close` of a row becomes by changes of the path, of any shape."""
        return self.close[row] + change if self.additive else self.close[row] * np.exp(change)

    def about(self) -> list[str]:
        """Where it came from, to which day, and what was repaired in it or looks wrong: a sentence each."""
        end = str(self.dates[-1])
        to = "" if end in self.origin else f" to {end}"
        rows = "days" if spacing(self.dates).unit == "day" else "rows"
        return [f"{self.name}: {note}" for note in (f"{len(self):,} {rows}{to}, {self.origin}", *self.notes)]

    @property
    def is_daily_prices(self) -> bool:
        """Whether there is a price a day: what the shipped forecaster has learned.

        On five days a week what is above zero is taken for prices whatever it is called: rates, funds, indices. On all
        seven, where visits and temperatures are found too, only closes are.
        """
        found = spacing(self.dates)
        return not self.additive and found.unit == "day" and (len(found.weekdays) < 7 or self.is_quote)

    @property
    def season(self) -> int:
        """Rows after which the values may come again: the calendar's, but prices of exchanges know no week."""
        found = spacing(self.dates)
        return 1 if self.is_daily_prices and len(found.weekdays) < 7 else found.season

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
        end = moment_of(last)
        if self.dates.dtype != end.dtype:  # a day ends with its last minute; a series of days knows no times
            is_day = end.dtype == np.dtype("datetime64[D]")
            end = (end + 1).astype("datetime64[m]") - 1 if is_day else end.astype("datetime64[D]")
        count = int(np.searchsorted(self.dates, end, side="right"))
        if count == 0:
            raise DataError(f"{self.name} has no rows up to {last}", f"they begin on {self.dates[0]}")
        arrays = ("dates", "close", "adjusted", "open", "high", "low", "volume")
        found = check(self.dates, self.adjusted, additive=self.additive)
        notes = [note for note in self.notes if note not in found and not _is_of_days_after(note, end)]
        notes += check(self.dates[:count], self.adjusted[:count], additive=self.additive)
        return replace(self, notes=tuple(notes), **{name: getattr(self, name)[:count] for name in arrays})


def day_of(written: str | date | np.datetime64) -> np.datetime64:
    """A date as it is written, 2022-12-28, as datetime64[D]. Raises UsageError if it is none."""
    return moment_of(written).astype("datetime64[D]")


def moment_of(written: str | date | np.datetime64) -> np.datetime64:
    """A date as datetime64[D], or a date with a time, 2022-12-28T15:00, as datetime64[m], the time as it is written.

    Raises UsageError if it is neither.
    """
    text = str(written)
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError as problem:
        raise UsageError(f"'{written}' is no date", "write it like 2022-12-28 or 2022-12-28T15:00") from problem
    return np.datetime64(moment).astype(f"datetime64[{'m' if len(text) > len('2022-12-28') else 'D'}]")


def _is_of_days_after(note: str, end: np.datetime64) -> bool:
    """Whether all the dates that a note names are later: whoever looks back does not know of them yet."""
    days = re.findall(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d)?", note)
    return bool(days) and min(days) > str(end)


def series_of(
    name: str,
    source: str,
    origin: str,
    frame: pd.DataFrame,
    notes: list[str],
    *,
    exchange: str = "",
    additive: bool = False,
    within_days: bool = False,
) -> Series:
    """A Series of a table with columns `date` (datetime64, NaT allowed) and FIELDS, in any order of days.

    additive: values of any sign, not prices. within_days: a day may have several rows, else it has its last.
    What is unusable is dropped and noted; what looks wrong is left as it is, and noted too. Raises DataError if
    nothing is left.
    """
    notes = list(notes)
    frame = frame.reset_index(drop=True)
    values = frame[list(FIELDS)].to_numpy(np.float64)
    dates = frame["date"].to_numpy().astype(f"datetime64[{'m' if within_days else 'D'}]")
    dates, values = _keep(~np.isnat(dates), dates, values, notes, "without a date")
    prices = values[:, [FIELDS.index("close"), FIELDS.index("adj_close")]]
    usable = (np.isfinite(prices) & (additive | (prices > 0))).all(axis=1)
    missing = "without a value" if additive else "with a missing, zero or negative price"
    dates, values = _keep(usable, dates, values, notes, missing)
    if (np.diff(dates) < np.timedelta64(0)).any():
        notes.append("the dates were not in order: sorted")
        order = np.argsort(dates, kind="stable")
        dates, values = dates[order], values[order]
    last_of_date = np.append(dates[1:] != dates[:-1], True)[: len(dates)]
    dates, values = _keep(last_of_date, dates, values, notes, "of a date that comes again")
    if not len(dates):
        what = "value" if additive else "price"
        hint = "; ".join(notes) or f"it needs rows with a date and a {what}{'' if additive else ' above zero'}"
        raise DataError(f"{name} has no usable {what}", hint)
    close, adjusted, volume = (values[:, FIELDS.index(field)] for field in ("close", "adj_close", "volume"))
    if additive:  # ranges are ratios of prices
        ranges = np.full((len(dates), 3), np.nan)
    else:
        with np.errstate(over="ignore", invalid="ignore"):  # an absurd range is no range
            ranges = _possible_ranges(values[:, :3] * (adjusted / close)[:, None], adjusted, notes)
    opened, high, low = ranges.T.copy()
    volume = np.where(np.isfinite(volume) & (volume >= 0), volume, np.nan)
    notes += check(dates, adjusted, additive=additive)
    return Series(
        name,
        source,
        origin,
        dates,
        close.copy(),
        adjusted.copy(),
        opened,
        high,
        low,
        volume,
        tuple(notes),
        exchange,
        additive,
    )


def _keep(
    mask: np.ndarray, days: np.ndarray, values: np.ndarray, notes: list[str], what: str
) -> tuple[np.ndarray, np.ndarray]:
    if mask.all():
        return days, values
    dropped = int((~mask).sum())
    notes.append(f"{dropped:,} {'row' if dropped == 1 else 'rows'} {what} dropped")
    return days[mask], values[mask]


def _possible_ranges(ranges: np.ndarray, close: np.ndarray, notes: list[str]) -> np.ndarray:
    """Open, high, low (N, 3), low <= open, close <= high: rounding is repaired, the impossible made NaN."""
    ranges = np.where(np.isfinite(ranges) & (ranges > 0), ranges, np.nan)
    opened, high, low = ranges.T
    top, bottom = np.fmax(opened, close), np.fmin(opened, close)  # fmax: an unknown open says nothing
    impossible = (high < top * (1 - 1e-3)) | (low > bottom * (1 + 1e-3))
    if impossible.any():
        notes.append(f"open, high and low of {impossible.sum():,} rows contradict the close: left out")
    mended = np.stack([opened, np.maximum(high, top), np.minimum(low, bottom)], axis=1)
    mended[impossible] = np.nan
    return mended


def field_name(label: str) -> str:
    """A column's name as one of FIELDS where it is one: 'Adj Close', 'Adjusted Close' -> 'adj_close'."""
    words = re.sub(r"[^a-z]+", " ", label.lower()).split()
    joined = "_".join("adj" if word == "adjusted" else word for word in words)
    return {"adjclose": "adj_close", "close_adj": "adj_close", "vol": "volume"}.get(joined, joined)

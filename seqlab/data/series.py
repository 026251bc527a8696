"""Series: daily prices, oldest first, of whatever origin, made from a table whose faults are mended or told."""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import pandas as pd

from seqlab.data.oddities import oddities
from seqlab.errors import DataError, UsageError

FIELDS = ("open", "high", "low", "close", "adj_close", "volume")


@dataclass(frozen=True, eq=False)
class Series:
    """Daily prices of one ticker or file, oldest first; every array has one entry per day, (N,).

    name: ticker, or file stem.
    source: `yahoo`, `store`, `snapshot` or `file`.
    origin: where from and how old, for a person.
    close: the origin's own.
    adjusted: what returns are taken of; splits and dividends removed where the origin knows them.
    open, high, low: on the scale of `adjusted`; NaN where unknown.
    volume: as the origin counts it; NaN where unknown.
    notes: what was repaired or is worth saying.
    exchange: where it trades, as Yahoo Finance calls it (NMS, GER, ...); empty where unknown.
    """

    name: str
    source: str
    origin: str
    dates: np.ndarray  # datetime64[D], strictly increasing
    close: np.ndarray
    adjusted: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    volume: np.ndarray
    notes: tuple[str, ...] = ()
    exchange: str = ""

    def __len__(self) -> int:
        return len(self.dates)

    def log_returns(self) -> np.ndarray:
        """Daily log returns of `adjusted`, (N - 1,): entry i is from day i to day i + 1."""
        return np.diff(np.log(self.adjusted))

    @property
    def sha256(self) -> str:
        """Of the numbers alone, whatever they are called and wherever they came from."""
        digest = hashlib.sha256(self.dates.astype("<i8").tobytes())
        for values in (self.close, self.adjusted, self.open, self.high, self.low, self.volume):
            digest.update(np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes())
        return digest.hexdigest()

    def until(self, last: str | date | np.datetime64) -> "Series":
        """The part up to and including the day `last`, without notes on what came later.

        Raises UsageError if that is no date, DataError if nothing is left.
        """
        end = day_of(last)
        count = int(np.searchsorted(self.dates, end, side="right"))
        if count == 0:
            raise DataError(f"{self.name} has no prices up to {end}", f"they begin on {self.dates[0]}")
        arrays = ("dates", "close", "adjusted", "open", "high", "low", "volume")
        odd = oddities(self.dates, self.adjusted)
        notes = [note for note in self.notes if note not in odd and not _is_of_days_after(note, end)]
        notes += oddities(self.dates[:count], self.adjusted[:count])
        return replace(self, notes=tuple(notes), **{name: getattr(self, name)[:count] for name in arrays})


def day_of(written: str | date | np.datetime64) -> np.datetime64:
    """A date as it is written, 2022-12-28, as datetime64[D]. Raises UsageError if it is none."""
    try:
        return np.datetime64(datetime.fromisoformat(str(written)).date(), "D")
    except ValueError as problem:
        raise UsageError(f"'{written}' is no date", "write it like 2022-12-28") from problem


def _is_of_days_after(note: str, end: np.datetime64) -> bool:
    """Whether all the dates that a note names are later: whoever looks back does not know of them yet."""
    days = re.findall(r"\d{4}-\d\d-\d\d", note)
    return bool(days) and min(days) > str(end)


def series_of(
    name: str, source: str, origin: str, frame: pd.DataFrame, notes: list[str], *, exchange: str = ""
) -> Series:
    """A Series of a table with columns `date` (datetime64, NaT allowed) and FIELDS, in any order of days.

    What is unusable is dropped and said in the notes; what is odd is left as it is, and said too. Raises DataError if
    nothing is left.
    """
    notes = list(notes)
    frame = frame.reset_index(drop=True)
    values = frame[list(FIELDS)].to_numpy(np.float64)
    days = frame["date"].to_numpy().astype("datetime64[D]")
    days, values = _keep(~np.isnat(days), days, values, notes, "without a date")
    prices = values[:, [FIELDS.index("close"), FIELDS.index("adj_close")]]
    usable = (np.isfinite(prices) & (prices > 0)).all(axis=1)
    days, values = _keep(usable, days, values, notes, "with a missing, zero or negative price")
    if (np.diff(days) < np.timedelta64(0)).any():
        notes.append("the dates were not in order: sorted")
        order = np.argsort(days, kind="stable")
        days, values = days[order], values[order]
    last_of_day = np.append(days[1:] != days[:-1], True)[: len(days)]
    days, values = _keep(last_of_day, days, values, notes, "of a date that comes again")
    if not len(days):
        said = "; ".join(notes) or "it needs rows with a date and a price above zero"
        raise DataError(f"{name} has no usable price", said)
    close, adjusted, volume = (values[:, FIELDS.index(field)] for field in ("close", "adj_close", "volume"))
    with np.errstate(over="ignore", invalid="ignore"):  # an absurd range is no range
        ranges = _possible_ranges(values[:, :3] * (adjusted / close)[:, None], adjusted, notes)
    volume = np.where(np.isfinite(volume) & (volume >= 0), volume, np.nan)
    opened, high, low = ranges.T.copy()
    notes += oddities(days, adjusted)
    return Series(
        name, source, origin, days, close.copy(), adjusted.copy(), opened, high, low, volume, tuple(notes), exchange
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
    """Open, high, low (N, 3), low <= open, close <= high: rounding is mended, the impossible made NaN."""
    ranges = np.where(np.isfinite(ranges) & (ranges > 0), ranges, np.nan)
    opened, high, low = ranges.T
    top, bottom = np.fmax(opened, close), np.fmin(opened, close)  # fmax: an unknown open says nothing
    impossible = (high < top * (1 - 1e-3)) | (low > bottom * (1 + 1e-3))
    if impossible.any():
        notes.append(f"open, high and low of {impossible.sum():,} days contradict the close: left out")
    mended = np.stack([opened, np.maximum(high, top), np.minimum(low, bottom)], axis=1)
    mended[impossible] = np.nan
    return mended


def field_name(label: str) -> str:
    """A column's name as one of FIELDS where it is one: 'Adj Close', 'Adjusted Close' -> 'adj_close'."""
    words = re.sub(r"[^a-z]+", " ", label.lower()).split()
    joined = "_".join("adj" if word == "adjusted" else word for word in words)
    return {"adjclose": "adj_close", "close_adj": "adj_close", "vol": "volume"}.get(joined, joined)

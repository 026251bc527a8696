"""The frequency that a series is said to have: its rows are put into periods, and those that it lacks are filled."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from seqlab.data.series.calendar import whole_dates
from seqlab.data.series.days import ONE_DAY, weekday
from seqlab.data.series.grid import with_rows
from seqlab.data.series.series import Series
from seqlab.data.series.spacing import DAY, spacing
from seqlab.errors import DataError, UsageError

SECONDS = {"s": 1, "min": 60, "h": 3600, "D": DAY, "W": 7 * DAY}
MONTHS = {"M": 1, "Q": 3, "Y": 12}
NAMES = {  # as pandas and people write them
    **dict.fromkeys(("s", "sec", "second"), "s"),
    **dict.fromkeys(("min", "minute", "t"), "min"),
    **dict.fromkeys(("h", "hour"), "h"),
    **dict.fromkeys(("d", "day"), "D"),
    **dict.fromkeys(("b", "weekday", "business day"), "B"),
    **dict.fromkeys(("w", "week"), "W"),
    **dict.fromkeys(("m", "ms", "me", "month"), "M"),
    **dict.fromkeys(("q", "qs", "qe", "quarter"), "Q"),
    **dict.fromkeys(("y", "ys", "ye", "a", "year"), "Y"),
}
LEAST = 0.1  # share of the periods that have a row, below which the frequency is not that of the series
WRITE = "write it like D, B (Monday to Friday), W, M, Q, Y, h, or 30min"


def parse(written: str) -> tuple[int, str]:
    """'30min' -> (30, 'min'), 'B' -> (1, 'B'). Raises UsageError for what is no frequency."""
    found = re.fullmatch(r"\s*(\d*)\s*([A-Za-z][A-Za-z ]*?)(?:-[A-Za-z]{3})?\s*", written)
    unit = NAMES.get(found[2].lower()) or NAMES.get(found[2].lower().removesuffix("s")) if found else None
    count = int(found[1] or 1) if found else 0
    seconds = count * SECONDS.get(unit or "", 0)
    if unit is None or count < 1 or (unit == "B" and count > 1) or (seconds > DAY and seconds % DAY):
        raise UsageError(f"there is no frequency '{written}'", WRITE)
    return count, unit


def at_frequency(series: Series, written: str) -> Series:
    """The series with one row in each period of a frequency from its first to its last: the last that it has in one,
    and where it has none, what was expected. Raises UsageError for what is no frequency, and DataError for one of which
    hardly a period has a row."""
    count, unit = parse(written)
    place, date_of = _periods(series.dates, count, unit)
    kept = np.append(place[1:] != place[:-1], True)
    dropped = int((~kept).sum())
    said = (*series.dropped, *([f"{dropped:,} before the last of a period of {written}"] if dropped else ()))
    arrays = ("close", "adjusted", "open", "high", "low", "volume")
    parts = {name: getattr(series, name)[kept] for name in arrays}
    one = replace(series, dates=date_of(place[kept]), dropped=said, **parts)
    found = spacing(one.dates)
    is_its_own = found.rows_per_day > 1 and found.step == np.timedelta64(count * SECONDS.get(unit, 0), "s")
    whole = whole_dates(one.dates, found) if is_its_own else None  # it may rest by night
    if whole is None:
        periods = int(place[-1]) + 1
        if len(one) < LEAST * periods:
            raise DataError(
                f"{series.name} has rows in {len(one):,} of its {periods:,} periods of {written} only",
                "say a longer frequency, or leave it out",
            )
        whole = date_of(np.arange(periods))
    return with_rows(one, whole)


def _periods(dates: np.ndarray, count: int, unit: str) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Which period each row is in (N,), from 0 on, and what the dates of periods are."""
    if unit in MONTHS:
        step = count * MONTHS[unit]
        months = dates.astype("datetime64[M]").astype(int)
        first = months[0] - months[0] % step if 12 % step == 0 else months[0]
        return (
            months - first
        ) // step, lambda place: (first + step * place).astype("datetime64[M]").astype("datetime64[D]")
    if unit == "B":
        days = dates.astype("datetime64[D]")
        every = np.arange(days[0], days[-1] + ONE_DAY)
        whole = every[weekday(every) < 5]
        # a Saturday belongs to its Friday
        return np.maximum(np.searchsorted(whole, days, side="right") - 1, 0), lambda place: whole[place]
    seconds = count * SECONDS[unit]
    kind = "datetime64[D]" if seconds % DAY == 0 else "datetime64[m]" if seconds % 60 == 0 else "datetime64[s]"
    end = dates[-1].astype("datetime64[s]").astype(int)
    end = end - end % min(seconds, DAY)  # within the day periods begin on the clock
    ago = -((end + min(seconds, DAY) - 1 - dates.astype("datetime64[s]").astype(int)) // seconds)
    return ago - ago[0], lambda place: (end + seconds * (place + ago[0])).astype("datetime64[s]").astype(kind)

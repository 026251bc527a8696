"""The frequency that a series is said to have: its rows are put into periods, and those that it lacks are filled."""

import re
from dataclasses import replace

import numpy as np

from seqlab.data.series.calendar import whole_dates
from seqlab.data.series.grid import with_rows
from seqlab.data.series.series import Series
from seqlab.data.series.spacing import DAY, spacing, weekday
from seqlab.errors import UsageError

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
WRITE = "write it like D, B (Monday to Friday), W, M, Q, Y, h, or 30min"


def parse(written: str) -> tuple[int, str]:
    """'30min' -> (30, 'min'), 'B' -> (1, 'B'). Raises UsageError for what is no frequency."""
    found = re.fullmatch(r"\s*(\d*)\s*([A-Za-z][A-Za-z ]*?)(?:-[A-Za-z]{3})?\s*", written)
    unit = NAMES.get(found[2].lower()) or NAMES.get(found[2].lower().removesuffix("s")) if found else None
    count = int(found[1] or 1) if found else 0
    if unit is None or count < 1 or (unit == "B" and count > 1):
        raise UsageError(f"there is no frequency '{written}'", WRITE)
    return count, unit


def at_frequency(series: Series, written: str) -> Series:
    """The series with one row in each period of a frequency from its first to its last: the last that it has in one,
    and where it has none, what was expected. Raises UsageError for what is no frequency."""
    count, unit = parse(written)
    last = series.dates[-1]
    if unit in MONTHS:
        whole, place = _months(series.dates, count * MONTHS[unit])
    elif unit == "B":
        days = series.dates.astype("datetime64[D]")
        every = np.arange(days[0], days[-1] + 1)
        whole = every[weekday(every) < 5]
        place = np.maximum(np.searchsorted(whole, days, side="right") - 1, 0)  # a Saturday belongs to its Friday
    else:
        seconds = count * SECONDS[unit]
        kind = "datetime64[D]" if seconds % DAY == 0 else "datetime64[m]" if seconds % 60 == 0 else "datetime64[s]"
        end = last.astype("datetime64[s]").astype(int)
        end = end - end % min(seconds, DAY)  # within the day periods begin on the clock
        ago = -((end + min(seconds, DAY) - 1 - series.dates.astype("datetime64[s]").astype(int)) // seconds)
        place = ago - ago[0]
        whole = (end + seconds * np.arange(ago[0], 1)).astype("datetime64[s]").astype(kind)
    kept = np.append(place[1:] != place[:-1], True)
    dropped = int((~kept).sum())
    said = (*series.dropped, *([f"{dropped:,} before the last of a period of {written}"] if dropped else ()))
    arrays = ("close", "adjusted", "open", "high", "low", "volume")
    parts = {name: getattr(series, name)[kept] for name in arrays}
    one = replace(series, dates=whole[place[kept]], dropped=said, **parts)
    rests = whole_dates(one.dates, spacing(one.dates)) if unit in ("s", "min", "h") else None  # by night
    return with_rows(one, whole if rests is None else rests)


def _months(dates: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """The periods of so many months, by their first days, and which one each row is in."""
    months = dates.astype("datetime64[M]").astype(int)
    first = months[0] - months[0] % step if 12 % step == 0 else months[0]
    place = (months - first) // step
    whole = (first + step * np.arange(place[-1] + 1)).astype("datetime64[M]").astype("datetime64[D]")
    return whole, place

"""Days that come again at the same places of each month, as the 1st, 11th and 21st, or of each year, as every 8th day
from its first on.
"""

from dataclasses import dataclass

import numpy as np

from seqlab.data.series.days import ONE_DAY

LAST = 31  # stands for the last day of a month, whichever that is
MOST = 6  # rows of a month
FEWEST = 12  # rows that it takes to tell
LATELY = 800  # days
KEPT = 0.9  # share of the rows that are at the places; its square, of the places that have a row


@dataclass(frozen=True)
class Places:
    """Where rows are: on these days of each month, LAST for its last; or, where there are none, every so many days of a
    year from its first on."""

    of_month: tuple[int, ...] = ()
    every: int = 0

    @property
    def per_year(self) -> int:
        return 12 * len(self.of_month) or -(-365 // self.every)

    @property
    def in_words(self) -> str:
        if self.every:
            return f"{self.every} days, anew each year"
        names = ["last" if day == LAST else str(day) for day in self.of_month]
        return f"part of a month (days {', '.join(names[:-1])} and {names[-1]})"

    def has(self, days: np.ndarray) -> np.ndarray:
        """Which of days (datetime64[D]) are at these places."""
        if self.every:
            return _in(days, "Y") % self.every == 0
        return np.isin(_of_month(days), self.of_month)


def places_of(days: np.ndarray) -> Places | None:
    """At which places days (datetime64[D], ascending) have been lately; None where they are a step apart throughout, or
    at none that come again a few times a month."""
    days = days[days > days[-1] - LATELY * ONE_DAY]
    gaps = np.diff(days).astype(int)
    step = int(np.median(gaps)) if len(days) >= FEWEST else 0
    if not 4 <= step <= 20 or not (gaps % step).any():
        return None
    whole = int((days[-1].astype("datetime64[M]") - days[0].astype("datetime64[M]")).astype(int)) - 1
    found, seen = np.unique(_of_month(days), return_counts=True)
    often = tuple(found[seen > whole / 2].tolist())
    years = days.astype("datetime64[Y]")
    every = np.arange(days[0], days[-1] + ONE_DAY)
    for places in (Places(of_month=often), Places(every=step)):
        if not places.every and not 2 <= len(often) <= MOST:
            continue
        there = places.has(days)
        alike = all(there[years == year].mean() >= KEPT for year in np.unique(years))
        if alike and there.sum() >= KEPT * KEPT * places.has(every).sum():
            return places
    return None


def _of_month(days: np.ndarray) -> np.ndarray:
    """The day of the month, from 1 on; LAST for the last."""
    is_last = (days + ONE_DAY).astype("datetime64[M]") != days.astype("datetime64[M]")
    return np.where(is_last, LAST, _in(days, "M") + 1)


def _in(days: np.ndarray, period: str) -> np.ndarray:
    """How many days of its month or year are before each."""
    return (days - days.astype(f"datetime64[{period}]").astype("datetime64[D]")).astype(int)

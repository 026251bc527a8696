"""Days of the week and times of day, and steps of a unit: numpy takes no bare number for one of those."""

import numpy as np

ONE_DAY = np.timedelta64(1, "D")


def unit_of(dates: np.ndarray | np.datetime64) -> np.timedelta64:
    """One of what dates are counted in: a month of datetime64[M], a second of datetime64[s]."""
    return np.ones(1, dates.dtype.str.replace("M8", "m8"))[0]  # as <M8[s] is <m8[s] of a span


def weekday(days: np.ndarray) -> np.ndarray:
    """0 is Monday: 1970-01-01 was a Thursday."""
    return (days.astype("datetime64[D]").astype(int) + 3) % 7


def seconds_of_day(dates: np.ndarray) -> np.ndarray:
    return (dates.astype("datetime64[s]") - dates.astype("datetime64[D]")).astype(int)

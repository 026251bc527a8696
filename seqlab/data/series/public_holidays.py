"""A country's holidays as columns beside a series, by the calendar alone."""

from datetime import date
from functools import lru_cache

import numpy as np

from seqlab.data.series.days import ONE_DAY
from seqlab.data.series.spacing import spacing
from seqlab.errors import UsageError, did_you_mean

FEWEST = 2  # of a holiday in a series, from which on it has a column of its own
ANY, COUNT = "any holiday", "holidays"
LEFT_OUT = "leave out --holidays"


def holiday_columns(country: str, dates: np.ndarray, known: int) -> dict[str, np.ndarray]:
    """Holidays on the rows of `dates` (R,), the first `known` of which have been: {name: (R,)}.

    Of rows by the day, or within it, whether there is any, and whether it is this one, for each that has been there
    twice; of longer steps how many there are in one. A week's row begins it where it is a Monday and ends it otherwise;
    a month's is in it. Raises UsageError for a country that is not known, and where the package `holidays` is missing.
    """
    first, last = (dates[[0, -1]].astype("datetime64[Y]").astype(int) + 1970).tolist()
    found = _days_of(country.upper(), first - 1, last + 2)
    of_day = dates.astype("datetime64[D]")
    step = spacing(dates[:known])
    are_months = np.datetime_data(step.step)[0] == "M"
    if are_months or (not step.weekdays and step.rows_per_day == 1 and step.step > np.timedelta64(1, "D")):
        return {COUNT: _counted(of_day, np.array(sorted(found), "datetime64[D]"), step.step)}
    names = [found.get(day, ()) for day in of_day.astype(object)]
    columns = {ANY: np.array([float(bool(some)) for some in names])}
    for name in dict.fromkeys(name for some in names for name in some):
        column = np.array([float(name in some) for some in names])
        if len(np.unique(of_day[:known][column[:known] > 0])) >= FEWEST:
            columns[name] = column
    return columns


@lru_cache(16)  # many series have the same years
def _days_of(country: str, first: int, after: int) -> dict[date, tuple[str, ...]]:
    """The names of the holidays of each day that has some, from the year `first` to the one before `after`."""
    try:
        import holidays
    except ImportError as problem:
        raise UsageError(
            f"--holidays needs the package holidays: {problem}",
            "install it beside seqlab: pip install 'seqlab[holidays]'",
        ) from problem
    try:
        found = holidays.country_holidays(country, years=range(first, after))
    except NotImplementedError as problem:
        codes = sorted(holidays.list_supported_countries())
        near = did_you_mean(country, codes) if len(country) <= 3 else "name it by its code, as DE or US"
        raise UsageError(f"there are no holidays of '{country}'", near) from problem
    return {day: tuple(name.split("; ")) for day, name in found.items()}


def _counted(rows: np.ndarray, days: np.ndarray, step: np.timedelta64) -> np.ndarray:
    """How many of `days` (D,) are in each step (R,): rows (R,) begin it, or are its end."""
    if np.datetime_data(step)[0] == "M":
        of_month = (rows - rows.astype("datetime64[M]").astype("datetime64[D]")).astype(int)
        ends, months = np.median(of_month) > 15, rows.astype("datetime64[M]")
        first = months - (step.astype(int) - 1) if ends else months
        edges = [one.astype("datetime64[D]") for one in (first, first + step.astype(int))]
    else:
        length = step.astype("timedelta64[D]")
        ends = length % np.timedelta64(7, "D") == np.timedelta64(0, "D") and (rows[-1].astype(int) + 3) % 7 != 0
        edges = [rows - length + ONE_DAY, rows + ONE_DAY] if ends else [rows, rows + length]
    begin, end = (np.searchsorted(days, edge) for edge in edges)
    return (end - begin).astype(float)

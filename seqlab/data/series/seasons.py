"""After how many rows the calendar of a series comes round, whether the series is long enough to show it or not."""

import numpy as np

from seqlab.data.series.series import Series
from seqlab.data.series.spacing import spacing


def seasons_of(series: Series) -> tuple[int, ...]:
    """The seasons of the calendar in rows, the shorter first, at most two: a day and a week, a week and a year, or a
    year. None of a price that rests at weekends, nor of what follows no rule."""
    found = spacing(series.dates)
    if not found.regular or (series.is_price and 0 < len(found.weekdays) < 7):
        return ()
    if found.rows_per_day > 1:
        return (
            found.seasons if len(found.seasons) > 1 else (found.rows_per_day, found.rows_per_day * len(found.weekdays))
        )
    unit, step = np.datetime_data(found.step)[0], int(found.step.astype(int))
    if found.places:
        per_year = float(found.places.per_year)
    elif found.weeks or unit == "M":
        per_year = 12 / step
    elif found.weekdays:
        return (len(found.weekdays), 52 * len(found.weekdays)) if len(found.weekdays) > 1 else (52,)
    else:
        per_year = 364 / step
    return (round(per_year),) if per_year > 1 and per_year == int(per_year) else ()

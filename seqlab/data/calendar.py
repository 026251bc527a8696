"""The days a series will have next."""

import numpy as np
import pandas as pd
from pandas.tseries.holiday import (
    AbstractHolidayCalendar,
    GoodFriday,
    Holiday,
    USLaborDay,
    USMartinLutherKingJr,
    USMemorialDay,
    USPresidentsDay,
    USThanksgivingDay,
    nearest_workday,
    sunday_to_monday,
)


class NewYorkExchange(AbstractHolidayCalendar):
    """Full holidays of the New York Stock Exchange since 1998, by its rule 7.2; days of mourning cannot be known."""

    rules = [
        Holiday("New Year", month=1, day=1, observance=sunday_to_monday),  # on a Saturday it is not made up for
        USMartinLutherKingJr,
        USPresidentsDay,
        GoodFriday,
        USMemorialDay,
        Holiday("Juneteenth", month=6, day=19, start_date="2022-06-19", observance=nearest_workday),
        Holiday("Independence Day", month=7, day=4, observance=nearest_workday),
        USLaborDay,
        USThanksgivingDay,
        Holiday("Christmas", month=12, day=25, observance=nearest_workday),
    ]


def next_days(dates: np.ndarray, count: int, *, exchange: bool) -> np.ndarray:
    """The `count` days that follow the last of `dates` (datetime64[D], ascending), as datetime64[D].

    A series with weekends among its last sixty days goes on every day. Another goes on from Monday to Friday, without
    New York's holidays where `exchange` says that it trades there.
    """
    last = dates[-1].astype("datetime64[D]")
    ahead = last + np.arange(1, 2 * count + 30)
    weekday = (ahead.astype(int) + 3) % 7  # 0 is Monday: 1970-01-01 was a Thursday
    if ((dates[-60:].astype("datetime64[D]").astype(int) + 3) % 7 >= 5).any():
        return ahead[:count]
    open_ = weekday < 5
    if exchange:
        holidays = NewYorkExchange().holidays(pd.Timestamp(ahead[0]), pd.Timestamp(ahead[-1]))
        open_ &= ~np.isin(ahead, holidays.to_numpy().astype("datetime64[D]"))
    return ahead[open_][:count]


def trades_in_new_york(name: str) -> bool:
    """Whether a ticker looks like a stock or fund listed in the United States: letters alone, as BRK-B or AAPL."""
    return name.replace("-", "").isalpha() and not name.endswith(("-USD", "-EUR")) and len(name) <= 5

"""The next trading days against the days on which New York really traded."""

import numpy as np
import pytest

from seqlab.data.calendar import next_days, trades_in_new_york
from seqlab.data.quotes import load_series

# closed for reasons no rule knows: 2001-09-11, Reagan, Ford, Sandy, the elder Bush
UNFORESEEN = {
    np.datetime64(day)
    for day in (
        *("2001-09-11", "2001-09-12", "2001-09-13", "2001-09-14", "2004-06-11", "2007-01-02"),
        *("2012-10-29", "2012-10-30", "2018-12-05"),
    )
}


def test_next_days_are_those_on_which_apple_traded():
    dates = load_series("AAPL", offline=True).dates
    dates = dates[dates >= np.datetime64("1999-01-01")]
    wrong = set()
    for start in range(60, len(dates) - 25, 20):
        expected = set(next_days(dates[: start + 1], 25, exchange=True)) - UNFORESEEN
        real = set(dates[start + 1 : start + 26])
        wrong |= {day for day in expected - real if day <= max(real)} | {
            day for day in real - expected if day <= max(expected)
        }
    assert wrong == set()


def test_a_series_with_weekends_goes_on_every_day():
    dates = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-12-01"))
    assert (
        next_days(dates, 10, exchange=False) == np.arange(np.datetime64("2024-12-01"), np.datetime64("2024-12-11"))
    ).all()


def test_a_series_of_elsewhere_goes_on_from_monday_to_friday():
    days = np.arange(np.datetime64("2024-06-01"), np.datetime64("2024-12-24"))
    dates = days[np.is_busday(days)]
    ahead = next_days(dates, 3, exchange=False)
    assert [str(day) for day in ahead] == ["2024-12-24", "2024-12-25", "2024-12-26"]
    assert [str(day) for day in next_days(dates, 3, exchange=True)] == ["2024-12-24", "2024-12-26", "2024-12-27"]


@pytest.mark.parametrize(
    ("ticker", "expected"),
    [("AAPL", True), ("BRK-B", True), ("BTC-USD", False), ("SAP.DE", False), ("EURUSD=X", False)],
)
def test_which_tickers_trade_in_new_york(ticker, expected):
    assert trades_in_new_york(ticker) is expected

"""Portfolios: what an index of a few of the series would have been."""

from dataclasses import replace

import numpy as np

from seqlab.data.series.portfolios import portfolios
from tests.forecasting.test_forecasting import made_series


def test_a_portfolio_of_all_gains_the_mean_of_what_its_members_gain():
    series = [made_series("A", 400, 0), made_series("B", 400, 1)]
    both = portfolios(series, seed=3)  # of two series every portfolio is of both
    assert len(both) == 2
    returns = [np.diff(one.adjusted) / one.adjusted[:-1] for one in series]
    for one in both:
        np.testing.assert_allclose(np.diff(one.adjusted) / one.adjusted[:-1], np.mean(returns, 0)[1:], rtol=1e-9)
        assert np.isnan(one.high).all() and one.name not in ("A", "B")


def test_a_member_counts_while_it_has_prices():
    long, short = made_series("A", 400, 0), made_series("B", 400, 1)
    short = short.until(short.dates[200])
    (one, _) = portfolios([long, short], seed=0)
    assert one.dates[-1] == long.dates[-1]
    gained = np.diff(np.log(one.adjusted))[-150:]
    np.testing.assert_allclose(gained, np.diff(np.log(long.adjusted))[-150:], rtol=1e-9)


def test_there_is_none_of_one_series_or_of_values_of_any_sign():
    one = made_series("A", 400)
    assert portfolios([one], seed=0) == []
    assert portfolios([replace(one, additive=True), replace(one, additive=True)], seed=0) == []


def test_members_that_trade_on_other_days_keep_their_own_returns():
    """A stock's return over a weekend is its Monday's, also where another has had a price on Sunday."""
    stock = made_series("A", 400, 0)
    everyday = replace(made_series("B", 560, 1), dates=stock.dates[0] + np.arange(560))
    (one, _) = portfolios([stock, everyday], seed=0)
    monday = int(np.flatnonzero((stock.dates.astype(int) + 3) % 7 == 0)[20])
    place = int(np.searchsorted(one.dates, stock.dates[monday]))
    other = int(np.searchsorted(everyday.dates, stock.dates[monday]))
    gained = [s.adjusted[k] / s.adjusted[k - 1] - 1 for s, k in ((stock, monday), (everyday, other))]
    np.testing.assert_allclose(one.adjusted[place] / one.adjusted[place - 1] - 1, np.mean(gained), rtol=1e-9)

"""Series with rows that are missing: each keeps its place, and nothing that was filled counts as known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab import scoring
from seqlab.data.series.calendar import next_dates, whole_dates
from seqlab.data.series.features import features_of
from seqlab.data.series.frames import load_data
from seqlab.data.series.grid import complete
from seqlab.data.series.series import Series
from seqlab.data.series.spacing import spacing
from seqlab.errors import DataError, UsageError
from seqlab.scoring import baselines

FREQUENCIES = {  # pandas' frequency -> rows, what a file of it is called
    "h": (24 * 7 * 6, "hour"),
    "30min": (48 * 35, "30 minutes"),
    "10s": (6 * 60 * 9, "10 seconds"),
    "D": (200, "day"),
    "B": (200, "day (Mon-Fri)"),
    "W-MON": (170, "week"),
    "MS": (120, "month"),
    "ME": (120, "month"),
    "QS": (60, "quarter"),
    "YS": (80, "year"),
}


def read(values: np.ndarray, dates: pd.DatetimeIndex, **how) -> Series:
    """The series of a frame's column."""
    (series,) = load_data(pd.Series(values, dates, name="v"), **how)
    return series


def some_missing(count: int, share: float, seed: int) -> np.ndarray:
    """Which of `count` rows are there, the first and the last among them."""
    there = np.random.default_rng(seed).random(count) >= share
    there[[0, -1]] = True
    return there


@pytest.mark.parametrize("frequency", FREQUENCIES)
@pytest.mark.parametrize(("seed", "share"), [(0, 0.0), (1, 0.02), (2, 0.07), (3, 0.07), (4, 0.2)])
def test_the_rows_that_are_missing_are_found(frequency, seed, share):
    count, unit = FREQUENCIES[frequency]
    whole = pd.date_range("2021-03-01", periods=count, freq=frequency)
    there = some_missing(count, share, seed)
    kind = {"h": "m", "30min": "m", "10s": "s"}.get(frequency, "D")
    dates = whole[there].to_numpy().astype(f"datetime64[{kind}]")
    found = spacing(dates)
    assert found.regular and found.in_words == unit
    assert (whole_dates(dates, found) == whole.to_numpy().astype(dates.dtype)).all()


@pytest.mark.parametrize("seed", range(6))
def test_hours_from_monday_to_friday_have_a_week_of_120(seed):
    hours = pd.date_range("2023-01-02", periods=24 * 7 * 8, freq="h")
    hours = hours[hours.day_of_week < 5]
    there = some_missing(len(hours), 0.05, seed)
    dates = hours[there].to_numpy().astype("datetime64[m]")
    assert spacing(dates).seasons == (24, 120)
    assert (whole_dates(dates, spacing(dates)) == hours.to_numpy().astype("datetime64[m]")).all()


def test_a_season_is_a_time_and_no_number_of_rows():
    """A week of hours that repeats itself exactly is forecast exactly, whatever hours are missing."""
    hours = pd.date_range("2023-01-02", periods=24 * 7 * 9, freq="h")
    values = 100 + np.tile(np.random.default_rng(1).normal(0, 10, 24 * 7), 9)
    there = some_missing(len(hours), 0.1, seed=2)
    series = complete(read(values[there], hours[there]))
    assert series.filled is not None and (~series.filled).sum() == there.sum() and series.seasons == (24, 168)
    assert (np.abs(series.adjusted / values - 1)[24 * 7 * 3 :] < 1e-9).mean() > 0.99  # the first weeks have holes too
    known = features_of(series)
    ahead = known.mean_forecast[-100:-24, 23]  # of a day on
    came = known.path[-76:] - known.path[-100:-24]
    assert (np.abs(ahead - came) < 1e-3).mean() > 0.95


@given(st.integers(0, 2**32 - 1))
def test_nothing_that_was_filled_is_an_outcome_and_nothing_is_known_before_its_time(seed):
    random = np.random.default_rng(seed)
    days = pd.date_range("2022-01-01", periods=150, freq="D")
    values = random.normal(50, 5, 150).round(1)
    there = some_missing(150, 0.15, seed)
    series = complete(read(values[there], days[there]))
    outcomes = features_of(series).outcomes((1, 5))
    assert np.isnan(outcomes[series.filled]).all()
    assert np.isnan(outcomes[:-5, 1][series.filled[5:]]).all()
    cut = 100
    part = complete(read(values[:cut][there[:cut]], days[:cut][there[:cut]]))
    np.testing.assert_array_equal(part.adjusted, series.adjusted[: len(part)])  # the future fills no past


def test_prices_rest_when_their_market_rests():
    days = pd.bdate_range("2022-01-03", periods=300).delete([50, 51, 120])
    prices = pd.DataFrame({"Close": np.exp(np.random.default_rng(0).normal(0, 0.01, len(days)).cumsum())}, days)
    (series,) = load_data(prices)
    assert series.kind == "prices" and complete(series) is series


def test_where_no_rule_holds_nothing_is_filled():
    random = np.random.default_rng(3)
    days = np.datetime64("2020-01-01") + np.cumsum(random.integers(1, 30, 200))
    series = read(random.random(200), pd.DatetimeIndex(days))
    assert complete(series) is series and series.season == 1
    weekly_then_daily = pd.date_range("2018-01-01", periods=100, freq="7D").append(
        pd.date_range("2019-12-02", periods=100, freq="D")
    )
    series = read(random.random(200), weekly_then_daily)
    assert complete(series) is series


@pytest.mark.parametrize(
    ("frequency", "written", "unit"),
    [
        ("D", "W", "week"),
        ("D", "M", "month"),
        ("h", "D", "day"),
        ("h", "3h", "3 hours"),
        ("min", "15min", "15 minutes"),
    ],
)
def test_a_frequency_that_is_said_keeps_the_last_row_of_each_period(frequency, written, unit):
    dates = pd.date_range("2023-01-02", periods=5000, freq=frequency)
    values = np.arange(5000.0) % 97 + 1
    (series,) = load_data(pd.DataFrame({"Close": values}, dates), freq=written)
    with pytest.raises(DataError, match=f"frequency of {written} would keep the last"):  # counts and levels add up
        read(values, dates, freq=written)
    assert spacing(series.dates).unit == unit and series.dropped and series.filled is None
    periods = {"W": "W-" + dates[-1].strftime("%a").upper(), "M": "MS"}.get(written, written)
    labels = {"label": "right", "closed": "right"} if written == "W" else {}
    expected = pd.Series(values, dates).resample(periods, **labels).last()
    np.testing.assert_array_equal(series.adjusted, expected.to_numpy())


def test_a_frequency_that_is_said_fills_what_is_missing():
    days = pd.date_range("2023-01-02", periods=300, freq="D")
    there = some_missing(300, 0.6, seed=5)  # too few for a rule to be seen in them
    series = read(np.arange(1.0, 301)[there], days[there], freq="day")
    assert len(series) == 300 and series.filled.sum() == (~there).sum() and spacing(series.dates).unit == "day"
    assert "missing" in series.about()[0]
    with pytest.raises(UsageError, match="frequency 'fortnight'"):
        read(np.arange(1.0, 301), days, freq="fortnight")
    with pytest.raises(UsageError, match="frequency 'fortnight'"):  # of tickers too, which need none
        list(load_data("AAPL", freq="fortnight", offline=True))


def test_a_fifth_of_the_days_missing_beside_weekends_leaves_a_series_of_days():
    days = pd.bdate_range("2021-03-01", periods=200).to_numpy().astype("datetime64[D]")
    assert {spacing(days[some_missing(200, 0.2, seed)]).in_words for seed in range(100)} == {"day (Mon-Fri)"}


def test_what_wanders_is_filled_by_the_row_before_and_baselines_are_as_wide_as_they_were():
    days, random = pd.date_range("2020-01-01", periods=1500, freq="D"), np.random.default_rng(1)
    walk, there = 1000 + np.cumsum(random.normal(0, 5, 1500)), some_missing(1500, 0.3, seed=2)
    series = complete(read(walk[there], days[there], kind="levels"))
    features = features_of(series)
    outcomes, rows = features.outcomes((1,)), np.arange(300, 1499)
    rows = rows[np.isfinite(outcomes[rows, 0])]
    bands = baselines.normal(baselines.volatility(features.returns())[rows], np.array([1]), scoring.LEVELS)
    assert scoring.coverage(bands[:, 0], outcomes[rows, 0], 0.8) == pytest.approx(0.8, abs=0.05)


def test_rows_that_are_filled_keep_what_is_true_of_all_others():
    days, random = pd.date_range("2023-01-01", periods=400, freq="D"), np.random.default_rng(0)
    there = some_missing(400, 0.1, seed=3)
    counter = complete(read(np.cumsum(random.poisson(20, 400))[there], days[there]))
    assert counter.filled is not None and counter.never_falls
    rain = complete(read(np.maximum(random.normal(0, 6, 400), 0)[there], days[there]))
    assert rain.filled is not None and rain.adjusted.min() == 0


def test_prices_are_filled_by_the_last_one():
    days, random = pd.bdate_range("2020-01-01", periods=600), np.random.default_rng(0)
    there = some_missing(600, 0.04, seed=4)
    there[:60] = True
    prices = 100 * np.exp(np.cumsum(random.normal(0, 0.01, 600)))
    series = read(prices[there], days[there], kind="prices", freq="B")
    before = np.flatnonzero(series.filled) - 1
    np.testing.assert_allclose(series.adjusted[series.filled], series.adjusted[before])


def test_returns_are_compounded_before_rows_are_put_into_periods():
    returns = np.random.default_rng(0).normal(0, 0.01, 400)
    weekly = read(returns, pd.date_range("2023-01-01", periods=400, freq="D"), kind="returns", freq="W")
    assert spacing(weekly.dates).unit == "week"
    assert weekly.adjusted[-1] == pytest.approx(100 * np.prod(1 + returns))


def test_the_hour_that_summer_time_skips_keeps_its_place():
    clock = pd.date_range("2023-03-01", periods=24 * 45, freq="h")
    clock = clock[clock != "2023-03-26T02:00"]
    dates = clock.to_numpy().astype("datetime64[m]")
    assert set(whole_dates(dates, spacing(dates))) - set(dates) == {np.datetime64("2023-03-26T02:00", "m")}


@pytest.mark.parametrize("first", [0, 1, 2])
def test_months_of_four_four_and_five_weeks_go_on(first):
    weeks = np.roll(np.resize([4, 4, 5], 60), first)
    dates = np.datetime64("2015-01-31") + 7 * np.cumsum(weeks)
    assert spacing(dates[:50]).weeks and spacing(dates[:50]).season == 12
    assert (next_dates(dates[:50], 10) == dates[50:]).all()


def test_the_third_friday_of_a_month_goes_on():
    fridays = pd.date_range("2019-01-01", periods=80, freq="WOM-3FRI")
    dates = fridays.to_numpy().astype("datetime64[D]")
    assert (next_dates(dates[:60], 20) == dates[60:]).all() and spacing(dates).unit == "month"


MONTHS = pd.date_range("2015-01-01", periods=90, freq="MS")
DAYS = pd.date_range("2021-01-04", periods=7 * 60, freq="D")
REGULAR = {  # the rows, and how their step is told
    "dekads": ([month + pd.Timedelta(days=day) for month in MONTHS for day in (0, 10, 20)], "1, 11 and 21"),
    "twice a month": (pd.date_range("2015-01-15", periods=180, freq="SME"), "15 and last"),
    "every 8 days, anew each year": (
        [pd.Timestamp(year, 1, 1) + pd.Timedelta(days=day) for year in range(2015, 2020) for day in range(0, 365, 8)],
        "8 days, anew each year",
    ),
    "Tuesday and Thursday": (DAYS[DAYS.day_of_week.isin([1, 3])], "step (Tue, Thu)"),
    "weekends": (DAYS[DAYS.day_of_week >= 5], "(Sat, Sun)"),
    "meals": ([day + pd.Timedelta(hours=hour) for day in DAYS for hour in (8, 12, 18)], "step"),
    "two days of minutes": (pd.date_range("2024-03-03 10:00", periods=2 * 24 * 60, freq="min"), "minute"),
    "seven minutes": (pd.date_range("2024-03-03 10:00", periods=2000, freq="7min"), "7 minutes"),
}


@pytest.mark.parametrize("kind", REGULAR)
@pytest.mark.parametrize("share", [0.0, 0.06])
def test_rows_at_the_same_places_keep_them_and_go_on(kind, share):
    rows, words = REGULAR[kind]
    rows = pd.DatetimeIndex(rows).to_numpy().astype("datetime64[m]")
    rows = rows.astype("datetime64[D]") if (rows == rows.astype("datetime64[D]")).all() else rows
    for cut in range(len(rows) - 40, len(rows) - 9):
        known = rows[:cut][some_missing(cut, share, seed=cut)]
        found = spacing(known)
        assert found.regular and words in found.in_words
        assert (next_dates(known, 9) == rows[cut : cut + 9]).all()
        assert (whole_dates(known, found) == rows[:cut]).all()


def test_ten_days_and_five_are_no_parts_of_a_month_nor_of_a_year():
    for step in (5, 8, 10, 15):
        rows = np.datetime64("2018-01-01") + step * np.arange(200)
        for cut in range(60, 190, 10):
            known = rows[:cut][some_missing(cut, 0.06, seed=cut)]
            assert spacing(known).places is None and (next_dates(known, 9) == rows[cut : cut + 9]).all()


@pytest.mark.parametrize("share", [0.3, 0.35])
@pytest.mark.parametrize("weekdays", [5, 7])
def test_many_days_that_are_missing_move_no_week(weekdays, share):
    days = DAYS[DAYS.day_of_week < weekdays]
    there = some_missing(len(days), share, seed=weekdays)
    known = days[there].to_numpy().astype("datetime64[D]")
    assert (whole_dates(known, spacing(known)) == days.to_numpy().astype("datetime64[D]")).all()
    assert spacing(known).season == weekdays


def test_where_more_are_missing_the_week_of_work_is_kept_and_the_dates_are_said_to_be_irregular():
    days = DAYS[DAYS.day_of_week < 5]
    there = some_missing(len(days), 0.45, seed=5)
    series = read(np.random.default_rng(1).normal(0, 1, there.sum()), days[there])
    assert any("irregular" in note for note in series.about())
    assert (pd.DatetimeIndex(next_dates(series.dates, 20)).day_of_week < 5).all()


def test_a_rest_of_one_hour_a_day_is_no_missing_row():
    hours = pd.date_range("2024-01-01", periods=24 * 28, freq="h")
    hours = hours[hours.hour != 17]
    known = hours[some_missing(len(hours), 0.03, seed=1)].to_numpy().astype("datetime64[m]")
    assert (whole_dates(known, spacing(known)) == hours.to_numpy().astype("datetime64[m]")).all()


def test_a_frequency_that_hardly_a_period_has_a_row_of_is_refused():
    days = pd.date_range("1980-01-01", periods=15_000, freq="D")
    values = np.arange(15_000.0) % 97 + 1
    for written in ("h", "10s", "s"):  # of a second there would be a billion
        with pytest.raises(DataError, match=r"has rows in 15,000 of its [\d,]+ periods of " + written):
            read(values, days, freq=written)
    with pytest.raises(UsageError, match="frequency '36h'"):
        read(values, days, freq="36h")
    half = read(values[:2000], pd.date_range("2024-01-01", periods=2000, freq="h"), freq="30min")
    assert spacing(half.dates).unit == "30 minutes" and half.filled.sum() == 1999


def test_what_is_filled_is_the_season_before_and_its_growth():
    """Of a week that grows by 2 a week, of which rows are missing, two of them in a row and three a week apart."""
    weeks = np.arange(140)
    values = 100.0 + np.tile([0, 5, 9, 3, 7, 1, -20], 20) + 2 * (weeks // 7)
    there = np.ones(140, bool)
    there[[50, 57, 64, 91, 100, 101]] = False
    series = complete(read(values[there], DAYS[:140][there], kind="levels"))
    np.testing.assert_allclose(series.adjusted, values, atol=1e-9)

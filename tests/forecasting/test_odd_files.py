"""Files as people have them, from reading to the forecast: each input is of a kind that was once answered wrongly."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seqlab import api
from seqlab.forecasting.results import Forecast

QUICK = {"origins": 20, "threads": 1, "offline": True}
RANDOM = np.random.default_rng(16)


@pytest.fixture
def answer(tmp_path: Path) -> Callable[..., Forecast]:
    """The forecast of columns that are written to a file first, as text or numbers."""

    def forecast(horizon: int = 9, **columns) -> Forecast:
        options = {name: columns.pop(name) for name in ("kind", "freq") if name in columns}
        path = tmp_path / "given.csv"
        pd.DataFrame(columns).to_csv(path, index=False)
        (one,) = api.forecast(str(path), horizon, **options, **QUICK)
        return one

    return forecast


def of(one: Forecast, level: str) -> list[float]:
    return [row[level] for row in one.to_dict()["quantiles"]]


def stamped(dates: pd.DatetimeIndex) -> list[str]:
    return [date.strftime("%Y-%m-%d %H:%M:%S") for date in dates]


def load_of(dates: pd.DatetimeIndex, noise: float = 0.01) -> np.ndarray:
    """An hourly load by the clock, less at weekends."""
    of_day = 100 + 30 * np.sin(2 * np.pi * (dates.hour.to_numpy() - 8) / 24)
    weekend = np.where(dates.day_of_week.to_numpy() >= 5, 0.8, 1.0)
    return of_day * weekend * np.exp(np.random.default_rng(3).normal(0, noise, len(dates)))


@pytest.mark.parametrize("weekdays", [7, 5])
@pytest.mark.parametrize("how", ["no row", "no value"])
def test_hours_that_are_missing_move_no_season(answer, weekdays, how):
    hours = pd.date_range("2024-01-01", periods=24 * 7 * 12, freq="h")
    hours = hours[hours.day_of_week < weekdays]
    there = np.random.default_rng(1).random(len(hours)) > 0.05
    there[-1] = True
    load = load_of(hours).round(2)
    kept = there if how == "no row" else np.full(len(hours), True)
    one = answer(time=stamped(hours[kept]), load=np.where(there, load, np.nan)[kept])
    ahead = pd.DatetimeIndex(one.dates)
    assert (ahead.day_of_week < weekdays).all() and ahead[0] == pd.Timestamp("2024-03-25T00:00")
    truth = load_of(ahead, noise=0.0)
    off = np.abs(np.array(of(one, "q50")) / truth - 1)
    assert np.median(off) < 0.02 and (off < 0.06).all()  # the first hours of a Monday lean on Sunday's
    assert one.series.read()["missing"] == (~there).sum() and one.series.read()["season"] == "week"


@pytest.mark.parametrize(("frequency", "rows"), [("MS", 120), ("QE", 60)])
def test_months_and_quarters_that_are_missing_keep_their_place(answer, frequency, rows):
    dates = pd.date_range("2005-01-01", periods=rows + 4, freq=frequency)
    a_year = {"MS": 12, "QE": 4}[frequency]
    values = (100 + np.arange(rows + 4)) * (1 + 0.3 * np.sin(2 * np.pi * np.arange(rows + 4) / a_year))
    there = np.random.default_rng(2).random(rows) > 0.2
    there[-1] = True
    one = answer(4, Month=stamped(dates[:rows]), value=np.where(there, values[:rows].round(2), np.nan))
    assert [str(date) for date in one.dates] == [str(date.date()) for date in dates[rows:]]
    assert (np.abs(np.array(of(one, "q50")) / values[rows:] - 1) < 0.06).all()


@pytest.mark.parametrize("days", [(0, 1, 2, 3, 4), (6, 0, 1, 2, 3)])
def test_counts_with_a_pattern_of_the_weekday_are_no_prices(answer, days):
    dates = pd.date_range("2021-01-01", periods=1000, freq="D")
    dates = dates[dates.day_of_week.isin(days)]
    pattern = np.array([500, 420, 400, 380, 300, 0, 450])
    calls = pattern[dates.day_of_week] * np.exp(np.random.default_rng(4).normal(0, 0.03, len(dates)))
    one = answer(date=stamped(dates), calls=calls.round().astype(int))
    expected = pattern[pd.DatetimeIndex(one.dates).day_of_week]
    assert (np.abs(np.array(of(one, "q50")) / expected - 1) < 0.08).all()
    assert one.series.kind == "counts" and "seasonal_naive" in one.backtest.quantiles
    assert "investment" not in one.verdict and all(value == int(value) for value in of(one, "q90"))


@pytest.mark.parametrize(("zone", "summer"), [("Europe/Berlin", "2023-03-26"), ("America/New_York", "2023-11-05")])
def test_a_load_with_its_offset_has_its_season_by_the_clock(answer, zone, summer):
    start = pd.Timestamp(summer, tz=zone) - pd.Timedelta(days=60)
    hours = pd.date_range(start.tz_convert("UTC"), periods=24 * 70, freq="h").tz_convert(zone)
    one = answer(time=[hour.isoformat() for hour in hours], load=load_of(hours).round(2))
    ahead = pd.DatetimeIndex(one.dates)
    assert ahead[0] == hours[-1].tz_localize(None) + pd.Timedelta(hours=1)
    assert (np.abs(np.array(of(one, "q50")) / load_of(ahead, noise=0.0) - 1) < 0.03).all()
    assert any("clock" in note for note in one.notes)


def test_bars_of_sessions_go_on_in_the_sessions_of_the_place(answer):
    days = pd.bdate_range("2024-01-15", "2024-03-15")
    bars = pd.DatetimeIndex([day + pd.Timedelta(minutes=570 + 60 * k) for day in days for k in range(7)])
    bars = bars.tz_localize("America/New_York")  # summer time begins on 2024-03-10
    closes = 100 * np.exp(np.random.default_rng(5).normal(0, 0.002, len(bars)).cumsum())
    one = answer(Datetime=[bar.isoformat() for bar in bars], Close=closes.round(4))
    expected = [f"2024-03-{day}T{9 + k:02d}:30" for day in (18, 19) for k in range(7)]
    assert [str(date)[:16] for date in one.dates] == expected[:9]


@pytest.mark.parametrize("kind", ["seldom sold", "rain", "few zeros", "lone zeros"])
def test_nothing_is_forecast_below_zero_where_nothing_ever_was(answer, kind):
    random = np.random.default_rng(6)
    days = pd.date_range("2022-01-01", periods=600, freq="D")
    if kind == "seldom sold":
        values = random.poisson(3, 600) * (random.random(600) < 0.3)
    elif kind == "rain":
        values = (random.gamma(0.5, 8, 600) * (random.random(600) < 0.4)).round(1)
    else:
        log = np.zeros(600)
        for day in range(1, 600):
            log[day] = 0.95 * log[day - 1] + random.normal(0, 0.2)
        values = (12 * np.exp(log)).round(1)
        if kind == "lone zeros":
            values[[100, 333]] = 0
        else:
            values = np.maximum(values - 3.5, 0).round()
            assert 0 < (values == 0).mean() < 0.05
    one = answer(day=stamped(days), v=values)
    assert one.prices.min() >= 0 and all(quantiles.min() >= -values.max() for quantiles in [one.random_walk])
    if kind == "lone zeros":
        assert any("2 zeros" in note for note in one.notes)


@pytest.mark.parametrize("step", [1.0, 0.25])
def test_what_is_counted_up_never_falls(answer, step):
    rises = step * np.random.default_rng(7).poisson(3, 300)
    days = pd.date_range("2022-01-01", periods=300, freq="D")
    total = 1000 + rises.cumsum()
    one = answer(day=stamped(days), meter=total)
    assert min(of(one, "q05")) >= total[-1] and (np.diff(of(one, "q05")) >= 0).all()
    assert of(one, "q05")[-1] < total[-1] + 27 * step < of(one, "q95")[-1] < total[-1] + 60 * step


@pytest.mark.parametrize(
    ("code", "count"), [(-9999.0, 60), (999.9, 20), (-99.0, 40), (5000.0, 1)], ids=["-9999", "999.9", "-99", "lone"]
)
def test_what_stands_for_nothing_widens_no_band(answer, code, count):
    hours = pd.date_range("2024-01-01", periods=24 * 50, freq="h")
    temperature = (
        15 + 8 * np.sin(2 * np.pi * hours.hour / 24) + np.random.default_rng(8).normal(0, 0.5, len(hours))
    ).round(1)
    rows = np.random.default_rng(9).choice(np.arange(30, len(hours) - 30), count, replace=False)
    broken = np.where(np.isin(np.arange(len(hours)), rows), code, temperature)
    clean, one = answer(time=stamped(hours), temp=temperature), answer(time=stamped(hours), temp=broken)
    assert any(f"{code:g}" in note for note in one.notes)
    assert one.series.read()["missing"] == count
    wide = np.array(of(one, "q95")) - of(one, "q05")
    assert (wide < 2 * (np.array(of(clean, "q95")) - of(clean, "q05"))).all()
    assert np.abs(np.array(of(one, "q50")) - of(clean, "q50")).max() < 1.5


@pytest.mark.parametrize("first", [(4, 4, 5), (5, 4, 4)])
def test_months_of_weeks_go_on_as_they_are_counted(answer, first):
    dates = np.datetime64("2014-01-25") + 7 * np.cumsum(np.resize(first, 112))
    sales = 100 * (1 + 0.3 * np.sin(2 * np.pi * np.arange(112) / 12))
    one = answer(3, period=dates[:100], sales=sales[:100].round(2))
    assert (one.dates == dates[100:103]).all() and any("weeks" in note for note in one.notes)


@pytest.mark.parametrize("seconds", [10, 1])
def test_rows_that_are_finer_than_a_minute_are_kept(answer, seconds):
    times = pd.date_range("2023-01-02", periods=900, freq=f"{seconds}s")
    one = answer(3, time=stamped(times), v=(100 + np.random.default_rng(0).normal(0, 0.1, 900).cumsum()).round(3))
    assert len(one.series) == 900
    assert [str(date) for date in one.dates] == [
        str((times[-1] + (k + 1) * times.freq).to_numpy().astype("datetime64[s]")) for k in range(3)
    ]


@pytest.mark.parametrize("told", ["4.0", "4:1"])
def test_a_split_that_the_file_tells_of_is_no_crash(answer, told):
    days = pd.bdate_range("2020-01-01", periods=460)
    price = 100 * np.exp(np.random.default_rng(10).normal(0, 0.01, 460).cumsum())
    raw = price * np.where(np.arange(460) < 450, 4.0, 1.0)
    one = answer(
        Date=stamped(days), Close=raw.round(4), **{"Stock Splits": [told if k == 450 else "0" for k in range(460)]}
    )
    assert 0.9 * price[-1] < of(one, "q05")[0] < of(one, "q95")[0] < 1.1 * price[-1]


def test_a_line_says_what_was_read_of_each_file(cli, tmp_path):
    hours = pd.date_range("2024-01-01", periods=600, freq="h")
    broken = load_of(hours).round(1)
    broken[[50, 70]] = np.nan
    pd.DataFrame({"time": stamped(hours), "load": broken}).to_csv(tmp_path / "hours.csv", index=False)
    done = cli("forecast", str(tmp_path / "hours.csv"), "--horizon=3", "--threads=1", "--offline")
    line = done.err.splitlines()[0]
    for said in ("column load", "step hour", "season day", "kind levels", "598 rows", "left out: 2 without a value"):
        assert said in line
    again = cli(
        "forecast", str(tmp_path / "hours.csv"), "--horizon=3", "--threads=1", "--offline", "--kind=prices", "--freq=D"
    )
    assert again.status == 1 and "step day" in again.err and "kind prices" in again.err and "too few" in again.err

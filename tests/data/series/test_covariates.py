"""Covariates as people have them: beside the target and beyond its end, as numbers, flags and words, and holidays."""

import sys
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from seqlab.data.series.calendar import next_dates
from seqlab.data.series.covariates import CovariateNames
from seqlab.data.series.frames import load_data
from seqlab.data.series.public_holidays import ANY, holiday_columns
from seqlab.errors import DataError, UsageError

ROWS, AHEAD = 100, 7
DAYS = pd.date_range("2023-01-02", periods=ROWS + AHEAD)
RANDOM = np.random.default_rng(1)
VALUES = np.round(50 + 10 * RANDOM.normal(size=ROWS), 3)
PROMO = (RANDOM.random(ROWS + AHEAD) < 0.3).astype(int)
TEMPERATURE = np.round(15 + RANDOM.normal(size=ROWS), 2)
NAMES = CovariateNames(known=("promo",), past=("temperature",))


def wide() -> pd.DataFrame:
    empty = [np.nan] * AHEAD
    return pd.DataFrame(
        {"date": DAYS, "sales": [*VALUES, *empty], "promo": PROMO, "temperature": [*TEMPERATURE, *empty]}
    )


def long() -> pd.DataFrame:
    other = wide().assign(unique_id="b", promo=1 - PROMO).iloc[20 : ROWS + AHEAD]
    both = pd.concat([wide().assign(unique_id="a"), other])
    return both.rename(columns={"date": "ds", "sales": "y"}).reset_index(drop=True)


def beside(series, horizon: int = AHEAD) -> dict[str, np.ndarray]:
    names, values = series.covariates.beside(series.dates, next_dates(series.dates, horizon))
    assert values.shape == (len(series) + horizon, len(names))
    return dict(zip(names, values.T, strict=True))


@pytest.mark.parametrize("form", ["csv", "frame", "index"])
def test_covariates_of_a_wide_table_are_read_and_the_series_is_as_alone(tmp_path, form) -> None:
    table = wide()
    table.to_csv(tmp_path / "sales.csv", index=False)
    data = {"csv": str(tmp_path / "sales.csv"), "frame": table, "index": table.set_index("date")}[form]
    (series,) = load_data(data, covariates=NAMES)
    (alone,) = load_data(table[["date", "sales"]].iloc[:ROWS])
    assert (series.dates == alone.dates).all() and series.dropped == () and series.kind == alone.kind
    np.testing.assert_allclose(series.close, alone.close)
    assert not any("promo" in note or "empty" in note for note in series.notes)
    found = beside(series)
    np.testing.assert_allclose(found["promo"], PROMO)
    np.testing.assert_allclose(found["temperature"][AHEAD:], TEMPERATURE)  # each AHEAD rows later
    assert (found["temperature"][:AHEAD] == TEMPERATURE[0]).all()
    line = series.covariates.in_words(series.dates)
    assert line == f"covariates: promo (known to {DAYS[-1].date()}), temperature (past)"


def test_each_series_of_a_long_table_has_its_own(tmp_path) -> None:
    long().to_csv(tmp_path / "shops.csv", index=False)
    for data in (long(), str(tmp_path / "shops.csv")):
        one, other = load_data(data, covariates=NAMES)
        np.testing.assert_allclose(beside(one)["promo"], PROMO)
        np.testing.assert_allclose(beside(other)["promo"], 1 - PROMO[20:])
        assert len(one) == ROWS and len(other) == ROWS - 20 and one.dropped == other.dropped == ()


def test_flags_and_words_are_indicators(tmp_path) -> None:
    sky = np.array(["rain", "sun", "snow"])[np.arange(ROWS + AHEAD) % 3]
    table = wide().assign(sky=sky, open=np.where(PROMO > 0, "yes", "no"), flag=PROMO > 0)
    table.to_csv(tmp_path / "sales.csv", index=False)
    names = CovariateNames(known=("SKY", "open", "flag"))
    for data in (table.drop(columns=["promo", "temperature"]), str(tmp_path / "sales.csv")):
        (series,) = load_data(data, columns=["sales"], covariates=names)
        found = beside(series)
        assert [*found] == ["sky=rain", "sky=snow", "sky=sun", "open", "flag"]
        np.testing.assert_allclose(found["sky=snow"], sky == "snow")
        np.testing.assert_allclose(found["open"], PROMO)
        np.testing.assert_allclose(found["flag"], PROMO)


def test_what_is_missing_in_the_past_is_the_last_before_and_ahead_an_error() -> None:
    table = wide()
    table["promo"] = table["promo"].astype(float)
    table.loc[[4, 5], "promo"] = np.nan
    (series,) = load_data(table, covariates=NAMES)
    np.testing.assert_allclose(beside(series)["promo"][3:6], PROMO[3])
    table.loc[ROWS + 2, "promo"] = np.nan
    (series,) = load_data(table, covariates=NAMES)
    assert len(beside(series, 2)["promo"]) == ROWS + 2
    with pytest.raises(DataError, match=f"'promo' of the DataFrame has no value on {DAYS[ROWS + 2].date()}") as problem:
        beside(series)
    assert "fill it in" in problem.value.hint
    with pytest.raises(DataError, match="no value on"):
        beside(series, AHEAD + 1)  # no rows


def test_a_day_in_the_past_knows_what_was_known_then() -> None:
    (series,) = load_data(wide(), covariates=NAMES, as_of=str(DAYS[59].date()))
    later = wide()
    later.loc[60:, ["sales", "temperature"]] = 1e6
    (other,) = load_data(later, covariates=NAMES, as_of=str(DAYS[59].date()))
    assert len(series) == len(other) == 60
    for name, values in beside(series).items():
        np.testing.assert_allclose(values, beside(other)[name])
    np.testing.assert_allclose(beside(series)["promo"], PROMO[: 60 + AHEAD])


def test_months_of_any_day_are_the_months_that_a_frequency_asks_for() -> None:
    ends = pd.date_range("2015-01-31", periods=72, freq="ME")
    table = pd.DataFrame({"date": ends, "y": [*np.sin(np.arange(60)) + 5, *[np.nan] * 12], "x": np.arange(72.0)})
    (series,) = load_data(table, freq="M", kind="levels", covariates=CovariateNames(known=("x",)))
    np.testing.assert_allclose(beside(series, 12)["x"], np.arange(72))


@pytest.mark.parametrize(
    ("names", "error", "said"),
    [
        (CovariateNames(known=("price",)), DataError, "no column 'price'"),
        (CovariateNames(known=("promo",), past=("promo",)), UsageError, "named twice"),
        (CovariateNames(past=("code",)), DataError, "different words"),
        (CovariateNames(past=("some",)), DataError, "'broken' beside numbers"),
    ],
)
def test_what_is_no_covariate_is_named(names, error, said) -> None:
    table = wide().assign(code=[chr(65 + n) * 2 for n in range(ROWS + AHEAD)], some=["broken", *range(1, ROWS + AHEAD)])
    with pytest.raises(error, match=said):
        list(load_data(table, columns=["sales"], covariates=names))
    with pytest.raises(UsageError, match="is the series"):
        list(load_data(table, columns=["sales"], covariates=CovariateNames(known=("sales",))))


def test_tickers_have_no_columns() -> None:
    with pytest.raises(UsageError, match="AAPL is a ticker"):
        list(load_data("AAPL", covariates=NAMES, offline=True))
    with pytest.raises(UsageError, match="write known="):
        CovariateNames.of("promo", (), None)


def test_holidays_of_days_are_those_of_the_calendar() -> None:
    pytest.importorskip("holidays")
    days = np.arange("2020-01-01", "2024-01-01", dtype="datetime64[D]")
    found = holiday_columns("de", days, len(days))

    def on(month: int, day: int) -> np.ndarray:
        return np.array([one.month == month and one.day == day for one in days.astype(object)])

    for month, day in ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26)):  # those that are fixed by law
        assert found[ANY][on(month, day)].all()
    easter = [date(2020, 4, 12), date(2021, 4, 4), date(2022, 4, 17), date(2023, 4, 9)]
    moving = {one + timedelta(after) for one in easter for after in (-2, 1, 39, 50)}
    fixed = on(1, 1) | on(5, 1) | on(10, 3) | on(12, 25) | on(12, 26)
    np.testing.assert_allclose(found[ANY], fixed | np.isin(days.astype(object), [*moving]))
    each = np.stack([values for name, values in found.items() if name != ANY])
    assert len(each) == 9 and (each.sum(1) == 4).all() and (each.sum(0) == found[ANY]).all()
    hours = days[:40, None] + np.arange(24).astype("timedelta64[h]")
    by_hour = holiday_columns("DE", hours.ravel().astype("datetime64[m]"), hours.size)
    assert [*by_hour] == [ANY]  # none of them was there twice
    np.testing.assert_allclose(by_hour[ANY].reshape(40, 24), np.repeat(found[ANY][:40, None], 24, 1))


def test_holidays_of_weeks_and_months_are_counted() -> None:
    pytest.importorskip("holidays")
    days = np.arange("2020-01-06", "2023-01-02", dtype="datetime64[D]")  # from a Monday to a Sunday
    any_day = holiday_columns("DE", days, len(days))[ANY]
    by_week = any_day.reshape(-1, 7).sum(1)
    for first in (days[::7], days[6::7]):  # which begin weeks, and which end them
        (counted,) = holiday_columns("DE", first, len(first)).values()
        np.testing.assert_allclose(counted, by_week)
    months = np.arange("2020-02", "2023-01", dtype="datetime64[M]")
    by_month = np.array([any_day[days.astype("datetime64[M]") == month].sum() for month in months])
    for of_month in (months.astype("datetime64[D]"), (months + 1).astype("datetime64[D]") - 1):
        (counted,) = holiday_columns("DE", of_month, len(months)).values()
        np.testing.assert_allclose(counted, by_month)


def test_an_unknown_country_and_a_missing_package_say_what_to_do(monkeypatch) -> None:
    days = np.arange("2020-01-01", "2020-06-01", dtype="datetime64[D]")
    if pytest.importorskip("holidays"):
        with pytest.raises(UsageError, match="no holidays of 'GERMANY'") as problem:
            holiday_columns("Germany", days, len(days))
        assert "DE" in problem.value.hint
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(UsageError, match="needs the package holidays") as problem:
        holiday_columns("FR", days, len(days))
    assert "pip install 'seqlab[holidays]'" in problem.value.hint

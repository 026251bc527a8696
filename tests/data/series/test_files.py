"""Files of any spacing, sign and number of columns, against the tables that they were written from."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.data.series.checks import check
from seqlab.data.series.files import read_csv
from seqlab.data.series.moments import moment_of
from seqlab.data.series.quotes import load_many, load_series
from seqlab.data.series.series import Series, day_of
from seqlab.errors import DataError, UsageError

FREQUENCIES = ["min", "30min", "h", "D", "B", "W-FRI", "MS", "ME", "QE", "YS"]


def written(index: pd.DatetimeIndex, separator: str = ",", **columns) -> bytes:
    return pd.DataFrame({"Date": index.astype(str), **columns}).to_csv(index=False, sep=separator).encode()


def read(data: bytes | str, columns=(), kind="auto") -> list[Series]:
    return read_csv(io.BytesIO(data if isinstance(data, bytes) else data.encode()), "given", columns, kind)


def one(data: bytes | str, column: str | None = None, kind="auto") -> Series:
    (series,) = read(data, [] if column is None else [column], kind)
    return series


def wave(index: pd.DatetimeIndex, seed: int = 0) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).standard_normal(len(index)))


# ---- spacings


@pytest.mark.parametrize("frequency", FREQUENCIES)
@given(st.integers(5, 300), st.integers(0, 2**32 - 1))
def test_a_table_of_any_spacing_comes_back(frequency, rows, seed):
    index = pd.date_range("1995-01-02", periods=rows, freq=frequency, unit="s")
    values = wave(index, seed)
    shuffled = np.random.default_rng(seed).permutation(rows)
    series = one(written(index[shuffled], value=values[shuffled]), kind="levels")
    assert str(series.dates.dtype) == f"datetime64[{'m' if frequency in ('min', '30min', 'h') else 'D'}]"
    there = np.isin(index.to_numpy().astype(series.dates.dtype), series.dates)
    assert len(series) == there.sum() >= rows - 2  # one walk in some 400 has one or two rows unlike all others
    np.testing.assert_allclose(series.close, values[there], rtol=1e-12)
    np.testing.assert_allclose(series.moved(np.diff(series.path())[-1], -2), series.close[-1])
    assert series.additive and not series.is_daily_prices


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_only_days_are_daily_prices(frequency):
    index = pd.date_range("1995-01-02", periods=100, freq=frequency, unit="s")
    series = one(written(index, Close=np.exp(0.01 * wave(index))))
    assert series.is_daily_prices == (frequency in ("D", "B")) and not series.additive
    assert series.notes == ()
    assert series.season == {"h": 24, "W-FRI": 1, "D": 7, "MS": 12, "ME": 12, "QE": 4}.get(frequency, 1)
    returns = one(written(index, r=0.01 * np.sin(np.arange(100))), kind="returns")
    assert returns.is_daily_prices == (frequency in ("D", "B"))


def test_a_regular_series_is_not_called_odd_whatever_its_spacing():
    for frequency in FREQUENCIES:
        index = pd.date_range("1995-01-02", periods=200, freq=frequency, unit="s")
        dates = index.to_numpy().astype("datetime64[m]" if frequency in FREQUENCIES[:3] else "datetime64[D]")
        values = np.exp(0.01 * wave(index))
        values[50:100] = values[50]  # a rate stays as it is for months, a meter for hours
        if frequency not in ("D", "B"):
            assert check(dates, values) == []
        assert check(dates, wave(index).round(), is_price=False) == []


def test_dates_without_a_rule_are_said():
    gaps = np.random.default_rng(0).integers(2, 30, size=100)
    index = pd.DatetimeIndex(np.datetime64("2020-01-01") + np.cumsum(gaps))
    (note,) = one(written(index, Close=np.exp(0.01 * wave(index)))).notes
    lately = np.diff(index.to_numpy()[-60:]) // np.timedelta64(1, "D")
    for words in ("irregular", f"{lately.min()} days to {lately.max()} days", f"{round(np.median(lately))} days apart"):
        assert words in note


def test_a_single_row_of_today_makes_days_no_hours():
    index = pd.date_range("2024-01-01", periods=30, freq="D")
    data = written(index, Close=np.arange(1.0, 31.0)).decode() + "2024-01-30 15:30:00,31\n"
    series = one(data)
    assert str(series.dates.dtype) == "datetime64[D]" and series.close[-1] == 31 and len(series) == 30


def test_dates_in_columns_of_their_own():
    hours = pd.date_range("2023-12-30", periods=80, freq="h")
    table = pd.DataFrame(
        {"Date": hours.strftime("%Y.%m.%d"), "Time": hours.strftime("%H:%M"), "Close": np.arange(80) + 1}
    )
    series = one(table.to_csv(index=False))
    assert (series.dates == hours.to_numpy().astype("datetime64[m]")).all()
    parts = pd.DataFrame(
        {"Year": hours.year, "Month": hours.month, "Day": hours.day, "Hour": hours.hour, "load": wave(hours)}
    )
    series = one(parts.to_csv(index=False))
    assert (series.dates == hours.to_numpy().astype("datetime64[m]")).all()
    months = pd.date_range("2020-01-01", periods=30, freq="MS")
    parts = pd.DataFrame({"month": months.month, "year": months.year, "load": wave(months)})
    assert (one(parts.to_csv(index=False)).dates == months.to_numpy().astype("datetime64[D]")).all()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_file_without_a_header_keeps_its_first_row(separator):
    index = pd.date_range("2024-01-01", periods=20, freq="h")
    data = written(index, separator, value=wave(index), other=wave(index, 1)).partition(b"\n")[2]
    series = read(data, ["column2", "column3"])
    assert [len(each) for each in series] == [20, 20]
    np.testing.assert_allclose(series[1].close, wave(index, 1))
    assert "no header" in series[0].notes[0] and "column_1 to column_3" in series[0].notes[0]
    with pytest.raises(DataError, match="column_2, column_3"):
        read(data)
    assert len(one("2020,1.5\n2021,2.5\n")) == 2
    assert len(one("2020,x\n2021-01-01,2.5\n", kind="levels")) == 1  # a word: a header


@pytest.mark.parametrize("separator", [";", "\t"])
def test_numbers_with_a_decimal_comma(separator):
    data = f"Datum{separator}Kurs\n30.12.2024{separator}1,25\n31.12.2024{separator}-12,5\n"
    assert one(data).close.tolist() == [1.25, -12.5]


# ---- columns


def test_each_column_is_a_series_with_its_name():
    index = pd.date_range("2024-01-01", periods=30)
    data = written(index, Load=wave(index), **{"a/b": np.exp(wave(index))}, text="x")
    first, second = read(data, ["A/B", "load", "Load"])
    assert (first.name, second.name) == ("a-b", "Load")  # a checkpoint's folder may be called so
    assert not first.additive and second.additive
    np.testing.assert_allclose(second.close, wave(index))
    assert one(data, "load").name == "given"
    with pytest.raises(DataError, match="Load, a/b") as raised:
        read(data)
    assert "--column" in raised.value.hint and "repeat" in raised.value.hint
    with pytest.raises(DataError, match="no column 'lod'"):
        read(data, ["load", "lod"])


def test_columns_of_several_files_and_tickers_come_in_order(tmp_path):
    index = pd.date_range("2024-01-01", periods=30)
    paths = [str(tmp_path / name) for name in ("a.csv", "b.csv")]
    for seed, path in enumerate(paths):
        Path(path).write_bytes(written(index, x=wave(index, seed), y=wave(index, seed + 5)))
    asked = list(load_many([paths[0], "AAPL", paths[1]], columns=["y", "x"], kind="levels", offline=True))
    assert [each.name for each in asked] == ["a.y", "a.x", "AAPL", "b.y", "b.x"]
    np.testing.assert_allclose(asked[-1].close, wave(index, 1))
    assert "--column y, --column x, --kind levels are for files" in asked[2].notes[-1] and not asked[2].additive
    assert [each.name for each in load_many(paths[:1], columns=["x", "y"])] == ["x", "y"]
    assert [each.name for each in load_many(paths, columns=["x"])] == ["a", "b"]
    np.testing.assert_allclose(load_series(paths[1], column="y").close, wave(index, 6))


# ---- kinds


def test_what_is_at_or_below_zero_somewhere_has_differences_and_it_is_said():
    index = pd.date_range("2024-01-01", periods=400)
    positive = np.exp(0.1 * wave(index))
    assert "numbers above zero" in one(written(index, v=positive)).notes[0]
    for low in (np.zeros(40), np.full(1, -1.0)):
        values = np.r_[positive[: -len(low)], low]
        series = one(written(index, v=values))
        said = "40 of them zero and none below" if low[0] == 0 else "1 value at or below zero"
        assert series.additive and said in series.notes[0]
        assert (series.path() == series.close).all()
        prices = one(written(index, Close=np.r_[positive[:-1], low[0]]))  # a fault of the file
        assert not prices.additive and prices.dropped == ("1 with a price not above zero",) and len(prices) == 399
    series = one(written(index, Close=np.r_[positive[:-5], np.full(5, -1.0)]))  # more than one in a hundred
    assert series.additive and len(series) == 400 and "5 values" in series.notes[0]


def test_levels_are_taken_as_they_are():
    data = "Date,High,Low,Close,Adj Close\n2024-01-01,5,3,4,2\n2024-01-02,6,4,5,2.5\n"
    series = one(data, kind="levels")
    assert series.additive and series.close.tolist() == series.adjusted.tolist() == [2, 2.5]
    assert np.isnan(series.high).all() and series.notes == ()
    assert one(data, "close", "levels").close.tolist() == [4, 5]


@given(st.lists(st.floats(-0.9, 0.9), min_size=1, max_size=60))
def test_returns_make_the_index_that_has_them(rates):
    index = pd.date_range("2024-01-01", periods=len(rates))
    series = one(written(index, r=rates), kind="returns")
    whole = np.r_[100.0, series.close]
    np.testing.assert_allclose(whole[1:] / whole[:-1] - 1, rates, atol=1e-9)
    assert not series.additive and any("100 before the first row" in note for note in series.notes)
    assert any("percent" in note for note in series.notes) == (np.median(np.abs(rates)) > 0.2)


def test_returns_that_cannot_be_are_refused():
    with pytest.raises(DataError, match=r"column 'r' of given .* 2024-01-02: a return of -1.5") as raised:
        one("Date,r\n2024-01-01,0.1\n2024-01-02,-1.5\n", kind="returns")
    assert "fractions" in raised.value.hint
    index = pd.date_range("2000-01-01", periods=3000)
    with pytest.raises(DataError, match="compounds"):
        one(written(index, r=np.full(3000, 1.5)), kind="returns")
    series = one("Date,r\n2024-01-01,0.1\n2024-01-02,\n2024-01-03,0.1\n", kind="returns")
    np.testing.assert_allclose(series.close, [110, 121])
    assert series.dropped == ("1 without a value",)


# ---- the past of hours


@given(st.integers(0, 239), st.integers(0, 59))
def test_until_a_day_is_to_its_end_and_until_a_time_to_that(hour, minute):
    index = pd.date_range("2024-01-01", periods=240, freq="h")
    series = one(written(index, v=wave(index)))
    moment = index[hour] + pd.Timedelta(minutes=minute)
    for last in (moment.isoformat(), str(moment), moment.to_pydatetime(), np.datetime64(moment.to_datetime64(), "m")):
        cut = series.until(last)
        assert len(cut) == hour + 1 and cut.dates[-1] == index[hour].to_datetime64()
    for day in (moment.date(), str(moment.date()), np.datetime64(moment.date(), "D")):
        assert len(series.until(day)) == 24 * (hour // 24 + 1)
    assert len(series.until(series.dates[hour])) == hour + 1


def test_times_as_they_are_written():
    assert str(day_of("2024-01-31T15:00")) == "2024-01-31" == str(moment_of("2024-01-31"))
    assert str(moment_of("2024-01-31 15:00:30")) == "2024-01-31T15:00:30"
    assert str(moment_of("2024-01-31T15:00Z")) == "2024-01-31T15:00:00"
    for wrong in (
        "2024-01-31T25:00",
        "15:00",
        "31.01.24",
        "31.02.2024",
        "1706659200",
    ):
        with pytest.raises(UsageError, match="no date"):
            moment_of(wrong)
    for entry in ("31.01.2024", "1/31/2024", "2024/01/31", "Jan 31, 2024", "31. Januar 2024", "20240131", "04.03.2024"):
        assert str(moment_of(entry)) == ("2024-03-04" if entry.startswith("04") else "2024-01-31")
    assert str(moment_of("31.01.2024 15:00")) == "2024-01-31T15:00:00"
    for month in ("2024-01", "Jan 2024"):  # its last day
        assert str(moment_of(month)) == "2024-01-31"
    assert str(moment_of("2024 Q1")) == "2024-03-31"
    with pytest.raises(UsageError, match="in two ways"):
        moment_of("03/04/2024")
    index = pd.date_range("2024-01-01", periods=48, freq="h")
    with pytest.raises(DataError, match="begin on 2024-01-01T00:00"):
        one(written(index, v=wave(index))).until("2023-12-31T23:59")


def test_the_past_of_hours_does_not_know_the_notes_of_its_future():
    index = pd.date_range("2024-01-01", periods=24 * 60, freq="h")
    index = index[(index < "2024-01-20 10:00") | (index > "2024-02-10 10:00")]
    series = one(written(index, v=wave(index)))
    (gap,) = [note for note in series.notes if "no rows from" in note]
    assert gap == "there are no rows from 2024-01-20T09:00 to 2024-02-10T11:00"
    assert gap in series.until("2024-02-10T11:00").notes
    assert gap not in series.until("2024-02-10T10:00").notes  # when it will end is not known yet


def test_what_has_a_value_on_all_seven_days_is_a_price_only_where_it_is_called_one(tmp_path):
    days = np.arange(np.datetime64("2022-01-01"), np.datetime64("2023-06-01"))
    for label, expected in (("Close", True), ("visitors", False)):
        path = tmp_path / f"{label}.csv"
        path.write_text(f"Date,{label}\n" + "".join(f"{day},{100 + k % 7}\n" for k, day in enumerate(days)))
        (series,) = read_csv(path, label)
        assert series.is_daily_prices is expected and series.season == 7

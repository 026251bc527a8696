"""Series in files as brokers, offices and programs write them: read, or refused by name with an example."""

import bz2
import gzip
import io
import lzma
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
import zstandard

from seqlab.data.series.files import read_csv
from seqlab.data.series.quotes import load_many, load_series
from seqlab.data.series.series import Series
from seqlab.errors import DataError

DAYS = pd.bdate_range("2022-01-03", periods=60)
PRICES = (990 + np.arange(60) + np.sin(np.arange(60))).round(2)  # across a thousand
HOURS = pd.date_range("2023-01-02", periods=24 * 8, freq="h")
LOAD = (100 + 20 * np.sin(np.arange(len(HOURS)) * np.pi / 12)).round(1)


def one(text: str | bytes, column: str | None = None, kind="auto") -> Series:
    data = text.encode() if isinstance(text, str) else text
    (series,) = read_csv(io.BytesIO(data), "given", [] if column is None else [column], kind)
    return series


def written(index=DAYS, separator: str = ",", **columns) -> str:
    return pd.DataFrame({"Date": index, **columns}).to_csv(index=False, sep=separator)


def said(series: Series) -> str:
    return "; ".join(series.notes)


# ---- numbers


@pytest.mark.parametrize(
    ("form", "note"),
    [
        ("{:,.2f}", "1,000.00 is read as 1000"),
        ("${:,.2f}", "currency"),
        ("{:.2f} EUR", "currency"),
        ("{:,.2f}-", ""),
    ],
)
def test_signs_and_thousands_are_read_and_said_and_no_row_is_dropped_by_its_size(form, note):
    series = one(written(Close=[form.format(price) for price in PRICES]), kind="levels")
    np.testing.assert_allclose(series.close, -PRICES if form.endswith("-") else PRICES)
    assert note in said(series) and "column 'Close'" in said(series)


def test_a_column_of_changes_in_percent_is_read_and_stands_behind_what_it_is_of():
    changes = [f"{price / 1000 - 1:.2f}%" for price in PRICES]
    assert "percent signs" in said(one(written(growth=changes)))
    prices = [f"{price:,.2f}" for price in PRICES]
    series = one(written(Price=prices, **{"Vol.": "1.2K", "Change %": changes}))
    np.testing.assert_allclose(series.close, PRICES)


def test_a_german_export_keeps_its_thousands():
    amounts = [f"{812_254 + 1000 * place:,}".replace(",", ".") for place in range(60)]
    prices = [f"{price:.2f}".replace(".", ",") for price in PRICES]
    text = written(DAYS.strftime("%d.%m.%Y"), ";", Close=prices, Volume=amounts)
    series = one(text)
    np.testing.assert_allclose(series.close, PRICES)
    assert series.volume[0] == 812_254


def test_an_unreadable_number_is_not_a_missing_one():
    prices = [f"{price}" for price in PRICES]
    few = one(written(Close=[*prices[:10], "1o2.5", *prices[11:]]))
    assert len(few) == 59 and "1 of 60 entries are no numbers: left out, as '1o2.5'" in said(few)
    many = [f"x{price}x" if place % 5 == 0 else f"{price}" for place, price in enumerate(PRICES)]
    with pytest.raises(DataError, match=r"column 'Close' of standard input has 12 entries of 60 .* 'x990.0x'"):
        one(written(Close=many))
    with pytest.raises(DataError, match=r"column 'Close' .* has no numbers: it holds 'high'"):
        one(written(Close="high"))


def test_a_mark_or_one_word_that_comes_again_is_missing_and_said():
    prices = [("NA", "closed", f"{price}")[2 if place % 4 else place // 4 % 2] for place, price in enumerate(PRICES)]
    series = one(written(Close=prices))
    assert len(series) == 45 and "'NA' (8 entries of column Close)" in said(series)
    assert "7 of 52 entries are no numbers: left out, as 'closed'" in said(series)


def test_what_is_below_a_limit_is_read_as_the_limit():
    series = one("A title\n\n" + written(DAYS[:40], value=["<1"] * 5 + list(range(1, 36))))
    assert series.close.tolist()[:6] == [1, 1, 1, 1, 1, 1] and "entries like '<1', 5," in said(series)
    assert "no part of the table" in series.notes[0]


# ---- columns


def test_two_closes_are_an_error_with_names_that_tell_them_apart():
    twice = written(A=PRICES, B=PRICES / 2).replace("A,B", "Close,Close", 1)
    with pytest.raises(DataError, match=r"several columns of closes: Close, Close \(2\)"):
        one(twice)
    np.testing.assert_allclose(one(twice, "Close (2)").close, PRICES / 2)


def test_two_tickers_below_their_prices_are_named_and_one_alone_is_read():
    body = "".join(f"{day.date()},{price},{price / 2}\n" for day, price in zip(DAYS, PRICES, strict=True))
    two = "Price,Close,Close\nTicker,AAA,BBB\nDate,,\n" + body
    with pytest.raises(DataError, match="AAA Close, BBB Close"):
        one(two)
    np.testing.assert_allclose(one(two, "bbb close").close, PRICES / 2)
    single = one("Price,Close,High\nTicker,AAA,AAA\nDate,,\n" + body)
    np.testing.assert_allclose(single.close, PRICES)
    assert len(single) == 60 and single.is_price


def test_a_volume_alone_is_no_price_where_another_column_cannot_be_read():
    odd = [f"x{price}x" for price in PRICES]
    with pytest.raises(DataError, match=r"column 'Last' .* has no numbers: it holds 'x990.0x'"):
        one(written(Last=odd, Volume=range(60)))
    assert one(written(Volume=range(1, 61))).close[-1] == 60
    np.testing.assert_allclose(one(written(**{"Close/Last": PRICES, "Volume": range(60)})).close, PRICES)


def test_several_series_below_each_other_are_named_though_their_dates_do_not_overlap():
    later = DAYS + pd.DateOffset(years=1)
    both = pd.concat([pd.DataFrame({"ticker": name, "ds": at, "y": 5.0}) for name, at in (("A", DAYS), ("B", later))])
    with pytest.raises(DataError, match="2 series in one column: 'ticker' names A, B"):
        one(both.to_csv(index=False))
    assert len(one(written(symbol="BTC/USD", close=PRICES))) == 60


# ---- dates


@pytest.mark.parametrize(
    "writing", ["%m/%d/%y", "%d-%b-%y", "%a %b %d %Y", "%Y%m%d", "%Y/%-m/%-d", "%d.%m.%y", "%Y年%m月%d日"]
)
@pytest.mark.parametrize("label", ["Date", "trade_date"])
def test_days_in_many_writings(writing, label):
    series = one(written(DAYS.strftime(writing), Close=PRICES).replace("Date", label, 1))
    assert (series.dates == DAYS.to_numpy().astype("datetime64[D]")).all()


def test_a_column_that_is_mostly_empty_is_read_where_no_other_is_there():
    weekly = [price if place % 5 == 0 else "" for place, price in enumerate(PRICES)]
    series = one(written(stock=weekly, holiday=""))
    np.testing.assert_allclose(series.close, PRICES[::5])
    assert "48 without a value" in series.about()[0]
    with pytest.raises(DataError, match="of columns with numbers none"):
        one(written(state=["open"] * 58 + ["3", "4"]))


@pytest.mark.parametrize("name", ["YearMonth", "yyyymm"])
def test_years_and_months_in_one_number(name):
    months = pd.date_range("1990-01-01", periods=60, freq="MS")
    series = one(written(months.strftime("%Y%m"), v=PRICES).replace("Date", name, 1))
    assert (series.dates == months.to_numpy().astype("datetime64[D]")).all()


def test_numbers_that_are_dates_are_read_whatever_they_are_called():
    for epoch in (DAYS.astype("datetime64[s]").astype("int64"), DAYS.strftime("%Y%m%d").astype("int64")):
        assert len(one(written(epoch, Close=PRICES).replace("Date", "t", 1))) == 60
    excel = (DAYS - pd.Timestamp("1899-12-30")).days
    series = one(written(excel, Close=PRICES))
    assert (series.dates == DAYS.to_numpy().astype("datetime64[D]")).all() and "Excel" in said(series)
    with pytest.raises(DataError, match="no column with dates"):
        one(written(excel, Close=PRICES).replace("Date", "count", 1))


@pytest.mark.parametrize("clock", ["%H:%M", "%H.%M.%S", "%H%M%S", "%I:%M %p", "%-H%M%S"])
def test_a_date_and_a_time_beside_it_are_read_together(clock):
    frame = pd.DataFrame({"<DATE>": HOURS.strftime("%Y%m%d"), "<TIME>": HOURS.strftime(clock), "<CLOSE>": LOAD})
    series = one(frame.to_csv(index=False))
    assert (series.dates == HOURS.to_numpy().astype("datetime64[m]")).all()


def test_a_time_beside_a_date_needs_no_name():
    frame = pd.DataFrame({"a": HOURS.strftime("%Y.%m.%d"), "b": HOURS.strftime("%H:%M"), "c": LOAD})
    for data in (frame.to_csv(index=False, header=False), frame.rename(columns={"b": "begins"}).to_csv(index=False)):
        assert (one(data).dates == HOURS.to_numpy().astype("datetime64[m]")).all()


@pytest.mark.parametrize("count", [24, 48, 96])
def test_numbered_periods_of_a_day_are_times(count):
    times = pd.date_range("2023-01-01", periods=8 * count, freq=f"{24 * 60 // count}min")
    frame = pd.DataFrame({"DAY": times.strftime("%Y-%m-%d"), "SETTLEMENT_PERIOD": np.tile(np.arange(1, count + 1), 8)})
    series = one(frame.assign(load=np.arange(len(times)) + 1.0).to_csv(index=False))
    assert (series.dates == times.to_numpy().astype("datetime64[m]")).all()
    assert f"numbers {count} periods of {24 * 60 // count} minutes" in said(series)


@pytest.mark.parametrize("part", ["week", "quarter", "month"])
def test_a_year_and_a_part_of_it_in_columns_of_their_own(part):
    at = pd.date_range("2015-01-05", periods=80, freq={"week": "W-MON", "quarter": "QS", "month": "MS"}[part])
    week = at.isocalendar()
    numbers = week["week"].to_numpy() if part == "week" else getattr(at, part)
    year = week["year"].to_numpy() if part == "week" else at.year
    series = one(pd.DataFrame({"YEAR": year, part.upper(): numbers, "v": np.arange(80) + 1.0}).to_csv(index=False))
    assert (series.dates == at.to_numpy().astype("datetime64[D]")).all()


def test_rows_finer_than_a_minute_are_kept_and_an_outlier_among_them_is_found():
    at = pd.date_range("2023-01-02", periods=600, freq="10s")
    values = 100 + np.random.default_rng(1).normal(0, 1, 600).round(2)
    values[333] = 900
    series = one(written(at.astype(str), v=values))
    assert len(series) == 599 and (np.diff(series.dates)[:300] == np.timedelta64(10, "s")).all()
    assert "the value 900 on 2023-01-02T00:55:30" in said(series) and "comes again" not in said(series)


# ---- files


def test_packed_files_parquet_excel_and_other_encodings_are_the_same_series(tmp_path):
    frame = pd.DataFrame({"Date": DAYS, "Close": PRICES, "where": "Köln"})
    text = frame.to_csv(index=False)
    pack = {"csv": bytes, "csv.gz": gzip.compress, "csv.bz2": bz2.compress, "csv.xz": lzma.compress}
    pack["csv.zst"] = zstandard.ZstdCompressor().compress
    for ending, packed in pack.items():
        (tmp_path / f"v.{ending}").write_bytes(packed(text.encode()))
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        archive.writestr("inside.csv", text)
    for encoding in ("cp1252", "utf-16", "utf-8-sig"):
        (tmp_path / f"{encoding}.txt").write_bytes(text.encode(encoding))
    frame.to_parquet(tmp_path / "v.parquet")
    frame.to_excel(tmp_path / "v.xlsx", index=False)
    found = {path.name: load_series(str(path)) for path in sorted(tmp_path.iterdir())}
    assert len(found) == 11 and len({series.sha256 for series in found.values()}) == 1
    assert {series.name for name, series in found.items() if name.startswith("v")} == {"v"}
    assert "Windows-1252" in said(found["cp1252.txt"]) and found["v.csv.gz"].notes == ()


def test_a_packed_stream_is_read_too(monkeypatch):
    packed = gzip.compress(written(Close=PRICES).encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(packed)))
    np.testing.assert_allclose(load_series("-").close, PRICES)


def test_a_file_that_is_not_there_is_no_ticker():
    for name in ("none.csv.gz", "none.xlsx", "none.parquet"):
        with pytest.raises(DataError, match=f"there is no file {name}"):
            list(load_many([name], offline=True))

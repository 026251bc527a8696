"""Which column of a file is the series, whether its rows are of several, and what its entries are."""

import io

import numpy as np
import pandas as pd
import pytest

from seqlab.data.series.column_numbers import numbers_of_column
from seqlab.data.series.files import read_csv
from seqlab.data.series.series import Series
from seqlab.errors import DataError

DAYS = pd.bdate_range("2022-01-03", periods=60)
VALUES = (100 + 20 * np.sin(np.arange(60) / 4) + np.arange(60) / 10).round(2)
VOLUME = (1000 + np.arange(60) * 37) % 5000 + 1


def one(frame: pd.DataFrame | str, column: str | None = None) -> Series:
    text = frame if isinstance(frame, str) else frame.to_csv(index=False)
    (series,) = read_csv(io.BytesIO(text.encode()), "given", [] if column is None else [column])
    return series


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame({"Date": DAYS.astype(str), **columns})


def german(number: float, decimals: int = 2) -> str:
    return f"{number:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


def said(series: Series) -> str:
    return "; ".join(series.notes)


# ---- which column


BESIDE = {  # columns that tell of a row, not of what was measured
    "id": np.arange(60) + 500,
    "station_id": 17,
    "STATION_ID": 17,
    "code": 123456,
    "zip": 10115,
    "latitude": 52.5,
    "lon": 13.4 + np.arange(60) / 100,
    "elevation": 38,
    "year": DAYS.year,
    "Monat": DAYS.month,
    "weekday": DAYS.day_of_week,
    "day_of_week": DAYS.day_of_week + 1,
    "doy": DAYS.day_of_year,
    "is_open": np.arange(60) % 2,
    "holiday": np.arange(60) % 20 == 0,
    "quality_flag": np.arange(60) % 3,
    "Unnamed: 0": np.arange(60),
    "": np.arange(60),
    "Nr": np.arange(60) + 1,
    "constant": 7.5,
    "n_obs": 30,
    "timestamp": DAYS.astype("datetime64[s]").astype("int64"),
}


@pytest.mark.parametrize("label", BESIDE)
def test_what_tells_of_a_row_is_not_the_series(label):
    first = pd.DataFrame({label: BESIDE[label], "Date": DAYS.astype(str), "visits": VALUES})
    for frame in (table(**{label: BESIDE[label], "visits": VALUES}), first):
        np.testing.assert_allclose(one(frame).close, VALUES)
    with pytest.raises(DataError, match=r"several \(north, south\)"):
        one(table(**{label: BESIDE[label], "north": VALUES, "south": 2 * VALUES}))


@pytest.mark.parametrize("label", ["id", "station_id", "latitude", "year", "is_open", "Unnamed: 0", "weekday"])
def test_what_tells_of_a_row_is_refused_where_there_is_nothing_else(label):
    with pytest.raises(DataError, match=rf"tell of rows, not of a series: {label}"):
        one(table(**{label: BESIDE[label], "word": "x"}))
    named = one(table(**{label: BESIDE[label], "word": "x"}), label)
    assert len(named) >= 29  # who names it has it, but for zeros in what is taken for prices


def test_numbers_that_are_simple_are_a_series_where_there_is_nothing_else():
    assert one(table(total=np.arange(60) + 1)).close.tolist() == list(range(1, 61))
    assert "column 'total' numbers the rows: 1 to 60" in said(one(table(total=np.arange(60) + 1)))
    assert "column 'level' is 7.5 in all rows" in said(one(table(level=7.5)))
    assert one(table(event=np.arange(60) % 3 // 2)).close.sum() == 20


@pytest.mark.parametrize(
    "closes",
    [("Close", "AAPL Close"), ("AAA Close", "BBB Close"), ("Close", "close", "CLOSE"), ("Adj Close", "adjusted close")],
)
def test_several_closes_are_an_error_that_names_them(closes):
    frame = table(**{label: VALUES * place for place, label in enumerate(closes, 1)})
    with pytest.raises(DataError, match=f"several columns of closes: {', '.join(closes)}"):
        one(frame)
    np.testing.assert_allclose(one(frame, closes[1]).close, VALUES * 2)


def test_what_is_computed_of_a_close_is_no_other_close():
    frame = table(**{"Close": VALUES, "SMA Close": VALUES, "Prev Close": VALUES, "close_time": VOLUME})
    np.testing.assert_allclose(one(frame).close, VALUES)


@pytest.mark.parametrize(
    "label",
    [
        *("Schluss", "Schlusskurs", "Schlußkurs", "Schlusspreis", "Clôture", "Cierre", "Chiusura", "Fechamento"),
        *("收盘", "PX_LAST", "Settle", "Close (USD)", "Last", "Letzter", "Dernier", "Último", "Price", "Kurs"),
    ],
)
def test_a_close_in_other_words(label):
    frame = table(Open=VALUES + 5, High=VALUES + 9, Low=VALUES - 9, **{label: VALUES})
    np.testing.assert_allclose(one(frame).close, VALUES)


def test_a_german_export_of_prices_has_decimal_commas_and_points_between_thousands():
    rows = [
        f"{day:%d.%m.%Y};{german(value + 880)};{german(value + 890)};{german(value + 870)};{german(value + 883)};"
        f"{german(812_254 + 1000 * place, 0)};{german(800_123_456 + place, 0)}\n"
        for place, (day, value) in enumerate(zip(DAYS, VALUES, strict=True))
    ]
    text = "Datum;Erster;Hoch;Tief;Schlusskurs;Stuecke;Volumen\n" + "".join(rows)
    series = one(text)
    assert (series.dates == DAYS.to_numpy().astype("datetime64[D]")).all()
    np.testing.assert_allclose(series.close, VALUES + 883)
    np.testing.assert_allclose(one(text, "Stuecke").close, 812_254 + 1000 * np.arange(60))


def test_a_weather_file_with_lines_of_the_place_above_its_header():
    hours = pd.date_range("2024-05-01", periods=200, freq="h")
    rows = "".join(f"{hour:%Y-%m-%dT%H:%M},{place / 8}\n" for place, hour in enumerate(hours))
    series = one("latitude,longitude,elevation\n52.5,13.4,38\n\ntime,temperature_2m (°C)\n" + rows)
    np.testing.assert_allclose(series.close, np.arange(200) / 8)
    assert "no part of the table" in said(series)


@pytest.mark.parametrize("price", ["Price", "Kurs", "anything"])
def test_a_volume_is_not_taken_where_the_price_cannot_be_read(price):
    odd = [f"x{value}x" for value in VALUES]
    for volume in ("Volume", "Volumen", "Vol."):
        with pytest.raises(DataError, match=f"column '{price}' .* (cannot be read as|has no) numbers.* 'x100.0x'"):
            one(table(**{price: odd, volume: VOLUME}))
    if price != "anything":
        with pytest.raises(DataError, match=f"column '{price}' .* the only other one is amount"):
            one(table(**{price: odd, "amount": VOLUME}))


# ---- several series


def stacked(label: str, names: list, starts: list[int]) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"date": DAYS + pd.Timedelta(days=start), label: name, "v": VALUES + 100 * place})
        for place, (name, start) in enumerate(zip(names, starts, strict=True))
    ]
    return pd.concat(parts, ignore_index=True)


IDENTIFIERS = {
    "store": [1, 2, 3],
    "item_id": ["A", "B", "C"],
    "store_id": [101, 102, 103],
    "product": ["P1", "P2", "P3"],
    "country": ["DE", "FR", "IT"],
    "Station": ["X", "Y", "Z"],
    "name": ["Anna Ltd", "Bob Ltd", "C Ltd"],
    "sensor": ["s1", "s2", "s3"],
    "Filiale": [7, 8, 9],
}


@pytest.mark.parametrize("label", IDENTIFIERS)
@pytest.mark.parametrize("starts", [[0, 0, 0], [0, 40, 80], [0, 100, 200], [200, 100, 0]])
def test_rows_of_several_series_are_refused_by_the_column_that_names_them(label, starts):
    names = IDENTIFIERS[label]
    frame = stacked(label, names, starts)
    expected = f"3 series in one column: '{label}' names {names[0]}, {names[1]}, {names[2]}"
    with pytest.raises(DataError, match=expected) as raised:
        one(frame)
    assert f"keep the rows of one {label}" in raised.value.hint
    if max(starts) < 100:
        with pytest.raises(DataError, match=f"'{label}' names "):
            one(frame.sort_values("date", kind="stable"))
        with pytest.raises(DataError, match=f"'{label}' names "):
            one(frame.sample(frac=1, random_state=0))
    single = frame[frame[label] == names[0]]
    np.testing.assert_allclose(one(single).close, VALUES)


def test_two_columns_that_name_the_series_together_are_both_named():
    parts = [stacked("item", [1, 2, 3], [0, 0, 0]).assign(store=store) for store in (11, 12)]
    with pytest.raises(DataError, match=r"6 series .* 'item' and 'store' name 1 11, 2 11"):
        one(pd.concat(parts))
    with pytest.raises(DataError, match="'item' names 1, 2, 3"):
        one(parts[0])


def test_several_series_of_which_one_has_few_rows_are_found():
    frame = stacked("store", [1, 2], [0, 0])
    with pytest.raises(DataError, match="'store' names 1, 2"):
        one(frame.drop(index=[row for row in range(60, 120) if row % 4]))
    nameless = frame.drop(columns="store")
    with pytest.raises(DataError, match="2 rows for each date"):
        one(nameless)


@pytest.mark.parametrize(
    "column",
    [
        DAYS.day_name(),
        DAYS.month_name(),
        ["bull"] * 20 + ["bear"] * 25 + ["bull"] * 15,
        ["lockdown"] * 20 + ["open"] * 40,
        np.array(["sun", "rain", "snow"])[np.arange(60) % 3],
        ["H22"] * 20 + ["M22"] * 20 + ["U22"] * 20,
        np.where(np.arange(60) % 20, "", "Xmas"),
        "AAA",
    ],
)
@pytest.mark.parametrize("label", ["what", "regime", "type", "season"])
def test_a_word_that_changes_over_time_names_no_series(column, label):
    frame = table(**{label: column, "v": VALUES})
    for rows in (frame, frame[::-1], frame.sample(frac=1, random_state=1)):
        np.testing.assert_allclose(one(rows).close, VALUES)


def test_a_few_rows_that_come_again_are_no_series():
    frame = table(ticker="AAA", v=VALUES)
    series = one(pd.concat([frame, frame[:3]]))
    assert len(series) == 60 and series.dropped == ("3 of a date that comes again",)


# ---- numbers


READ = {  # entry -> number, and what is said
    "1.2K": (1200, "1.2K is read as 1200"),
    "3.4M": (3.4e6, "is read as 3400000"),
    "2.5 Mio": (2.5e6, "2.5 Mio is read as 2500000"),
    "2.5 Mrd.": (2.5e9, "is read as 2500000000"),
    "(1,234)": (-1234, "parentheses"),
    "$1,234.50": (1234.5, "currency"),
    "-$1,234.50": (-1234.5, "currency"),
    "1\u202f234.5": (1234.5, "is read as 1234.5"),
    "1'234.50": (1234.5, "is read as 1234.5"),
    "12%": (12, "percent"),
    "12.5‰": (12.5, "12.5‰ is read as 12.5"),
    "1,234,567": (1234567, "is read as 1234567"),
    "CHF 12.30": (12.3, "currency"),
    "12.30 SEK": (12.3, "currency"),
    "Rs. 12.30": (12.3, "currency"),
    "R$12.30": (12.3, "currency"),
    "1e3": (1000, ""),
    "<0.5": (0.5, "entries like '<0.5'"),
    "~12.5": (12.5, "'~12.5'"),
    "12.5*": (12.5, "'12.5*'"),
    "12.5[1]": (12.5, "'12.5[1]'"),
    "12 kWh": (12, "12 kWh is read as 12"),
    "12.5 °C": (12.5, "12.5 °C is read as 12.5"),
    "\u201312.5": (-12.5, ""),
    "12.5-": (-12.5, "minus behind"),
}


@pytest.mark.parametrize("entry", READ)
def test_what_is_written_around_numbers_is_read_and_said(entry):
    number, note = READ[entry]
    values, notes, unread = numbers_of_column(pd.Series([entry] * 5 + ["7", ""], name="v"), ".")
    assert values[:6].tolist() == [number] * 5 + [7] and np.isnan(values[6]) and not len(unread)
    assert note in "; ".join(notes)


def test_the_same_with_a_decimal_comma():
    entries = ["2,5 Mio", "1.234,5-", "1 234,5", "12,5 kWh"]
    for entry, number in zip(entries, [2.5e6, -1234.5, 1234.5, 12.5], strict=True):
        assert numbers_of_column(pd.Series([entry] * 5), ",")[0].tolist() == [number] * 5


@pytest.mark.parametrize(
    "entries",
    [
        ["12 kWh", "0.5 MWh"],
        ["USD12.5", "EUR12.5"],
        ["100K", "5K"],
        ["118-16", "118-08"],
        ["118 1/2", "118 1/4"],
        ["10-15", "20-25"],
        ["12:30", "13:30"],
        ["0x64", "0x65"],
        ["1o2.5", "1O3.5"],
    ],
)
def test_what_can_be_read_otherwise_or_not_at_all_is_refused_by_name_with_an_example(entries):
    column = [entries[row % 2] for row in range(60)]
    for label in ("v", "Close"):
        with pytest.raises(DataError, match=rf"column '{label}' .*'({'|'.join(entries)})'"):
            one(table(**{label: column}))
    some = [entries[row // 4 % 2] if row % 4 == 0 else f"{value}" for row, value in enumerate(VALUES)]
    with pytest.raises(DataError, match="column 'v' of standard input has 15 entries of 60 that cannot be read"):
        one(table(v=some))


@pytest.mark.parametrize(("named", "beside", "kind"), [("Price", "Vol.", "prices"), ("Price", "Rooms", "levels")])
def test_a_price_beside_a_volume_is_a_close_whatever_it_does(named, beside, kind):
    """Its changes come back the next day, as no market's do."""
    values = 100.25 + np.resize([0.0, 1.0], 200)
    frame = pd.DataFrame({"Date": pd.bdate_range("2022-01-03", periods=200), named: values, beside: 7})
    series = one(frame.to_csv(index=False), named)
    assert series.kind == kind

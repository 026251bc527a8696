"""Shapes of tables that people's files have: headers of several rows, lines above, quotes, marks, Excel, any width."""

import time
from collections.abc import Mapping
from datetime import datetime
from datetime import time as clock
from pathlib import Path
from types import MappingProxyType

import numpy as np
import openpyxl
import pandas as pd
import pytest

from seqlab.data.tables.numbers import read_numbers
from seqlab.data.tables.reader import Table, read_table, read_untyped
from seqlab.data.tables.unpack import is_file_name
from seqlab.errors import DataError


def read(folder: Path, content: str, name: str = "a.csv", written: Mapping[str, str] = MappingProxyType({})) -> Table:
    (folder / name).write_text(content)
    return read_table(folder / name, written)


def rows(*lines: str, times: int = 10) -> str:
    return "".join(f"{line}\n" for _ in range(times) for line in lines)


# ---- separators


@pytest.mark.parametrize(("inside", "separator"), [("\t", ";"), (";", ","), ("|", ";"), ("\t", ",")])
def test_a_separator_within_a_quoted_name_is_part_of_it(tmp_path, inside, separator):
    content = f'a,"b{inside}",c,d\n'.replace(",", separator) + rows("1,2,3.5,x".replace(",", separator), times=40)
    table = read(tmp_path, content)
    assert [*table.frame] == ["a", f"b{inside}".strip(), "c", "d"] and len(table.frame) == 40


def test_columns_parted_by_blanks_may_hold_words(tmp_path):
    table = read(tmp_path, rows("A11 6 A34 1169", "A12 48 A32 5951"), "a.data")
    assert table.frame.shape == (20, 4) and table.frame["column_4"].tolist() == [1169, 5951] * 10
    assert any("blanks" in note for note in table.notes)


def test_blanks_before_a_tab_part_columns_too_and_words_in_quotes_stay_together(tmp_path):
    table = read(tmp_path, rows('18.0   8   307.0\t"chevrolet chevelle"', '15.0   8   350.0\t"buick skylark 320"'))
    assert table.frame.shape == (20, 4) and table.frame["column_4"][0] == "chevrolet chevelle"


def test_prose_is_no_table_of_blanks(tmp_path):
    assert read(tmp_path, "review\ngood film\nbad film\nno film\n").frame.shape == (3, 1)
    assert read(tmp_path, "name\nRoom 1\nRoom 2\n").frame.shape == (2, 1)


# ---- decimals


def test_thousands_of_a_column_follow_the_decimals_of_the_file(tmp_path):
    content = "d;p;v;w\n" + rows("28.06.2024;983,65;812.254;1.234", "29.06.2024;981,10;1.812.254;2.345")
    table = read(tmp_path, content)
    assert table.frame["v"].tolist()[:2] == [812254, 1812254] and table.frame["w"].tolist()[:2] == [1234, 2345]
    assert table.frame["p"].tolist()[:2] == [983.65, 981.1]
    by_comma = read(tmp_path, "p,v\n" + rows('"983,65","812.254"', '"981,10","912.254"'))
    assert by_comma.frame["v"].tolist()[:2] == [812254, 912254] and by_comma.frame["p"][0] == 983.65


def test_letters_for_thousands_and_millions_are_read_where_decimals_show_that_they_are_numbers(tmp_path):
    table = read(tmp_path, "v,size\n" + rows("1.2K,5K", "3.4M,10K", "950,5K"))
    assert table.frame["v"].tolist()[:3] == [1200, 3_400_000, 950] and "1.2K is read as 1200" in table.notes[0]
    assert table.frame["size"].tolist()[:2] == ["5K", "10K"]


def test_a_minus_behind_and_codes_of_currency_are_read(tmp_path):
    table = read(tmp_path, 'a,b,c\n"1,234.5-",USD 5.2,(no idea)\n"2,000.0",3 EUR,(none yet)\n')
    assert table.frame["a"].tolist() == [-1234.5, 2000] and table.frame["b"].tolist() == [5.2, 3]
    assert not any("parentheses" in note for note in table.notes)


# ---- headers


YAHOO = "Price,Close,Close,Volume,Volume\nTicker,AAA,BBB,AAA,BBB\nDate,,,,\n"


def test_a_header_of_several_rows_gives_joined_names(tmp_path):
    table = read(tmp_path, YAHOO + "2022-01-03,900.0,49.6,1000,2000\n2022-01-04,901.0,49.7,1001,2001\n")
    assert [*table.frame] == ["Date", "AAA Close", "BBB Close", "AAA Volume", "BBB Volume"]
    assert table.frame["BBB Close"].tolist() == [49.6, 49.7] and "3 rows" in table.notes[0]
    merged = read(tmp_path, ",Sales,,Costs,\nShop,Q1,Q2,Q1,Q2\n" + rows("x,1,2,3,4", "y,5,6,7,8"))
    assert [*merged.frame] == ["Shop", "Sales Q1", "Sales Q2", "Costs Q1", "Costs Q2"]


def test_what_is_the_same_in_all_columns_is_no_part_of_their_names(tmp_path):
    one = "Price,Close,Volume\nTicker,AAA,AAA\nDate,,\n" + rows("2022-01-03,900.0,1000", "2022-01-04,901.0,1001")
    assert [*read(tmp_path, one).frame] == ["Date", "Close", "Volume"]


def test_units_below_a_header_are_part_of_it(tmp_path):
    table = read(tmp_path, "time,speed,way\ns,m/s,m\n" + rows("1,2.5,3", "2,3.5,4"))
    assert [*table.frame] == ["time s", "speed m/s", "way m"] and table.frame["speed m/s"][0] == 2.5


def test_a_first_row_without_numbers_is_no_header(tmp_path):
    assert [*read(tmp_path, "name,age,size\nBob,,\n" + rows("Al,5,6", "Ed,7,8")).frame] == ["name", "age", "size"]
    few = read(tmp_path, "age,size\nunknown,NA\n" + rows("5,6", "7,8"))
    assert [*few.frame] == ["age", "size"] and few.frame["age"].isna().sum() == 1


def test_dates_in_the_first_row_are_no_header_and_a_name_above_dates_is_one(tmp_path):
    assert read(tmp_path, rows("2020-01-01,red", "2020-01-02,blue")).frame.shape == (20, 2)
    assert [*read(tmp_path, "Date,7203\n" + rows("2020-01-01,5", "2020-01-02,6")).frame] == ["Date", "7203"]


@pytest.mark.parametrize(
    "above",
    ["https://example.com/\n", "Category: All\n\n", "Station,Berlin\nHeight,38,m,x\n\n", "lat,lon\n52.5,13.4\n\n"],
)
def test_lines_above_the_table_are_left_out_and_said(tmp_path, above):
    table = read(tmp_path, above + "time,rain,wind\n" + rows("2024-01-01,0.5,3", "2024-01-02,1.5,4"))
    assert [*table.frame] == ["time", "rain", "wind"] and len(table.frame) == 20
    assert "no part of the table" in table.notes[0]


def test_a_first_table_of_the_same_width_ends_with_a_blank_line(tmp_path):
    content = "latitude,longitude\n52.5,13.4\n\ntime,rain\n" + rows("2024-01-01,0.5", "2024-01-02,1.5")
    assert [*read(tmp_path, content).frame] == ["time", "rain"]
    assert [*read(tmp_path, "a,b\n\n1,2\n\n3,4\n").frame] == ["a", "b"]


# ---- what is missing


def test_marks_of_what_is_missing_are_said_by_name_and_number(tmp_path):
    table = read(tmp_path, "a,b,c\n" + rows("NA  ,1,x", "3,?,y", "4,5,z", "-,6,x", times=5))
    assert table.frame["a"].isna().sum() == 10 and table.frame["a"].dtype.kind == "f"
    assert table.notes == (
        "taken as missing: 'NA' (5 entries of column a), '-' (5 entries of column a), '?' (5 entries of column b)",
    )


@pytest.mark.parametrize(("mark", "other"), [("-", "+"), ("None", "Mild"), ("--", "++"), ("none", "low")])
def test_a_dash_or_none_that_is_a_good_part_of_a_column_of_words_is_a_word(tmp_path, mark, other):
    table = read(tmp_path, "x,class\n" + rows(f"1.5,{mark}", f"2.5,{other}"))
    assert table.frame["class"].tolist() == [mark, other] * 10 and table.written["class"] == f"words: {mark}"
    assert table.notes == (f"column 'class': '{mark}' is a word, in 10 of 20 rows",)
    again = read(tmp_path, f"x,class\n1.5,{mark}\n2.5,{mark}\n", "b.csv", table.written)
    assert again.frame["class"].tolist() == [mark, mark]
    few = read(tmp_path, "x,class\n" + rows(f"2.5,{other}", times=40) + f"1.5,{mark}\n")
    assert few.frame["class"].isna().sum() == 1 and f"'{mark}' (1 entry of column class)" in few.notes[0]
    known = read(tmp_path, f"x,class\n1.5,{mark}\n2.5,{mark}\n", "b.csv", few.written)
    assert known.frame["class"].isna().all()  # as it was where it was learned


def test_na_among_codes_of_two_capitals_is_a_code(tmp_path):
    table = read(tmp_path, "x,land\n" + rows("1,NA", "2,EU", "3,AS", "4,SA"))
    assert table.frame["land"].notna().all() and "'NA' is a word, in 10 of 40 rows" in table.notes[0]
    assert read(tmp_path, "x,alley\n" + rows("1,NA", "2,Grvl", "3,Pave")).frame["alley"].isna().sum() == 10


def test_a_word_that_comes_again_among_few_numbers_is_a_value(tmp_path):
    table = read(tmp_path, "n,x\n" + rows(*["0,1.5", "1,2.5", "2,3.5"] * 5, ",4.5", "3+,5.5"))
    assert table.frame["n"].value_counts().to_dict() == {"0": 50, "1": 50, "2": 50, "3+": 10}
    many = "".join(f"{number / 7:.3f},1\n" for number in range(200)) + rows("n.v.,1", times=5)
    assert read(tmp_path, f"n,x\n{many}").frame["n"].isna().sum() == 5


def test_marks_after_the_beginning_of_a_file_are_marks_too(tmp_path):
    content = "a,b\n" + "12345678,1\n" * 40_000 + "NA,1\n"
    table = read(tmp_path, content)
    assert table.frame["a"].isna().sum() == 1 and "'NA' (1 entry of column a)" in table.notes[0]


# ---- Excel, and names of files


def workbook(path: Path, **sheets: list) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, cells in sheets.items():
        sheet = book.create_sheet(name)
        for row in cells:
            sheet.append(row)
    book.save(path)
    return path


def test_an_excel_file_is_read_as_the_csv_that_it_would_be_saved_as(tmp_path):
    table = read_table(
        workbook(
            tmp_path / "a.xlsx",
            Empty=[],
            Data=[
                ["A report"],
                [],
                ["day", "at", "n", "word", "yes", "when"],
                [datetime(2024, 1, 31), clock(9, 30), 1.0, "x, y", True, datetime(2024, 1, 31, 9, 59, 59, 999_999)],
                [datetime(2024, 2, 1), clock(10, 0), 2.5, None, False, datetime(2024, 2, 1, 11)],
            ],
        )
    )
    assert table.name == "a" and [*table.frame] == ["day", "at", "n", "word", "yes", "when"]
    assert table.frame["day"].astype(str).tolist() == ["2024-01-31", "2024-02-01"]
    assert table.frame["when"][0] == pd.Timestamp("2024-01-31T10:00") and table.frame["n"].tolist() == [1, 2.5]
    assert table.frame["yes"].tolist() == [True, False] and table.frame["word"].isna().tolist() == [False, True]
    assert table.notes[0] == "of its 2 sheets 'Data' is read"
    with pytest.raises(DataError, match="is empty"):
        read_table(workbook(tmp_path / "b.xlsx", One=[], Two=[]))


def test_excel_without_its_reader_names_the_extra(tmp_path, monkeypatch):
    path = workbook(tmp_path / "a.xlsx", Data=[["a"], [1]])
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(DataError, match="is an Excel file") as raised:
        read_table(path)
    assert "pip install seqlab[excel]" in raised.value.hint


def test_a_stream_is_read_as_a_file(tmp_path):
    path = workbook(tmp_path / "a.xlsx", Data=[["a"], [1]])
    with path.open("rb") as stream:
        raw = read_untyped(stream)
    assert raw.where == "standard input" and [*raw.columns] == ["a"]
    assert raw.sha256 == read_untyped(path).sha256


def test_names_of_files_are_told_from_tickers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("odd").write_text("a\n1\n")
    for name in ("v.csv.gz", "V.XLSX", "v.parquet", "v.tsv", "v.csv.zst", "a/b", "a\\b", "odd"):
        assert is_file_name(name)
    for name in ("AAPL", "BRK-B", "SAP.DE", "^GSPC", "x" * 300):
        assert not is_file_name(name)


# ---- width


def test_a_wide_table_is_read_in_linear_time(tmp_path):
    seconds = []
    for width in (1000, 4000):
        values = np.random.default_rng(0).random((24, width)).round(3).astype(str)
        content = ",".join(f"g{place}" for place in range(width)) + "\n" + "\n".join(map(",".join, values))
        (tmp_path / "wide.csv").write_text(content)
        begin = time.process_time()
        assert read_table(tmp_path / "wide.csv").frame.shape == (24, width)
        seconds.append(time.process_time() - begin)
    assert seconds[1] < 10 * seconds[0] and seconds[1] < 6


@pytest.mark.parametrize("entries", [["1 2,5", "3 4,7", "10 20,8"], ["5%6", "7%8", "9%1"], ["1 23", "4 56", "7 89"]])
def test_what_only_holds_digits_is_no_number(entries: list[str]) -> None:
    """Blanks part thousands and a percent sign ends a number: `1 2,5` was read as 12.5 without a word."""
    found = read_numbers(pd.Series(entries))
    assert found is None


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("1 234,5", 1234.5),
        ("12 345 678", 12345678),
        ("5 %", 5),
        ("(5%)", -5),
        ("$ 1,234.50", 1234.5),
        ("1'234.5", 1234.5),
        ("- 5", -5),
        ("1_000_000", 1e6),
        ("1.234,50 €", 1234.5),
    ],
)
def test_numbers_with_signs_and_parted_thousands_are_read(entry: str, value: float) -> None:
    found = read_numbers(pd.Series([entry] * 3))
    assert found is not None and found.values.tolist() == [value] * 3

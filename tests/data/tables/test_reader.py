"""Malformed and odd tables: each ends in an error that names the next step, or in a repair that is said."""

import bz2
import gzip
import io
import lzma
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.data.tables import csv_columns
from seqlab.data.tables.numbers import read_numbers
from seqlab.data.tables.reader import Table, read_table, table_of
from seqlab.errors import DataError

PLAIN = "a,b,c\n1,2,x\n3,4,y\n5,6,z\n"
NAN = float("nan")


def read(path: Path, content: bytes | str) -> Table:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path)


def columns(table: Table) -> dict[str, list]:
    """The entries of each column; dates as text, missing ones as None."""
    found = {}
    for name in table.frame:
        column = table.frame[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            column = column.astype("string")
        found[name] = [None if pd.isna(entry) else entry for entry in column]
    return found


def zipped(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return packed.getvalue()


# What is read, and a word that a note must have; "" where nothing is to be said.
READ: dict[str, tuple[bytes | str, dict[str, list], str]] = {
    "one row": ("a,b\n1,2\n", {"a": [1], "b": [2]}, ""),
    "one column": ("a\n1\n2\n", {"a": [1, 2]}, ""),
    "no header, numbers": ("1.5,x\n3.5,y\n", {"column_1": [1.5, 3.5], "column_2": ["x", "y"]}, "no header"),
    "no header, words": (
        "red,yes\nred,no\nblue,yes\nred,yes\n",
        {"column_1": ["red", "red", "blue", "red"], "column_2": ["yes", "no", "yes", "yes"]},
        "no header",
    ),
    "no header, one column": ("1\n2\n3\n", {"column_1": [1, 2, 3]}, "no header"),
    "no header, something missing": (
        "1.5,,2\n2.5,3,\n",
        {"column_1": [1.5, 2.5], "column_2": [None, 3.0], "column_3": [2.0, None]},
        "no header",
    ),
    "header of counted columns": ("0,1,2\n5,6,7\n8,9,9\n", {"0": [5, 8], "1": [6, 9], "2": [7, 9]}, ""),
    "header of years": ("land,2019,2020,2021\nA,1,2,3\n", {"land": ["A"], "2019": [1], "2020": [2], "2021": [3]}, ""),
    "header with quotes and newline": ('"a\nb",c\n1,2\n', {"a\nb": [1], "c": [2]}, ""),
    "duplicate columns": ("a,a,b,a\n1,2,3,4\n", {"a": [1], "a (2)": [2], "b": [3], "a (3)": [4]}, "again"),
    "duplicate columns, a name that is taken": ("a,a (2),a\n1,2,3\n", {"a": [1], "a (2)": [2], "a (3)": [3]}, "again"),
    "a column without a name": (",a\n0,5\n1,6\n", {"column_1": [0, 1], "a": [5, 6]}, "without a name"),
    "rows with names of their own": (
        "a,b\nx,1,2\ny,3,4\n",
        {"row_name": ["x", "y"], "a": [1, 3], "b": [2, 4]},
        "one cell more",
    ),
    "separator at the ends": ("a,b,\n1,2,\n3,4,\n", {"a": [1, 3], "b": [2, 4]}, "neither name nor values"),
    "separator at the ends of rows": ("a,b\n1,2,\n3,4,\n", {"a": [1, 3], "b": [2, 4]}, "neither name nor values"),
    "short rows": ("a,b\n1,2\n3\n5,6\n", {"a": [1, 3, 5], "b": [2.0, None, 6.0]}, "shorter"),
    "blank lines": ("a,b\n\n1,2\n\n\n3,4\n\n", {"a": [1, 3], "b": [2, 4]}, ""),
    "a title": ("Report\n\na,b\n1,2\n3,4\n", {"a": [1, 3], "b": [2, 4]}, "no part of the table"),
    "a title with separators": ("Report,,\na,b,c\n1,2,3\n3,4,5\n", {"a": [1, 3], "b": [2, 4], "c": [3, 5]}, "no part"),
    "comments": ("# made, by hand\n# x, y\na,b\n1,2\n3,4\n", {"a": [1, 3], "b": [2, 4]}, "2 lines are no part"),
    "Excel's sep=": ("sep=;\na;b\n1;2\n3;4\n", {"a": [1, 3], "b": [2, 4]}, "no part of the table"),
    "semicolons, decimal commas": ("a;b\n1,5;2\n2,5;3\n", {"a": [1.5, 2.5], "b": [2, 3]}, "semicolons"),
    "semicolons, thousands": (
        "a;b\n1.234,5;2\n20,5;3\n",
        {"a": [1234.5, 20.5], "b": [2, 3]},
        "1.234,5 is read as 1234.5",
    ),
    "semicolons, points that may be either": (
        "a;b\n1.234;2\n2.001;3\n",
        {"a": [1.234, 2.001], "b": [2, 3]},
        "decimal point",
    ),
    "tabs in a .csv": ("a\tb\n1\t2, 3\n4\tx\n", {"a": [1, 4], "b": ["2, 3", "x"]}, "tabs"),
    "bars": ("a|b\n1|2\n", {"a": [1], "b": [2]}, "bars"),
    "blanks": (
        " 1.0  2.0 3\n 4.0  5.0 6\n",
        {"column_1": [1.0, 4.0], "column_2": [2.0, 5.0], "column_3": [3, 6]},
        "blanks",
    ),
    "blanks, a header": ("a b\n1 2\n3 4\n", {"a": [1, 3], "b": [2, 4]}, "blanks"),
    "blanks around cells": (" a , b \n 1 , red \n 2 ,red\n", {"a": [1, 2], "b": ["red", "red"]}, ""),
    "carriage returns": ("a,b\r1,2\r3,4\r", {"a": [1, 3], "b": [2, 4]}, ""),
    "Windows' line ends": ("a,b\r\n1,2\r\n3,4\r\n", {"a": [1, 3], "b": [2, 4]}, ""),
    "quoted newlines and separators": ('a,b\n"x\ny",1\n"u,v",2\n', {"a": ["x\ny", "u,v"], "b": [1, 2]}, ""),
    "quoted quotes": ('a,b\n"x ""y""",1\nz,2\n', {"a": ['x "y"', "z"], "b": [1, 2]}, ""),
    "quoted numbers": ('a,b\n"1","2"\n"3","4"\n', {"a": [1, 3], "b": [2, 4]}, ""),
    "a mark of UTF-8": (b"\xef\xbb\xbfa,b\n1,2\n", {"a": [1], "b": [2]}, ""),
    "a mark of UTF-8 before a quote": (b'\xef\xbb\xbf"a",b\n1,2\n', {"a": [1], "b": [2]}, ""),
    "letters of UTF-8": ("größe,名\n1,ü\n2,ß\n", {"größe": [1, 2], "名": ["ü", "ß"]}, ""),
    "Latin-1": ("name,x\nMüller,1\nJosé,2\n".encode("latin-1"), {"name": ["Müller", "José"], "x": [1, 2]}, "UTF-8"),
    "Windows-1252": ("n,x\n5 € “a”,1\nb,2\n".encode("cp1252"), {"n": ["5 € “a”", "b"], "x": [1, 2]}, "Windows-1252"),
    "Latin-1 after the beginning": (
        b"n,x\n" + b"a,1\n" * 90_000 + b"\xe9,2\n",
        {"n": ["a"] * 90_000 + ["é"], "x": [1] * 90_000 + [2]},
        "UTF-8",
    ),
    "UTF-16": (PLAIN.encode("utf-16"), {"a": [1, 3, 5], "b": [2, 4, 6], "c": ["x", "y", "z"]}, "UTF-16"),
    "UTF-16 without a mark": (
        PLAIN.encode("utf-16-be"),
        {"a": [1, 3, 5], "b": [2, 4, 6], "c": ["x", "y", "z"]},
        "UTF-16",
    ),
    "UTF-32": (PLAIN.encode("utf-32"), {"a": [1, 3, 5], "b": [2, 4, 6], "c": ["x", "y", "z"]}, "UTF-32"),
    "UTF-8 with one bad byte": (
        b"n,x\n" + "Müller,1\n".encode() * 20 + b"M\xfcller,2\n",
        {"n": ["Müller"] * 20 + ["M\ufffdller"], "x": [1] * 20 + [2]},
        "1 byte of it is not UTF-8",
    ),
    "another encoding": (
        "имя,x\nдва,1\nпять,2\n".encode("cp1251"),
        {"èìÿ": ["äâà", "ïÿòü"], "x": [1, 2]},
        "convert it (iconv",
    ),
    "gzip under another name": (gzip.compress(b"a,b\n1,2\n"), {"a": [1], "b": [2]}, ".gz"),
    "thousands": ('a,b\n"1,234",2\n"12,345.5",3\n', {"a": [1234.0, 12345.5], "b": [2, 3]}, "1,234 is read as 1234"),
    "thousands by blanks": (
        "a,b\n1 234,2\n12\u00a0345,3\n",
        {"a": [1234.0, 12345.0], "b": [2, 3]},
        "1 234 is read as 1234",
    ),
    "decimal commas in quotes": ('a,b\n"1,25",2\n"12,5",3\n', {"a": [1.25, 12.5], "b": [2, 3]}, "decimal comma"),
    "percent signs": ("a,b\n12%,1\n13.5 %,2\n", {"a": [12.0, 13.5], "b": [1, 2]}, "percent"),
    "currency": ("a,b\n$5.20,1\n-€6,2\n", {"a": [5.2, -6.0], "b": [1, 2]}, "currency"),
    "parentheses": ("a,b\n(5),1\n6,2\n", {"a": [-5.0, 6.0], "b": [1, 2]}, "below zero"),
    "a typographer's minus": ("a,b\n−5,1\n6,2\n", {"a": [-5.0, 6.0], "b": [1, 2]}, ""),
    "exponents": ("a,b\n1e3,1\n-2.5E-1,2\n", {"a": [1000.0, -0.25], "b": [1, 2]}, ""),
    "infinities": ("a,b\ninf,1\n2,3\n-Infinity,4\n", {"a": [None, 2.0, None], "b": [1, 3, 4]}, "missing: 2"),
    "numbers past all bounds": ("a,b\n1e999,1\n2,3\n", {"a": [None, 2.0], "b": [1, 3]}, "too large"),
    "huge numbers": ("a,b\n99999999999999999999,1\n2,3\n", {"a": [1e20, 2.0], "b": [1, 3]}, ""),
    "marks of what is missing": (
        "a,b,c\n?,1,NA\n2,-,3\n3,4,\n",
        {"a": [None, 2.0, 3.0], "b": [1.0, None, 4.0], "c": [None, 3.0, None]},
        "taken as missing: '?' (1 entry of column a), '-' (1 entry of column b), 'NA' (1 entry of column c)",
    ),
    "all missing": ("a,b\n,1\n,2\n", {"a": [None, None], "b": [1, 2]}, ""),
    "everything missing": ("a,b\nNA,\n,NA\n", {"a": [None, None], "b": [None, None]}, "'NA' (2 entries of 2 columns)"),
    "a few words among numbers": (
        "a\n" + "1\n2\n" * 20 + "oops\n",
        {"a": [1.0, 2.0] * 20 + [None]},
        "1 of 41 entries are no numbers",
    ),
    "numbers and words": (
        "a,b\n1,2\nx,3\n4,5\n",
        {"a": ["1", "x", "4"], "b": [2, 3, 5]},
        "2 numbers beside words like 'x'",
    ),
    "true and false": ("a,b\nTrue,1\nfalse,2\nTRUE,3\n", {"a": [True, False, True], "b": [1, 2, 3]}, ""),
    "true, false and nothing": ("a,b\nTrue,1\n,2\nFalse,3\n", {"a": [True, None, False], "b": [1, 2, 3]}, ""),
    "codes with leading zeros": (
        "zip,x\n01234,1\n99999,2\n",
        {"zip": ["01234", "99999"], "x": [1, 2]},
        "leading zeros",
    ),
    "dates, day first": ("d,x\n31.12.2024,1\n01.01.2025,2\n", {"d": ["2024-12-31", "2025-01-01"], "x": [1, 2]}, ""),
    "dates, month first": ("d,x\n12/31/2024,1\n01/02/2025,2\n", {"d": ["2024-12-31", "2025-01-02"], "x": [1, 2]}, ""),
    "dates with names of months": (
        'd,x\n"Jan 31, 2024",1\n"Feb 1, 2024",2\n',
        {"d": ["2024-01-31", "2024-02-01"], "x": [1, 2]},
        "",
    ),
    "quarters": ("d,x\n2024Q1,1\n2024Q2,2\n", {"d": ["2024-01-01", "2024-04-01"], "x": [1, 2]}, ""),
    "times with a zone": (
        "d,x\n2024-01-01T10:00Z,1\n2024-01-02T11:30Z,2\n",
        {"d": ["2024-01-01 10:00:00", "2024-01-02 11:30:00"], "x": [1, 2]},
        "",
    ),
    "a day that does not exist": (
        "d\n" + "2024-01-01\n" * 20 + "2024-02-31\n",
        {"d": ["2024-01-01"] * 20 + [None]},
        "1 of 21 entries are no dates",
    ),
    "dates to be read in two ways": (
        "d,x\n01/02/2024,1\n03/04/2024,2\n",
        {"d": ["01/02/2024", "03/04/2024"], "x": [1, 2]},
        "two ways",
    ),
    "dates of both orders": (
        "d,x\n13/02/2024,1\n03/14/2024,2\n",
        {"d": ["13/02/2024", "03/14/2024"], "x": [1, 2]},
        "both orders",
    ),
}

# What is refused, and words of the message and of the hint.
REFUSED: dict[str, tuple[bytes | str, str, str]] = {
    "empty": ("", "is empty", "header and rows"),
    "blank": ("\n\n  \n", "is empty", "header and rows"),
    "a header alone": ("a,b\n", "no rows", "header and rows"),
    "a wide line": ("a,b\n1,2\n3,4,5\n6,7\n", "line 3 of .* has 3 cells, the header 2", "quotes"),
    "a wide first line": ("a,b\n3,4,5\n6,7\n6,7\n", "line 2 of .* has 3 cells", "quotes"),
    "a wide line after a quoted newline": ('a,b\n1,"2\n2"\n3,4,5\n6,7\n7,8\n', "line 4 of .* has 3 cells", "quotes"),
    "a quote that is not closed": ('a,b\n1,"2\n3,4\n5,6\n', "no table", "quote"),
    "text with commas in one column": ("text\nhello, you\nbye\nok\n", "line 2 of .* has 2 cells", "quotes"),
    "a NUL byte": (b"a,b\n1,2\n3,\x004\n" + b"5,6\n" * 100, "NUL byte in line 3", "whole file"),
    "binary junk": (bytes(range(256)) * 10, "no text", "CSV"),
    "random bytes": (np.random.default_rng(0).bytes(5000), "no text", "CSV"),
    "a picture": (b"\x89PNG\r\n\x1a\n0000", "a picture", "CSV"),
    "a PDF": (b"%PDF-1.4\n%1,2\n", "a PDF", "CSV"),
    "a web page": ("<!DOCTYPE html>\n<html>", "a web page", "CSV"),
    "JSON": ('[{"a": 1}, {"a": 2}]', "JSON", "CSV"),
    "Excel": (zipped(xl__workbook="x"), "no Excel file that can be read", "whole file"),
    "an archive of several": (zipped(a=PLAIN, b=PLAIN), "2 files", "unpack"),
    "an archive that is none": (b"PK\x03\x04abc", "cannot be read", "whole file"),
    "gzip, cut": (gzip.compress(PLAIN.encode() * 1000)[:-20], "cannot be read", "whole file"),
    "gzip, damaged": (gzip.compress(PLAIN.encode() * 100)[:-8] + bytes(8), "cannot be read", "whole file"),
    "xz, cut": (lzma.compress(PLAIN.encode() * 1000)[:-20], "cannot be read", "whole file"),
    "gzip of nothing": (gzip.compress(b""), "is empty", "header and rows"),
    "UTF-16, cut": (PLAIN.encode("utf-16")[:-1], "cut or damaged", "whole file"),
    "Parquet, damaged or not to be read": (b"PAR1abcdPAR1", "Parquet", "pyarrow|whole file"),
    "zst, damaged or not to be read": (b"(\xb5/\xfdabc", "zst|unpacked", "zstandard|whole file"),
}


def test_there_are_sixty_odd_tables() -> None:
    assert len(READ) + len(REFUSED) >= 60


@pytest.mark.parametrize("name", READ)
def test_odd_tables_are_read_and_repairs_said(name: str, tmp_path: Path) -> None:
    content, expected, said = READ[name]
    table = read(tmp_path / "odd.csv", content)
    assert columns(table) == expected
    assert isinstance(table.frame.index, pd.RangeIndex) and table.name == "odd"
    if said:
        assert any(said in note for note in table.notes), table.notes
    else:
        assert table.notes == ()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_refused_with_the_next_step(name: str, tmp_path: Path) -> None:
    content, message, hint = REFUSED[name]
    with pytest.raises(DataError, match=message) as raised:
        read(tmp_path / "odd.csv", content)
    assert any(word in raised.value.hint for word in hint.split("|"))
    assert "odd.csv" in raised.value.message


def test_folders_and_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="folder"):
        read_table(tmp_path)
    with pytest.raises(DataError, match="no file"):
        read_table(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [(".csv", bytes), (".csv.gz", gzip.compress), (".csv.bz2", bz2.compress), (".csv.xz", lzma.compress),
     (".zip", lambda content: zipped(inside=content.decode()))],
)  # fmt: skip
def test_packed_files_are_the_same_table(suffix: str, pack, tmp_path: Path) -> None:
    table = read(tmp_path / f"sales{suffix}", pack(PLAIN.encode()))
    assert columns(table) == {"a": [1, 3, 5], "b": [2, 4, 6], "c": ["x", "y", "z"]}
    assert table.name == "sales" and table.notes == () and len(table.sha256) == 64


def test_zst_of_several_frames_is_read_and_one_that_is_cut_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"{number},{number % 7}\n" for number in range(20_000))
    frames = [zstandard.ZstdCompressor().compress(text.encode()) for text in ("a,b\n" + rows, rows)]
    table = read(tmp_path / "a.csv.zst", b"".join(frames))
    assert table.frame["a"].tolist() == [*range(20_000), *range(20_000)] and table.name == "a"
    for cut in (frames[0][:-1], frames[0] + frames[1][:-9], frames[0][:200]):
        with pytest.raises(DataError, match="unpacked"):
            read(tmp_path / "a.csv.zst", cut)


def test_parquet_without_its_reader_names_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as where it is not installed
    with pytest.raises(DataError) as raised:
        read(tmp_path / "a.parquet", b"PAR1....PAR1")
    assert "pip install pyarrow" in raised.value.hint


def test_parquet_is_the_same_table(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"a": [1, 2], "b": [0.5, NAN], "c": ["x", None], "d": pd.to_datetime(["2024-01-01", "2024-02-01"])}
    )
    frame.to_parquet(tmp_path / "a.parquet")
    expected = {"a": [1, 2], "b": [0.5, None], "c": ["x", None], "d": ["2024-01-01", "2024-02-01"]}
    assert columns(read_table(tmp_path / "a.parquet")) == expected


def test_a_data_frame_is_the_same_table_as_its_file_and_stays_as_it_is(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"a": [1, 2, 3], "b": [0.5, np.inf, 2], "c": ["x", None, "y"], "d": pd.to_datetime(["2024-01-01"] * 3)},
        index=pd.Index([7, 8, 9], name="key"),
    )
    before = frame.copy()
    table = table_of(frame, "mine")
    pd.testing.assert_frame_equal(frame, before)
    expected = {"a": [1, 2, 3], "b": [0.5, None, 2], "c": ["x", None, "y"], "d": ["2024-01-01"] * 3}
    assert columns(table) == expected and table.name == "mine" and isinstance(table.frame.index, pd.RangeIndex)
    assert any("infinite" in note for note in table.notes) and table.written["d"] == "date"
    frame.to_parquet(tmp_path / "a.parquet")
    assert columns(read_table(tmp_path / "a.parquet")) == {"key": [7, 8, 9], **expected}  # there it was kept on purpose
    assert table_of(frame).sha256 == table.sha256 != table_of(frame.rename(columns={"a": "z"})).sha256
    assert table_of(frame.assign(a=[1, 2, 4])).sha256 != table.sha256
    twice = pd.DataFrame([[1, "2.5"], [2, "3.5"]], columns=[("x", "y"), "x y"])
    assert columns(table_of(twice)) == {"x y": [1, 2], "x y (2)": [2.5, 3.5]}
    for empty in (pd.DataFrame(), pd.DataFrame({"a": []})):
        with pytest.raises(DataError, match="no rows"):
            table_of(empty)


def test_parquet_of_bytes_that_are_no_text_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"a": [b"\xff\xfe", b"\xe9"]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="no text"):
        read_table(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("1.500;05/03/2020", 1500),
        ("1.500,0;05/03/2020", 1500),
        ("1500.0;05/03/2020", 1500),
        ("950,5;25/03/2020", 950.5),
    ],
)
def test_new_rows_are_written_as_those_of_the_first_table_were(rows: str, expected: float, tmp_path: Path) -> None:
    first = read(
        tmp_path / "a.csv", "income;when;word\n6.934,5;17/06/2018;x\n1.609,8;01/02/2018;y\n2.000,0;02/02/2018;z\n"
    )
    assert first.written == {"income": ",", "when": "day"} and not first.frame.isna().any(axis=None)
    (tmp_path / "b.csv").write_text(f"income;when;word\n{rows};x\n{rows};y\n")
    table = read_table(tmp_path / "b.csv", first.written)
    assert table.frame["income"].tolist() == [expected] * 2
    assert set(table.frame["when"].dt.month) == {3} and "decimal point" not in " ".join(table.notes)


def test_odd_entries_of_a_column_that_is_known_are_missing_however_many(tmp_path: Path) -> None:
    first = read(
        tmp_path / "a.csv", "income;when;age\n6.934,5;17/06/2018;3\n1.609,8;01/02/2018;4\n2.000,0;02/02/2018;5\n"
    )
    (tmp_path / "b.csv").write_text("income;when;age\n1.500;05/03/2020;x\nunknown;lately;y\nnone known;later;7\n")
    table = read_table(tmp_path / "b.csv", first.written)
    assert table.frame["income"][0] == 1500 and table.frame["when"][0] == pd.Timestamp("2020-03-05")
    assert table.frame["age"][2] == 7 and table.frame.isna().sum().tolist() == [2, 2, 2]
    assert sum("taken as missing" in note for note in table.notes) == 3


def test_what_a_file_shows_counts_more_than_what_the_first_table_was(tmp_path: Path) -> None:
    first = read(tmp_path / "a.csv", "p,q\n0.1234,1.5\n0.5,2.5\n0.25,3.5\n")
    assert first.written == {"p": ".", "q": "."}
    (tmp_path / "b.csv").write_text("p;q\n0,125;1,5\n1,250;2,25\n0,375;3,5\n")
    table = read_table(tmp_path / "b.csv", first.written)
    assert table.frame["p"].tolist() == [0.125, 1.25, 0.375] and table.frame["q"].tolist() == [1.5, 2.25, 3.5]
    same = read(tmp_path / "c.csv", "d,n\n01/01/2000,1\n02/02/2001,2\n03/03/2002,3\n")
    assert same.written == {"d": "date", "n": "number"}
    (tmp_path / "d.csv").write_text("d,n\n04/01/2020,1\n07/01/2020,2\n")
    assert any("two ways" in note for note in read_table(tmp_path / "d.csv", same.written).notes)


def test_numbers_that_could_be_years_or_thousands_stay_numbers(tmp_path: Path) -> None:
    first = read(tmp_path / "a.csv", "price;sqm\n1500,7;100\n1600,5;6.201\n1700,1;900\n")
    assert first.written == {"price": ",", "sqm": ","} and first.frame["sqm"].tolist() == [100, 6201, 900]
    (tmp_path / "b.csv").write_text("price;sqm\n1500;5.200\n1501;6.201\nunknown;1999\n")
    table = read_table(tmp_path / "b.csv", first.written)
    assert table.frame["price"].tolist()[:2] == [1500, 1501] and table.frame["sqm"].tolist() == [5200, 6201, 1999]
    salaries = "".join(f"{salary}\n" for salary in range(1500, 1580))
    assert read(tmp_path / "c.csv", f"salary\n{salaries}unknown\n").frame["salary"].dtype.kind == "f"


def test_thousands_are_those_of_the_first_table_where_the_file_looks_otherwise(tmp_path: Path) -> None:
    first = read(tmp_path / "a.csv", "income,age\n1500.5,30\n800,40\n")
    (tmp_path / "b.csv").write_text("income;age\n1,500;30\n2,500;40\n")
    assert read_table(tmp_path / "b.csv").frame["income"].tolist() == [1.5, 2.5]
    assert read_table(tmp_path / "b.csv", first.written).frame["income"].tolist() == [1500, 2500]


def test_a_long_cell_is_read(tmp_path: Path) -> None:
    table = read(tmp_path / "a.csv", f"a,b\n1,{'word ' * 40_000}\n2,short\n3,short\n")
    assert table.frame["a"].tolist() == [1, 2, 3] and len(table.frame["b"][0]) == 5 * 40_000 - 1


@pytest.mark.parametrize(
    ("late", "expected"),
    [("x", "text"), ("2.5", "number"), ("", "number"), ("True", "text")],
)
def test_a_column_is_one_thing_over_all_parts(late: str, expected: str, tmp_path: Path, monkeypatch) -> None:
    """A column that changes after the part that is read first is what it is to be as a whole: 1 and 'x' are words."""
    monkeypatch.setattr(csv_columns, "CELLS", 1)  # parts of a thousand rows
    few = "\n".join(["007,1"] + ["8,1"] * 1400 + [f"{late},1"] * 1400)
    table = read(tmp_path / "a.csv", f"a,b\n{few}\n")
    column = table.frame["a"]
    assert len(table.frame) == 2801
    if expected == "text":
        assert column[0] == "007" and column[2800] == late and column[1] == "8"
    else:
        assert column[0] == 7 and column[1] == 8
        assert column[2800] == float(late) if late else np.isnan(column[2800])


def test_booleans_that_are_missing_in_a_whole_part_stay_booleans(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(csv_columns, "CELLS", 1)
    rows = ["True,1"] * 1000 + [",1"] * 1000 + ["False,1"] * 1000
    column = read(tmp_path / "a.csv", "a,b\n" + "\n".join(rows) + "\n").frame["a"]
    assert pd.api.types.is_bool_dtype(column)
    assert column.value_counts(dropna=False).tolist() == [1000] * 3


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 30).flatmap(
        lambda rows: st.tuples(
            st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=rows, max_size=rows),
            st.lists(st.integers(-(2**62), 2**62), min_size=rows, max_size=rows),
            st.lists(st.sampled_from(["red", "a, b", 'say "no"', "two\nlines", "ünï"]), min_size=rows, max_size=rows),
        )
    ),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)
def test_what_was_written_comes_back(tmp_path_factory, given_columns, separator: str, encoding: str) -> None:
    numbers, whole, words = given_columns
    frame = pd.DataFrame({"number": numbers, "whole": whole, "word": words})
    path = tmp_path_factory.mktemp("tables") / "a.csv"
    path.write_bytes(frame.to_csv(index=False, sep=separator).encode(encoding))
    found = read_table(path).frame
    np.testing.assert_allclose(found["number"], numbers, rtol=1e-14)
    assert found["whole"].tolist() == whole and found["word"].tolist() == words


@given(
    st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=5, max_size=30), st.sampled_from([",.", ".,", " ,", "'."])
)
def test_numbers_with_thousands_are_what_they_were(values, marks: str) -> None:
    """Written with all thousands separated and two places: nothing is left to guess."""
    table = str.maketrans({",": marks[0], ".": marks[1]})
    found = read_numbers(pd.Series([f"{value:,.2f}".translate(table) for value in values]))
    assert found is not None
    np.testing.assert_allclose(found.values, [float(value) for value in values], rtol=1e-12)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=60)
    | st.text(st.sampled_from('ab1.5,;\t|"\n\r #-?%$(é=0'), max_size=60).map(str.encode)
    | st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace"))
)
def test_any_bytes_are_a_table_or_a_data_error(tmp_path_factory, content: bytes) -> None:
    try:
        table = read(tmp_path_factory.getbasetemp() / "any.csv", content)
    except DataError:
        return
    assert len(table.frame) and table.frame.columns.is_unique

"""What separates cells, where a table begins and ends in its file: each of many layouts, against what was written."""

import numpy as np
import pandas as pd
import pytest

from seqlab.data.tables.reader import Table, read_table
from seqlab.errors import DataError


def read(folder, content: str, name: str = "a.txt") -> Table:
    (folder / name).write_bytes(content.encode())
    return read_table(folder / name)


def columns(table: Table) -> dict[str, list]:
    dates = table.frame.select_dtypes("datetime")
    frame = table.frame.assign(**{name: dates[name].dt.strftime("%Y-%m-%d") for name in dates})
    return {name: [None if pd.isna(entry) else entry for entry in frame[name]] for name in frame}


ABC = {"a": [1, 3, 5], "b": [2, 4, 6]}
LAYOUTS: dict[str, tuple[str, dict[str, list], str]] = {
    "a comma within quotes between blanks": (
        '1 2 "a, b"\n3 4 "c, d"\n5 6 "e, f"\n',
        {"column_1": [1, 3, 5], "column_2": [2, 4, 6], "column_3": ["a, b", "c, d", "e, f"]},
        "blanks",
    ),
    "a semicolon within quotes between tabs": (
        'a\tb\n1\t"x; y"\n2\t"z; w"\n',
        {"a": [1, 2], "b": ["x; y", "z; w"]},
        "tabs",
    ),
    "a bar within quotes of a comma file": (
        'a,"b|c|d"\n1,"x|y|z"\n2,"x|y|z"\n',
        {"a": [1, 2], "b|c|d": ["x|y|z"] * 2},
        "",
    ),
    "lists within cells": (
        'id,title,kinds\n1,"Up, up",A|B|C\n2,On,B|C|D\n3,Off,A|C|D\n',
        {"id": [1, 2, 3], "title": ["Up, up", "On", "Off"], "kinds": ["A|B|C", "B|C|D", "A|C|D"]},
        "",
    ),
    "blanks, a tab, quotes and a mark": (
        '18.0   8   ?\t"big car"\n15.0   8   350.0\t"old car"\n25.0   4   98.0\t"car"\n',
        {
            "column_1": [18, 15, 25],
            "column_2": [8, 8, 4],
            "column_3": [None, 350, 98],
            "column_4": ["big car", "old car", "car"],
        },
        "blanks",
    ),
    "decimal commas between blanks": (
        "a b\n1,5 2,5\n2,5 3,5\n3,5 1,2\n",
        {"a": [1.5, 2.5, 3.5], "b": [2.5, 3.5, 1.2]},
        "",
    ),
    "dates and decimal commas between blanks": (
        "31.01.2020 1,5 2,5\n01.02.2020 1,6 2,6\n",
        {"column_1": ["2020-01-31", "2020-02-01"], "column_2": [1.5, 1.6], "column_3": [2.5, 2.6]},
        "blanks",
    ),
    "words in columns of a fixed width": (
        "name        age  city\nAnna Lee     34  New York\nBob           7  Rome\nCarl        102  Paris\n",
        {"name": ["Anna Lee", "Bob", "Carl"], "age": [34, 7, 102], "city": ["New York", "Rome", "Paris"]},
        "several blanks",
    ),
    "words between blanks": (
        "red big yes\nblue small no\nred big yes\nred small no\n",
        {
            "column_1": ["red", "blue", "red", "red"],
            "column_2": ["big", "small", "big", "small"],
            "column_3": ["yes", "no", "yes", "no"],
        },
        "blanks",
    ),
    "as R writes": (
        '"x" "y" "w"\n"1" 21.5 6 "a b"\n"2" 22.5 4 "c d"\n',
        {"row_name": [1, 2], "x": [21.5, 22.5], "y": [6, 4], "w": ["a b", "c d"]},
        "row_name",
    ),
    "as pandas prints": (
        pd.DataFrame({"x": [1, 2, 3], "y": [0.5, 0.25, 1.5], "w": ["a", "b", "c"]}).to_string() + "\n",
        {"row_name": [0, 1, 2], "x": [1, 2, 3], "y": [0.5, 0.25, 1.5], "w": ["a", "b", "c"]},
        "row_name",
    ),
    "single quotes": ("a,b\n'x, y',1\n'z, w',2\n'u, v',3\n", {"a": ["x, y", "z, w", "u, v"], "b": [1, 2, 3]}, ""),
    "apostrophes": ("a,b\nO'Neil,it's\nD'Arc,that's\n", {"a": ["O'Neil", "D'Arc"], "b": ["it's", "that's"]}, ""),
    "a separator that the file names": ("sep=^\na^b\n1^2\n3^4\n5^6\n", ABC, "'^'"),
    "a header with a sign of comments": ("# a b\n1 2\n3 4\n5 6\n", ABC, "header is written otherwise"),
    "a header with other separators": ("a;b\n1,2\n3,4\n5,6\n", ABC, "header is written otherwise"),
    "comments between rows": ("a,b\n1,2\n# made up\n3,4\n5,6\n", ABC, "'# made up'"),
    "a rule below the header": ("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n| 5 | 6 |\n", ABC, "bars"),
    "ARFF": (
        "% made\n@relation r\n@attribute 'a b' numeric\n@attribute c {x,y}\n@data\n1,'x'\n?,'y'\n",
        {"a b": [1, None], "c": ["x", "y"]},
        "ARFF",
    ),
    "a source below": ("a,b\n1,2\n3,4\n5,6\nSource: somebody, 2020\n", ABC, "'Source: somebody, 2020'"),
    "notes below a blank line": ("a,b\n1,2\n3,4\n5,6\n\nEstimated.\nx, y, z\n", ABC, "'Estimated.'"),
    "a count below": ("a,b\n1,2\n3,4\n5,6\n\n(3 rows affected)\n", ABC, "(3 rows affected)"),
    "totals below": ("w,a,b\nx,1,2\ny,3,4\nz,5,6\nTotal,9,12\n", {"w": ["x", "y", "z"], **ABC}, "'Total'"),
}
KEPT = {  # rows and cells that look like what is left out, and are none of it
    "a last row without numbers": ("w,a,b\nx,1,2\ny,3,4\nz,,\n", 3),
    "a last text that begins with Notes, too": ("text,y\nabc,1\ndef,0\nNotes from below,1\n", 3),
    "a last text that begins with Note": ('text,y\n"abc",1\n"def",0\n"Note: this, too",\n', 3),
    "totals that are no sums": ("w,a\nx,1\ny,2\nTotal,7\n", 3),
    "colours as hexadecimal": ("colour,a\n#ff0000,1\n#00ff00,2\n#0000ff,3\n", 3),
    "a row of words below the header": ("land,a,b\nEurope,secret,secret\nItaly,2,3\nSpain,3,4\nFrance,4,5\n", 4),
    "prose": ("text\nI have 2 dogs\nYou have 3 cats\nWe have 1 cow\n", 3),
    "pairs of numbers in one column": ("point\n1 2\n3 4\n5 6\n", 3),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_is_read_and_said(tmp_path, name: str) -> None:
    content, expected, said = LAYOUTS[name]
    table = read(tmp_path, content)
    assert columns(table) == expected
    assert any(said in note for note in table.notes) if said else True
    assert not any("shorter" in note for note in table.notes)


@pytest.mark.parametrize("name", KEPT)
def test_what_only_looks_like_it_is_no_comment_note_or_header(tmp_path, name: str) -> None:
    content, rows = KEPT[name]
    table = read(tmp_path, content, "a.csv")
    assert len(table.frame) == rows and not any("no part of the table" in note for note in table.notes)
    assert table.frame.shape[1] == content.partition("\n")[0].count(",") + 1


@pytest.mark.parametrize(
    "content", ["x y z\n1 2 3\n4 5\n6 7 8\n", "id  name  x\n1   Anna  5\n2         6\n3   Carl  7\n"]
)
def test_a_cell_that_lacks_between_blanks_is_an_error_for_those_after_it_have_moved(tmp_path, content: str) -> None:
    with pytest.raises(DataError, match=r"row 2 .* has fewer cells") as raised:
        read(tmp_path, content)
    assert "NA" in raised.value.hint


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_comments_and_a_source_are_left_out_of_a_file_of_any_length(tmp_path, separator: str, end: str) -> None:
    rows = [f"{number},{number % 7}.5" for number in range(40_000)]
    lines = ["a,b", *rows[:5], "# a comment", *rows[5:], "Source: me"]
    table = read(tmp_path, end.join(lines).replace(",", separator) + end)
    assert table.frame["a"].tolist() == list(range(40_000)) and table.frame["b"].dtype == np.float64


def test_a_sparse_arff_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="sparse"):
        read(tmp_path, "@relation r\n@attribute a numeric\n@attribute b numeric\n@data\n{0 1}\n{1 2}\n")

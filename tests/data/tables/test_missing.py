"""Marks of what is missing: each column decides whether one is a value, and no row is lost without a word."""

import numpy as np
import pandas as pd
import pytest

from seqlab.data.tables.reader import Table, read_table, table_of
from seqlab.errors import DataError
from seqlab.tabular.examples import describe, examples_of

MARKS = ("None", "NA", "-", "?", "N/A", "nan", "null", ".", "--", "*", "")


def of(**columns: list) -> Table:
    return table_of(pd.DataFrame(columns))


def shares(mark: str, share: float, others: list[str], rows: int = 200) -> Table:
    """A table whose target y has the mark in this share of its rows."""
    marked = int(share * rows)
    y = [mark] * marked + [others[row % len(others)] for row in range(rows - marked)]
    return of(x=[f"{row % 7}.5" for row in range(rows)], y=y)


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("share", [0.02, 0.15, 0.4, 0.6])
@pytest.mark.parametrize("others", [["pos"], ["Mild", "Severe", "Bad"], ["0", "1", "2"], ["1.5", "2.25", "7.125"]])
def test_a_mark_in_the_target_is_a_class_or_its_rows_are_said_to_be_left_out(mark, share, others) -> None:
    table, count = shares(mark, share, others), int(share * 200)
    try:
        data = examples_of(table, "y")
    except DataError as problem:  # a single value is left
        assert len(others) == 1 and (f"'{mark}' in {count}" in problem.message or not mark)
        return
    if mark in data.target.classes:
        assert len(data.values) == 200 and any(f"'{mark}' is a word, in {count} of" in note for note in table.notes)
        return
    left_out = next(note for note in data.notes if "left out" in note)
    assert len(data.values) == 200 - count and left_out.startswith(f"{count} rows have no 'y'")
    assert f"'{mark}' in {count}" in left_out or not mark


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ({"-": 5, "+": 45}, {"-"}),  # beside one other word
        ({"None": 3, "Mild": 40}, {"None"}),
        ({"None": 5, "Mild": 30, "Severe": 30}, {"None"}),
        ({"None": 1, "Mild": 30, "Severe": 30}, set()),
        ({"-": 4, "A": 30, "B": 30}, set()),
        ({"-": 3, "--": 20, "0": 20, "+": 20}, {"-", "--"}),  # grades
        ({"***": 2, "**": 20, "*": 20, "ns": 20}, {"***", "**", "*"}),
        ({"NA": 2, "DE": 20, "FR": 20, "ZA": 20}, {"NA"}),  # Namibia
        ({"na": 2, "de": 20, "fr": 20, "za": 20}, {"na"}),
        ({"NA": 9, "EMEA": 20, "APAC": 20}, {"NA"}),  # North America
        ({"Na": 9, "Mg": 20, "K": 20, "Ca": 20}, {"Na"}),  # sodium
        ({"NA": 9, "yes": 20, "no": 20}, set()),
        ({"NA": 30, "Grvl": 10, "Pave": 10}, {"NA"}),  # more than half
        ({"nan": 30, "a": 10, "b": 10}, set()),  # only programs write it
        ({"?": 9, "Y": 20, "N": 20}, set()),
        ({".": 9, "M": 50, "F": 50}, set()),
        ({".": 50, "M": 50, "F": 50}, {"."}),
    ],
)
def test_a_mark_is_a_word_as_its_column_shows(words: dict[str, int], kept: set[str]) -> None:
    entries = [word for word, rows in words.items() for _ in range(rows)]
    table = of(v=[f" {word} " for word in entries], x=range(len(entries)))
    assert kept <= set(table.frame["v"].dropna())
    missing = (
        {word: rows for word, rows in words.items() if word.lower() in ("-", "none", "na", "nan", "?", ".")}
        if not kept
        else {}
    )
    assert table.marks.get("v", {}) == missing and table.frame["v"].isna().sum() == sum(missing.values())


def test_a_word_that_says_why_there_is_no_number_is_missing_beside_many_and_a_value_beside_few() -> None:
    numbers = [f"{number * 1.37:.2f}" for number in range(100)]
    table = of(v=numbers + ["never"] * 40, x=range(140))
    assert table.frame["v"].isna().sum() == 40 and "40 of 140 entries" in table.notes[0] and "'never'" in table.notes[0]
    half = of(v=numbers + ["never"] * 100, x=range(200))
    assert (half.frame["v"] == "never").sum() == 100 and "'never'" in half.notes[0]
    several = of(v=numbers + ["12 kg", "5 lb"] * 15, x=range(130))
    assert several.frame["v"].notna().all() and "all taken as words" in several.notes[0]  # they look like numbers
    few = of(v=["0", "1", "2", "never"] * 10, x=range(40))
    assert few.frame["v"].tolist()[3] == "never"


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ([*range(10, 60), -999], 1),
        ([*range(10, 60), -999, -999.0, -99, -99, -99], 5),
        ([*range(0, 50_000, 1000), -9999, -9999, -9999], 3),  # below no other, again and again
        ([*range(0, 50_000, 1000), -99], 0),
        ([*range(-1500, 900, 40), -999], 0),
        ([-99, -98] * 10, 0),
        ([0, 1, -999] * 10, 10),
    ],
)
def test_a_number_that_stands_for_nothing_is_missing_and_said(values: list[float], missing: int) -> None:
    table = of(v=values, x=range(len(values)))
    assert table.frame["v"].isna().sum() == missing == sum(table.marks.get("v", {}).values())
    assert bool(missing) == any("taken as missing: '-9" in note for note in table.notes)


def test_rows_to_predict_are_read_as_those_that_were_learned_from(tmp_path) -> None:
    learned = of(v=[*range(10, 60), -999, -999], w=["12 kg", "500 g"] * 26, n=["0", "1", "2", "3+"] * 13)
    assert learned.written["v"] == "number without -999"
    (tmp_path / "new.csv").write_text("v,w,n\n-999,12 kg,0\n20,13 kg,1\n")
    new = read_table(tmp_path / "new.csv", learned.written)
    assert np.isnan(new.frame["v"][0]) and new.frame["w"].tolist() == ["12 kg", "13 kg"]
    assert new.marks == {"v": {"-999": 1}}


def test_what_the_table_says_of_the_target_comes_before_training() -> None:
    table = shares("None", 0.02, ["Mild", "Severe"])
    notes = describe(table, "y")
    assert any("4 rows have no 'y' ('None' in 4: taken as missing" in note for note in notes)

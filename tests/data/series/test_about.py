"""What is said of many series is said once."""

import numpy as np
import pandas as pd

from seqlab.data.series.about import about_all, said_once
from seqlab.data.series.frames import load_data

MONTHS = pd.date_range("2015-01-01", periods=60, freq="MS")


def panel(count: int) -> pd.DataFrame:
    values = np.random.default_rng(1).poisson(30, (count, 60)) + 1.0
    ids = np.repeat([f"s{number}" for number in range(count)], 60)
    return pd.DataFrame({"unique_id": ids, "ds": [*MONTHS] * count, "y": values.ravel()})


def test_few_series_are_told_of_one_by_one() -> None:
    series = list(load_data(panel(3)))
    assert about_all(series) == [line for one in series for line in one.about()]


def test_a_panel_is_told_of_in_one_line_and_what_all_share_in_another() -> None:
    lines = about_all(list(load_data(panel(40))))
    assert lines == [
        "the DataFrame: 40 series of 60 rows, by the month, season year, kind counts, 2015-01 to 2019-12; "
        "none left out",
        "the DataFrame: column 'y' holds whole numbers above zero (--kind prices if it is traded)",
    ]


def test_what_differs_is_counted() -> None:
    long = panel(40)
    long = long[~((long["unique_id"] == "s7") & (long["ds"] < "2016-01-01"))].reset_index(drop=True)
    long.loc[[5, 6, 200], "y"] = np.nan
    long.loc[300, "y"] = 0.0
    long.loc[900:901, "y"] = 0.0
    lines = about_all(list(load_data(long)))
    assert "40 series of 48 to 60 rows" in lines[0] and "rows left out: 3 without a value" in lines[0]
    assert any(line.startswith("the DataFrame: 38 series, as s0: column 'y' holds whole numbers") for line in lines)
    assert any(line.startswith("s5: column 'y': 1 of 60 values is zero: taken as") for line in lines)


def test_sentences_that_differ_in_numbers_alone_are_one() -> None:
    said = [(f"s{number}", f"the value {number} on 2020-01-{10 + number}: left out") for number in range(9)]
    assert said_once(said, 9, "t: ") == ["t: 9 series, as s0: the value 0 on 2020-01-10: left out"]
    assert said_once(said[:1], 9) == ["s0: the value 0 on 2020-01-10: left out"]
    assert len(said_once(said[:8], 8)) == 8

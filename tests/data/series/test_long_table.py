"""Long tables, of files and of pandas: what is read is what each series is by itself."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seqlab.data.series.frames import load_data
from seqlab.data.series.long_table import Long
from seqlab.errors import DataError, UsageError

MONTHS = pd.date_range("2015-01-01", periods=60, freq="MS")
RANDOM = np.random.default_rng(5)


def made(ids: tuple[object, ...] = ("a", "b", "c"), months: pd.DatetimeIndex = MONTHS) -> pd.DataFrame:
    values = [RANDOM.poisson(50 + 20 * np.sin(np.arange(len(months)) * np.pi / 6)) for _ in ids]
    names = np.repeat(np.array(ids, object), len(months))
    return pd.DataFrame({"unique_id": names, "ds": [*months] * len(ids), "y": np.concatenate(values)})


def written(frame: pd.DataFrame, path: Path) -> str:
    frame.to_csv(path, index=False)
    return str(path)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "csv.xz"])
def test_each_series_of_a_file_is_the_one_that_a_file_of_its_own_holds(tmp_path: Path, ending: str) -> None:
    long = made()
    long.loc[[3, 70], "y"] = np.nan
    long.loc[100, "y"] = -999
    found = list(load_data(written(long.sample(frac=1, random_state=0), tmp_path / f"panel.{ending}")))
    assert sorted(one.name for one in found) == ["a", "b", "c"] and {one.panel for one in found} == {"panel"}
    for one in found:
        own = long.loc[long["unique_id"] == one.name, ["ds", "y"]]
        (alone,) = load_data(written(own, tmp_path / "alone.csv"))
        assert (one.sha256, one.kind, one.additive) == (alone.sha256, alone.kind, alone.additive)
        assert one.dropped == alone.dropped and alone.panel == ""
    assert [len(one) for one in sorted(found, key=lambda one: one.name)] == [59, 58, 60]


def test_columns_are_named_and_the_others_are_as_usual(tmp_path: Path) -> None:
    long = made().rename(columns={"unique_id": "Store No", "y": "Sales"}).assign(note="x")
    path = written(long, tmp_path / "shops.csv")
    expected = list(load_data(long.rename(columns={"Store No": "unique_id", "Sales": "y"})))
    found = list(load_data(path, long=Long(id="store no", target="sales")))
    assert [one.sha256 for one in found] == [one.sha256 for one in expected]
    assert all(one.column == "Sales" for one in found)
    assert f"of {path} only Store No, ds, Sales are read, not note" in found[0].notes


def test_a_table_without_names_of_series_is_one_series(tmp_path: Path) -> None:
    one = made(("a",)).drop(columns="unique_id").assign(other=1.5 * np.arange(60))
    (series,) = load_data(written(one, tmp_path / "one.csv"), long=Long(target="y"))
    assert series.name == "one" and series.panel == "" and series.close.tolist() == one["y"].tolist()
    several = made().rename(columns={"unique_id": "shop"})
    with pytest.raises(DataError, match="'shop' names a, b, c") as raised:
        list(load_data(written(several, tmp_path / "several.csv"), long=Long(target="y")))
    assert "--id shop" in raised.value.hint


@pytest.mark.parametrize(
    ("long", "said", "hint"),
    [
        (Long(id="unique_ids"), "no column 'unique_ids'", "unique_id"),
        (Long(time="when"), "no column 'when'", ""),
        (Long(target="values"), "no column 'values'", ""),
    ],
)
def test_a_wrong_name_is_refused_with_those_that_there_are(tmp_path: Path, long: Long, said: str, hint: str) -> None:
    frame = made()
    for data in (written(frame, tmp_path / "panel.csv"), frame):
        with pytest.raises(DataError, match=said) as raised:
            list(load_data(data, long=long))
        assert hint in raised.value.hint
    with pytest.raises(DataError, match="no column 'ds'") as raised:
        list(load_data(frame.rename(columns={"ds": "when"}), long=Long(id="unique_id")))
    assert raised.value.hint == "name one of unique_id, when, y with --time COLUMN"


@pytest.mark.parametrize(("time", "order"), [("date", [0, 1, 2]), ("Day", [2, 0, 1])])
def test_of_three_columns_it_is_enough_to_name_the_one_of_series(tmp_path: Path, time: str, order: list[int]) -> None:
    long = made()
    frame = long.set_axis(["shop", time, "sold"], axis=1).iloc[:, order]
    expected = [one.sha256 for one in load_data(long)]
    for data in (written(frame, tmp_path / "shops.csv"), frame):
        assert [one.sha256 for one in load_data(data, long=Long(id="shop"))] == expected
    with pytest.raises(DataError, match="no column 'y'"):
        list(load_data(frame.assign(price=1.5), long=Long(id="shop")))


def test_a_column_and_a_long_table_exclude_each_other(tmp_path: Path) -> None:
    for data in (written(made(), tmp_path / "panel.csv"), made()):
        with pytest.raises(UsageError, match="is long: its values are in one column") as raised:
            list(load_data(data, columns=["y"]))
        assert raised.value.hint == "name that with --target y"


@pytest.mark.parametrize("ids", [("007", "7", "08"), (7, 8, 9), ("NA", "null", "b")])
def test_names_stay_as_they_are_written(tmp_path: Path, ids: tuple[object, ...]) -> None:
    found = list(load_data(written(made(ids), tmp_path / "panel.csv")))
    assert [one.name for one in found] == [str(one) for one in ids]


def test_what_is_missing_is_counted_and_said(tmp_path: Path) -> None:
    long = made((1, 2, 3))
    long.loc[:4, "unique_id"] = None
    long.loc[60:61, "ds"] = None
    long.loc[70:72, "y"] = None
    long.loc[120:, "y"] = None
    for data, where in ((written(long, tmp_path / "p.csv"), str(tmp_path / "p.csv")), (long, "the DataFrame")):
        first, second = load_data(data)
        assert [first.name, second.name] == ["1", "2"] and [len(first), len(second)] == [55, 55]
        assert f"5 rows of {where} without a unique_id are left out" in first.notes
        assert f"a series of {where} without a value is left out: 3" in first.notes
        assert set(second.dropped) == {"2 without a date", "3 without a value"}
    with pytest.raises(DataError, match="names no series"):
        list(load_data(long.assign(unique_id=None)))
    with pytest.raises(DataError, match="has no numbers"):
        list(load_data(long.assign(y=np.nan)))


def test_of_the_past_later_series_are_not_there(tmp_path: Path) -> None:
    long = pd.concat([made(("a",)), made(("late",), MONTHS + pd.DateOffset(years=4))])
    for data in (written(long, tmp_path / "panel.csv"), long):
        (one,) = load_data(data, as_of="2018-06-30")
        assert one.name == "a" and str(one.dates[-1]) == "2018-06-01" and len(one) == 42


def test_kind_and_frequency_hold_for_all(tmp_path: Path) -> None:
    path = written(made(), tmp_path / "panel.csv")
    assert {(one.kind, one.additive) for one in load_data(path, kind="levels")} == {("levels", True)}
    assert all(len(one) == 20 and one.read()["step"] == "quarter" for one in load_data(path, kind="prices", freq="Q"))


def test_a_few_whole_series_among_many_of_fractions_are_no_counts() -> None:
    long = made(tuple(range(20)))
    long["y"] = np.where(long["unique_id"] == 3, long["y"], long["y"] + 0.25)
    found = list(load_data(long))
    assert {one.kind for one in found} == {"levels"}
    assert any("holds numbers above zero" in note for note in found[3].notes)
    assert not any("whole" in note for note in found[3].notes)
    half = long.assign(y=np.where(long["unique_id"] < 10, np.floor(long["y"]), long["y"]))
    assert [one.kind for one in load_data(half)] == ["counts"] * 10 + ["levels"] * 10


def test_a_long_frame_may_have_its_dates_or_names_in_the_index() -> None:
    long = made()
    expected = [(one.name, one.sha256) for one in load_data(long)]
    for frame in (long.set_index("unique_id"), long.set_index("ds"), long.set_index(["unique_id", "ds"])):
        assert [(one.name, one.sha256) for one in load_data(frame, long=Long(target="y"))] == expected


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    long = made(("007", "b"))
    long.to_parquet(tmp_path / "panel.parquet")
    found = list(load_data(str(tmp_path / "panel.parquet")))
    expected = list(load_data(written(long, tmp_path / "panel.csv")))
    assert [(one.name, one.sha256, one.kind) for one in found] == [(one.name, one.sha256, one.kind) for one in expected]


def test_columns_of_one_wide_table_are_of_it_and_a_single_one_is_not(tmp_path: Path) -> None:
    wide = made().pivot(index="ds", columns="unique_id", values="y").reset_index()
    path = written(wide, tmp_path / "wide.csv")
    assert [one.panel for one in load_data(path, columns=["a", "c"])] == ["wide", "wide"]
    assert [one.panel for one in load_data(path, columns=["a"])] == [""]

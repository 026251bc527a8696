"""A forecast as of a day in the past knows nothing of what came later: it is that of the file that ends on that day."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqlab import api
from seqlab.data.series.frames import load_data
from seqlab.data.series.series import Series
from seqlab.errors import DataError

QUICK = {"horizon": 2, "origins": 4, "threads": 1, "seed": 1, "offline": True}
ROWS = 120
DAYS = pd.date_range("2023-01-02", periods=ROWS)
LAST = "2023-05-01"
AHEAD = pd.date_range("2023-05-02", periods=130)
PLACES = np.arange(len(AHEAD))
RANDOM = np.random.default_rng(17)
LEVELS = (50 * np.exp(RANDOM.normal(0, 0.05, ROWS))).round(2)
PRICES = (400 * np.exp(RANDOM.normal(0, 0.01, 320).cumsum())).round(2)
BASES = {
    "levels": {"v": LEVELS},
    "all digits": {"v": 50 * np.exp(RANDOM.normal(0, 0.05, ROWS))},
    "counts": {"v": RANDOM.poisson(30, ROWS)},
    "seldom": {"v": RANDOM.poisson(0.8, ROWS)},
    "meter": {"v": 100 + RANDOM.poisson(3, ROWS).cumsum()},
    "weekdays": {"v": PRICES},
    "shop": {"shop": "A", "v": LEVELS},
    "beside": {"v": LEVELS, "w": ""},
    "closes": {"Close": PRICES, "Stock Splits": "0"},
    "hours": {"v": LEVELS},
}


def dates_of(base: str) -> list[str]:
    """As they are written: the days to LAST, of one base Mondays to Fridays, of one hours with their offset."""
    if base in ("weekdays", "closes"):
        return [str(day.date()) for day in pd.bdate_range(end=LAST, periods=len(PRICES))]
    if base == "hours":
        return [hour.isoformat() for hour in pd.date_range(f"{LAST} 23:00+01:00", periods=ROWS, freq="-1h")[::-1]]
    return [str(day.date()) for day in DAYS]


def lines(dates: object, *columns: object) -> str:
    """Rows as a file has them; a column of one entry has it in all rows."""
    shape = [np.broadcast_to(np.array(column, object), len(dates)) for column in columns]  # type: ignore[arg-type]
    return "".join(f"{','.join(map(str, row))}\n" for row in zip(dates, *shape, strict=True))


def text_of(base: str) -> str:
    columns = BASES[base]
    return f"day,{','.join(columns)}\n" + lines(dates_of(base), *columns.values())


def days(*columns: object) -> str:
    return lines([str(day.date()) for day in AHEAD], *columns)


def noise(scale: float = 1.0) -> np.ndarray:
    return (50 + scale * np.random.default_rng(3).normal(0, 2, len(AHEAD))).round(2)


def but(values: np.ndarray, **places: object) -> np.ndarray:
    """The values with other entries at `at`."""
    values = values.astype(object)
    values[places["at"]] = places["value"]
    return values


FUTURES = {
    "below zero": ("levels", days(-noise())),
    "below zero once": ("levels", days(but(noise(), at=[70], value=-3.5))),
    "many zeros": ("levels", days(but(noise(), at=slice(0, 130, 2), value=0))),
    "few zeros": ("levels", days(but(noise(), at=[10, 11, 12, 13, 30], value=0))),
    "the smallest": ("levels", days(but(noise(), at=[5, 20], value=[0, 0.001]))),
    "whole numbers": ("levels", days(noise().round())),
    "a fraction among counts": ("counts", days(but(noise().round().astype(int), at=[7], value=12.5))),
    "below zero among counts": ("seldom", days(but(noise().round().astype(int), at=[7, 8], value=-4))),
    "a fall of a meter": ("meter", days(but(600 + PLACES, at=slice(40, 80), value=3))),
    "a code": ("levels", days(but(noise(), at=[3, 9, 10, 44], value=-9999))),
    "a code that is there already": ("levels", days(but(noise(), at=slice(0, 60), value=99))),
    "a lone outlier": ("levels", days(but(noise(), at=[33], value=5e6))),
    "hours": ("levels", lines([str(hour) for hour in pd.date_range(AHEAD[0], periods=900, freq="h")], 51.5)),
    "weeks": ("levels", lines([str(day.date()) for day in pd.date_range("2023-05-03", periods=70, freq="W")], 51.5)),
    "no order": ("levels", lines(["2023-09-01", "2023-06-30", "2023-06-30", "", "2024-01-01"], 50)),
    "weekends": ("weekdays", days(np.tile([100, 300, 90, 80, 110, 70, 60, 65, 210, 20], 13))),
    "text": ("levels", days(but(noise(), at=[5, 6], value=["broken 7", "see note"]))),
    "text beside all digits": ("all digits", days(but(noise(), at=[5], value="broken"))),
    "marks of what is missing": ("levels", days(but(noise(), at=[5, 6, 7], value=["NA", "?", "n/a"]))),
    "a currency": ("levels", days([f"${value}" for value in noise()])),
    "percent": ("levels", days([f"{value} %" for value in noise()])),
    "thousands": ("levels", days(but(noise(), at=[1, 2], value='"1,234.5"'))),
    "a second shop": ("shop", days("B", noise())),
    "another column": ("beside", days(noise(), noise() + 3)),
    "a split": ("closes", days(np.where(PLACES < 9, 400, 100) + PLACES % 3, np.where(PLACES == 9, "4:1", "0"))),
    "summer time": (
        "hours",
        lines([hour.isoformat() for hour in pd.date_range("2023-05-02T01:00+02:00", periods=700, freq="h")], 50),
    ),
}


def of_file(path: Path, base: str) -> tuple[str, tuple[str, ...], list[str]]:
    """Everything that is said as of LAST."""
    task = api.forecast_task(str(path), as_of=LAST, **QUICK)
    answer = task.result()
    told = [re.sub(r"in \d+ s$", "", note) for note in task.notes]
    return json.dumps(answer.to_dict()), answer.notes, told


@pytest.fixture(scope="module")
def as_it_was(tmp_path_factory) -> Callable[[str], tuple[str, tuple[str, ...], list[str]]]:
    """What is said of a file that ends on LAST, each once."""
    found: dict[str, tuple[str, tuple[str, ...], list[str]]] = {}

    def answer(base: str) -> tuple[str, tuple[str, ...], list[str]]:
        if base not in found:
            path = tmp_path_factory.mktemp("then") / "given.csv"
            path.write_text(text_of(base))
            found[base] = of_file(path, base)
        return found[base]

    return answer


@pytest.mark.parametrize("future", FUTURES)
def test_a_file_is_forecast_as_if_it_ended_on_that_day(tmp_path, as_it_was, future):
    base, later = FUTURES[future]
    path = tmp_path / "given.csv"
    path.write_text(text_of(base) + later)
    assert of_file(path, base) == as_it_was(base)
    assert read(path) != read(path, as_of=LAST)  # of what comes later all of it is read otherwise


def read(data: object, **how: object) -> list[object]:
    """All of the series that are read, or why they are not."""
    try:
        return [everything(one) for one in load_data(data, **how)]  # type: ignore[arg-type]
    except DataError as problem:
        return [problem.message, problem.hint]


def everything(one: Series) -> list[object]:
    arrays = (one.dates, one.close, one.adjusted, one.open, one.high, one.low, one.volume)
    return [one.name, one.about(), one.notes, one.origin, one.additive, *(values.tobytes() for values in arrays)]


ENTRIES = st.one_of(
    st.integers(-3, 60).map(str),
    st.floats(-1e3, 1e6).map(lambda value: f"{value:.3f}"),
    st.sampled_from(["0", "", "NA", "-9999", "99", "broken", "$5", "7 %", "1e5", "0012", '"1,234.5"', "12 kWh"]),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    base=st.sampled_from(["levels", "all digits", "counts", "seldom", "meter", "weekdays", "hours"]),
    later=st.lists(st.tuples(st.integers(1, 5000), ENTRIES), min_size=1, max_size=40),
    newest_first=st.booleans(),
)
def test_whatever_comes_later_nothing_of_it_is_read(tmp_path, base, later, newest_first):
    first = pd.Timestamp(f"{LAST} 23:00")
    times = sorted(first + pd.Timedelta(hours=hours) for hours, _ in later)
    stamps = [f"{time.isoformat()}+01:00" if base == "hours" else str(time) for time in times]
    known, future = text_of(base).splitlines()[1:], lines(stamps, [entry for _, entry in later]).splitlines()
    order = -1 if newest_first else 1
    then, now = tmp_path / "then" / "given.csv", tmp_path / "now" / "given.csv"
    for path, rows in ((then, known), (now, known + future)):
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["day,v", *rows[::order]]) + "\n")
    assert read(now, as_of=LAST) == read(then, as_of=LAST) == read(then)


@pytest.mark.parametrize("written", ["%d.%m.%Y", "%d.%m.%y", "%d-%b-%y", "%Y%m%d", "%m/%d/%Y", "%Y-W%W-%u"])
@pytest.mark.parametrize("order", [1, -1])
def test_what_is_said_of_dates_is_of_those_up_to_the_day(tmp_path, written, order):
    found = []
    for rows in (ROWS, ROWS + len(AHEAD)):
        dates = DAYS.append(AHEAD)[:rows].strftime(written)[::order]
        path = tmp_path / str(rows) / "given.csv"
        path.parent.mkdir()
        path.write_text("day,v\n" + lines(dates, np.append(LEVELS, noise())[:rows][::order]))
        found.append(read(path, as_of=LAST))
    assert found[0] == found[1]


def test_a_column_that_holds_text_only_later_is_one_of_numbers(tmp_path):
    known = [f"{day};{value}".replace(".", ",") for day, value in zip(DAYS.date, LEVELS, strict=True)]
    then, now = tmp_path / "then" / "given.csv", tmp_path / "now" / "given.csv"
    for path, later in ((then, []), (now, ["2023-05-02;broken", "2023-05-03;7,5"])):
        path.parent.mkdir()
        path.write_text("\n".join(["Datum;Wert", *known, *later]))
    assert read(now, as_of=LAST) == read(then) != read(now)


# ---- frames


@pytest.mark.parametrize("form", ["series", "wide", "dated", "text", "long"])
@pytest.mark.parametrize("later", [-5.0, 0.0, 12.345, -9999.0, np.nan, 1e9])
def test_a_frame_is_read_as_if_it_ended_on_that_day(form, later):
    known = pd.Series(LEVELS, DAYS, name="y")
    whole = pd.concat([known, pd.Series(np.where(PLACES % 7 == 3, later, noise()), AHEAD, name="y")])
    as_given = {
        "series": lambda one: one,
        "wide": lambda one: one.to_frame(),
        "dated": lambda one: one.rename_axis("ds").reset_index(),
        "text": lambda one: one.rename_axis("ds").reset_index().astype({"ds": str}),
        "long": lambda one: one.rename_axis("ds").reset_index().assign(unique_id="a"),
    }[form]
    assert read(as_given(whole), as_of=LAST) == read(as_given(known))


def test_a_series_of_a_long_frame_that_begins_later_was_not_there():
    long = pd.DataFrame({"unique_id": "a", "ds": DAYS, "y": LEVELS})
    other = pd.DataFrame({"unique_id": ["b", None] * 65, "ds": AHEAD, "y": noise()})
    assert read(pd.concat([other, long]), as_of=LAST) == read(long)
    with pytest.raises(DataError, match="has no rows up to 2020-01-01"):
        list(load_data(long, as_of="2020-01-01"))


# ---- the day itself


def test_what_only_later_rows_show_of_how_dates_are_written_counts(tmp_path):
    path = tmp_path / "given.csv"
    path.write_text("day,v\n" + lines([day.strftime("%d/%m/%Y") for day in DAYS], LEVELS))
    (series,) = load_data(path, as_of="2023-01-09")
    assert str(series.dates[-1]) == "2023-01-09" and len(series) == 8


@pytest.mark.parametrize("last", ["2023-04-15T11:59", "2023-04-15T12:00", "2023-04-15", "15.04.2023 12:30"])
def test_a_day_is_to_its_end_and_a_time_to_that(tmp_path, last):
    hours = pd.date_range("2023-04-01", periods=600, freq="h")
    path = tmp_path / "given.csv"
    path.write_text("time,v\n" + lines([str(hour) for hour in hours], 50 + np.arange(600) % 24))
    (series,) = load_data(path, as_of=last)
    expected = {"2023-04-15T11:59": "T11:00", "2023-04-15": "T23:00"}.get(last, "T12:00")
    assert str(series.dates[-1]) == f"2023-04-15{expected}"

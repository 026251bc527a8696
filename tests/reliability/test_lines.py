"""Tables and series that are very wide, or of very long lines: read in linear time, or refused at once."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seqlab.data.series.files import read_csv
from seqlab.data.tables.reader import read_table
from seqlab.errors import DataError
from tests.conftest import Outcome
from tests.reliability.conftest import IS_LONG, Tried

MB = 1 << 20
LONG = {  # one line each, or one that is too long for all others
    "a header": ",".join(f"column{place}" for place in range(1_700_000)),
    "a header above rows": ",".join(f"c{place}" for place in range(2_500_000)) + "\n1,2\n3,4\n",
    "one name above rows": "a" * 20 * MB + "\n1\n2\n",
    "digits": "1" * 20 * MB,
    "commas": "," * 20 * MB,
    "tabs": "\t" * 20 * MB,
    "blanks": " " * 20 * MB,
    "quotes": '"' * 20 * MB,
    "words": "a " * 10 * MB,
    "a cell in quotes": '"' + "x," * 10 * MB + '"',
    "a row of commas": "date,v\n2024-01-31,2\n" + "," * 20 * MB + "\n",
    "many columns": "\n".join([",".join(["1"] * 100_000)] * 20) + "\n",
    "UTF-16": "\ufeff" + "1," * 5 * MB,
}
WIDE = 10_000
AT_ONCE = 10  # CPU seconds, on a slow machine too: the faults took minutes
CELLS = ("1", "a1", "20240131") + (("0.25", "12:30", "5%", "a", "-", "2015", "007") if IS_LONG else ())


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lines") / "long.csv"


@pytest.mark.parametrize("name", LONG)
def test_a_line_of_20_mb_is_refused_at_once(name: str, file: Path, tried: Tried) -> None:
    file.write_text(LONG[name], "utf-16-le" if name == "UTF-16" else "utf-8")
    for read in (read_table, lambda path: read_csv(path, "long")):
        begun = time.process_time()
        with pytest.raises(DataError):
            read(file)
        assert time.process_time() - begun < AT_ONCE
    tried(9, 2)


def test_every_command_refuses_a_header_of_20_mb(
    file: Path, cli: Callable[..., Outcome], tmp_path: Path, tried: Tried
) -> None:
    good = tmp_path / "good.csv"
    good.write_text("date,y\n" + "".join(f"2024-01-{day:02d},{day % 3}\n" for day in range(1, 29)))
    file.write_text(LONG["a header"])
    calls = (
        ("forecast", file),
        ("forecast", file, "--column", "a"),
        ("structure", file),
        ("structure", file, good),
        ("train-mlp", file, "--target", "y"),
        ("train-mlp", good, "--target", "y", "--test", file),
        ("train-forecaster", file),
        ("evaluate", "quotes", file),
    )
    for words in calls:
        cli(words[0], "--help")  # what is imported is no part of it
        begun = time.process_time()
        cli(*words).fails(1, "longer than 262,144 characters")
        assert time.process_time() - begun < AT_ONCE, words
    tried(9, len(calls))


@pytest.mark.parametrize("cell", CELLS)
def test_ten_thousand_columns_are_read_or_refused_at_once(cell: str, file: Path, tried: Tried) -> None:
    """Column by column two rows took 13 seconds at a thousand columns, and twice as many four times that."""
    for head in (True, False) if IS_LONG else (True,):
        rows = [",".join(f"c{place}" for place in range(WIDE))] * head + [",".join([cell] * WIDE)] * 2
        file.write_text("\n".join(rows) + "\n")
        begun = time.process_time()
        assert read_table(file).frame.shape[1] == WIDE
        assert time.process_time() - begun < AT_ONCE
        for columns in ((), ("c77" if head else "column_77",)):
            begun = time.process_time()
            with pytest.raises(DataError):  # there are no dates, or in all columns
                read_csv(file, "wide", columns)
            assert time.process_time() - begun < AT_ONCE  # for two of one date what each column says is compared
    tried(9, 6 if IS_LONG else 3)


@pytest.mark.parametrize(
    "cell",
    [
        *("9" * 30_000, "9" * 30_000 + "x", "1" + " " * 30_000 + "2", "1," * 15_000, "1.234" * 6_000, "-" * 30_000),
        *(
            "2024-01-01" + " " * 30_000 + "x",
            "1:00 " * 6_000,
            "Jan " * 8_000,
            "e" * 30_000,
            "1 234 " * 5_000,
            "(" * 30_000,
        ),
        *("' " * 15_000, "'" + " " * 30_000, "to " * 10_000, "%" * 30_000, "1e" * 15_000, "0." * 15_000),
    ],
)
def test_a_long_cell_is_read_in_linear_time(cell: str, file: Path, tried: Tried) -> None:
    """A number of 20,000 digits took 80 seconds: the square of its length."""
    for separator in ",;\t":
        file.write_text(
            "".join(f"{first}{separator}{second}\n" for first, second in [("a", "date"), *[(cell, "7")] * 5])
        )
        for read in (read_table, lambda path: read_csv(path, "long")):
            begun = time.process_time()
            try:
                read(file)
            except DataError as problem:
                assert problem.hint
            assert time.process_time() - begun < AT_ONCE
            tried(9)


@pytest.mark.parametrize("name", ["a", "date", "price", ""])
def test_ten_thousand_names_that_come_again_are_numbered_at_once(name: str, file: Path, tried: Tried) -> None:
    file.write_text("\n".join([",".join([name] * WIDE), *[",".join(["3"] * WIDE)] * 2]) + "\n")
    begun = time.process_time()
    try:
        assert len(set(read_table(file).frame)) == WIDE
    except DataError:
        assert not name
    assert time.process_time() - begun < AT_ONCE
    begun = time.process_time()
    with pytest.raises(DataError):
        read_csv(file, "wide")
    assert time.process_time() - begun < AT_ONCE
    tried(9, 2)


def test_one_series_of_ten_thousand_is_read_by_its_name(file: Path, tried: Tried) -> None:
    days = [f"2024-01-{day:02d}" for day in range(1, 31)]
    head = "date," + ",".join(f"s{place}" for place in range(WIDE))
    body = [
        f"{day}," + ",".join(str(100 + place % 7 + number) for place in range(WIDE)) for number, day in enumerate(days)
    ]
    file.write_text("\n".join([head, *body]) + "\n")
    begun = time.process_time()
    (series,) = read_csv(file, "wide", ["s9999"])
    assert time.process_time() - begun < AT_ONCE
    assert series.close.tolist() == [100 + 9999 % 7 + number for number in range(30)]
    with pytest.raises(DataError, match="no column 'Close' among 10,000"):
        read_csv(file, "wide")
    tried(9, 2)

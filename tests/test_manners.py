"""Small things that a person meets: dates as they are written and said, and errors that stay short."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqlab.data.images.decode import is_image
from seqlab.data.series.moments import moment_of
from seqlab.data.tables.dates import read_dates
from seqlab.errors import DataError, SeqlabError, UsageError
from seqlab.formatting import dates_in_words


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("30.06.2022", "2022-06-30"),
        ("30 Jun 2022", "2022-06-30"),
        ("June 30, 2022", "2022-06-30"),
        ("2022-06", "2022-06-30"),
        ("06/2022", "2022-06-30"),
        ("Feb 2024", "2024-02-29"),
        ("2022Q2", "2022-06-30"),
        ("Q4 2022", "2022-12-31"),
        ("2022", "2022-12-31"),
    ],
)
def test_a_day_is_understood_as_a_person_writes_it(written: str, day: str) -> None:
    """A month, a quarter or a year is its last day."""
    assert moment_of(written) == np.datetime64(day)


@pytest.mark.parametrize("written", ["03/04/2022", "soon", "2022-13", "2022-02-30", "2022-06-30T15:00+99:99", "22"])
def test_what_is_no_day_or_may_be_two_is_refused(written: str) -> None:
    with pytest.raises(UsageError) as refused:
        moment_of(written)
    assert written in refused.value.message and "2022-12-28" in refused.value.hint


def test_zones_that_no_clock_has_are_no_dates() -> None:
    import pandas as pd

    for zone, is_date in (("+05:30", True), ("-1200", True), ("+99:99", False), ("+02:75", False)):
        found = read_dates(pd.Series([f"2024-01-{day:02} 10:00{zone}" for day in range(1, 20)]), "the column")
        assert (found is not None and not np.isnat(found.when).any()) == is_date


@pytest.mark.parametrize(
    ("dates", "step", "words"),
    [
        (["1960-12-01", "1961-01-01"], "month", ["1960-12", "1961-01"]),
        (["1960-11-30", "1960-12-31"], "month", ["1960-11", "1960-12"]),
        (["1960-12-15", "1961-01-01"], "month", ["1960-12-15", "1961-01-01"]),
        (["2009-10-01", "2010-01-01"], "quarter", ["2009Q4", "2010Q1"]),
        (["2009-12-31", "2010-03-31"], "quarter", ["2009Q4", "2010Q1"]),
        (["2009-11-30", "2010-02-28"], "quarter", ["2009-11", "2010-02"]),
        (["1999-01-01", "2000-01-01"], "year", ["1999", "2000"]),
        (["1999-06-30", "2000-06-30"], "year", ["1999-06", "2000-06"]),
        (["2024-01-01", "2024-02-01"], "day", ["2024-01-01", "2024-02-01"]),
        (["2024-01-01T09:30"], "30 minutes", ["2024-01-01 09:30"]),
    ],
)
def test_dates_are_said_by_the_step_of_their_series(dates: list[str], step: str, words: list[str]) -> None:
    assert dates_in_words(map(np.datetime64, dates), step) == words


def test_an_error_that_quotes_something_huge_stays_short() -> None:
    error = SeqlabError(f"'{'x' * 10**6}' is no date", "write one")
    assert len(error.message) < 700 and error.message.startswith("'xxx") and error.message.endswith("is no date")


def test_a_table_that_cannot_be_is_refused_in_its_own_words(cli: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,b\n" + "".join(f"{k},{k - 5}.5e307\n" for k in range(20)))
    cli("train-mlp", file, "--target", "b").fails(1, "'b' has numbers as large as 1.45e+308", "divide")
    file.write_text('a,b\n1,"' + "x" * (1 << 19) + '"\n2,3\n')
    cli("train-mlp", file, "--target", "a").fails(1, "row below the header", "quote")


def test_what_pillow_logs_is_not_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "torn.png").write_bytes(b"no png")
    is_image(tmp_path / "torn")
    with pytest.raises(DataError):
        from seqlab.data.images.decode import read_image

        read_image(tmp_path / "torn.png", 8, 8)
    logging.getLogger("PIL.TiffImagePlugin").warning("odd")
    assert capfd.readouterr().err == ""

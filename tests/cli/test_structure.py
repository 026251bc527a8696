"""seqlab structure: what a person and a script see."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from seqlab.data.series.quotes import snapshot
from tests.unsupervised.test_structure import curve

Cli = Callable[..., Any]
HOW = ["--threads", 1, "--device", "cpu", "--precision", "fp32"]
SHORT = [*HOW, "--set", "max_steps=20", "--set", "window=5"]
DRAWN = [*HOW, "--set", "max_steps=50"]
TABLE = [*HOW, "--set", "max_steps=300", "--set", "hidden_size=32"]


def write_curve(path: Path, rows: int = 200) -> Path:
    """A table of a bent line with a category; in the 42nd row the columns contradict each other."""
    frame = pd.DataFrame(curve(rows), columns=list("abcdef"))
    frame["side"] = np.where(frame["a"] > 0, "right", "left")
    frame.loc[41, "c"] += 4 if frame.loc[41, "c"] < 0 else -4
    frame.to_csv(path, index=False)
    return path


def test_tickers_as_json(cli: Cli) -> None:
    done = cli("structure", "aapl", "MSFT", "AAPL", "--top", 3, "--json", *SHORT)
    assert done.status == 0, done.err
    found = done.json
    assert list(found) == [
        *("schema", "rows", "columns", "code_size", "explained", "unusual", "pca_unusual", "largest_moves")
    ]
    days = len(snapshot("AAPL")) - 1
    assert (found["schema"], found["rows"], found["columns"], found["code_size"]) == (1, days - 4, 2, 2)
    assert set(found["explained"]) == {"autoencoder", "pca"}
    for which in ("unusual", "pca_unusual"):
        assert len(found[which]) == 3
        assert all(list(one) == ["date", "error", "worst", "code"] for one in found[which])
        assert all(len(one["code"]) == 2 and one["worst"] in ("AAPL", "MSFT") for one in found[which])
        errors = [one["error"] for one in found[which]]
        assert errors == sorted(errors, reverse=True)
    # the largest mean |return|, from the quotes themselves
    paths = pd.DataFrame({name: pd.Series(snapshot(name).path(), snapshot(name).dates) for name in ("AAPL", "MSFT")})
    moves = paths.diff().abs().mean(axis=1).iloc[5:].nlargest(3)
    assert [one["date"] for one in found["largest_moves"]] == [str(day.date()) for day in moves.index]
    assert [one["move"] for one in found["largest_moves"]] == pytest.approx(moves.tolist())
    assert f"joined: {days:,} days of 2 series, 1990-01-03 to 2022-12-28" in done.err
    assert "AAPL, MSFT: 8,313 days, the quotes embedded" in done.err  # said once for both


def test_days_that_not_all_series_have_are_noted(cli: Cli) -> None:
    done = cli("structure", "GOOG", "IBM", *SHORT)
    assert done.status == 0, done.err
    both = len(np.intersect1d(snapshot("GOOG").dates, snapshot("IBM").dates))
    assert f"{both:,} of the {len(snapshot('IBM')):,} days of IBM are days of all 2 series" in done.err
    lines = done.out.splitlines()
    assert lines[0] == f"{both - 5:,} days of 2 series, each as a code of 2 numbers"
    assert "autoencoder" in lines[1] and "PCA" in lines[1]
    assert any(line.startswith("by mean |log return|: 20") for line in lines)
    assert lines[-1].startswith("of these 10 the autoencoder has ")


def test_files_of_quotes_are_series_and_join_tickers_by_date(cli: Cli, tmp_path: Path) -> None:
    for name in ("AAPL", "KO"):
        one = snapshot(name)
        close = np.exp(one.path() - one.path()[-1]) * 100
        pd.DataFrame({"Date": one.dates, "Open": close, "Close": close}).to_csv(tmp_path / f"{name}.csv", index=False)
    own = cli("structure", tmp_path / "AAPL.csv", tmp_path / "KO.csv", "--top", 2, "--json", *SHORT)
    assert own.status == 0, own.err
    theirs = cli("structure", "AAPL", "KO", "--top", 2, "--json", *SHORT).json
    assert [one["date"] for one in own.json["largest_moves"]] == [one["date"] for one in theirs["largest_moves"]]
    assert [one["move"] for one in own.json["largest_moves"]] == pytest.approx(
        [one["move"] for one in theirs["largest_moves"]], rel=1e-6
    )
    mixed = cli("structure", tmp_path / "AAPL.csv", "KO", *SHORT)
    assert mixed.out.splitlines()[0].endswith("days of 2 series, each as a code of 2 numbers")
    alone = cli("structure", tmp_path / "AAPL.csv", "--column", "Close", *SHORT)
    assert "days of 1 series" in alone.out.splitlines()[0]
    assert (
        cli("structure", tmp_path / "AAPL.csv", *SHORT)
        .out.splitlines()[0]
        .startswith(f"{len(snapshot('AAPL')):,} rows")
    )


def test_a_table_as_json_names_the_row_and_the_column(cli: Cli, tmp_path: Path) -> None:
    table = write_curve(tmp_path / "bent.csv")
    done = cli("structure", table, "--top", 2, "--json", *TABLE)
    assert done.status == 0, done.err
    assert "largest_moves" not in done.json and done.json["rows"] == 200
    first = done.json["unusual"][0]
    assert list(first) == ["row", "error", "worst", "code"]
    assert (first["row"], first["worst"]) == (42, "c")  # rows count from 1 below the head
    assert cli("structure", table, "--top", 2, "--json", *TABLE) == done  # to the byte
    said = cli("structure", table, *TABLE)
    assert said.out.splitlines()[0].startswith("200 rows of ") and "by PCA: " in said.out
    assert "return" not in said.out


def test_all_codes_and_errors_are_written(cli: Cli, tmp_path: Path) -> None:
    table, written = write_curve(tmp_path / "bent.csv", 60), tmp_path / "codes.csv"
    done = cli("structure", table, "-o", written, "--json", "--top", 60, *TABLE)
    assert done.status == 0 and f"written to {written}" in done.err and "codes.png" in done.err
    with written.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["row", "error", "code_1", "code_2", "pca_error", "pca_1", "pca_2"]
    assert [row["row"] for row in rows] == [str(number) for number in range(1, 61)]
    for one in done.json["unusual"]:
        row = rows[one["row"] - 1]
        assert [float(row[name]) for name in ("error", "code_1", "code_2")] == pytest.approx(
            [one["error"], *one["code"]], rel=1e-4, abs=1e-5
        )
    days = tmp_path / "days.csv"
    assert cli("structure", "KO", "PEP", "-o", days, "-q", *SHORT).out == ""
    head, first, *_ = days.read_text().splitlines()
    assert head.split(",")[0] == "date" and head.split(",")[-1] == "mean_abs_return" and first.startswith("1990-01-09,")


@pytest.mark.parametrize(("ending", "code_size"), [("png", 2), ("pdf", 2), ("svg", 1), ("svg", 2), ("svg", 3)])
def test_the_map_is_drawn_the_same_each_time(cli: Cli, tmp_path: Path, ending: str, code_size: int) -> None:
    table = write_curve(tmp_path / "$a_{x$ <b>.csv", 60)
    drawn = []
    for number in range(2):
        path = tmp_path / f"map{number}.{ending}"
        assert cli("structure", table, "-o", path, f"--set=code_size={code_size}", *DRAWN).status == 0
        drawn.append(path.read_bytes())
    assert drawn[0] == drawn[1] and len(drawn[0]) > 5000
    if ending == "svg":
        texts = ["".join(one.itertext()) for one in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")]
        assert "$a_{x$ <b>" in texts and "42" in texts
        assert any(text.startswith("autoencoder: ") for text in texts) and any("PCA: " in text for text in texts)


def test_errors_name_the_cause(cli: Cli, tmp_path: Path) -> None:
    table = write_curve(tmp_path / "bent.csv", 60)
    cli("structure", table, "AAPL").fails(1, "bent.csv has no column with dates", "named Date")
    cli("structure", "-").fails(2, "no standard input")
    cli("structure", table, "-o", tmp_path / "map.txt").fails(2, "map.txt", ".csv")
    cli("structure", table, "-o", tmp_path / "no" / "map.png").fails(1, "its folder does not exist")
    cli("structure", table, "-o", table).fails(2, "is read here")
    cli("structure", table, "--set", "cell=gru").fails(2, "no setting 'cell'")
    cli("structure", table, "--set", "code_size=40").fails(1, "no more than the 40 numbers")
    cli("structure", tmp_path / "none.csv").fails(1, "none.csv")
    cli("structure", "AAPLE").fails(1, "AAPLE")
    cli("structure", "AAPL", "--set", "window=5000").fails(1, "too few for windows of 5000", "window=")
    short = tmp_path / "short.csv"
    short.write_text("a,b,c\n1,2.5,3\n2,3.5,1\n")
    cli("structure", short).fails(1, "2 rows are too few")
    assert json.loads(cli("structure", table, "--json", *TABLE, "--set", "code_size=1").out)["code_size"] == 1

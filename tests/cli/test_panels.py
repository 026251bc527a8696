"""A long table on the command line, from the file to the tables that are written."""

import json

import numpy as np
import pandas as pd
import pytest

QUICK = ["--horizon=3", "--origins=6", "--threads=1"]


@pytest.fixture
def panel(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    months = pd.date_range("2012-01-01", periods=84, freq="MS")
    values = np.random.default_rng(2).poisson(40 + 20 * np.sin(np.arange(84) * np.pi / 6), (9, 84)) + 1
    ids = np.repeat([f"{number:03d}" for number in range(9)], 84)
    long = pd.DataFrame({"shop": ids, "month": [*months] * 9, "sales": values.ravel()})
    long.to_csv("shops.csv", index=False)
    return long


def test_a_panel_is_read_forecast_and_written(cli, panel) -> None:
    done = cli(
        *("forecast", "shops.csv", "--id=shop", "--time=month", "--target=sales", *QUICK),
        *("--quantiles=0.1,0.5,0.975", "-o", "out.csv", "--json"),
    )
    assert done.status == 0, done.err
    assert "shops: 9 series of 84 rows, by the month, season year, kind counts, 2012-01 to 2018-12; none" in done.err
    assert sum("whole numbers above zero" in line for line in done.err.splitlines()) == 1
    assert "--id shop --time month --target sales" in done.err  # of the command that draws it
    table = pd.read_csv("out.csv", dtype={"unique_id": str}, parse_dates=["ds"])
    assert list(table) == ["unique_id", "ds", "q10", "q50", "q97.5"]
    assert table["unique_id"].unique().tolist() == [f"{number:03d}" for number in range(9)]
    assert sorted({str(day.date()) for day in table["ds"]}) == [
        "2019-01-01",
        "2019-02-01",
        "2019-03-01",
    ]
    levels = table[["q10", "q50", "q97.5"]].to_numpy()
    assert (np.diff(levels) >= 0).all() and (levels == np.round(levels)).all() and (levels >= 0).all()
    answers = json.loads(done.out)["forecasts"]
    assert [one["ticker"] for one in answers] == table["unique_id"].unique().tolist()
    assert answers[3]["quantiles"][2]["q97.5"] == table["q97.5"][3 * 3 + 2]


def test_nine_series_are_one_table_with_one_verdict(cli, panel) -> None:
    done = cli("forecast", "shops.csv", "--id=shop", "--time=month", "--target=sales", *QUICK)
    assert done.status == 0, done.err
    assert "9 series, 3 steps ahead" in done.out and done.out.count("backtest:") == 1
    assert done.out.count("that it had not seen the model") == 1 and "more: -o FILE.csv" not in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--id=store"], "no column 'store'"),
        (["--id=shop", "--time=date"], "no column 'date'"),
        (["--id=shop", "--time=month", "--target=sales", "--column=sales"], "is long"),
        (["--id=shop", "--time=month", "--target=sales", "--quantiles=0.5,one"], "no numbers"),
        (["--id=shop", "--time=month", "--target=sales", "--quantiles=0.999"], "quantile of 0.999"),
        ([], "--id shop"),
    ],
)
def test_what_cannot_be_read_or_written_is_named(cli, panel, words, said) -> None:
    done = cli("forecast", "shops.csv", *words)
    assert done.status in (1, 2) and said in done.err

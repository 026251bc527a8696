"""Forecasting from the command line: what is said, what is written, and which name a model gets."""

import csv
from pathlib import Path

import numpy as np
import pytest

from seqlab.cli.fan_chart import draw
from seqlab.forecasting import Forecast
from seqlab.scoring import LEVELS
from seqlab.scoring.backtest import Backtest
from tests.test_forecasting import QUICK, made_series

SETTINGS = [f"--set={name}={value}" for name, value in QUICK.items()]


def write_csv(path: Path, days: int = 700, scale: float = 1.0, seed: int = 0) -> Path:
    series = made_series(days=days, seed=seed)
    days_of_late = series.dates + 364 * 7  # after the cut of the shipped model
    rows = zip(days_of_late, scale * series.close, strict=True)
    path.write_text("Date,Close\n" + "".join(f"{day},{price}\n" for day, price in rows))
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEQLAB_CHECKPOINTS", raising=False)
    return tmp_path


def test_a_forecast_before_the_cut_is_called_hindsight(cli, folder):
    done = cli("forecast", "AAPL", "--offline", "--horizon=2", "--as-of=2021-06-01", "--json")
    assert done.status == 0 and "hindsight" in done.err and "2021-12-31" in done.err
    (one,) = done.json["forecasts"]
    assert one["as_of"] == "2021-06-01" and one["backtest"]["origins"] == 0
    assert one["verdict"].startswith("This is hindsight") and one["verdict"].count(". ") == 0


def test_a_day_after_the_last_price_is_remarked(cli, folder):
    write_csv(folder / "index.csv")
    last = (folder / "index.csv").read_text().split()[-1].split(",")[0]
    done = cli("forecast", "index.csv", "--horizon=1", "--origins=5", "--as-of=2999-01-01")
    assert done.status == 0 and f"--as-of 2999-01-01 is later than its last price, of {last}" in done.err
    assert "later than" not in cli("forecast", "index.csv", "--horizon=1", "--origins=5", f"--as-of={last}").err


def test_the_json_has_what_the_contract_promises(cli, folder):
    done = cli("forecast", "AAPL", "--offline", "--horizon=20", "--origins=40", "--json")
    (one,) = done.json["forecasts"]
    assert set(one) >= {"ticker", "source", "as_of", "last_close", "model", "trained", "cut", "horizon"}
    assert set(one["quantiles"][0]) == {"date", "q05", "q10", "q25", "q50", "q75", "q90", "q95"}
    backtest = one["backtest"]
    assert set(backtest) >= {"origins", "first", "last", "horizons", "skill_vs_random_walk", "dm_p_value"}
    assert len(backtest["skill_at_last_price"]) == len(backtest["horizons"]) == 3
    for scores in (backtest["model"], *(backtest["baselines"][name] for name in ("random_walk", "ewma", "har"))):
        assert set(scores) >= {"crps", "mae", "coverage80"}
    assert one["verdict"]
    assert done.err.count("2022-12-28") == 1  # where the embedded quotes end is said once


def test_prices_are_written_to_the_cent_and_the_next_command_is_said(cli, folder):
    write_csv(folder / "index.csv", scale=400.0)
    done = cli("forecast", "index.csv", "--horizon=1", "-o", "table.csv", "--backtest=all.csv", "-q")
    assert (done.status, done.out, done.err) == (0, "", "")
    for name in ("table.csv", "all.csv"):
        with (folder / name).open() as file:
            rows = list(csv.DictReader(file))
        assert float(rows[-1]["q50"]) > 10_000 and len(rows[-1]["q50"].replace(".", "")) >= 8
    said = cli("forecast", "index.csv", "--horizon=1", "-o", "table.csv", "--backtest=all.csv").err
    assert "seqlab forecast index.csv --horizon 1 -o table.png" in said
    assert "seqlab evaluate quotes index.csv" in said


def test_a_file_called_like_a_formula_can_be_drawn(tmp_path):
    series = made_series("$a_{x$")
    prices = np.linspace(90, 110, len(LEVELS))[None]
    backtest = Backtest((1,), series.dates[:0], np.zeros((0, 1)), {})
    draw([Forecast(series, series.dates[-1:] + 1, prices, prices, backtest)], tmp_path / "chart.svg")
    assert (tmp_path / "chart.svg").stat().st_size > 1000


def test_a_model_of_ones_own_is_called_after_its_series(cli, folder):
    for name, seed in (("my prices", 1), ("b", 2), ("c", 3), ("d", 4)):
        write_csv(folder / f"{name}.csv", seed=seed)
    one = cli("train-forecaster", "my prices.csv", *SETTINGS)
    assert one.status == 0 and "seqlab forecast 'my prices.csv' --model 'my prices'" in one.err
    assert (folder / "checkpoints" / "my prices" / "config.json").exists()
    assert cli("forecast", "my prices.csv", "--model", "my prices", "--horizon=1").status == 0
    assert cli("train-forecaster", "b.csv", "c.csv", *SETTINGS).status == 0
    assert cli("train-forecaster", "b.csv", "c.csv", "d.csv", "my prices.csv", *SETTINGS).status == 0
    assert {path.name for path in (folder / "checkpoints").iterdir()} == {"my prices", "b-c", "b-c-and-2-more"}

    cli("evaluate", "my prices").fails(1, "trained on a file", "seqlab evaluate 'my prices' FILE.csv")
    assert cli("evaluate", "my prices", "my prices.csv").status == 0
    cli("train-forecaster", "b.csv", "--cut=soon", *SETTINGS).fails(2, "'soon' is no date", "2022-12-28")


def test_what_would_hide_the_shipped_model_is_said(cli, folder):
    write_csv(folder / "quotes.csv")
    done = cli("train-forecaster", "quotes.csv", *SETTINGS)
    assert done.status == 0 and "before the one that ships" in done.err

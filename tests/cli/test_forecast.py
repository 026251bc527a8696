"""Forecasting from the command line: what is said, what is written, and which name a model gets."""

import csv
from pathlib import Path

import numpy as np
import pytest

from seqlab import checkpoint
from tests.forecasting.test_forecasting import QUICK, made_series

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
    done = cli("forecast", "AAPL", "--offline", "--horizon=2", "--as-of=2021-06-01", "--model=quotes", "--json")
    assert done.status == 0 and "hindsight" in done.err and "2021-12-31" in done.err
    (one,) = done.json["forecasts"]
    assert one["as_of"] == "2021-06-01" and one["backtest"]["origins"] == 0
    assert one["verdict"].startswith("This is hindsight") and one["verdict"].count(". ") == 0
    assert one["verdict"].endswith("no investment advice.")


def test_where_the_model_knows_what_came_one_is_trained_that_does_not(cli, folder):
    done = cli("forecast", "AAPL", "--offline", "--horizon=2", "--as-of=2004-06-01", "--set=max_steps=20", "--json")
    (one,) = done.json["forecasts"]
    assert "prices that end before 2005-12-30" in done.err and "hindsight" not in done.err
    assert one["trained"] == "fresh" and one["cut"] < "2004-01-01" and one["backtest"]["origins"] == 250


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
    assert set(one["quantiles"][0]) >= {"date", "q05", "q10", "q25", "q50", "q75", "q90", "q95"}
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


def test_a_backtest_is_drawn_where_its_file_is_a_picture(cli, folder):
    write_csv(folder / "a.csv", seed=1)
    write_csv(folder / "b.csv", seed=2)
    done = cli("forecast", "a.csv", "b.csv", "--horizon=2", "--origins=60", "--backtest=scores.SVG")
    assert done.status == 0 and "backtest written to scores.SVG" in done.err
    written = (folder / "scores.SVG").read_text()
    assert "a, b" in written and "120 forecasts" in written and "2 days ahead" in written
    assert "░" not in done.out  # the picture of letters is for terminals
    cli("forecast", "a.csv", "--backtest=scores.txt").fails(2, "scores.txt", ".csv", ".png", ".svg", ".pdf")
    assert not (folder / "scores.txt").exists()


def test_a_backtest_of_no_day_cannot_be_drawn(cli, folder):
    done = cli(
        "forecast", "AAPL", "--offline", "--horizon=2", "--as-of=2021-06-01", "--model=quotes", "--backtest=scores.png"
    )
    done.fails(1, "the backtest cannot be drawn", "leave out --backtest")
    assert not (folder / "scores.png").exists()


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

    named = cli("evaluate", "my prices", "my prices.csv", "--json")
    found = cli("evaluate", "my prices", "--json")
    assert found.json == named.json and "my prices.csv" in found.err and "not as in training" not in found.err
    cli("train-forecaster", "b.csv", "--cut=soon", *SETTINGS).fails(2, "'soon' is no date", "2022-12-28")


def test_what_would_hide_the_shipped_model_is_said(cli, folder):
    write_csv(folder / "quotes.csv")
    done = cli("train-forecaster", "quotes.csv", *SETTINGS)
    assert done.status == 0 and "before the one that ships" in done.err


def test_several_columns_are_one_batch_and_levels_are_no_returns(cli, folder):
    series = [made_series(days=700, seed=seed) for seed in (1, 2)]
    rows = zip(series[0].dates + 364 * 7, *(one.close for one in series), strict=True)
    lines = [f"{day},{a},{b}\n" for day, a, b in rows]
    (folder / "both.csv").write_text("Date,a,b\n" + "".join(lines))
    cli("forecast", "both.csv").fails(1, "a, b", "--column NAME", "repeating")
    done = cli("forecast", "both.csv", "--column=b", "--column", "A", "--horizon=1", "--json", "-o", "table.csv")
    assert [one["ticker"] for one in done.json["forecasts"]] == ["b", "a"]
    assert "seqlab forecast both.csv --horizon 1 --column b --column A -o table.png" in done.err
    cli("forecast", "both.csv", "--levels", "--returns").fails(2, "--levels and --returns exclude each other")
    trained = cli("train-forecaster", "both.csv", "--column=a", "--column=b", *SETTINGS)
    assert trained.status == 0 and "seqlab forecast both.csv --model a-b --column a --column b" in trained.err


def write_months(path: Path, years: int = 16, columns: int = 1, offset: float = 0.0) -> Path:
    """Monthly values that repeat themselves every year, with noise of a tenth of that."""
    random = np.random.default_rng(0)
    months = np.arange(np.datetime64("2008-01"), np.datetime64("2008-01") + 12 * years)
    waves = 10 + offset + np.sin(2 * np.pi * np.arange(len(months)) / 12)[:, None]
    values = waves + 0.1 * random.normal(size=(len(months), columns))
    names = [f"place{k}" for k in range(columns)]
    lines = [f"{month}-01,{','.join(map(str, row))}" for month, row in zip(months, values, strict=True)]
    path.write_text("\n".join([f"month,{','.join(names)}", *lines]) + "\n")
    return path


def test_months_are_forecast_by_the_general_model_and_repeat_their_year(cli, folder):
    write_months(folder / "rain.csv", offset=-10.0)  # of either sign
    done = cli("forecast", "rain.csv", "--horizon=12", "--threads=1", "--seed=0", "--json")
    assert done.status == 0 and "trained on other series" in done.err
    (one,) = done.json["forecasts"]
    assert (one["model"], one["trained"], one["source"], one["cut"]) == ("general", "shipped", "file", None)
    assert [row["date"] for row in one["quantiles"]] == [f"2024-{month:02d}-01" for month in range(1, 13)]
    truth = np.sin(2 * np.pi * np.arange(12) / 12)
    assert np.abs([row["q50"] for row in one["quantiles"]] - truth).max() < 0.35
    backtest = one["backtest"]
    assert backtest["step"] == "month" and not backtest["in_percent"]
    assert backtest["origins"] == 192 - 12 - 9  # from the tenth month on
    assert backtest["skill_vs_random_walk"][1] > 50  # at 5 months a year's shape is most of it
    assert "seasonal_naive" in backtest["baselines"] and "repeating the last season" in one["verdict"]
    assert not any(word in one["verdict"] for word in ("day", "investment", "price"))
    again = cli("forecast", "rain.csv", "--horizon=12", "--threads=1", "--seed=0", "--json")
    assert again.out == done.out


def test_several_columns_are_one_batch(cli, folder):
    write_months(folder / "rain.csv", columns=2)
    done = cli("forecast", "rain.csv", "--column=place0", "--column=place1", "--horizon=3", "--json")
    assert [one["ticker"] for one in done.json["forecasts"]] == ["place0", "place1"]
    assert done.err.count("trained on other series") == 1


def test_refit_adapts_the_shipped_model_and_tests_it_on_later_days(cli, folder):
    write_csv(folder / "mine.csv", days=900)
    plain = cli("forecast", "mine.csv", "--horizon=2", "--json").json["forecasts"][0]
    done = cli("forecast", "mine.csv", "--horizon=2", "--refit", "--threads=1", "--json")
    (one,) = done.json["forecasts"]
    assert (plain["trained"], one["trained"], one["model"]) == ("shipped", "refit", "quotes")
    assert one["cut"] > plain["cut"] and one["backtest"]["first"] >= one["cut"]
    assert one["quantiles"] != plain["quantiles"]


def test_a_forecaster_goes_on_from_another(cli, folder):
    write_csv(folder / "mine.csv", days=900)
    done = cli("train-forecaster", "mine.csv", "--from=quotes", "--set=max_steps=5", "-o", "tuned")
    assert done.status == 0
    saved = checkpoint.load(folder / "tuned")
    shipped = checkpoint.find("quotes", [checkpoint.shipped_folder()])
    assert saved.config["from"]["sha256"] == shipped.config["files"]["model"]["sha256"]
    assert saved.config["scaler"] == shipped.config["scaler"] and saved.config["model"] == shipped.config["model"]
    moved = [(saved.weights()[name] - tensor).abs().max() for name, tensor in shipped.weights().items()]
    assert 0 < max(moved) < 0.1  # five short steps


def test_what_is_read_is_never_written_over(cli, folder):
    path = write_csv(folder / "mine.csv")
    before = path.read_bytes()
    for option in ("-o", "--backtest"):
        cli("forecast", "mine.csv", "--horizon=1", option, folder / "mine.csv").fails(2, "is read here", "another file")
    cli("forecast", "mine.csv", "-o", "x.csv", "--backtest=x.csv").fails(2, "both name x.csv", "two files")
    said = cli("forecast", "mine.csv", "--horizon=1", "--offline", "-o", "mine.png").err
    assert "-o mine-forecast.csv" in said and "--offline" in said
    assert path.read_bytes() == before

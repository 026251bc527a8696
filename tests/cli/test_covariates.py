"""Covariates on the command line."""

import json

import numpy as np
import pandas as pd
import pytest

ROWS, AHEAD = 200, 5


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(2)
    promo = random.random(ROWS + AHEAD) < 0.2
    values = 100 * np.exp(0.4 * promo + 0.05 * random.normal(size=ROWS + AHEAD))
    table = pd.DataFrame({"date": pd.date_range("2023-01-01", periods=ROWS + AHEAD), "sales": values, "promo": promo})
    table.loc[ROWS:, "sales"] = np.nan
    table["sun"] = random.normal(size=ROWS + AHEAD)
    table.to_csv("shop.csv", index=False)
    return promo


def test_what_is_known_ahead_shows_in_the_forecast(cli, shop) -> None:
    words = ["forecast", "shop.csv", "--known=promo", "--past=sun", f"--horizon={AHEAD}", "--origins=6"]
    done = cli(*words)
    assert done.status == 0, done.err
    assert "shop: covariates: promo (known to 2023-07-24), sun (past)" in done.err
    (line,) = [line for line in done.out.splitlines() if line.startswith("effects")]
    assert line.startswith("effects of one more of each: promo +") and line.count("%") in (1, 2)
    found = json.loads(cli(*words, "--json", "-o", "out.csv").out)["forecasts"][0]
    assert set(found["effects"]) == {"promo", "sun"} and found["effects_in_percent"] is True
    assert abs(found["effects"]["promo"] - 100 * np.expm1(0.4)) < 10 and abs(found["effects"]["sun"]) < 3
    median = np.array([row["q50"] for row in found["quantiles"]])
    np.testing.assert_allclose(median, 100 * np.exp(0.4 * shop[ROWS:]), rtol=0.15)


def test_holidays_of_a_country_and_the_command_that_draws_it(cli, shop) -> None:
    pytest.importorskip("holidays")
    done = cli("forecast", "shop.csv", "--column=sales", "--holidays=de", "--known=promo", "--horizon=3", "-o", "f.csv")
    assert done.status == 0, done.err
    assert "0 holidays of DE" in done.err  # none was there twice
    assert "--column sales --known promo --holidays de -o f.png" in done.err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["shop.csv", "--known=price"], 1, "no column 'price'"),
        (["shop.csv", "--known=promo", "--past=promo", "--column=sales"], 2, "named twice"),
        (["shop.csv", "--known=promo", "--column=sales", "--horizon=6"], 1, "no value on 2023-07-25"),
        (["AAPL", "--known=promo", "--offline"], 2, "AAPL is a ticker"),
    ],
)
def test_what_cannot_be_is_said_with_the_next_step(cli, shop, words, status, said) -> None:
    done = cli("forecast", *words)
    assert done.status == status and said in done.err and "hint: " in done.err

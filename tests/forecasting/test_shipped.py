"""The forecasters that ship, on the days after their cut."""

import numpy as np
import pandas as pd
import pytest

import seqlab
from seqlab.data.series.quotes import snapshot_tickers

LEVELS = [0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95]


def losses(rows: pd.DataFrame, method: str) -> pd.Series:
    """The mean quantile loss in log return at 1, 5 and 20 days, from the written forecasts alone (Koenker 2005)."""
    mine = rows[rows["method"] == method].copy()
    total = 0.0
    for level in LEVELS:
        error = np.log(mine["outcome"] / mine[f"q{round(100 * level):02d}"])
        total += np.maximum(level * error, (level - 1) * error)
    return total.groupby(mine["horizon"]).mean()


@pytest.mark.parametrize("name", ["quotes", "lstm"])
def test_a_shipped_forecaster_knows_the_width_of_days_after_its_cut(name: str) -> None:
    """2022, all embedded tickers: no better than a random walk for certain, but calibrated."""
    tickers = [ticker for ticker in snapshot_tickers() if ticker not in ("GOOG", "RRC")]
    answer = seqlab.forecast(tickers, 20, model=name, origins=45, stride=5, offline=True, threads=1)
    assert answer[0].cut == np.datetime64("2021-12-31")
    rows = pd.DataFrame([row for one in answer for row in one.backtest_rows()])
    assert rows["origin"].min() >= np.datetime64("2021-12-31")
    inside = (rows["q10"] <= rows["outcome"]) & (rows["outcome"] <= rows["q90"])
    held = inside.groupby([rows["method"], rows["horizon"]]).mean()
    assert held["model"].between(0.75, 0.85).all()
    skill = 100 * (1 - losses(rows, "model") / losses(rows, "random_walk"))
    assert skill[1] > 0.2 and skill[5] > 0.2 and skill[20] > -2.0

"""How much the forecaster knows beyond its cut: skill pooled over tickers, and whether GJR-GARCH knows as much.

    python benchmarks/skill.py                          the twenty embedded tickers that go to 2022
    python benchmarks/skill.py SPY.csv IWM.csv ...      other series, forecast as each other's market

For each seed a model is trained on the embedded quotes up to the cut; every day after it with an outcome twenty days on
is forecast. GARCH and GJR with Student-t (package `arch`) are re-estimated every 63 days. "centred" has every median at
the last price, so that no drift counts. p: Diebold-Mariano on the daily mean over tickers, two-sided.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from seqlab import forecasting, scoring
from seqlab.data.series.quotes import load_many, snapshot, snapshot_tickers
from seqlab.data.series.series import Series
from seqlab.machine import Compute
from seqlab.runs import RunOptions
from seqlab.scoring.backtest import Backtest, pool
from seqlab.settings import ForecastSettings
from seqlab.tasks import Task


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--cut", default="2018-12-31")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--alone", action="store_true", help="forecast each series without the others as its market")
    given = parser.parse_args()
    taught = [snapshot(ticker) for ticker in snapshot_tickers()]
    asked = list(load_many(given.names, offline=True)) or [one for one in taught if one.dates[-1].astype(str) > "2022"]
    print(f"{'cut ' + given.cut:22}{'skill, % at 1 / 5 / 20':>24}{'centred':>24}{'in 80 %':>24}")
    theirs: dict[str, Backtest] = {}
    for seed in given.seeds:
        whole = backtest(train(taught, np.datetime64(given.cut), seed), asked, garch=not theirs, alone=given.alone)
        if not theirs:
            theirs = {name: of(whole, name) for name in whole.quantiles if name != "model"}
            for name, one in theirs.items():
                line(name, one)
        ours = of(whole, "model")
        line(f"seqlab, seed {seed}", ours)
        for name in ("random_walk", "gjr"):
            p, centred = (p_values(f(ours), f(theirs[name])) for f in (lambda one: one, centre))
            print(f"  p against {name:12}{triple(p, '.3f'):>24}{triple(centred, '.3f'):>24}")
    years = ours.origins.astype("datetime64[Y]")
    for year in np.unique(years):
        line(f"seed {given.seeds[-1]} in {year}", only(ours, years == year))


def train(series: Sequence[Series], cut: np.datetime64, seed: int) -> forecasting.Forecaster:
    settings = ForecastSettings(seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        options = RunOptions(Path(folder) / "model", Compute(threads=1))
        done = Task(forecasting.train(series, settings, options, cut=cut)).result()
        assert done is not None  # nothing stops it
        return forecasting.load(done)


def backtest(forecaster: forecasting.Forecaster, series: Sequence[Series], *, garch: bool, alone: bool) -> Backtest:
    options = {"origins": 1_000_000, "all_baselines": garch}
    if alone:
        return pool([forecasting.forecast(forecaster, one, **options).backtest for one in series])
    return pool([one.backtest for one in forecasting.forecast_all(forecaster, series, **options)])


def of(whole: Backtest, method: str) -> Backtest:
    """One method of a backtest, called the model, beside the random walk."""
    quantiles = {"model": whole.quantiles[method], "random_walk": whole.quantiles["random_walk"]}
    return replace(whole, quantiles=quantiles)


def only(whole: Backtest, rows: np.ndarray) -> Backtest:
    quantiles = {name: values[rows] for name, values in whole.quantiles.items()}
    return replace(
        whole, origins=whole.origins[rows], outcomes=whole.outcomes[rows], quantiles=quantiles, naive_error=None
    )


def centre(one: Backtest) -> Backtest:
    moved = one.quantiles["model"] - one.quantiles["model"][..., scoring.MEDIAN, None]
    return replace(one, quantiles={**one.quantiles, "model": moved})


def p_values(ours: Backtest, theirs: Backtest) -> list[float]:
    return replace(ours, quantiles={**ours.quantiles, "other": theirs.quantiles["model"]}).p_values("other")


def line(name: str, one: Backtest) -> None:
    skill, centred, held = one.skill(), one.skill(at_last_price=True), one.scores("model").coverage80
    print(f"{name:22}{triple(skill, '+.2f'):>24}{triple(centred, '+.2f'):>24}{triple(held, '.3f'):>24}", flush=True)


def triple(values: Sequence[float], how: str) -> str:
    return " / ".join(format(value, how) for value in values)


if __name__ == "__main__":
    main()

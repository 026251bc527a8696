"""How much the forecaster knows beyond its cut: skill pooled over tickers, era by era, beside what it has to beat.

    python benchmarks/skill.py                          the twenty embedded tickers that go to 2022
    python benchmarks/skill.py SPY.csv IWM.csv ...      other series, forecast as each other's market
    python benchmarks/skill.py --eras 2006-12-31:2012-12-31 2012-12-31:2018-12-31 2018-12-31:2022-12-31

In each era, CUT:END, the nets are trained on the embedded quotes up to the cut, once for each seed, and every day after
it with an outcome twenty days on is forecast, up to the end. `linear`, on volatility features, is what ships as
`quotes`; `recurrent`, an LSTM on the rows as they are, is what ships as `lstm`. GARCH and GJR with Student-t (package
`arch`) are re-estimated every 63 days. "centred" has every median at the last price, so that no drift counts: what GJR
knows of the width alone. p: Diebold-Mariano on the daily mean over tickers, two-sided.
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
from seqlab.tasks import Task

ERA = "2018-12-31:2022-12-31"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--eras", nargs="+", default=[ERA], metavar="CUT:END")
    parser.add_argument("--nets", nargs="+", default=["linear", "recurrent"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--alone", action="store_true", help="forecast each series without the others as its market")
    given = parser.parse_args()
    taught = [snapshot(ticker) for ticker in snapshot_tickers()]
    asked = list(load_many(given.names, offline=True)) or [one for one in taught if one.dates[-1].astype(str) > "2022"]
    for era in given.eras:
        cut, end = map(np.datetime64, era.split(":"))
        known = [one.until(end) for one in asked]
        print(f"\n{cut} to {end}".ljust(23) + f"{'skill, % at 1 / 5 / 20':>24}{'centred':>24}{'in 80 %':>24}")
        theirs: dict[str, Backtest] = {}
        for net in given.nets:
            ours = []
            for seed in given.seeds:
                trained = train(taught, net, cut, seed)
                whole = backtest(trained, known, all_baselines=not theirs, alone=given.alone)
                if not theirs:
                    theirs = {name: of(whole, name) for name in whole.quantiles if name != "model"}
                    for name, one in theirs.items():
                        line(name, one)
                ours.append(of(whole, "model"))
                line(f"{net}, seed {seed}", ours[-1])
            mean(net, ours)
            for name in ("random_walk", "gjr"):
                p, centred = (p_values(f(ours[0]), f(theirs[name])) for f in (lambda one: one, centre))
                print(f"  p against {name:12}{triple(p, '.3f'):>24}{triple(centred, '.3f'):>24}")
        if len(given.eras) == 1:
            years = ours[-1].origins.astype("datetime64[Y]")
            for year in np.unique(years):
                line(f"the last one in {year}", only(ours[-1], years == year))


def train(series: Sequence[Series], net: str, cut: np.datetime64, seed: int) -> forecasting.Forecaster:
    settings = forecasting.settings_for(series, {"net": net, "seed": seed})
    known = [one for one in series if (one.dates <= cut).sum() > 400]
    with tempfile.TemporaryDirectory() as folder:
        options = RunOptions(Path(folder) / "model", Compute(threads=1))
        done = Task(forecasting.train(known, settings, options, cut=cut, measure=False)).result()
        assert done is not None  # nothing stops it
        return forecasting.load(done)


def backtest(
    forecaster: forecasting.Forecaster, series: Sequence[Series], *, all_baselines: bool, alone: bool
) -> Backtest:
    options = {"origins": 1_000_000, "all_baselines": all_baselines}
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


def mean(net: str, ours: Sequence[Backtest]) -> None:
    """The mean over seeds of the skill, plain and centred, and of the coverage."""
    figures = [(one.skill(), one.skill(at_last_price=True), one.scores("model").coverage80) for one in ours]
    skill, centred, held = np.mean(figures, axis=0).tolist()
    print(f"{net + ', mean':22}{triple(skill, '+.2f'):>24}{triple(centred, '+.2f'):>24}{triple(held, '.3f'):>24}")


def triple(values: Sequence[float], how: str) -> str:
    return " / ".join(format(value, how) for value in values)


if __name__ == "__main__":
    main()

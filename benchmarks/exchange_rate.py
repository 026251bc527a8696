"""The public exchange_rate series by the weighted quantile loss of their benchmark.

    python benchmarks/exchange_rate.py exchange_rate.txt.gz

Eight currencies by the day, without dates; five windows of 30 rows that begin at row 6071 + 30 k. The loss at a level
is twice the pinball loss summed over windows, currencies and rows, over the sum of |y|; it is averaged over 0.1 .. 0.9.
Fresh models are trained on the spot on the rows before the first window; the shipped one knows later years of stocks.
"""

import argparse
from collections.abc import Callable, Sequence

import numpy as np

from seqlab import checkpoint, forecasting, scoring
from seqlab.data.series.series import Series
from seqlab.machine import Compute
from seqlab.scoring import baselines
from seqlab.settings import ForecastSettings
from seqlab.tasks import Task

FIRST, ROWS, WINDOWS = 6071, 30, 5
LEVELS = tuple(round(0.1 * k, 1) for k in range(1, 10))
PLACES = [scoring.LEVELS.index(level) for level in LEVELS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    values = np.loadtxt(given.file, delimiter=",")  # (N, 8)
    print(f"random walk, EWMA 0.94: {loss(values, lambda row: walk(values, row)):.5f}")
    series = [currency(values[:, k], f"currency {k + 1}") for k in range(values.shape[1])]
    shipped = forecasting.load(checkpoint.find("quotes", [checkpoint.shipped_folder()]))
    print(f"shipped model: {loss(values, lambda row: quantiles(shipped, series, row)):.5f}")
    for seed in given.seeds:
        fresh = fit([one.until(one.dates[FIRST - 1]) for one in series], seed)
        print(f"trained on the spot, seed {seed}: {loss(values, lambda row, of=fresh: quantiles(of, series, row)):.5f}")


def currency(values: np.ndarray, name: str) -> Series:
    dates = np.busday_offset("1990-01-01", np.arange(len(values)), roll="forward")  # as the benchmark has them
    unknown = np.full(len(values), np.nan)
    return Series(name, "file", "", dates, values, values, unknown, unknown, unknown, unknown)


def fit(series: Sequence[Series], seed: int) -> forecasting.Forecaster:
    settings = ForecastSettings(seed=seed, **forecasting.FRESH)
    held = forecasting.ORIGINS + ROWS
    return Task(forecasting.fit_to(series, settings, held=held, compute=Compute(threads=1))).result()


def quantiles(forecaster: forecasting.Forecaster, series: Sequence[Series], row: int) -> np.ndarray:
    """Of the rows from `row` on, by what comes before it: (8, 30, 9)."""
    known = [one.until(one.dates[row - 1]) for one in series]
    made = forecasting.forecast_all(forecaster, known, horizon=ROWS, origins=1)
    return np.stack([one.prices[:, PLACES] for one in made])


def walk(values: np.ndarray, row: int) -> np.ndarray:
    returns = np.diff(np.log(values[:row]), axis=0)
    weights = 0.94 ** np.arange(len(returns))[::-1]
    size = np.sqrt((weights[:, None] * returns**2).sum(0) / weights.sum())
    change = baselines.normal(size, np.arange(1, ROWS + 1), LEVELS)
    return values[row - 1][:, None, None] * np.exp(change)


def loss(values: np.ndarray, forecast: Callable[[int], np.ndarray]) -> float:
    total, size = np.zeros(len(LEVELS)), 0.0
    for row in FIRST + ROWS * np.arange(WINDOWS):
        came = values[row : row + ROWS].T  # (8, 30)
        total += 2 * scoring.pinball(forecast(row), came, LEVELS).sum((0, 1))
        size += np.abs(came).sum()
    return float((total / size).mean())


if __name__ == "__main__":
    main()

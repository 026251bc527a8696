"""Forecast a stock, and daily counts from a DataFrame: quantiles, a backtest beside baselines, and a verdict.

python examples/forecast.py
"""

import numpy as np
import pandas as pd

import seqlab

# Daily prices: the model that ships with seqlab, on the quotes that ship with it. Quantiles are prices.
apple = seqlab.forecast("AAPL", horizon=5, origins=100, offline=True, threads=1)
print(apple.to_frame())
print(apple.verdict)

# Any other series: the general model. Made-up visitors of a shop, a year of days with a weekly pattern.
days = pd.date_range("2023-01-02", periods=420, freq="D")
week = np.tile([20, 22, 25, 24, 40, 80, 60], 60)
visitors = pd.DataFrame({"visitors": np.random.default_rng(0).poisson(week)}, index=days)
counts = seqlab.forecast(visitors, horizon=7, origins=40, threads=1)
print(counts.to_frame())
print(counts.verdict)

# What --json prints: CRPS in percent (lower is better) and coverage of the 80 % interval, for each horizon.
backtest = counts.to_dict()["forecasts"][0]["backtest"]
print("horizons", backtest["horizons"], "CRPS", backtest["model"]["crps"], "coverage", backtest["model"]["coverage80"])

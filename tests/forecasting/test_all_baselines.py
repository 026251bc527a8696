"""`baselines="all"`: which models are put beside which series, and what is said where a package is missing."""

import sys

import numpy as np
import pandas as pd
import pytest

import seqlab
from seqlab.api import forecast_task
from seqlab.errors import UsageError
from seqlab.forecasting.results import Forecasts

QUICK = {"horizon": 3, "origins": 6, "offline": True}


def visitors() -> pd.Series:
    counts = np.random.default_rng(0).poisson(np.tile([20, 22, 25, 24, 40, 80, 60], 30))
    return pd.Series(counts, index=pd.date_range("2023-01-02", periods=len(counts)), name="visitors")


def methods(answer: Forecasts) -> set[str]:
    return set(answer[0].backtest.quantiles)


def test_prices_have_garch_and_other_series_auto_ets_and_theta():
    pytest.importorskip("arch")
    prices = methods(seqlab.forecast("AAPL", baselines="all", horizon=3, origins=3, offline=True))
    assert prices >= {"garch", "gjr"} and not prices & {"auto_ets", "theta"}
    pytest.importorskip("statsforecast")
    counts = methods(seqlab.forecast(visitors(), baselines="all", **QUICK))
    assert counts >= {"auto_ets", "theta", "seasonal_naive"} and not counts & {"garch", "gjr"}


@pytest.mark.parametrize(("what", "package"), [("AAPL", "arch"), (visitors(), "statsforecast")])
def test_a_package_that_is_missing_is_named_before_anything_is_trained(monkeypatch, what, package):
    monkeypatch.setitem(sys.modules, package, None)
    given = {"horizon": 3, "origins": 6, "offline": True} if isinstance(what, str) else QUICK
    task = forecast_task(what, baselines="all", **given)
    with pytest.raises(UsageError, match=f"needs the package {package}") as problem:
        for event in task:
            assert type(event).__name__ != "Progress"
    assert problem.value.hint == f"install it beside seqlab: pip install {package}"

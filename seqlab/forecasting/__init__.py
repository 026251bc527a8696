"""The job of series: train a forecaster on them, forecast with it, and say how good it was on unseen days."""

from seqlab.forecasting.forecast import ORIGINS, Forecast, forecast, forecast_all
from seqlab.forecasting.forecaster import HORIZONS, Forecaster, calibrated, load, model_quantiles, scales
from seqlab.forecasting.train import ADAPTED, FRESH, ForecastSettings, fit_to, held_out, train
from seqlab.scoring.backtest import verdict

__all__ = [
    "ADAPTED",
    "FRESH",
    "HORIZONS",
    "ORIGINS",
    "Forecast",
    "ForecastSettings",
    "Forecaster",
    "calibrated",
    "fit_to",
    "forecast",
    "forecast_all",
    "held_out",
    "load",
    "model_quantiles",
    "scales",
    "train",
    "verdict",
]

"""The job of series: train a forecaster on them, forecast with it, and say how good it was on unseen days."""

from seqlab.forecasting.answers import forecast_series
from seqlab.forecasting.evaluation import ForecastEvaluation
from seqlab.forecasting.forecast import ORIGINS, forecast, forecast_all
from seqlab.forecasting.forecast_model import ForecastModel
from seqlab.forecasting.forecaster import HORIZONS, Forecaster, calibrated, load, model_quantiles, scales
from seqlab.forecasting.nets import ADAPTED, FRESH, settings_for
from seqlab.forecasting.results import Forecast, Forecasts
from seqlab.forecasting.train import fit_to, held_out, train, train_forecaster

__all__ = [
    "ADAPTED",
    "FRESH",
    "HORIZONS",
    "ORIGINS",
    "Forecast",
    "ForecastEvaluation",
    "ForecastModel",
    "Forecaster",
    "Forecasts",
    "calibrated",
    "fit_to",
    "forecast",
    "forecast_all",
    "forecast_series",
    "held_out",
    "load",
    "model_quantiles",
    "scales",
    "settings_for",
    "train",
    "train_forecaster",
]

"""Forecasts with covariates: better where these explain something, hardly worse where they do not, and without what
came later."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import seqlab
from seqlab import api, checkpoint, scoring
from seqlab.data.series.covariates import CovariateNames
from seqlab.data.series.frames import load_data
from seqlab.data.series.series import Series
from seqlab.errors import UsageError
from seqlab.forecasting import general
from seqlab.forecasting.results import Forecast
from tests.forecasting.test_effects import TRUTH, covariates, logs

ROWS, HORIZON = 260, 7
NAMES = ["promo", "price", "closed"]
KNOWN = CovariateNames(known=tuple(NAMES))


@pytest.fixture(scope="module")
def forecaster() -> general.GeneralForecaster:
    return general.load(checkpoint.find("general"))


def made(seed: int, *, effects: bool = True, rows: int = ROWS, horizon: int = HORIZON) -> tuple[Series, np.ndarray]:
    """A series with covariates, and what came after it, (horizon,)."""
    random = np.random.default_rng(seed)
    beside = covariates(rows + horizon, random)
    values = np.exp(logs(rows + horizon, random) + effects * (beside @ TRUTH))
    table = pd.DataFrame(beside, columns=NAMES).assign(date=pd.date_range("2022-03-01", periods=rows + horizon))
    table["sales"] = np.where(np.arange(rows + horizon) < rows, values, np.nan)
    (series,) = load_data(table, covariates=KNOWN)
    return series, values[rows:]


def both(forecaster: general.GeneralForecaster, series: Series, **options) -> tuple[Forecast, Forecast]:
    """With covariates, and without."""
    options = {"horizon": HORIZON, "origins": 40, "stride": 3, **options}
    found = [
        next(general.forecast_all(forecaster, [one], **options)) for one in (series, replace(series, covariates=None))
    ]
    return found[0], found[1]


def losses(forecast: Forecast, rows: np.ndarray | None = None) -> float:
    """The mean quantile loss of all steps of the backtest, or of those whose row is one of `rows` (N,)."""
    windows = forecast.windows
    assert windows is not None
    at = windows.rows[:, None] + 1 + np.arange(windows.outcomes.shape[1])
    used = np.isfinite(windows.outcomes) & (True if rows is None else rows[at])
    error = windows.outcomes[..., None] - windows.quantiles["model"]
    levels = np.array(scoring.LEVELS)
    return float(np.maximum(levels * error, (levels - 1) * error)[used].mean())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_covariates_that_explain_something_make_forecasts_better(forecaster, seed: int) -> None:
    series, came = made(seed)
    names, beside = series.covariates.beside(series.dates, np.arange(HORIZON) + 1 + series.dates[-1])
    affected = (beside[: len(series), [0, 2]] > 0).any(1)
    ours, plain = both(forecaster, series)
    assert losses(ours, affected) < 0.7 * losses(plain, affected)
    assert losses(ours) < 0.8 * losses(plain)
    errors = [np.abs(np.log(one.prices[:, scoring.MEDIAN] / came)).mean() for one in (ours, plain)]
    assert errors[0] < errors[1]
    assert names == NAMES and ours.effects is not None and ours.effects_in_percent and plain.effects is None
    np.testing.assert_allclose([ours.effects[name] for name in NAMES], 100 * np.expm1(TRUTH), atol=12)
    low, high = (ours.windows.quantiles["model"][..., scoring.LEVELS.index(level)] for level in (0.1, 0.9))
    assert 0.7 < ((low <= ours.windows.outcomes) & (ours.windows.outcomes <= high)).mean() < 0.9


def test_covariates_that_are_noise_cost_next_to_nothing(forecaster) -> None:
    ratios = []
    for seed in range(10, 15):
        ours, plain = both(forecaster, made(seed, effects=False)[0])
        ratios.append(losses(ours) / losses(plain))
    assert max(ratios) < 1.02


def test_no_forecast_of_the_past_knows_what_came_later(forecaster) -> None:
    series, _ = made(4)
    later = np.where(np.arange(len(series)) > 200, series.adjusted[::-1] * 2, series.adjusted)
    one, other = (
        next(general.forecast_all(forecaster, [each], horizon=HORIZON))
        for each in (series, replace(series, close=later, adjusted=later))
    )
    before = one.backtest.origins <= series.dates[200]
    assert 0 < before.sum() < len(before)
    ours, theirs = (each.backtest.quantiles["model"] for each in (one, other))
    np.testing.assert_allclose(ours[before], theirs[before], rtol=1e-5, atol=1e-3)
    assert not np.allclose(one.prices, other.prices)


def test_what_is_known_only_so_far_tells_of_the_rows_a_horizon_later(forecaster) -> None:
    """Visits follow yesterday's week of a price that nobody knows ahead."""
    random = np.random.default_rng(8)
    spent = random.random(ROWS) < 0.2
    values = np.exp(logs(ROWS, random) + 0.6 * np.append(np.zeros(HORIZON), spent[:-HORIZON]))
    table = pd.DataFrame({"date": pd.date_range("2022-03-01", periods=ROWS), "visits": values, "spent": spent})
    (series,) = load_data(table, columns=["visits"], covariates=CovariateNames(past=("spent",)))
    ours, plain = both(forecaster, series)
    assert losses(ours) < 0.85 * losses(plain)
    np.testing.assert_allclose(ours.effects["spent"], 100 * np.expm1(0.6), atol=15)


def test_where_few_rows_were_known_the_backtest_has_no_effects_and_it_is_said() -> None:
    series, _ = made(5, rows=110)
    table = pd.DataFrame({"date": series.dates, "y": series.close})
    names, beside = series.covariates.beside(series.dates, np.arange(HORIZON) + 1 + series.dates[-1])
    whole = pd.DataFrame(beside, columns=names).assign(
        date=np.append(series.dates, np.arange(HORIZON) + 1 + series.dates[-1])
    )
    task = api.forecast_task(whole.merge(table, "left", on="date"), HORIZON, columns=["y"], known=NAMES, origins=90)
    notes = [event.text for event in task if isinstance(event, seqlab.Note)]
    (answer,) = task.result()
    assert 0 < answer.without_effects < len(answer.backtest.origins) and answer.effects["promo"] > 20
    assert any(f"covariates tell nothing in {answer.without_effects} of" in note for note in notes)


def test_series_of_a_panel_have_effects_of_their_own() -> None:
    parts = []
    for number, size in enumerate((0.5, -0.5)):
        random = np.random.default_rng(20 + number)
        promo = random.random(ROWS + HORIZON) < 0.2
        values = np.exp(logs(ROWS + HORIZON, random) + size * promo)
        values[ROWS:] = np.nan
        days = pd.date_range("2022-03-01", periods=ROWS + HORIZON)
        parts.append(pd.DataFrame({"unique_id": f"s{number}", "ds": days, "y": values, "promo": promo}))
    one, other = seqlab.forecast(pd.concat(parts), HORIZON, known=["promo"], origins=5)
    np.testing.assert_allclose(one.effects["promo"], 100 * np.expm1(0.5), atol=10)
    np.testing.assert_allclose(other.effects["promo"], 100 * np.expm1(-0.5), atol=10)
    assert one.to_dict()["effects"] == one.effects and one.to_dict()["effects_in_percent"] is True
    model = seqlab.load("general")
    again = model.forecast(pd.concat(parts), HORIZON, known=["promo"], origins=5)
    np.testing.assert_allclose(again[1].prices, other.prices)


def test_quotes_take_no_covariates() -> None:
    pytest.importorskip("holidays")
    with pytest.raises(UsageError, match="model of quotes, which takes no covariates"):
        seqlab.forecast("AAPL", 5, holidays="US", offline=True)

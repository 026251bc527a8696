"""The general forecaster: what it may know, what it says of series of any kind, and how it is trained on from there."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import seqlab
from seqlab import checkpoint, forecasting, scoring
from seqlab.data.series.frames import load_data
from seqlab.data.series.seasons import seasons_of
from seqlab.data.series.series import Series
from seqlab.errors import DataError, UsageError
from seqlab.forecasting import general, general_training, rules
from seqlab.forecasting.panels import windows
from seqlab.runs import RunOptions
from seqlab.tasks import Task


@pytest.fixture(scope="module")
def forecaster() -> general.GeneralForecaster:
    return general.load(checkpoint.find("general"))


def daily(rows: int = 300, seed: int = 0, start: str = "2021-03-01", **options) -> Series:
    random = np.random.default_rng(seed)
    days = pd.date_range(start, periods=rows)
    week = np.array([10, 12, 11, 13, 20, 35, 30])
    values = week[days.day_of_week] * (1 + 0.1 * random.normal(size=rows)) + 0.02 * np.arange(rows)
    (series,) = load_data(pd.Series(values, days, name=f"s{seed}"), **options)
    return series


def test_no_forecast_knows_what_comes_after_it(forecaster: general.GeneralForecaster) -> None:
    series = daily()
    later = np.where(np.arange(len(series)) > 250, 77.0, series.adjusted)
    one, other = (
        next(general.forecast_all(forecaster, [each], horizon=9)).backtest
        for each in (series, replace(series, close=later, adjusted=later))
    )
    before = one.origins <= series.dates[250]
    assert 0 < before.sum() < len(before)
    for method in one.quantiles:
        np.testing.assert_allclose(
            one.quantiles[method][before], other.quantiles[method][before], rtol=1e-5, atol=1e-5, err_msg=method
        )


def test_a_forecast_of_the_past_is_the_one_that_was_made_then(forecaster: general.GeneralForecaster) -> None:
    series = daily()
    tested = next(general.forecast_all(forecaster, [series], horizon=9, origins=30))
    for place in (0, 17):
        then = series.until(tested.backtest.origins[place])
        made = next(general.forecast_all(forecaster, [then], horizon=9, origins=5))
        changes = made.prices[np.array(tested.backtest.horizons) - 1] - then.adjusted[-1]
        # what was judged to be how wide depends on where the earlier origins lie
        np.testing.assert_allclose(
            tested.backtest.quantiles["model"][place][:, scoring.MEDIAN], changes[:, scoring.MEDIAN], atol=1e-4
        )


@pytest.mark.parametrize("factor", [1e-4, 1e5])
def test_a_series_in_other_units_has_its_forecast_in_these(
    forecaster: general.GeneralForecaster, factor: float
) -> None:
    series = daily(kind="levels")
    other = replace(series, close=factor * series.close, adjusted=factor * series.adjusted)
    one, two = (next(general.forecast_all(forecaster, [each], horizon=7, origins=5)).prices for each in (series, other))
    np.testing.assert_allclose(factor * one, two, rtol=2e-3)


def test_a_series_has_one_forecast_alone_and_among_others(forecaster: general.GeneralForecaster) -> None:
    """But for how wide it is, which is judged by all of them together."""
    panel = [daily(300, 1), daily(220, 2, "2021-05-20"), daily(120, 3)]
    together = list(general.forecast_all(forecaster, panel, horizon=6, origins=5))
    for one, series in zip(together, panel, strict=True):
        alone = next(general.forecast_all(forecaster, [series], horizon=6, origins=5))
        assert one.series.name == series.name and (one.dates == alone.dates).all()
        np.testing.assert_allclose(one.prices[:, scoring.MEDIAN], alone.prices[:, scoring.MEDIAN], rtol=1e-4)


def test_quantiles_are_in_order_and_counts_are_whole_and_not_below_zero(forecaster: general.GeneralForecaster) -> None:
    random = np.random.default_rng(4)
    seldom = pd.Series(random.poisson(0.4, 200), pd.date_range("2020-01-01", periods=200), name="spares")
    (answer,) = general.forecast_all(forecaster, list(load_data(seldom)), horizon=12)
    for quantiles in (answer.prices, answer.backtest.quantiles["model"], answer.windows.quantiles["model"]):
        assert (np.diff(quantiles, axis=-1) >= 0).all()
    assert answer.windows.quantiles["model"].min() >= 0
    assert answer.prices.min() >= 0 and (answer.prices == answer.prices.round()).all()
    assert 0.75 < answer.backtest.scores("model").coverage80[0] <= 1


def test_rare_demand_is_forecast_as_well_as_by_what_was_ordered_so_far(forecaster: general.GeneralForecaster) -> None:
    """Where rows have no order the deciles of the past are the best there is."""
    random = np.random.default_rng(7)
    months = pd.date_range("2018-01-01", periods=72, freq="MS")
    wanted = (random.random((80, 72)) < random.uniform(0.05, 0.5, (80, 1))) * random.integers(1, 6, (80, 72))
    series = [one for k, y in enumerate(wanted) for one in load_data(pd.Series(y, months, name=f"part {k}"))]
    ours, past = [], []
    levels = np.array(scoring.LEVELS)
    for one, answer in zip(wanted, general.forecast_all(forecaster, series, horizon=12, origins=1), strict=True):
        ours.append(scoring.pinball(answer.windows.quantiles["model"][0], one[60:]).mean())
        past.append(scoring.pinball(np.tile(np.quantile(one[:60], levels), (12, 1)), one[60:]).mean())
    assert np.mean(ours) < 1.05 * np.mean(past)


def test_the_net_is_told_where_in_the_season_a_rule_erred() -> None:
    week = np.tile([10.0, 10, 10, 10, 10, 60, 10], 30)
    (series,) = load_data(pd.Series(week, pd.date_range("2024-01-01", periods=len(week)), name="x"))
    panel = replace(general.panel_of([series], 7), seasons=(7,))
    made = windows(panel, [len(week)])
    told = made["phase"][0, :, rules.NAMES.index("last")] * made["scale"][0]
    np.testing.assert_allclose(told, [0, 0, 0, 0, 50 / 3, 50 / 3, 25], atol=1e-4)  # the mean of three days


def test_two_years_of_months_are_enough_and_a_few_rows_are_not(forecaster: general.GeneralForecaster) -> None:
    months = pd.date_range("2021-01-31", periods=24, freq="ME")
    truth = 100 + 20 * np.sin(2 * np.pi * np.arange(36) / 12)
    (series,) = load_data(pd.Series(truth[:24], months, name="sales"))
    answer = next(general.forecast_all(forecaster, [series], horizon=12))
    assert np.abs(answer.prices[:, scoring.MEDIAN] - truth[24:]).max() < 10
    assert np.isfinite(answer.backtest.quantiles["random_walk"]).all()
    with pytest.raises(DataError, match="9 rows, too few"):
        list(general.forecast_all(forecaster, [series.until(series.dates[8])]))


def test_a_horizon_may_be_two_years_of_days(forecaster: general.GeneralForecaster) -> None:
    series = daily(1500)
    answer = next(general.forecast_all(forecaster, [series], horizon=720, origins=3, stride=30))
    assert answer.prices.shape == (720, len(scoring.LEVELS)) and np.isfinite(answer.prices).all()
    weekend = pd.DatetimeIndex(answer.dates).day_of_week >= 5
    median = answer.prices[:, scoring.MEDIAN]
    assert median[weekend].mean() > median[~weekend].mean() + 12
    with pytest.raises(UsageError, match="horizon of 721"):
        seqlab.forecast(pd.Series(series.adjusted, series.dates, name="x"), 721)


def test_it_knows_more_than_repeating_the_season_and_is_calibrated(forecaster: general.GeneralForecaster) -> None:
    backtest = next(general.forecast_all(forecaster, [daily(900, 5)], horizon=14)).backtest
    assert min(backtest.skill(against="seasonal_naive")) > 15  # averaging weeks gains 1 - 1 / sqrt(2)
    assert all(0.72 < share < 0.88 for share in backtest.scores("model").coverage80)


def test_seasons_are_those_of_the_calendar() -> None:
    def of(freq: str, rows: int = 400) -> tuple[int, ...]:
        (series,) = load_data(
            pd.Series(np.arange(rows) % 5 - 2.0, pd.date_range("2020-01-01", periods=rows, freq=freq))
        )
        return seasons_of(series)

    assert [of(freq) for freq in ("h", "D", "B", "W", "MS", "QS", "YS")] == [
        (24, 168), (7, 364), (5, 260), (52,), (12,), (4,), ()
    ]  # fmt: skip
    assert of("MS", 14) == (12,)
    prices = next(iter(load_data("AAPL", offline=True)))
    assert prices.is_price and seasons_of(prices) == ()


SHORT = {"max_steps": 8, "batch_size": 16, "eval_every": 2}


def test_it_is_trained_on_from_the_one_that_ships_and_resumed_bit_for_bit(
    forecaster: general.GeneralForecaster, tmp_path
) -> None:
    series = [daily(200, 6), daily(200, 7)]
    settings = forecasting.settings_for(series, SHORT, forecaster)
    cut = series[0].dates[170]

    def trained(name: str, **options):
        run = RunOptions(tmp_path / name, **options)
        return Task(general_training.train(series, settings, run, cut=cut, start=forecaster)).result()

    whole = trained("whole")
    steps = itertools.count(1)
    assert trained("half", stop=lambda: next(steps) >= 5) is None
    resumed = trained("half", resume=True)
    for name, tensor in whole.weights().items():
        assert torch.equal(tensor, resumed.weights()[name]), name
    begun = forecaster.model.state_dict()
    assert any(not torch.equal(tensor, begun[name]) for name, tensor in whole.weights().items())
    assert whole.config["metrics"]["backtest"]["first"] >= str(cut) and whole.config["from"]["name"] == "general"
    again = general.load(checkpoint.load(tmp_path / "whole"))
    assert again.cut == cut and next(general.forecast_all(again, series)).backtest.origins[0] >= cut


def test_training_does_not_know_what_comes_after_the_cut(forecaster: general.GeneralForecaster, tmp_path) -> None:
    series = daily(240, 8)
    cut = series.dates[200]
    later = np.where(series.dates > cut, 1e4, series.adjusted)
    settings = forecasting.settings_for([series], SHORT, forecaster)
    weights = [
        Task(
            general_training.train(
                [each], settings, RunOptions(tmp_path / name), cut=cut, start=forecaster, measure=False
            )
        )
        .result()
        .weights()
        for name, each in (("one", series), ("two", replace(series, close=later, adjusted=later)))
    ]
    for name, tensor in weights[0].items():
        assert torch.equal(tensor, weights[1][name]), name


def test_a_panel_is_scored_without_series_that_had_never_moved(forecaster: general.GeneralForecaster) -> None:
    months = pd.date_range("2015-01-01", periods=60, freq="MS")
    random = np.random.default_rng(9)
    values = {f"s{k}": random.poisson(0.5, 60).astype(float) for k in range(9)} | {"still": np.zeros(60)}
    values["late"] = np.where(np.arange(60) == 55, 3.0, 0.0)  # it moves once, after its backtest has begun
    answer = seqlab.forecast(pd.DataFrame(values, months), 6, origins=2, stride=6, kind="levels")
    pooled = answer.pooled()
    assert pooled is not None and 0.1 < max(pooled.scores("model").crps) < 2
    assert len(pooled.origins) == 2 * 9


def test_months_that_are_dated_by_their_first_day_are_tested_from_the_last_before_the_cut(
    forecaster: general.GeneralForecaster,
) -> None:
    months = pd.Series(np.arange(60) % 12 + 50.0, pd.date_range("2015-01-01", periods=60, freq="MS"), name="m")
    cut = replace(forecaster, cut=np.datetime64("2018-12-31"))
    tested = next(general.forecast_all(cut, list(load_data(months)), horizon=6)).backtest
    assert str(tested.origins[0]) == "2018-12-01" and len(tested.origins) == 12 - 6 + 1


def test_what_the_shipped_model_was_trained_on_is_not_said_to_be_yours() -> None:
    with pytest.raises(DataError, match="trained on a file, m1 YEARLY") as problem:
        seqlab.load("general").evaluate(offline=True)
    assert problem.value.hint == "name it: seqlab evaluate general PATH"

"""The forecaster: nothing leaks back in time, quantiles are in order, and it knows what it should and no more."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab import checkpoint, forecasting, scoring
from seqlab.data.series.features import INPUTS, WARM_UP, Market, Scaler, features_of
from seqlab.data.series.frames import load_data
from seqlab.data.series.series import Series
from seqlab.errors import CheckpointError, DataError, UsageError
from seqlab.forecasting.examples import examples_of, windows
from seqlab.machine import Compute
from seqlab.models.forecaster import QuantileForecaster, _interpolation
from seqlab.runs import RunOptions
from seqlab.scoring import baselines
from seqlab.scoring.backtest import Backtest, pool
from seqlab.scoring.verdict import verdict
from seqlab.settings import ForecastSettings
from seqlab.tasks import Task

QUICK = {
    "net": "both",
    "max_steps": 30,
    "hidden_size": 8,
    "context": 96,
    "burn_in": 32,
    "batch_size": 8,
    "eval_every": 10,
}
SMALL = ForecastSettings(**QUICK)


def made_series(name="MADE", days=900, seed=0, volatility=None, with_range=True) -> Series:
    random = np.random.default_rng(seed)
    daily = np.full(days, 0.01) if volatility is None else volatility
    returns = daily * random.normal(size=days)
    close = 100 * np.exp(np.cumsum(returns))
    spread = np.abs(daily * random.normal(size=(2, days)))
    unknown = np.full(days, np.nan)
    first = np.datetime64("2015-01-01")
    dates = np.arange(first, first + np.timedelta64(2 * days, "D"))
    dates = dates[np.is_busday(dates)][:days]
    return Series(
        name=name,
        source="file",
        origin="made up",
        dates=dates,
        close=close,
        adjusted=close,
        open=np.concatenate([close[:1], close[:-1]]) if with_range else unknown,
        high=close * np.exp(spread[0]) if with_range else unknown,
        low=close * np.exp(-spread[1]) if with_range else unknown,
        volume=unknown,
    )


def wavering(days=900, seed=0) -> np.ndarray:
    """A volatility that wanders slowly between about 0.4 and 3 %: the walk's year of memory is too long for it."""
    random = np.random.default_rng(1000 + seed)
    level = np.zeros(days)
    for t in range(1, days):
        level[t] = 0.97 * level[t - 1] + 0.2 * random.normal()
    return 0.01 * np.exp(level)


def after(series: Series, day: int, factor: float) -> Series:
    """The same series with every price after row `day` changed by a factor: a spike in the future."""
    changed = {}
    for field in ("close", "adjusted", "open", "high", "low"):
        values = getattr(series, field).copy()
        values[day + 1 :] *= factor
        changed[field] = values
    return replace(series, **changed)


def finish(running):
    return Task(running).result()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small forecaster of wavering series, cut three quarters of the way."""
    series = [made_series(f"S{i}", 1600, i, wavering(1600, i)) for i in range(4)]
    cut = series[0].dates[1200]
    settings = ForecastSettings(max_steps=250, batch_size=8, context=96, burn_in=32)
    folder = tmp_path_factory.mktemp("forecaster") / "made"
    saved = finish(forecasting.train(series, settings, RunOptions(folder), cut=cut))
    return forecasting.load(saved), series, cut


@given(st.integers(320, 880), st.floats(0.2, 5.0), st.booleans(), st.sampled_from(list(INPUTS)))
@settings(max_examples=20, deadline=None)
def test_features_of_a_day_do_not_know_what_comes_after_it(day, factor, with_range, kind):
    series = made_series(with_range=with_range)
    plain, spiked = features_of(series, kind), features_of(after(series, day, factor), kind)
    np.testing.assert_array_equal(plain.values[: day + 1], spiked.values[: day + 1])
    np.testing.assert_array_equal(plain.volatility[: day + 1], spiked.volatility[: day + 1])
    cut_off = features_of(series.until(series.dates[day]), kind)
    np.testing.assert_allclose(cut_off.values, plain.values[: day + 1], rtol=1e-9, atol=1e-9)


@given(st.integers(320, 880), st.floats(0.2, 5.0), st.sampled_from(list(INPUTS)))
@settings(max_examples=15, deadline=None)
def test_the_market_of_a_day_does_not_know_what_comes_after_it(day, factor, kind):
    mine, other = features_of(made_series("A"), kind), made_series("B", 850, seed=1)
    plain = Market.of([mine, features_of(other, kind)]).beside(mine)
    spiked = Market.of([mine, features_of(after(other, min(day, 849), factor), kind)]).beside(mine)
    np.testing.assert_array_equal(plain.values[: day + 1], spiked.values[: day + 1])


def test_the_market_is_the_mean_of_those_at_hand_and_there_is_none_of_one():
    one, other = features_of(made_series("A")), features_of(made_series("B", 850, seed=1))
    inputs = INPUTS["features"]
    first = len(inputs.own)
    seen = Market.of([one, other]).beside(one)
    np.testing.assert_allclose(seen.values[400, first], (one.values[400, 0] + other.values[400, 0]) / 2)
    five = [(one.values[d, 0] + other.values[d, 0]) / 2 for d in range(396, 401)]
    np.testing.assert_allclose(seen.values[400, inputs.names.index("market_return_over_5")], np.sum(five) / np.sqrt(5))
    assert seen.values[400, -1] == 1.0 and seen.values[860, -1] == 0.0  # B has ended by then
    alone = Market.of([one]).beside(one)
    np.testing.assert_array_equal(alone.values, one.values)
    assert np.isnan(alone.values[:, first:-1]).all() and not alone.values[:, -1].any()


@pytest.mark.parametrize("kind", INPUTS)
def test_features_do_not_depend_on_the_currency(kind):
    series = made_series()
    cents = replace(series, **{f: 100 * getattr(series, f) for f in ("close", "adjusted", "open", "high", "low")})
    np.testing.assert_allclose(features_of(series, kind).values, features_of(cents, kind).values, rtol=1e-7, atol=1e-9)


def test_outcomes_are_sums_of_the_returns_to_come():
    series = made_series()
    returns = np.diff(series.path())
    outcomes = features_of(series).outcomes((1, 5))
    for day in (0, 300, 890):
        assert outcomes[day, 1] == pytest.approx(returns[day : day + 5].sum())
    assert np.isnan(outcomes[-1:, 0]).all() and np.isnan(outcomes[-5:, 1]).all()
    assert not np.isnan(outcomes[-6, 1])


@given(st.integers(400, 899), st.integers(40, 200), st.integers(1, 39))
@settings(max_examples=25, deadline=None)
def test_windows_use_every_known_outcome_once_and_none_after_the_cut(last, length, burn_in):
    series = made_series()
    features = features_of(series)
    scaler = Scaler.fit(features.values[WARM_UP:], features.inputs.switches)
    horizons = (1, 5, 20)
    _, targets = windows(features, scaler, horizons, length, burn_in, series.dates[last])
    used = np.sort(targets[..., 2][~np.isnan(targets[..., 2])])
    days = np.arange(max(WARM_UP, burn_in), last - 20 + 1)
    expected = features.outcomes(horizons)[days, 2] / (features.volatility[days] * np.sqrt(20))
    np.testing.assert_allclose(used, np.sort(expected), rtol=1e-5, atol=1e-6)


def test_what_comes_after_rows_that_never_moved_is_no_target() -> None:
    values = np.zeros(400)
    values[[150, 300]] = 1.0
    (series,) = load_data(pd.Series(values, pd.date_range("2023-01-01", periods=400), name="fails"))
    features = features_of(series)
    scaler = Scaler.fit(features.values, features.inputs.switches)
    _, targets = windows(features, scaler, (1, 5), 64, 16, series.dates[-1])
    assert np.nanmax(np.abs(targets)) < 1000 and np.isnan(targets).mean() < 0.6


@pytest.mark.filterwarnings("error")
def test_features_that_were_never_known_are_left_as_they_are(tmp_path):
    """A file of closes: no NaN in what is saved, and no warning from the arithmetic."""
    series = made_series(days=700, with_range=False)
    saved = finish(forecasting.train([series], SMALL, RunOptions(tmp_path / "closes")))
    scaler = saved.config["scaler"]
    names = INPUTS["features"].names
    for feature in map(names.index, ("range", "gap", "market_return")):
        assert (scaler["mean"][feature], scaler["std"][feature]) == (0.0, 0.0)
    assert np.isfinite(scaler["mean"] + scaler["std"]).all()
    assert np.isfinite(forecasting.forecast(forecasting.load(saved), series).prices).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cell", "lstn"),
        ("hidden_size", 0),
        ("num_layers", 0),
        ("dropout", 1.0),
        ("burn_in", -1),
        ("context", 64),
        ("range_dropout", 1.5),
        ("market_dropout", float("nan")),
    ],
)
def test_a_setting_without_meaning_is_named(name, value):
    with pytest.raises(UsageError, match=f"'{name}' is {value if name != 'cell' else ''}"):
        ForecastSettings(**{name: value})


def test_training_does_not_know_what_comes_after_the_cut(tmp_path):
    series = made_series(days=900)
    cut, settings = series.dates[700], SMALL
    one = finish(forecasting.train([series], settings, RunOptions(tmp_path / "a"), cut=cut))
    other = finish(forecasting.train([after(series, 700, 3.0)], settings, RunOptions(tmp_path / "b"), cut=cut))
    for name, tensor in one.weights().items():
        assert torch.equal(tensor, other.weights()[name]), name
    assert one.config["scaler"] == other.config["scaler"]
    assert one.config["cut"] == str(cut)


def test_a_backtest_says_what_a_forecast_on_that_day_would_have_said(trained):
    forecaster, series, _ = trained
    whole = forecasting.forecast(forecaster, series[0], horizon=5)
    for place in (0, 100, 249):
        day = whole.backtest.origins[place]
        then = forecasting.forecast(forecaster, series[0].until(day), horizon=5)
        close = then.series.close[-1]
        np.testing.assert_allclose(
            np.log(then.prices[[0, 4]] / close), whole.backtest.quantiles["model"][place], rtol=1e-4, atol=1e-7
        )


@given(st.integers(1300, 1590), st.floats(0.3, 3.0))
@settings(max_examples=6, deadline=None)
def test_no_forecast_of_several_knows_what_comes_after_it(trained, day, factor):
    """Market and calibration are shared: a spike in one series must not reach back into another's forecasts."""
    forecaster, series, _ = trained
    plain = list(forecasting.forecast_all(forecaster, series[:2], horizon=5, origins=400))
    spiked = list(
        forecasting.forecast_all(forecaster, [series[0], after(series[1], day, factor)], horizon=5, origins=400)
    )
    for one, other in zip(plain, spiked, strict=True):
        before = one.backtest.origins <= series[0].dates[day]
        for method, quantiles in one.backtest.quantiles.items():
            np.testing.assert_allclose(
                quantiles[before], other.backtest.quantiles[method][before], rtol=1e-6, atol=1e-12, err_msg=method
            )


def made_hours(count=2400, seed=0) -> Series:
    """Values of either sign by the hour that repeat themselves daily, noisier in the afternoon."""
    random = np.random.default_rng(seed)
    hour = np.arange(count) % 24
    values = 5 * np.sin(2 * np.pi * hour / 24) + np.where(hour > 12, 1.0, 0.3) * random.normal(size=count)
    unknown = np.full(count, np.nan)
    return Series(
        name=f"HOURS{seed}",
        source="file",
        origin="made up",
        dates=np.datetime64("2024-01-01T00:00", "m") + 60 * np.arange(count),
        close=values,
        adjusted=values,
        open=unknown,
        high=unknown,
        low=unknown,
        volume=unknown,
        additive=True,
    )


def both_of(series):
    return forecasting.settings_for([series], {"net": "both"}, **forecasting.FRESH)


@pytest.fixture(scope="module")
def on_the_spot():
    series = made_hours()
    return finish(forecasting.fit_to([series], both_of(series), held=262)), series


def test_training_on_the_spot_does_not_know_the_rows_held_out(on_the_spot):
    """Nor do the scaler, the split of what chooses the weights, and the choice itself."""
    forecaster, series = on_the_spot
    cut = int(np.searchsorted(series.dates, forecaster.cut))
    assert len(series) - 1 - cut == forecasting.ORIGINS + 12
    spiked = replace(series, adjusted=np.where(np.arange(len(series)) > cut, 1e3, series.adjusted))
    other = finish(forecasting.fit_to([spiked], both_of(spiked), held=262))
    assert other.scaler == forecaster.scaler
    for name, tensor in forecaster.model.state_dict().items():
        assert torch.equal(tensor, other.model.state_dict()[name]), name


@given(st.integers(2140, 2390), st.floats(-50, 50))
@settings(max_examples=6, deadline=None)
def test_no_forecast_of_hours_knows_what_comes_after_it(on_the_spot, row, spike):
    forecaster, series = on_the_spot
    spiked = replace(series, adjusted=series.adjusted + np.where(np.arange(len(series)) > row, spike, 0.0))
    plain, later = (forecasting.forecast(forecaster, one, horizon=12).backtest for one in (series, spiked))
    before = plain.origins <= series.dates[row]
    for method, quantiles in plain.quantiles.items():
        np.testing.assert_allclose(
            quantiles[before], later.quantiles[method][before], rtol=1e-6, atol=1e-9, err_msg=method
        )


def test_a_model_of_hours_is_calibrated_and_knows_more_than_yesterday(on_the_spot):
    forecaster, series = on_the_spot
    one = forecasting.forecast(forecaster, series, horizon=12)
    assert one.dates[0] == series.dates[-1] + 60 and one.backtest.step == "hour"
    assert all(0.7 < share < 0.9 for share in one.backtest.scores("model").coverage80)
    assert min(one.backtest.skill(against="seasonal_naive")) > 15  # 1 - 1 / sqrt(2) is what averaging days can gain
    assert "knew more than repeating the last season" in verdict(one.backtest)


def test_no_backtest_counts_an_origin_before_the_cut(trained):
    forecaster, series, cut = trained
    backtest = forecasting.forecast(forecaster, series[0], horizon=20, origins=5000).backtest
    assert backtest.origins[0] == cut
    assert backtest.origins[-1] == series[0].dates[-21]
    assert backtest.horizons == (1, 5, 20)
    few = forecasting.forecast(forecaster, series[0], horizon=3, origins=7, stride=10).backtest
    assert few.horizons == (1, 3)
    assert len(few.origins) == 7 and few.origins[-1] == series[0].dates[-4]
    before = forecasting.forecast(forecaster, series[0].until(cut), horizon=20).backtest
    assert len(before.origins) == 0
    assert "Nothing is known" in verdict(before)
    seen = forecasting.forecast(forecaster, series[0].until(cut - 1), horizon=20).backtest
    assert len(seen.origins) == 0
    assert verdict(seen).startswith("This is hindsight and no forecast") and str(cut) in verdict(seen)
    assert "hindsight" not in verdict(pool([backtest, backtest]))


@pytest.mark.parametrize("later", ["hours", "weeks", "days"])
def test_what_is_trained_on_knows_nothing_of_what_comes_after_the_cut(later):
    """Not its values, nor how often there is a row then, nor that a season has been three times by then."""
    random = np.random.default_rng(5)
    weeks = pd.date_range("2020-01-05", periods=150, freq="W")
    rows, freq = {"hours": (2400, "h"), "weeks": (60, "W"), "days": (60, "D")}[later]
    after = pd.date_range(weeks[-1] + pd.Timedelta(days=1), periods=rows, freq=freq)
    known = pd.Series(50 + 9 * np.sin(np.arange(150) / 8) + random.normal(0, 1, 150), weeks, name="v")
    whole = pd.concat([known, pd.Series(50 + 400 * random.random(rows), after, name="v")])
    cut = weeks[-1].to_numpy().astype("datetime64[s]" if later == "hours" else "datetime64[D]")
    found = []
    for given_ in (known, whole):
        (series,) = load_data(given_, kind="levels")
        found.append(examples_of([series], replace(SMALL, seed=1), cut, "features"))
    for name in ("inputs", "targets", "val_inputs", "val_targets"):
        torch.testing.assert_close(*(getattr(one, name) for one in found), rtol=0, atol=0, equal_nan=True)
    assert found[0].scaler == found[1].scaler


def test_quantiles_are_in_order_and_widen_with_the_horizon(trained):
    forecaster, series, _ = trained
    one = forecasting.forecast(forecaster, series[1], horizon=60)
    assert one.prices.shape == (60, len(scoring.LEVELS))
    assert (np.diff(one.prices, axis=1) > 0).all()
    assert (np.diff(one.prices[:, -1] - one.prices[:, 0]) > 0).all()


def test_it_beats_the_random_walk_where_volatility_wavers(trained):
    forecaster, series, _ = trained
    backtest = pool([forecasting.forecast(forecaster, one, horizon=5).backtest for one in series])
    assert min(backtest.skill()) > 1.5
    assert max(backtest.p_values()) < 0.05
    assert all(0.74 < share < 0.86 for share in backtest.scores("model").coverage80)
    assert "knew more" in verdict(backtest)


def test_it_claims_nothing_where_nothing_can_be_known(trained):
    """Independent normal returns of one width: the random walk is the truth, and the verdict must say so."""
    forecaster, *_ = trained
    backtests = [
        forecasting.forecast(forecaster, made_series(f"N{i}", 1600, 50 + i), horizon=5).backtest for i in range(4)
    ]
    pooled = pool(backtests)
    assert max(pooled.skill()) < 1.0
    assert all(0.74 < share < 0.86 for share in pooled.scores("random_walk").coverage80)
    assert "not shown to know more" in verdict(pooled)


def test_scores_are_those_of_the_quantiles():
    outcomes = np.array([[0.01], [-0.02], [0.0]])
    levels = np.linspace(-0.03, 0.03, len(scoring.LEVELS))
    quantiles = np.tile(levels, (3, 1, 1)).reshape(3, 1, -1)
    days = np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-04"))
    backtest = Backtest((1,), days, outcomes, {"model": quantiles, "random_walk": quantiles})
    scores = backtest.scores("model")
    assert scores.mae == [pytest.approx(1.0)]  # percent: the median is 0
    by_hand = [
        2 * 0.05 * sum(max(p * (y - q), (p - 1) * (y - q)) for p, q in zip(scoring.LEVELS, levels, strict=True))
        for y in outcomes[:, 0]
    ]
    assert scores.crps == [pytest.approx(100 * np.mean(by_hand))]
    assert backtest.skill() == [pytest.approx(0.0)] and backtest.p_values() == [1.0]


def test_the_verdict_names_the_baseline_that_was_better():
    random = np.random.default_rng(1)
    days = np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-01") + 400)
    outcomes = random.normal(0, 0.01, (400, 2))
    widths = {"model": 0.016, "random_walk": 0.02, "har": 0.01}
    quantiles = {
        name: baselines.normal(np.full(400, width), np.array([1, 1]), scoring.LEVELS) for name, width in widths.items()
    }
    backtest = Backtest((1, 5), days, outcomes, quantiles)
    assert "did better than it: har at 1 and 5 days" in verdict(backtest)
    assert backtest.skill("har")[0] > backtest.skill()[0] > 0
    drifting = replace(backtest, quantiles={**quantiles, "model": quantiles["har"] + 0.005})
    assert drifting.skill(at_last_price=True) == pytest.approx(backtest.skill("har"))
    scores = replace(backtest, naive_error=np.full((400, 2), 0.008)).scores("har")
    assert scores.mase == pytest.approx((np.abs(outcomes).mean(0) / 0.008).tolist())
    assert scores.direction == [0.5, 0.5]  # its median is the last price: it says neither
    assert scores.coverage50[0] == pytest.approx(0.5, abs=0.08) and scores.coverage90[0] > 0.85
    assert sum(scores.pit[0]) == pytest.approx(1)


def test_p_values_of_several_series_do_not_count_a_day_twice():
    """The same series pooled with itself carries no more evidence than once."""
    random = np.random.default_rng(0)
    days = np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-01") + 200)
    outcomes = random.normal(0, 0.01, (200, 1))
    walk = baselines.normal(np.full(200, 0.012), np.array([1]), scoring.LEVELS)
    model = baselines.normal(np.full(200, 0.010), np.array([1]), scoring.LEVELS)
    one = Backtest((1,), days, outcomes, {"model": model, "random_walk": walk})
    assert pool([one] * 5).p_values() == pytest.approx(one.p_values())


def test_the_untrained_model_is_the_random_walk_of_today():
    """Its head is zero and its shape normal: exp(0) sqrt(h) times the normal quantiles."""
    model = QuantileForecaster(9, [1, 5, 20], list(scoring.LEVELS)).double()
    log_scale, _ = model(torch.randn(2, 7, 9, dtype=torch.float64))
    expected = baselines.normal(np.ones(1), np.arange(1, 21), scoring.LEVELS)[0]
    np.testing.assert_allclose(model.quantiles(log_scale[0, 0], 20).detach().numpy(), expected, atol=1e-6)


def test_between_horizons_weights_are_linear_in_log_h():
    weights = _interpolation([1, 4, 16], 20)
    assert torch.allclose(weights.sum(1), torch.ones(20, dtype=torch.float64))
    assert weights[1].tolist() == pytest.approx([0.5, 0.5, 0.0])  # 2 is halfway from 1 to 4
    assert weights[7].tolist() == pytest.approx([0.0, 0.5, 0.5])
    assert weights[19].tolist() == [0.0, 0.0, 1.0]
    for h in (1, 4, 16):
        assert weights[h - 1].max() == 1.0


@pytest.mark.parametrize("stop_at", [1, 10, 17])
def test_resuming_gives_the_uninterrupted_run(tmp_path, stop_at):
    series = [made_series("A", 700, 1), made_series("B", 700, 2, with_range=False)]
    settings = SMALL
    whole = finish(forecasting.train(series, settings, RunOptions(tmp_path / "whole")))
    steps = itertools.count(1)
    stopped = RunOptions(tmp_path / "cut", stop=lambda: next(steps) >= stop_at)
    assert finish(forecasting.train(series, settings, stopped)) is None
    other_lengths = {"minutes": 5.0} if stop_at == 10 else {"epochs": 3.0}  # the length that was saved counts
    again = RunOptions(tmp_path / "cut", resume=True, **other_lengths)
    resumed = finish(forecasting.train(series, ForecastSettings(), again))
    assert resumed.config["files"] == whole.config["files"]
    with pytest.raises(CheckpointError, match="other series"):
        finish(forecasting.train(series[:1], ForecastSettings(), again))


def test_a_series_that_is_too_short_says_so(trained):
    forecaster, *_ = trained
    with pytest.raises(DataError, match="MADE has 299 days, too few"):
        forecasting.forecast(forecaster, made_series(days=299))


def test_another_job_is_refused(tmp_path):
    saved = checkpoint.save(
        tmp_path / "other",
        {"job": "language", "command": "", "parameters": 1, "position": {"step": 1, "max_steps": 1}},
        {"w": torch.zeros(1)},
    )
    with pytest.raises(CheckpointError, match="no forecaster"):
        forecasting.load(saved)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_forecaster_trains_and_forecasts_on_a_gpu(tmp_path):
    series = [made_series("A", 700, 1), made_series("B", 700, 2)]
    cut, compute = series[0].dates[500], Compute("cuda", "fp32", 1)
    forecaster = forecasting.load(
        finish(forecasting.train(series, SMALL, RunOptions(tmp_path / "gpu", compute), cut=cut))
    )
    on_cpu = forecasting.forecast(forecaster, series[0], horizon=5)
    forecaster.model.to("cuda")
    on_gpu = forecasting.forecast(forecaster, series[0], horizon=5)
    np.testing.assert_allclose(on_gpu.prices, on_cpu.prices, rtol=1e-4)


@pytest.mark.parametrize("count", [60, 79, 100, 207])
def test_short_series_are_trained_on_the_spot_and_tested(count):
    """Weeks, whose season is a year: as few as there may be, and where a season begins to be seen."""
    series = made_hours(count)
    series = replace(series, dates=np.datetime64("2018-01-07") + 7 * np.arange(count))
    settings = ForecastSettings(**forecasting.FRESH, max_steps=5)
    forecaster = finish(forecasting.fit_to([series], settings, held=262))
    one = forecasting.forecast(forecaster, series, horizon=5)
    assert len(one.backtest.origins) >= 12 and np.isfinite(one.prices).all()
    with pytest.raises(DataError, match="59 rows, too few"):
        forecasting.forecast(forecaster, series.until(series.dates[58]))


def test_what_goes_on_from_another_does_not_begin_before_it(trained, tmp_path):
    forecaster, series, cut = trained
    with pytest.raises(UsageError, match="lies before that of the forecaster"):
        finish(forecasting.train(series, SMALL, RunOptions(tmp_path), cut=cut - 30, start=forecaster))


def test_a_resumed_run_that_went_on_from_another_keeps_its_scaler_and_its_weights(trained, tmp_path):
    forecaster, series, _ = trained
    settings, half = ForecastSettings(**QUICK, val_share=0.2), tmp_path / "half"
    whole = finish(forecasting.train(series, settings, RunOptions(tmp_path / "whole"), start=forecaster))
    steps = itertools.count()
    stopped = RunOptions(half, stop=lambda: next(steps) >= 15)
    assert finish(forecasting.train(series, settings, stopped, start=forecaster)) is None
    resumed = finish(forecasting.train(series, ForecastSettings(), RunOptions(half, resume=True)))
    assert resumed.config["scaler"] == whole.config["scaler"] == forecaster.checkpoint.config["scaler"]
    for name, tensor in whole.weights().items():
        assert torch.equal(tensor, resumed.weights()[name]), name


def test_a_daily_close_is_not_forecast_beside_hours(on_the_spot):
    forecaster, hours = on_the_spot
    with pytest.raises(DataError, match="not of one kind"):
        list(forecasting.forecast_all(forecaster, [hours, made_series()]))


def test_a_series_that_does_not_move_gets_no_verdict_of_skill(trained):
    forecaster, *_ = trained
    still = made_series("STILL", 1600, with_range=False)
    still = replace(still, close=np.full(1600, 5.0), adjusted=np.full(1600, 5.0))
    assert verdict(forecasting.forecast(forecaster, still).backtest).startswith("It does not move")


def test_a_few_days_of_many_series_are_few_days():
    days = np.repeat(np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-21")), 5)
    outcomes = np.where(np.arange(20) % 5, 0.001, -0.01).repeat(5)[:, None]  # four days of five are inside
    walk, model = (baselines.normal(np.full(100, size), np.array([1]), scoring.LEVELS) for size in (0.05, 0.004))
    said = verdict(Backtest((1,), days, outcomes, {"model": model, "random_walk": walk}))
    assert "the model cannot be judged by fewer than 100 days: beside a random walk its CRPS was" in said

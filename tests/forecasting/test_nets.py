"""The nets of a forecaster: what each reads, which is taken for which series, and what is refused."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import seqlab
from seqlab import checkpoint, forecasting, scoring
from seqlab.checkpoint.loading import digest_of, text_of
from seqlab.data.series.features import INPUTS, features_of
from seqlab.data.series.frames import load_data
from seqlab.errors import UsageError
from seqlab.forecasting.examples import examples_of, hiding
from seqlab.models.forecaster import QuantileForecaster
from seqlab.runs import RunOptions
from seqlab.settings import ForecastSettings
from seqlab.tasks import Task
from tests.forecasting.test_forecasting import made_series

HORIZONS = [1, 5, 20]
FEW = {"max_steps": 3, "context": 96, "burn_in": 32, "batch_size": 8}


def stirred(net: torch.nn.Module) -> torch.nn.Module:
    """The net with random weights: those it begins with say nothing of its inputs."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=generator))
    return net


def log_scales(net: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return net(x)[0]


def test_a_linear_net_reads_one_row_and_a_recurrent_one_those_before_it():
    x = torch.randn(1, 30, 6, generator=torch.Generator().manual_seed(1))
    earlier = x.clone()
    earlier[:, 10] += 1.0
    linear = stirred(QuantileForecaster(6, HORIZONS, list(scoring.LEVELS), num_layers=0, own_size=4))
    changed = (log_scales(linear, x) != log_scales(linear, earlier)).any(-1)[0]
    assert changed.nonzero().flatten().tolist() == [10]
    recurrent = stirred(QuantileForecaster(6, HORIZONS, list(scoring.LEVELS), own_size=4, linear=False))
    changed = (log_scales(recurrent, x) != log_scales(recurrent, earlier)).any(-1)[0]
    assert not changed[:10].any() and changed[10:].all()


def test_beside_a_linear_layer_recurrent_ones_see_no_market_and_alone_they_do():
    x = torch.randn(1, 30, 6, generator=torch.Generator().manual_seed(1))
    x[..., -1] = 1.0  # there is a market
    moved = x.clone()
    moved[:, 10, 4] += 1.0
    for linear, rows in ((True, [10]), (False, list(range(10, 30)))):
        net = stirred(QuantileForecaster(6, HORIZONS, list(scoring.LEVELS), own_size=4, linear=linear))
        assert (log_scales(net, x) != log_scales(net, moved)).any(-1)[0].nonzero().flatten().tolist() == rows


def test_a_net_of_nothing_is_refused():
    with pytest.raises(ValueError, match="linear or a recurrent"):
        QuantileForecaster(6, HORIZONS, list(scoring.LEVELS), num_layers=0, linear=False)


@pytest.mark.parametrize("net", ["linear", "recurrent", "both"])
def test_a_net_begins_as_wide_as_its_targets(net):
    series = made_series(days=700)
    settings = forecasting.settings_for([series], {"net": net, **FEW, "lr": 1e-12})
    targets = 3.0 * torch.randn(4, 50, 8, generator=torch.Generator().manual_seed(0))
    inputs = INPUTS[forecasting.nets.inputs_of(settings)]
    model = QuantileForecaster(**forecasting.nets.net_config(settings))
    model.begin_as_wide_as(targets)
    log_scale = log_scales(model, torch.randn(1, 1, len(inputs.names)))
    np.testing.assert_allclose(log_scale.exp(), 3.0, rtol=0.2)  # the deviation of the targets


def test_daily_prices_have_a_linear_net_and_other_series_rules():
    prices = made_series()
    (months,) = load_data(pd.Series(np.arange(90.0), pd.date_range("2015-01-31", periods=90, freq="ME"), name="m"))
    assert forecasting.settings_for([prices], {}).net == "linear"
    assert forecasting.settings_for([months], {}).net == "rules"
    with pytest.raises(UsageError, match="context has no meaning here: the net mixes rules"):
        forecasting.settings_for([months], {"context": 200})
    recurrent = forecasting.settings_for([prices], {"net": "recurrent", "num_layers": 3})
    assert (recurrent.net, recurrent.num_layers, recurrent.hidden_size) == ("recurrent", 3, 32)


def test_settings_of_layers_that_are_not_there_are_refused():
    with pytest.raises(UsageError, match="hidden_size has no meaning here: the net is linear") as problem:
        forecasting.settings_for([made_series()], {"hidden_size": 8})
    assert "net=recurrent" in problem.value.hint
    with pytest.raises(UsageError, match="setting 'net' is 'recurent'"):
        forecasting.settings_for([made_series()], {"net": "recurent"})
    lstm = forecasting.load(checkpoint.find("lstm"))
    with pytest.raises(UsageError, match="has the net 'recurrent', not 'linear'"):
        forecasting.settings_for([made_series()], {"net": "linear"}, lstm)
    with pytest.raises(UsageError, match="num_layers has no meaning here: 'lstm' has its shape"):
        forecasting.settings_for([made_series()], {"num_layers": 2}, lstm)
    assert forecasting.settings_for([made_series()], {"lr": 0.5}, lstm).hidden_size == 32
    with pytest.raises(UsageError, match="dropout is between"):
        forecasting.settings_for([made_series()], {"net": "recurrent", "dropout": 0.5})
    assert forecasting.settings_for([made_series()], {"net": "recurrent", "dropout": 0.5, "num_layers": 2}).dropout


@pytest.mark.parametrize("net", ["linear", "recurrent", "both"])
def test_each_net_is_trained_saved_and_forecasts(tmp_path, net):
    series = [made_series("A", 700, 1), made_series("B", 700, 2, with_range=False)]
    settings = forecasting.settings_for(series, {"net": net, **FEW})
    saved = Task(forecasting.train(series, settings, RunOptions(tmp_path / net))).result()
    assert saved.config["settings"]["net"] == net
    forecaster = forecasting.load(checkpoint.load(tmp_path / net))
    kind = "rows" if net == "recurrent" else "features"
    assert saved.config["features"] == list(INPUTS[kind].names)
    layers = [name for name in saved.weights() if name.startswith("layers")]
    assert bool(layers) == (net != "linear") and ("skip.weight" in saved.weights()) == (net != "recurrent")
    assert np.isfinite(forecasting.forecast(forecaster, series[1]).prices).all()


def test_a_forecaster_of_an_earlier_version_forecasts_as_it_did(tmp_path):
    """Before there was a choice, every net was linear and recurrent and said nothing of it."""
    series = made_series(days=700)
    settings = forecasting.settings_for([series], {"net": "both", **FEW})
    Task(forecasting.train([series], settings, RunOptions(tmp_path / "old"))).result()
    now = forecasting.forecast(forecasting.load(checkpoint.load(tmp_path / "old")), series).prices
    path = tmp_path / "old" / "config.json"
    config = json.loads(path.read_text())
    del config["model"]["linear"], config["settings"]["net"]
    config["sha256"] = digest_of(config)
    path.write_text(text_of(config))
    old = forecasting.load(checkpoint.load(tmp_path / "old"))
    np.testing.assert_array_equal(forecasting.forecast(old, series).prices, now)
    going_on = forecasting.settings_for([series], {}, old)
    assert (going_on.net, going_on.num_layers) == ("both", ForecastSettings().num_layers)


def test_rows_are_read_as_they_are():
    """A recurrent net is given no average: each column is the change of one row, in the year's units."""
    series = made_series()
    found = features_of(series, "rows")
    place = {name: i for i, name in enumerate(found.inputs.names)}
    returns = np.log(series.adjusted[1:] / series.adjusted[:-1])
    weights = (1 - 1 / 252) ** np.arange(500)[::-1]
    year = np.sqrt(np.sum(weights * returns[:500] ** 2) / weights.sum())  # after 500 changes
    assert found.volatility[500] == pytest.approx(year)
    assert found.values[501, place["return"]] == pytest.approx(returns[500] / year)
    overnight, intraday = (found.values[501, place[name]] for name in ("overnight", "intraday"))
    assert overnight + intraday == pytest.approx(returns[500] / year)
    parkinson = np.log(series.high[501] / series.low[501]) / np.sqrt(4 * np.log(2))
    assert found.values[501, place["range"]] == pytest.approx(np.log(parkinson / year + 0.1))
    days_since_1970 = series.dates.astype("datetime64[D]").view("int64")  # which began on a Thursday
    friday = np.flatnonzero(days_since_1970 % 7 == 1)[50]
    assert np.exp(found.values[friday + 1, place["days"]]) == pytest.approx(3.0)


def test_the_lstm_that_ships_forecasts_by_its_layers_alone(tmp_path):
    lstm = forecasting.load(checkpoint.find("lstm"))
    assert lstm.model.skip is None and lstm.kind == "rows"
    by_lstm = seqlab.forecast("AAPL", 3, model="lstm", origins=5, offline=True)
    by_default = seqlab.forecast("AAPL", 3, origins=5, offline=True)
    assert (by_lstm[0].model, by_default[0].model) == ("lstm", "quotes")
    assert forecasting.load(checkpoint.find("quotes")).model.layers is None
    width = [np.ptp(one[0].prices[-1]) for one in (by_lstm, by_default)]
    assert 0.8 < width[0] / width[1] < 1.25 and width[0] != width[1]


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize(
    ("hidden", "share"), [("range_dropout", 1.0), ("market_dropout", 1.0), ("market_dropout", 0.3)]
)
def test_windows_are_trained_as_if_ranges_or_the_market_were_unknown(kind, hidden, share):
    """Whole windows of those columns are 0, which a scaled input is where it is unknown, and no others."""
    inputs = INPUTS[kind]
    shares = {"range_dropout": 0.0, "market_dropout": 0.0} | {hidden: share}
    x = torch.ones(2000, 3, len(inputs.names))
    found = hiding(ForecastSettings(**shares), inputs)(x, torch.arange(2000), 0.0, torch.Generator().manual_seed(0))
    of_range = [name.startswith(("range", "gap", "overnight", "intraday", "has_range")) for name in inputs.names]
    of_market = [name.startswith("market") or name == "has_market" for name in inputs.names]
    mine = torch.tensor(of_range if hidden == "range_dropout" else of_market)
    assert (found[..., ~mine] == 1).all()
    gone = (found[..., mine] == 0).flatten(1)
    assert (gone.all(1) | ~gone.any(1)).all()
    assert gone.all(1).double().mean().item() == pytest.approx(share, abs=0.03)  # three deviations


def test_the_scaler_does_not_see_the_rows_that_choose_the_weights():
    series = made_series(days=900)
    settings = forecasting.settings_for([series], {"val_share": 0.25})
    later = replace(series, **{f: getattr(series, f).copy() for f in ("close", "adjusted", "open", "high", "low")})
    for name in ("close", "adjusted", "open", "high", "low"):
        getattr(later, name)[700:] *= np.exp(np.linspace(0, 3, 200))  # of 675 rows to learn from
    cut = series.dates[-1]
    one, other = (examples_of([each], settings, cut, "features") for each in (series, later))
    assert one.scaler == other.scaler and torch.equal(one.inputs, other.inputs)
    assert not torch.equal(one.val_inputs, other.val_inputs)


@pytest.mark.parametrize("net", ["linear", "recurrent", "both"])
def test_inputs_that_did_not_vary_in_training_say_nothing_later(tmp_path, net):
    """Weights of theirs are those it began with: closes alone were known, of one series, every day of the week."""
    closes = made_series(days=700, with_range=False)
    every_day = closes.dates[0] + np.arange(700)
    settings = forecasting.settings_for([closes], {"net": net, **FEW})
    Task(forecasting.train([replace(closes, dates=every_day)], settings, RunOptions(tmp_path / net))).result()
    forecaster = forecasting.load(checkpoint.load(tmp_path / net))
    ranges = {name: getattr(made_series(days=700), name) for name in ("open", "high", "low")}
    one, other = (forecasting.forecast(forecaster, each).prices for each in (closes, replace(closes, **ranges)))
    np.testing.assert_array_equal(one, other)
    assert forecaster.kind == "features" or forecaster.scaler.std[INPUTS["rows"].names.index("days")] == 0


def test_a_run_of_an_earlier_version_is_resumed_with_the_command_that_began_it(tmp_path):
    """It named no net and the size of its layers, which were there."""
    series = made_series(days=700)
    frame = pd.DataFrame({"date": series.dates.astype(str), "close": series.close})
    given = {**FEW, "max_steps": 6, "hidden_size": 5}
    asked = {"kind": "prices", "folder": tmp_path / "run", **given}
    steps = itertools.count(1)
    assert seqlab.train_forecaster(frame, net="both", stop=lambda: next(steps) >= 2, **asked).result() is None
    path = tmp_path / "run" / "config.json"
    config = json.loads(path.read_text())
    del config["model"]["linear"], config["settings"]["net"]
    config["sha256"] = digest_of(config)
    path.write_text(text_of(config))
    model = seqlab.train_forecaster(frame, resume=True, **asked).result()
    assert model.forecaster.model.layers is not None and model.checkpoint.config["position"]["step"] == 6

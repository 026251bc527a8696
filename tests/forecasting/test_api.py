"""Forecasting in three lines: pandas or files in, frames and charts out, the same answer as the command line's."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from seqlab import api
from seqlab.data.series.frames import load_data
from seqlab.errors import DataError, UsageError
from seqlab.forecasting import ForecastModel
from seqlab.forecasting.results import WRITTEN_LEVELS, level_places
from tests.cli.test_forecast import write_csv
from tests.forecasting.test_forecasting import QUICK

TINY = {"seed": 1, "threads": 1}
FEW = {"horizon": 3, "origins": 20}
COMMAND = ("--horizon=3", "--origins=20", "--seed=1", "--threads=1")


@pytest.fixture
def counts(tmp_path, monkeypatch) -> pd.Series:
    """Visitors by the day, fewer on weekends; the same in visitors.csv, in the folder of this test."""
    monkeypatch.chdir(tmp_path)
    days = pd.date_range("2023-01-01", periods=400, name="day")
    random = np.random.default_rng(0)
    visitors = pd.Series(random.poisson(np.where(days.day_of_week < 5, 300, 120)), days, name="total")
    visitors.to_csv(tmp_path / "visitors.csv")
    return visitors


def numbers(forecasts) -> list:
    """What does not depend on where the series came from, or what it is called."""
    found = forecasts.to_dict()["forecasts"]
    for one in found:
        del one["ticker"], one["source"], one["read"]["column"]
    return found


def test_the_library_and_the_command_line_give_one_answer_on_daily_counts(cli, counts):
    done = cli("forecast", "visitors.csv", "--column=total", "--json", *COMMAND)
    task = api.forecast_task("visitors.csv", columns=["total"], **FEW, **TINY)
    answer = task.result()
    assert {"schema": 1, **answer.to_dict()} == done.json
    assert (answer[0].model, answer[0].trained) == ("general", "shipped") and len(answer[0].backtest.origins) == 20
    assert "trained on other series" in "\n".join(task.notes) and task.notes[0] in done.err


def test_pandas_gives_the_forecast_of_the_same_numbers_in_a_file(counts):
    expected = numbers(api.forecast("visitors.csv", **FEW, **TINY))
    wide, dated = counts.to_frame(), counts.reset_index()
    long = pd.DataFrame({"unique_id": "museum", "ds": counts.index, "y": counts.to_numpy()})
    texts = dated.assign(day=dated["day"].astype(str))
    unnamed, odd = counts.rename(None), counts.rename("id")  # few values often: that makes no series of each
    for data in (counts, wide, dated, texts, long, [counts], counts.to_period("D"), unnamed, odd):
        answer = api.forecast(data, **FEW, **TINY)
        assert numbers(answer) == expected
        assert answer[0].series.source == "frame"
    assert api.forecast(long, **FEW, **TINY)[0].series.name == "museum"


def test_a_setting_that_is_not_there_is_refused_by_a_model_too():
    with pytest.raises(UsageError, match="no setting 'hiden_size'"):
        api.load("quotes").forecast("AAPL", offline=True, hiden_size=3)


def test_a_frame_holds_several_series_and_quotes_are_one():
    days = pd.bdate_range("2023-01-02", periods=80)
    wide = pd.DataFrame({"a": np.arange(80.0) + 1, "b": 5.0 + np.arange(80) % 3, "same": 5.0, "word": "x"}, days)
    assert [one.name for one in load_data(wide)] == ["a", "b"]
    assert [one.name for one in load_data(wide, columns=["B"])] == ["b"]
    long = wide[["a", "b"]].rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")
    both = list(load_data([long, wide["a"]], kind="levels"))
    assert [one.name for one in both] == ["a", "b", "a"] and all(one.additive for one in both)
    np.testing.assert_array_equal(both[0].close, both[2].close)
    quotes = pd.DataFrame({"Open": 2.0, "High": 3.0, "Low": 1.0, "Close": 2.0 + np.arange(80) % 2 / 2}, days)
    (one,) = load_data(quotes)
    assert one.name == "Close" and one.is_price and (one.high == 3.0).all()


def test_what_is_no_series_is_refused_with_a_way_on():
    with pytest.raises(UsageError, match="from a int"):
        api.forecast(5)
    with pytest.raises(UsageError, match="nothing to forecast"):
        api.forecast([])
    with pytest.raises(DataError) as problem:
        api.forecast(pd.Series(np.arange(100.0)))
    assert "pd.to_datetime" in problem.value.hint
    with pytest.raises(DataError, match="several columns of closes: A Close, B Close") as problem:
        api.forecast(pd.DataFrame({("Close", "A"): [1.0], ("Close", "B"): [2.0]}, pd.DatetimeIndex(["2024-01-01"])))
    assert "columns=[...]" in problem.value.hint
    with pytest.raises(DataError, match="no rows or no columns"):
        api.forecast(pd.DataFrame())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"horizon": 61}, "horizon of 61 is not forecast by 'quotes'"),
        ({"horizon": 721}, "horizon of 721 cannot"),
        ({"origins": 0}, "origins is 0"),
        ({"baselines": "some"}, "no baselines 'some'"),
        ({"kind": "level"}, "kind is 'level'"),
        ({"hidden_size": "9", "refit": True}, "setting 'hidden_size' is '9'"),
        ({"hidden_size": 9}, "hidden_size has no meaning here: nothing is trained"),
    ],
)
def test_an_option_without_meaning_is_named(options, says):
    with pytest.raises(UsageError, match=says):
        api.forecast("AAPL", offline=True, **options)


def test_answers_come_as_frames_charts_and_a_verdict():
    answer = api.forecast(["AAPL", "KO"], **FEW, offline=True)
    frame = answer.to_frame()
    assert list(frame.columns) == ["unique_id", "ds", *level_places(WRITTEN_LEVELS)]
    assert list(frame["unique_id"]) == ["AAPL"] * 3 + ["KO"] * 3 and frame["ds"].dtype.kind == "M"
    assert frame["q50"].tolist()[:3] == [row["q50"] for row in answer[0].to_dict()["quantiles"]]
    backtest = answer.backtest_frame()
    assert len(backtest) == 2 * len(answer[0].backtest.quantiles) * 20 * 2  # horizons of 1 and 3
    assert set(backtest["method"]) >= {"model", "random_walk", "har"}
    assert isinstance(answer.plot(), Figure) and isinstance(answer.plot_backtest(), Figure)
    assert answer.verdict.startswith("AAPL: In 20 forecasts") and answer[0].verdict in answer.verdict
    assert "<table>" in answer._repr_html_() and len(answer[1:]) == 1


def test_a_trained_forecaster_forecasts_and_is_evaluated(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "mine.csv")
    last = pd.read_csv("mine.csv")["Date"].iloc[-60]
    model = api.train_forecaster("mine.csv", cut=last, folder=tmp_path / "own", **QUICK).result()
    assert isinstance(model, ForecastModel) and model.checkpoint.folder == tmp_path / "own"
    assert model.to_dict()["final"] and "<table>" in model._repr_html_()
    answer = model.forecast("mine.csv", **FEW)
    assert answer[0].model == "own" and answer.to_dict() == api.forecast("mine.csv", model="own", **FEW).to_dict()
    found = model.evaluate("mine.csv")
    assert found.to_dict()["backtest"]["origins"] == len(found.backtest.origins) == 40
    assert found.verdict.startswith("In 40 forecasts") and "random_walk" in found._repr_html_()
    assert isinstance(found.plot(), Figure)
    assert model.evaluate().to_dict() == found.to_dict()  # the file lies where it lay
    (tmp_path / "mine.csv").unlink()
    with pytest.raises(DataError, match="not there any more"):
        model.evaluate()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kind": "level"}, "kind is 'level'"),
        ({"horizon": "3"}, "horizon is '3'"),
        ({"origins": 9.5}, "origins is 9.5"),
    ],
)
def test_a_value_that_is_none_of_an_options_is_refused(counts, options, says):
    with pytest.raises(UsageError, match=says):
        api.forecast(counts, **options)


@pytest.mark.parametrize("name", [None, "store"])
def test_a_series_is_one_whatever_its_name(counts, name):
    (read,) = load_data((counts // 20).rename(name))
    assert len(read) == len(counts)


def test_an_empty_frame_is_refused_as_such():
    with pytest.raises(DataError, match="no rows or no columns"):
        api.forecast(pd.DataFrame())

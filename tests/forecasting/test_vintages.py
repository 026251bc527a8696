"""Models of daily prices as of several years: each past day is forecast from by one that had learned nothing later."""

import numpy as np
import pytest

import seqlab
from seqlab import checkpoint, forecasting
from seqlab.data.series.quotes import snapshot
from seqlab.forecasting.answers import VINTAGES

NAMES = (*VINTAGES, "quotes")


@pytest.fixture(scope="module")
def models() -> list[forecasting.Forecaster]:
    return [forecasting.load(checkpoint.find(name)) for name in NAMES]


def test_each_is_of_its_year_and_they_come_in_order(models: list[forecasting.Forecaster]) -> None:
    for name, one in zip(VINTAGES, models, strict=False):
        assert str(one.cut) == f"{name[-4:]}-12-31" and one.learned_to <= one.cut
    assert [one.cut for one in models] == sorted(one.cut for one in models)
    assert len({(tuple(one.checkpoint.config["features"]), one.kind) for one in models}) == 1


def test_a_past_day_is_forecast_from_by_the_newest_model_that_had_learned_nothing_later(
    models: list[forecasting.Forecaster],
) -> None:
    series = snapshot("KO")
    (whole,) = forecasting.forecast_all(models[-1], [series], horizon=5, earlier=models[:-1])
    tested = whole.backtest
    assert len(tested.origins) > 4000 and tested.origins[0] > models[0].cut
    ends = [*(one.cut for one in models[1:]), series.dates[-1]]
    for one, end in zip(models, ends, strict=True):
        alone = next(forecasting.forecast_all(one, [series], horizon=5, origins=5000)).backtest
        mine = (tested.origins >= one.cut) & (tested.origins < end)
        same = np.isin(alone.origins, tested.origins[mine])
        assert mine.sum() == same.sum() > 200
        np.testing.assert_array_equal(tested.quantiles["model"][mine], alone.quantiles["model"][same])


def test_a_forecast_as_of_a_past_day_is_by_the_model_of_then() -> None:
    for day, name in (("2015-06-30", "quotes-2013"), ("2006-03-01", "quotes-2005"), ("2022-11-30", "quotes")):
        task = seqlab.api.forecast_task("AAPL", 3, as_of=day, offline=True)
        (one,) = task.result()
        assert (one.model, one.trained) == (name, "shipped") and not any("hindsight" in note for note in task.notes)
        assert name == "quotes-2005" or one.backtest.origins[0] < np.datetime64("2007-01-01")


def test_the_verdict_rests_on_thousands_of_days() -> None:
    (one,) = seqlab.forecast("AAPL", 5, offline=True)
    assert one.to_dict()["backtest"]["origins"] > 4000
    assert all(0.76 < share < 0.84 for share in one.backtest.scores("model").coverage80)
    (few,) = seqlab.forecast("AAPL", 5, offline=True, origins=40)
    assert len(few.backtest.origins) == 40 and few.backtest.origins[-1] == one.backtest.origins[-1]

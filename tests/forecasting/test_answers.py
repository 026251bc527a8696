"""Which series are forecast by the model that is there, and what is said of how they are forecast."""

from dataclasses import replace

import numpy as np
import pytest

from seqlab import api, checkpoint, forecasting
from seqlab.forecasting.answers import FEWEST_TO_LEARN, _batches
from tests.forecasting.test_forecasting import made_series

TOGETHER = "each other's market"


@pytest.mark.parametrize(
    ("days", "late", "usable"),
    [(FEWEST_TO_LEARN, 0, True), (FEWEST_TO_LEARN, 1, False), (FEWEST_TO_LEARN - 1, 1, True)],
)
def test_a_model_forecasts_what_it_has_not_learned_and_what_is_too_short_to_learn_from(days, late, usable):
    """A series that ends on the last day learned is of today; one that ends before it has days the model knows."""
    series = made_series(days=days)
    quotes = forecasting.load(checkpoint.find("quotes"))
    days = [{"last": str(series.dates[-1] + np.timedelta64(late, "D"))}]
    ready = replace(quotes, checkpoint=replace(quotes.checkpoint, config={"data": {"series": days}}))
    (batch,) = _batches([series], [ready], False)
    assert (batch.model is ready) is usable and (batch.model is None) is not usable


def test_only_series_that_are_forecast_together_are_said_to_be():
    said = {}
    for names in (("KO",), ("KO", "PEP")):
        task = api.forecast_task(list(names), 1, offline=True, origins=5, threads=1)
        task.result()
        said[names] = any(TOGETHER in note for note in task.notes)
    assert said == {("KO",): False, ("KO", "PEP"): True}


def test_a_model_that_has_learned_what_came_says_that_it_knows_it():
    task = api.forecast_task(["KO"], 1, model="quotes", as_of="2015-06-30", offline=True, origins=5, threads=1)
    task.result()
    assert any("hindsight, not a forecast: it ends on 2015-06-30" in note for note in task.notes)

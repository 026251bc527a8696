"""The forecaster's quantiles: what holds of them whatever the net says of the scale."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab import scoring
from seqlab.models.forecaster import QuantileForecaster

HORIZONS = [1, 5, 20]


@given(st.lists(st.floats(-6, 3), min_size=3, max_size=3))
@settings(max_examples=30, deadline=None)
def test_no_interval_narrows_with_the_horizon(log_scale):
    model = QuantileForecaster(4, HORIZONS, list(scoring.LEVELS))
    with torch.no_grad():
        quantiles = model.quantiles(torch.tensor(log_scale, dtype=torch.float64), 30).numpy()  # (30, Q)
    for share in (0.2, 0.5, 0.8, 0.9):
        assert (np.diff(scoring.width(quantiles, share)) >= 0).all()
    assert (np.diff(quantiles, axis=1) > 0).all()  # nor do levels cross


def test_where_the_scale_falls_steeply_the_interval_stays_as_wide_as_it_was():
    """One day is as wide as e^3 days' units: all that follows, which would be narrower, is just as wide."""
    model = QuantileForecaster(4, HORIZONS, list(scoring.LEVELS))
    with torch.no_grad():
        quantiles = model.quantiles(torch.tensor([3.0, -3.0, -3.0], dtype=torch.float64), 20).numpy()
    widths = scoring.width(quantiles, 0.8)
    np.testing.assert_allclose(widths, widths[0], rtol=1e-9)
    assert widths[0] > 0


def test_where_the_scale_stays_the_width_grows_with_the_root_of_the_horizon():
    model = QuantileForecaster(4, HORIZONS, list(scoring.LEVELS))
    with torch.no_grad():
        widths = scoring.width(model.quantiles(torch.zeros(3, dtype=torch.float64), 20).numpy(), 0.8)
    np.testing.assert_allclose(widths, 2 * 1.2816 * np.sqrt(np.arange(1, 21)), rtol=1e-3)  # it begins as normal

"""Quantiles at levels that are asked for."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab import scoring
from seqlab.errors import UsageError
from seqlab.scoring.levels import at_levels, checked, name_of

ASKED = (0.01, 0.025, 0.05, 0.13, 0.5, 0.777, 0.95, 0.975, 0.99)


def test_those_of_a_normal_distribution_are_exact_between_and_beyond() -> None:
    normal = NormalDist(3.0, 2.0)
    given = np.array([normal.inv_cdf(level) for level in scoring.LEVELS])
    np.testing.assert_allclose(at_levels(given, ASKED), [normal.inv_cdf(level) for level in ASKED], rtol=1e-12)


@given(st.lists(st.floats(-1e6, 1e6), min_size=19, max_size=19))
def test_levels_of_the_model_are_what_they_are_and_all_are_in_order(values: list[float]) -> None:
    quantiles = np.sort(np.array(values))[None]
    np.testing.assert_array_equal(at_levels(quantiles, scoring.LEVELS), quantiles)
    found = at_levels(quantiles, ASKED)
    assert (np.diff(found) >= -1e-9 * np.abs(quantiles).max()).all()


def test_names_are_q_and_the_percent() -> None:
    names = {0.01: "q01", 0.05: "q05", 0.07: "q07", 0.025: "q2.5", 0.5: "q50", 0.985: "q98.5"}
    assert [name_of(level) for level in names] == [*names.values()]


def test_levels_are_put_in_order_and_what_is_none_is_refused() -> None:
    assert checked([0.9, 0.1, 0.9]) == (0.1, 0.9) and checked((0.01, 0.99)) == (0.01, 0.99)
    for wrong in ([], [0.0], [1.0], [50], [float("nan")], ["0.5"]):
        with pytest.raises(UsageError):
            checked(wrong)

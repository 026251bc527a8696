"""The expected calibration error, counted by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqlab.scoring.confidence import expected_calibration_error


@given(st.lists(st.tuples(st.floats(0.51, 1.0), st.booleans()), min_size=1, max_size=60))
def test_it_is_the_gap_between_confidence_and_accuracy_of_fifteenths_weighted_by_rows(rows):
    """Guo et al. (2017), equation 3: the bins are (0, 1/15], (1/15, 2/15] .."""
    probabilities = torch.tensor([[sure, 1 - sure] for sure, _ in rows], dtype=torch.float64)
    labels = torch.tensor([0 if right else 1 for _, right in rows])
    gaps = 0.0
    for number in range(15):
        inside = [(sure, right) for sure, right in rows if number < sure * 15 <= number + 1]
        if inside:
            confidence, accuracy = (sum(column) / len(inside) for column in zip(*inside, strict=True))
            gaps += len(inside) / len(rows) * abs(accuracy - confidence)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(gaps, abs=1e-12)


def test_a_probability_that_rounding_put_above_one_is_a_certain_one():
    sure = torch.tensor([[1.0000001, 0.0]], dtype=torch.float64)
    assert expected_calibration_error(sure, torch.tensor([0])) == pytest.approx(0, abs=1e-6)

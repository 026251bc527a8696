"""How well a classifier knows how well it knows."""

import torch
from torch import Tensor

BINS = 15  # of confidence, as in Guo et al. 2017


def expected_calibration_error(probabilities: Tensor, labels: Tensor) -> float:
    """The mean distance between the confidence of (N, classes) in their first class, and how often it is right.

    Over 15 bins of equal width of that probability, each weighted by the share of rows in it (Guo et al. 2017,
    equation 3).
    """
    confidence, predicted = probabilities.double().max(1)
    right = (predicted == labels).double()
    bins = (confidence * BINS).ceil().long().sub(1).clamp(0, BINS - 1)  # (0, 1/15], (1/15, 2/15], ...
    gaps = torch.zeros(BINS, dtype=torch.float64).index_add(0, bins, confidence - right)
    return (gaps.abs().sum() / len(labels)).item()

"""Losses of classes, against torch's own and the closed form of two classes."""

import math

import pytest
import torch

from seqlab.lab import losses


def test_the_gradient_of_two_classes_is_that_of_a_sigmoid() -> None:
    y = torch.tensor([0])
    for margin in (0.5, 3.0, 9.0):
        z = torch.tensor([[0.0, margin]], dtype=torch.float64)
        p = 1 / (1 + math.exp(margin))
        assert losses.gradient_of("cross_entropy", z, y)[0, 0].item() == pytest.approx(p - 1)
        assert losses.gradient_of("squared", z, y)[0, 0].item() == pytest.approx(-4 * (1 - p) ** 2 * p)
        assert losses.gradient_of("distance", z, y)[0, 0].item() == pytest.approx(-math.sqrt(2) * p * (1 - p))


def test_cross_entropy_has_its_minus() -> None:
    z, y = torch.tensor([[1.0, 3.0], [2.0, 0.5]]), torch.tensor([1, 1])
    expected = [
        -math.log(math.exp(3) / (math.exp(1) + math.exp(3))),
        -math.log(math.exp(0.5) / (math.exp(2) + math.exp(0.5))),
    ]
    assert losses.loss_of("cross_entropy", z, y).tolist() == pytest.approx(expected)
    assert losses.gradient_of("cross_entropy", z, y)[0, 1] < 0  # the true class is pulled up

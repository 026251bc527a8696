"""The likeness of neighbours against values that follow from its formula."""

import pytest
import torch

from seqlab.data.batches import seeded
from seqlab.lab import kernels


def test_noise_has_the_likeness_that_its_mean_takes_from_it() -> None:
    noise = torch.randn(20_000, 1, 5, 5, generator=seeded(0))
    assert kernels.likeness(noise).mean().item() == pytest.approx(-1 / 24, abs=0.003)


def test_a_slope_is_smooth_and_a_chessboard_is_not() -> None:
    slope = torch.arange(5.0).expand(5, 5)
    chess = torch.tensor([[(-1.0) ** (i + j) for j in range(6)] for i in range(6)])
    assert kernels.likeness(slope[None, None]).item() == pytest.approx((0.5 + 1) / 2)
    assert kernels.likeness(chess[None, None]).item() == pytest.approx(-1)

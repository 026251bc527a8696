"""The laws of descent on two variables, against their closed forms, and what happens without the momentum's term."""

import numpy as np
import pytest
import torch

from seqlab import lab
from seqlab.lab import descent
from seqlab.lab.surfaces import bowls, descend, four_minima


def test_a_descent_on_a_bowl_is_a_power_of_a_matrix() -> None:
    surface, start = bowls([7.0], seed=3)
    (curvature,) = torch.autograd.functional.hessian(lambda x: surface(x[None], torch.zeros(1, 2)).sum(), start[0])[
        None
    ]
    assert torch.linalg.eigvalsh(curvature).tolist() == pytest.approx([1, 7])
    path = descend(surface, start, 0.1, 20)
    expected = torch.linalg.matrix_power(torch.eye(2, dtype=torch.float64) - 0.1 * curvature, 20) @ start[0]
    torch.testing.assert_close(path[-1, 0], expected)


def test_momentum_is_that_of_polyak() -> None:
    surface, start = bowls([30.0], seed=4)
    lr, beta, _ = descent._best(30, momentum=True)
    path = descend(surface, start, lr, 15, beta)[:, 0]
    before, here = start[0], path[1]
    for after in path[2:]:
        (slope,) = torch.autograd.grad(surface(x := here.clone()[None].requires_grad_(), torch.zeros(1, 2)).sum(), x)
        before, here = here, here - lr * slope[0] + beta * (here - before)
        torch.testing.assert_close(here, after)


def test_the_valleys_end_where_the_slope_is_zero() -> None:
    for x in descent.VALLEYS:
        place = torch.full((1, 2), float(x), dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(four_minima(place, place).sum(), place)
        np.testing.assert_allclose(slope, 0, atol=1e-9)
    assert descent.VALLEYS[0] == pytest.approx(-2.903534, abs=1e-6)  # the known minimum


def test_the_claim_fails_where_the_optimizer_forgets_its_momentum(monkeypatch: pytest.MonkeyPatch) -> None:
    right = torch.optim.SGD
    monkeypatch.setattr(torch.optim, "SGD", lambda parameters, lr, momentum=0.0: right(parameters, lr=lr))
    assert not lab.run("descent", scale="small", seeds=1, contrasts=False).holds

"""Exploding and vanishing gradients, and what clipping their norm does about it.

A gradient that goes back T steps through h_t = g(W_R h_(t-1) + ...) is multiplied T times by a matrix W_R' diag(g').
With g the identity and W_R an orthogonal matrix times rho, its norm is exactly rho^T times what it was: that is the
first half, an equality. The second half trains a simple recurrent net on the adding problem (Hochreiter and
Schmidhuber 1997, section 5.4) with recurrent weights of spectral radius 1.5, with and without clipping, from three
seeds. In so few steps neither solves it: a loss of 1/6 is that of always answering the mean. The question is who
survives.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from seqlab import training
from seqlab.data.batches import seeded
from seqlab.errors import DivergenceError
from seqlab.lab import EXPERIMENTS, Result
from seqlab.models.cells import RNNCell, hidden_states, unroll
from seqlab.training import Batch, State

SOURCE = "Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent neural networks"
STEPS, HIDDEN, BATCH, TRAINING_STEPS, LR, CLIP_NORM = 20, 32, 32, 200, 0.2, 0.25
LOSS_OF_THE_MEAN = 1 / 6  # the variance of the sum of two numbers drawn from [0, 1]


def run(seed: int = 0) -> Result:
    """Rows: gradient norms over time at three spectral radii beside rho^T; then the training runs."""
    rows = [_through_time(rho, seed) for rho in (0.8, 1.0, 1.2)]
    law_holds = all(abs(row["gradient_ratio"] / row["expected_ratio"] - 1) < 1e-6 for row in rows)
    free = [_train(None, seed + i) for i in range(3)]
    clipped = [_train(CLIP_NORM, seed + i) for i in range(3)]
    free_explodes = all(run["diverged"] or run["last_loss"] > 10 * LOSS_OF_THE_MEAN for run in free)
    clipped_survives = all(
        run["largest_step"] <= LR * CLIP_NORM * (1 + 1e-5) and run["last_loss"] < 2 * LOSS_OF_THE_MEAN
        for run in clipped
    )
    holds = law_holds and free_explodes and clipped_survives
    return Result("explosion", EXPERIMENTS["explosion"], SOURCE, holds, rows + free + clipped)


def _through_time(rho: float, seed: int) -> dict[str, Any]:
    """|dL/dh_0| / |dL/dh_T| of a linear recurrent net whose W_R is orthogonal times rho."""
    generator = seeded(seed, round(100 * rho))
    cell = RNNCell(HIDDEN, HIDDEN, activation=lambda drive: drive).double()
    with torch.no_grad():
        square = torch.randn(HIDDEN, HIDDEN, generator=generator, dtype=torch.float64)
        cell.weight_hh.copy_(rho * torch.linalg.qr(square).Q)
    x = torch.randn(1, STEPS, HIDDEN, generator=generator, dtype=torch.float64)
    start = torch.zeros(1, HIDDEN, dtype=torch.float64, requires_grad=True)
    last = unroll(cell, x, (start,))[-1][0]
    direction = torch.randn(1, HIDDEN, generator=generator, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((last * direction).sum(), start)
    return {
        "part": "through time",
        "spectral_radius": rho,
        "steps": STEPS,
        "gradient_ratio": (gradient.norm() / direction.norm()).item(),
        "expected_ratio": rho**STEPS,
    }


class _Adder(nn.Module):
    """A simple recurrent net that reads (value, marker) pairs and predicts the sum of the two marked values."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = seeded(seed)
        self.cell = RNNCell(2, HIDDEN)
        self.output = nn.Linear(HIDDEN, 1)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-0.2, 0.2, generator=generator)
            self.cell.weight_hh.copy_(1.5 * torch.linalg.qr(torch.randn(HIDDEN, HIDDEN, generator=generator)).Q)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(hidden_states(unroll(self.cell, x))[:, -1])[:, 0]  # (B,)


class _AddingProblem:
    """Sequences (B, T, 2) of values in [0, 1] and markers; the target (B,) is the sum of the two marked values."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __len__(self) -> int:
        return TRAINING_STEPS

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        for index in range(start, len(self)):
            generator = seeded(self.seed, number, index)
            values = torch.rand(BATCH, STEPS, generator=generator)
            marked = torch.rand(BATCH, STEPS, generator=generator).topk(2, dim=1).indices
            markers = torch.zeros(BATCH, STEPS).scatter_(1, marked, 1.0)
            yield torch.stack([values, markers], 2), (values * markers).sum(1)


def _squared_error(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    x, y = batch
    return nn.functional.mse_loss(model(x), y), None


def _train(clip_norm: float | None, seed: int) -> dict[str, Any]:
    model = _Adder(seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    run = training.Run(
        model,
        _squared_error,
        _AddingProblem(seed),
        optimizer,
        lambda step: LR,
        TRAINING_STEPS,
        clip_norm=clip_norm,
    )
    losses, norms, longest, diverged = [], [], 0.0, False
    try:
        for step in training.train(run):
            # the gradients are still in place, as they were applied
            applied = math.sqrt(sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None))
            longest = max(longest, LR * applied)
            losses.append(step.loss)
            norms.append(step.grad_norm)
    except DivergenceError:
        diverged = True
    tail = losses[-50:]
    return {
        "part": "training",
        "seed": seed,
        "clip_norm": clip_norm,
        "median_grad_norm": sorted(norms)[len(norms) // 2],
        "largest_grad_norm": max(norms),
        "largest_step": longest,
        "last_loss": sum(tail) / len(tail),
        "diverged": diverged,
    }

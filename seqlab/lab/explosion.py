"""Exploding and vanishing gradients, and what clipping their norm does about it.

A gradient that goes back T steps through h_t = g(W_R h_(t-1) + ...) is multiplied T times by a matrix W_R' diag(g').
With g the identity and W_R an orthogonal matrix times rho, its norm is exactly rho^T times what it was: that is the
first part, an equality. The second trains a simple recurrent net on the adding problem (Hochreiter and Schmidhuber
1997, section 5.4) whose recurrent weights begin with a spectral radius of 1.5, with and without clipping, and one of
0.8. A loss of 1/6 is that of always answering the mean: clipping keeps the net there, it does not solve the problem.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from seqlab import training
from seqlab.data.batches import seeded
from seqlab.errors import DivergenceError
from seqlab.lab.drawing import lines, panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.models.cells import RNNCell, hidden_states, unroll
from seqlab.plots.style import GREY
from seqlab.training import Batch, State

HIDDEN, BATCH, LR, CLIP_NORM = 32, 32, 0.2, 0.25
LOSS_OF_THE_MEAN = 1 / 6  # the variance of the sum of two numbers drawn from [0, 1]
WORST = 1e6  # times the loss of the mean: what a run that diverged counts


class _Scale(NamedTuple):
    steps: int  # of a sequence
    training_steps: int


SCALES = {"small": _Scale(20, 100), "default": _Scale(60, 200), "full": _Scale(100, 2000)}

EXPERIMENT = Experiment(
    name="explosion",
    claim="gradients through time grow or vanish by a power of the recurrent weights; clipping their norm bounds the "
    "step and keeps training alive, and does not by itself teach memory within a few hundred steps",
    source="Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent neural networks",
    refuted_by="a linear net of orthogonal weights times rho whose gradient is not a power of rho, a net of radius "
    "1.5 that trains as well without clipping, or one that clipping alone has solve the adding problem",
    inequalities=(
        Inequality(
            "law",
            "largest |gradient ratio / radius^T - 1| of a linear net at radius 0.8, 1 and 1.2",
            "an equality of linear algebra, up to rounding in float64",
            below=1e-6,
        ),
        Inequality(
            "free_loss",
            "last loss without clipping, in losses of always answering the mean",
            "ten times what no learning at all gives is no training",
            above=10,
        ),
        Inequality(
            "clipped_loss", "last loss with clipping, in the same unit", "not much worse than no learning", below=2
        ),
        Inequality(
            "longest_step",
            "longest step with clipping, in units of learning rate times bound",
            "what clipping promises, up to rounding in float32",
            below=1 + 1e-5,
        ),
        Inequality(
            "not_solved",
            "last loss with clipping, in the same unit",
            "below a half something would have been remembered: in so few steps nothing is",
            above=0.5,
        ),
        Inequality(
            "vanishing_loss",
            "last loss of a net of radius 0.8 with clipping, in the same unit",
            "a vanishing gradient does not show in the loss, which is that of the mean",
            below=2,
        ),
        Inequality(
            "vanishing_gradient",
            "log10 of its gradient at the first step over that at the last",
            "0.8 to the power of 20 steps is 0.01, and tanh can only lessen it",
            below=-1.9,
        ),
    ),
    knobs={"clip": Knob("norm", ("none",), "whether the norm of the gradient is bounded where the claim says so")},
    seconds=10,
    note="That nothing is learned is no proof that clipping prevents it: no net here is shown to learn so soon. At "
    "a radius of 1.3 there is no difference between clipping and none (the rows have it): with tanh the gradient "
    "explodes only where the states are small or the weights large.",
)


def measure(seed: int, scale: str, clip: str = "norm") -> Measured:
    """Rows: gradient norms over time at three spectral radii beside rho^T; the training runs; their losses."""
    size = SCALES[scale]
    law = [_through_time(rho, size.steps, seed) for rho in (0.8, 1.0, 1.2)]
    bound = CLIP_NORM if clip == "norm" else None
    runs = ((1.5, None), (1.5, bound), (0.8, CLIP_NORM), (1.3, None), (1.3, bound))
    free, clipped, vanishing, milder, milder_clipped = (_train(radius, norm, size, seed) for radius, norm in runs)
    values = {
        "law": max(abs(row["gradient_ratio"] / row["expected_ratio"] - 1) for row in law),
        "free_loss": free[0]["last_loss"],
        "clipped_loss": clipped[0]["last_loss"],
        "longest_step": clipped[0]["longest_step"] / (LR * CLIP_NORM),
        "not_solved": clipped[0]["last_loss"],
        "vanishing_loss": vanishing[0]["last_loss"],
        "vanishing_gradient": _gradient_by_lag(size.steps, seed),
    }
    return Measured(law + free + clipped + vanishing + milder + milder_clipped, values)


def draw(rows: Rows) -> Figure:
    """The law, and the losses of the runs at a radius of 1.5."""
    figure, (law, losses) = panels("|dL/dh(0)| / |dL/dh(T)| of a linear net", "Loss of a net of radius 1.5")
    through_time = [row for row in rows if row["part"] == "through time"]
    radii = np.linspace(0.8, 1.2, 41)
    law.plot(radii, radii ** through_time[0]["steps"], color=GREY, linewidth=1, label="radius to the power T")
    law.plot([row["spectral_radius"] for row in through_time], [row["gradient_ratio"] for row in through_time], "o")
    law.legend(frameon=False, fontsize=9)
    law.set(yscale="log", xlabel="spectral radius of the recurrent weights")
    curves = [row for row in rows if row["part"] == "curve" and row["radius"] == 1.5]
    lines(losses, [row | {"": f"clipping: {row['clip_norm']}"} for row in curves], "step", "loss", "")
    losses.set(yscale="log", xlabel="step", ylabel="in losses of the mean")
    return figure


def _through_time(rho: float, steps: int, seed: int) -> dict[str, Any]:
    """|dL/dh_0| / |dL/dh_T| of a linear recurrent net whose W_R is orthogonal times rho."""
    generator = seeded(seed, round(100 * rho))
    cell = RNNCell(HIDDEN, HIDDEN, activation=lambda drive: drive).double()
    with torch.no_grad():
        square = torch.randn(HIDDEN, HIDDEN, generator=generator, dtype=torch.float64)
        cell.weight_hh.copy_(rho * torch.linalg.qr(square).Q)
    x = torch.randn(1, steps, HIDDEN, generator=generator, dtype=torch.float64)
    start = torch.zeros(1, HIDDEN, dtype=torch.float64, requires_grad=True)
    last = unroll(cell, x, (start,))[-1][0]
    direction = torch.randn(1, HIDDEN, generator=generator, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((last * direction).sum(), start)
    return {
        "part": "through time",
        "spectral_radius": rho,
        "steps": steps,
        "gradient_ratio": (gradient.norm() / direction.norm()).item(),
        "expected_ratio": rho**steps,
    }


class _Adder(nn.Module):
    """A simple recurrent net that reads (value, marker) pairs and predicts the sum of the two marked values."""

    def __init__(self, radius: float, seed: int) -> None:
        super().__init__()
        generator = seeded(seed)
        self.cell = RNNCell(2, HIDDEN)
        self.output = nn.Linear(HIDDEN, 1)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-0.2, 0.2, generator=generator)
            self.cell.weight_hh.copy_(radius * torch.linalg.qr(torch.randn(HIDDEN, HIDDEN, generator=generator)).Q)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(hidden_states(unroll(self.cell, x))[:, -1])[:, 0]  # (B,)


class _AddingProblem:
    """Sequences (B, T, 2) of values in [0, 1] and markers; the target (B,) is the sum of the two marked values."""

    def __init__(self, size: _Scale, seed: int) -> None:
        self.size, self.seed = size, seed

    def __len__(self) -> int:
        return self.size.training_steps

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        for index in range(start, len(self)):
            generator = seeded(self.seed, number, index)
            values = torch.rand(BATCH, self.size.steps, generator=generator)
            marked = torch.rand(BATCH, self.size.steps, generator=generator).topk(2, dim=1).indices
            markers = torch.zeros(BATCH, self.size.steps).scatter_(1, marked, 1.0)
            yield torch.stack([values, markers], 2), (values * markers).sum(1)


def _squared_error(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    x, y = batch
    return nn.functional.mse_loss(model(x), y), None


def _train(radius: float, clip_norm: float | None, size: _Scale, seed: int) -> Rows:
    """What became of one run, then its losses by step."""
    model = _Adder(radius, seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    problem = _AddingProblem(size, seed)
    run = training.Run(
        model, _squared_error, problem, optimizer, lambda step: LR, size.training_steps, clip_norm=clip_norm
    )
    losses, longest, diverged = [], 0.0, False
    try:
        for step in training.train(run):
            # the gradients are still in place, as they were applied
            applied = math.sqrt(sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None))
            longest = max(longest, LR * applied)
            losses.append(min(step.loss / LOSS_OF_THE_MEAN, WORST))
    except DivergenceError:
        diverged = True
    tail = losses[-50:]
    which: dict[str, Any] = {"radius": radius, "clip_norm": clip_norm}
    last = WORST if diverged else sum(tail) / len(tail)
    row = {"part": "training", **which, "last_loss": last, "longest_step": longest, "diverged": diverged}
    return [row] + [
        {"part": "curve", **which, "step": at, "loss": loss} for at, loss in enumerate(losses) if at % 5 == 0
    ]


def _gradient_by_lag(steps: int, seed: int) -> float:
    """log10 of |dL/dh| at the first step over that at the last, of a net of radius 0.8 that has not learned."""
    model = _Adder(0.8, seed)
    x, y = next(_AddingProblem(_Scale(steps, 1), seed).epoch(0))
    states = unroll(model.cell, x)
    loss = nn.functional.mse_loss(model.output(states[-1][0])[:, 0], y)
    first, last = torch.autograd.grad(loss, (states[0][0], states[-1][0]))
    return math.log10(float(first.norm() / last.norm()))

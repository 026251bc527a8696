"""Surfaces over two variables, and many descents on them at once: with the loop and the optimizers that train nets."""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from seqlab import training
from seqlab.data.batches import seeded
from seqlab.errors import DivergenceError
from seqlab.training import Batch, State

Surface = Callable[[Tensor, Tensor], Tensor]  # places (N, 2) and examples (N, 2) -> values (N,)


class Place(nn.Module):
    """Where some descents are, all in one parameter (N, 2): they do not know of each other."""

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.at = nn.Parameter(start.clone())


class Examples:
    """What each step reads: an example (N, 2) of variance `variance` for every descent."""

    def __init__(self, count: int, steps: int, variance: float, seed: int) -> None:
        self.count, self.steps, self.deviation, self.seed = count, steps, math.sqrt(variance), seed

    def __len__(self) -> int:
        return self.steps

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        generator = seeded(self.seed, number, 3)
        for _ in range(start, self.steps):
            example = self.deviation * torch.randn(self.count, 2, generator=generator, dtype=torch.float64)
            yield example, example


def descend(
    surface: Surface,
    start: Tensor,
    lr: float,
    steps: int,
    momentum: float = 0.0,
    *,
    adam: bool = False,
    variance: float = 0.0,
    seed: int = 0,
) -> Tensor:
    """The places (steps + 1, N, 2) of N descents from `start` (N, 2); after one has left all bounds, infinity."""
    model = Place(start)
    optimizer: torch.optim.Optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)
    if adam:
        optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    examples = Examples(len(start), steps, variance, seed)

    def objective(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        return surface(model.get_parameter("at"), batch[0]).sum(), None

    path = torch.full((steps + 1, *start.shape), math.inf, dtype=torch.float64)
    path[0] = start
    try:
        for step in training.train(training.Run(model, objective, examples, optimizer, lambda step: lr, steps)):
            path[step.step] = model.at.detach()
    except DivergenceError:
        pass
    return path


def bowls(kappas: Sequence[float], seed: int) -> tuple[Surface, Tensor]:
    """(x - c)' A (x - c) / 2 for each kappa, A of eigenvalues 1 and kappa in some directions; starts at distance 1."""
    turn, place = torch.rand(2, generator=seeded(seed, 1), dtype=torch.float64).tolist()
    angle = math.pi * turn
    axes = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], dtype=torch.float64)
    eigenvalues = torch.tensor([[1.0, kappa] for kappa in kappas], dtype=torch.float64)
    curvature = (axes * eigenvalues[:, None]) @ axes.T  # (N, 2, 2)
    between = math.pi / 6 * (1 + place)  # from the flat direction: neither of the two alone
    start = axes @ torch.tensor([math.cos(between), math.sin(between)], dtype=torch.float64)
    return lambda x, c: ((x - c)[:, None] @ curvature)[:, 0].mul(x - c).sum(1) / 2, start.expand(len(kappas), 2)


def four_minima(x: Tensor, _: Tensor) -> Tensor:
    return (x**4 - 16 * x**2 + 5 * x).sum(1) / 2

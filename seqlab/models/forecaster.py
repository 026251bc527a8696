"""The forecaster: a linear layer, recurrent layers, or both, that say how wide the future is."""

import itertools
import math
from statistics import NormalDist

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.models.cells import State
from seqlab.models.recurrent import recurrent_layers, run_layers


class QuantileForecaster(nn.Module):
    """Quantiles of the return over each horizon, in units of the current volatility times sqrt(h).

    The quantile at level p and horizon h is `exp(log_scale_h) * shape_h(p)`. The scale is the sum of two parts, each of
    which may be left out: a linear layer on today's inputs, and recurrent layers on today's and those before; what is
    predictable in returns is their size. Beside a linear layer the recurrent ones see only the series' own inputs, the
    first `own_size`: shown the market's, they learn by heart the few crises that there were. The last input is 1 on
    days with a market to see; on the others, where those of the market are 0, the own ones get a second linear layer,
    so that they can stand in for it. The shape is one learned, ordered, fat-tailed curve per horizon. Its median is
    learned so that the shape is that of surprises, and left out of every forecast: what the stocks at hand gained is
    mostly the luck of having survived.

    linear: whether there is the linear part. num_layers: of the recurrent part, 0 for none. own_size: all inputs where
    it is not given, and then there is no market. horizons: days, ascending; levels: odd in number, symmetric about 0.5
    in the middle.
    """

    def __init__(
        self,
        input_size: int,
        horizons: list[int],
        levels: list[float],
        cell: str = "lstm",
        hidden_size: int = 32,
        num_layers: int = 2,
        dropout: float = 0.0,
        own_size: int | None = None,
        linear: bool = True,
    ) -> None:
        super().__init__()
        self.horizons, self.levels = list(horizons), list(levels)
        self.middle = len(levels) // 2
        if levels[self.middle] != 0.5:
            raise ValueError("the middle level must be 0.5")
        if not linear and not num_layers:
            raise ValueError("a forecaster needs a linear or a recurrent part")
        self.own_size = own_size or input_size
        self.seen = self.own_size if linear else input_size  # inputs of the recurrent part
        self.layers = recurrent_layers(cell, self.seen, hidden_size, num_layers, dropout) if num_layers else None
        outputs = len(horizons)
        self.head = nn.Linear(hidden_size, outputs) if num_layers else None
        self.skip = nn.Linear(input_size, outputs, bias=not num_layers) if linear else None
        self.alone = nn.Linear(self.own_size, outputs, bias=False) if linear else None
        for layer in (self.head, self.skip, self.alone):
            for weight in layer.parameters() if layer is not None else ():
                nn.init.zeros_(weight)  # it starts as: the days to come are as volatile as the unit
        normal = [NormalDist().inv_cdf(level) for level in levels]
        # the inverse of softplus; not torch's, which on a meta device imports its compiler, a second and a half
        steps = torch.tensor([math.log(math.expm1(b - a)) for a, b in itertools.pairwise(normal)])
        self.steps = nn.Parameter(steps.repeat(outputs, 1))  # (K, Q-1), the gaps between quantiles
        self.median = nn.Parameter(torch.zeros(outputs, 1))

    @torch.no_grad()
    def begin_as_wide_as(self, targets: Tensor) -> None:
        """Set the scale it begins with to that of the targets (..., K), NaN where there is none: most of all of series
        that return to a mean, which do not widen with the root of h. Where none is known it is the horizon's before."""
        bias = (self.skip if self.head is None else self.head).bias  # type: ignore[union-attr]
        for k, size in enumerate(targets.abs().flatten(0, -2).nanmean(0)):
            if size > 0:
                bias[k:] = torch.log(size / math.sqrt(2 / math.pi))  # E|X| of a standard normal

    def shapes(self) -> Tensor:
        """The quantile curve of each horizon (K, Q), ascending."""
        gaps = F.softplus(self.steps)
        above = gaps[:, self.middle :].cumsum(1)
        below = -gaps[:, : self.middle].flip(1).cumsum(1).flip(1)
        return self.median + torch.cat([below, torch.zeros_like(self.median), above], 1)

    def curves(self) -> Tensor:
        """The quantile curve of each horizon (K, Q) as it is forecast: without drift."""
        return self.shapes() - self.median

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State | None]:
        """x (B, T, F) -> log scale per day and horizon (B, T, K), and the state to carry on with, if it has one."""
        parts = []  # (B, T, K) each
        if self.layers is not None and self.head is not None:
            outputs, state = run_layers(self.layers, x[..., : self.seen], state)  # (B, T, H)
            parts.append(self.head(outputs))
        if self.skip is not None and self.alone is not None:
            parts.append(self.skip(x))
            if self.own_size < x.shape[-1]:
                parts.append(self.alone(x[..., : self.own_size] * (1 - x[..., -1:])))
        return torch.stack(parts).sum(0), state

    def quantiles(self, log_scale: Tensor, horizon: int) -> Tensor:
        """log scale (..., K) -> quantiles (..., horizon, Q) of the cumulative log return over 1 .. horizon days, in
        units of daily volatility.

        Between the trained horizons log scale and shape are interpolated over log h; beyond the last they stay. No
        level is nearer to the median at a longer horizon than at a shorter one.
        """
        weights = _interpolation(self.horizons, horizon).to(log_scale)  # (horizon, K)
        scale = torch.exp(log_scale @ weights.T)  # (..., horizon)
        days = torch.arange(1, horizon + 1, dtype=log_scale.dtype, device=log_scale.device)
        curves = (scale * days.sqrt()).unsqueeze(-1) * (weights @ self.curves().to(log_scale))  # (..., horizon, Q)
        median = curves[..., self.middle, None]
        away = curves - median
        return median + away.sign() * _running_max(away.abs())


def _running_max(sizes: Tensor) -> Tensor:
    """`cummax` along the last dimension but one, of numbers from 0 on: of operations that ONNX has."""
    step = 1
    while step < sizes.shape[-2]:
        sizes = torch.maximum(sizes, F.pad(sizes, (0, 0, step, 0))[..., :-step, :])
        step *= 2
    return sizes


def _interpolation(knots: list[int], horizon: int) -> Tensor:
    """(horizon, len(knots)): the weights of the knots for h = 1 .. horizon, linear in log h; rows add up to 1."""
    rows = []
    for h in range(1, horizon + 1):
        row = [0.0] * len(knots)
        right = next((k for k, knot in enumerate(knots) if knot >= h), len(knots) - 1)
        left = max(0, right - 1) if knots[right] > h else right
        if knots[right] == knots[left] or h >= knots[right]:
            row[right] = 1.0
        else:
            share = math.log(h / knots[left]) / math.log(knots[right] / knots[left])
            row[left], row[right] = 1 - share, share
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float64)

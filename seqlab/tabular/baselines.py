"""What a net has to beat: the same prediction for every row, and a linear model of the same inputs."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

PENALTY = 1.0  # half of it times the sum of squared weights is added to the summed loss
MOST_ROWS = 100_000  # a linear model gains nothing from more
MOST_NUMBERS = 2**25  # of the inputs of regressions that are found together: 128 MiB


def constant(y: np.ndarray, rows: int, classes: int) -> np.ndarray:
    """The shares of the classes among y (N,), or its mean, for every one of `rows`: (rows, classes) or (rows,)."""
    if classes:
        return np.tile(np.bincount(y, minlength=classes) / len(y), (rows, 1))
    return np.full(rows, y.mean(dtype=np.float64))


def linear(cases: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], classes: int) -> list[np.ndarray]:
    """For each case, x (N, F) and y (N,) to learn from and `new` (M, F), what a linear model predicts for `new`:
    probabilities (M, classes) by logistic regression, or numbers (M,) by ridge regression. The weights, but not the
    intercept, are kept small by PENALTY."""
    if not classes:
        return [_ridge(*_thinned(x, y), new) for x, y, new in cases]
    found: list[np.ndarray] = []
    largest = max(min(len(x), MOST_ROWS) * (x.shape[1] + 1) for x, _, _ in cases)
    together = max(1, MOST_NUMBERS // largest)
    for first in range(0, len(cases), together):
        some = cases[first : first + together]
        for (_, _, new), weights in zip(some, _logistic([_thinned(x, y) for x, y, _ in some], classes), strict=True):
            found.append(_softmax(new @ weights[: new.shape[1]] + weights[-1]))
    return found


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(x) <= MOST_ROWS:
        return x, y
    some = np.random.default_rng(0).choice(len(x), MOST_ROWS, replace=False)
    return x[some], y[some]


def _ridge(x: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    wide, middle = x.astype(np.float64), y.mean(dtype=np.float64)
    means = wide.mean(0)
    wide -= means
    weights = np.linalg.solve(wide.T @ wide + PENALTY * np.eye(x.shape[1]), wide.T @ (y - middle))
    return np.asarray((new - means) @ weights + middle)


def _logistic(cases: Sequence[tuple[np.ndarray, np.ndarray]], classes: int) -> np.ndarray:
    """Weights (K, F + 1, classes) of K regressions, the intercept last, found as one: their losses are added up."""
    rows, wide = max(len(x) for x, _ in cases), max(x.shape[1] for x, _ in cases)
    inputs = torch.zeros(len(cases), rows, wide + 1)  # rows of zeros have no gradient
    labels = torch.zeros(len(cases), rows, dtype=torch.int64)
    for number, (x, y) in enumerate(cases):
        inputs[number, : len(x), : x.shape[1]] = torch.from_numpy(x)
        inputs[number, : len(x), -1] = 1.0
        labels[number, : len(x)] = torch.from_numpy(y)
    counts = torch.tensor([float(len(x)) for x, _ in cases])
    weights = torch.zeros(len(cases), wide + 1, classes, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weights], max_iter=100, tolerance_grad=1e-5, tolerance_change=1e-7, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        losses = F.cross_entropy((inputs @ weights).flatten(0, 1), labels.flatten(), reduction="none")
        penalties = weights[:, :-1].square().sum((1, 2))
        loss = ((losses.view(labels.shape).sum(1) + PENALTY / 2 * penalties) / counts).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach().double().numpy()


def _softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(shares / shares.sum(1, keepdims=True))

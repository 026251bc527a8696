"""What a net has to beat: the same answer for every row, and a linear model of the same inputs."""

import numpy as np
import torch
from torch.nn import functional as F

PENALTY = 1.0  # half of it times the sum of squared weights is added to the summed loss
MOST_ROWS = 100_000  # more tell a linear model nothing


def constant(y: np.ndarray, rows: int, classes: int) -> np.ndarray:
    """The shares of the classes among y (N,), or its mean, for every one of `rows`: (rows, classes) or (rows,)."""
    if classes:
        return np.tile(np.bincount(y, minlength=classes) / len(y), (rows, 1))
    return np.full(rows, y.mean(dtype=np.float64))


def linear(x: np.ndarray, y: np.ndarray, learns: np.ndarray, shown: np.ndarray, classes: int) -> np.ndarray:
    """Learnt from the rows `learns` of x (N, F) and y (N,), said of `shown` (M, F): probabilities (M, classes) by
    logistic regression, or numbers (M,) by ridge regression. The weights, but not the intercept, are kept small by
    PENALTY."""
    if len(learns) > MOST_ROWS:
        learns = np.random.default_rng(0).choice(learns, MOST_ROWS, replace=False)
    x, y = x[learns], y[learns]
    if not classes:
        wide, middle = x.astype(np.float64), y.mean(dtype=np.float64)
        means = wide.mean(0)
        wide -= means
        weights = np.linalg.solve(wide.T @ wide + PENALTY * np.eye(x.shape[1]), wide.T @ (y - middle))
        return (shown - means) @ weights + middle
    inputs, labels = torch.from_numpy(x).double(), torch.from_numpy(y)
    weights_, bias = (
        torch.zeros(*shape, dtype=torch.float64, requires_grad=True) for shape in ((x.shape[1], classes), (classes,))
    )
    optimizer = torch.optim.LBFGS(
        [weights_, bias], max_iter=100, tolerance_grad=1e-5, tolerance_change=1e-7, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(inputs @ weights_ + bias, labels)
        loss = loss + PENALTY / 2 / len(x) * weights_.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        return (torch.from_numpy(shown).double() @ weights_ + bias).softmax(1).numpy()

"""Which rows are held out: by class, by group or by time."""

import numpy as np

Split = tuple[np.ndarray, np.ndarray]  # row numbers to train on, and those held out


def folds(
    count: int,
    rows: int,
    seed: int,
    *,
    classes: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    time: np.ndarray | None = None,
) -> list[Split]:
    """`count` splits of row numbers."""
    raise NotImplementedError


def hold_out(
    share: float,
    rows: int,
    seed: int,
    *,
    classes: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    time: np.ndarray | None = None,
) -> Split:
    """One split of row numbers that holds out a share of the rows."""
    raise NotImplementedError

"""Quantiles at levels that a model does not give itself, and what levels are called."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from seqlab import scoring
from seqlab.errors import UsageError

LOWEST, HIGHEST = 0.01, 0.99  # levels that can be asked for: beyond them nothing is known
NEAR = 1e-9  # levels that are the same


def checked(levels: Sequence[float]) -> tuple[float, ...]:
    """Levels in ascending order, each once. Raises UsageError for none, or for what is no number from 0.01 to 0.99."""
    for level in levels:
        if isinstance(level, bool | str) or not LOWEST - NEAR <= level <= HIGHEST + NEAR:
            raise UsageError(f"a quantile of {level} cannot be given", f"use levels from {LOWEST} to {HIGHEST}")
    if not len(levels):
        raise UsageError("no quantiles are named", "give levels like 0.1, 0.5, 0.9")
    return tuple(sorted(set(map(float, levels))))


def name_of(level: float) -> str:
    """q and the percent: q05, q50, q2.5."""
    percent = f"{100 * level:.8g}"
    return f"q{percent:0>2}" if "." not in percent else f"q{percent}"


def at_levels(quantiles: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Quantiles (..., Q) at scoring.LEVELS as those at other levels, (..., L).

    Between two levels linear in the normal score, and beyond the outermost their line goes on, so that those of a
    normal distribution stay what they are; ordered as the given ones are.
    """
    score = NormalDist().inv_cdf
    known = np.array([score(level) for level in scoring.LEVELS])
    asked = np.array([score(level) for level in levels])
    right = np.clip(np.searchsorted(known, asked), 1, len(known) - 1)
    share = (asked - known[right - 1]) / (known[right] - known[right - 1])  # below 0, above 1: beyond
    share = np.where(np.abs(share - np.round(share)) < NEAR, np.round(share), share)  # a known level is itself
    return quantiles[..., right - 1] * (1 - share) + quantiles[..., right] * share

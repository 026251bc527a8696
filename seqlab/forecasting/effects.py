"""What covariates explain of a series: their effects, estimated beside a level that wanders and a season.

Values follow their level as simple exponential smoothing does: what is left of them after its forecast of each next row
is regressed on what the same filter leaves of the covariates, the season and a constant (generalised least squares of
a local level). A weight of 1 is first differences, a small one nearly the values themselves. Effects are shrunk towards
none by ridge regression: numbers in units of their standard deviation, indicators as they are, so that what has been
seen twice is believed less than what was often. Weight and strength are those of the least generalised cross-validation
(Golub, Heath and Wahba 1979).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

FEWEST = 60  # rows, from which on effects are estimated
SEASONS = 3  # of which a season is one
WEIGHTS = (0.03, 0.1, 0.2, 0.4, 0.7, 1.0)  # of the newest row in the level
STRENGTHS = np.append(np.logspace(-2, 4, 19), np.inf)
FAR_FROM_ZERO = 0.05  # of the median of the AROUND rows about it, above which each value is where effects multiply
AROUND = 29  # rows
DAYS = 7  # at most, whose places in a longer season are told apart too
SURE = 6.0  # by how much twice the log likelihood has to gain for any effect to be believed


@dataclass(frozen=True)
class Effects:
    """sizes (K,): of one more of each covariate; means (K,): of the covariates where they were estimated; in_logs:
    they multiply the values, by the exponential of their sum."""

    sizes: np.ndarray
    means: np.ndarray
    in_logs: bool

    def of(self, covariates: np.ndarray) -> np.ndarray:
        """What rows of covariates (..., K) do to values, (...): a factor in logs, else what is added."""
        total = (covariates - self.means) @ self.sizes
        return np.exp(np.clip(total, -5, 5)) if self.in_logs else total

    def without(self, values: np.ndarray, covariates: np.ndarray) -> np.ndarray:
        """Values (N,) as they were if all covariates (N, K) had been as on average."""
        return values / self.of(covariates) if self.in_logs else values - self.of(covariates)

    def put_back(self, quantiles: np.ndarray, covariates: np.ndarray) -> np.ndarray:
        """Quantiles (..., Q) of such values, with the effects of covariates (..., K) again."""
        now = self.of(covariates)[..., None]
        return quantiles * now if self.in_logs else quantiles + now

    @property
    def in_units(self) -> np.ndarray:
        """What one more of each does, (K,): percent of the values, or in their units."""
        return 100 * np.expm1(self.sizes) if self.in_logs else self.sizes


def estimated(
    values: np.ndarray, covariates: np.ndarray, seasons: tuple[int, ...], known: np.ndarray
) -> Effects | None:
    """The effects of covariates (N, K) on values (N,). seasons: in rows, the shorter first. known (N,): which rows were
    observed. None where there are too few rows."""
    if known.sum() < FEWEST:
        return None
    in_logs = _multiply(values[known])
    means = covariates[known].mean(0)
    sizes = np.zeros(covariates.shape[1])
    unit = _units(covariates[known])
    told = unit > 0
    if told.any():
        target = np.log(np.maximum(values, 1e-300)) if in_logs else values
        scaled = (covariates[:, told] - means[told]) / unit[told]
        sizes[told] = _ridge(target, scaled, _beside(len(values), seasons), known) / unit[told]
    return Effects(sizes, means, in_logs)


def _units(covariates: np.ndarray) -> np.ndarray:
    """What one step of each covariate (N, K) is: 1 of an indicator, else its standard deviation; 0 of a constant."""
    are_indicators = ((covariates == 0) | (covariates == 1)).all(0)
    return np.where(np.ptp(covariates, 0) > 0, np.where(are_indicators, 1.0, covariates.std(0)), 0.0)


def _multiply(values: np.ndarray) -> bool:
    """Whether effects on values (N,) are relative: all are above zero, and far from it beside their neighbours."""
    usual = pd.Series(values).rolling(AROUND, center=True, min_periods=1).median().to_numpy()
    return bool((values > 0).all() and (values > FAR_FROM_ZERO * usual).all())


def _beside(rows: int, seasons: tuple[int, ...]) -> np.ndarray:
    """A constant, and an indicator of each place in the shorter season but one, within the day of the weekday too:
    (N, P)."""
    found, row = [np.ones(rows)], np.arange(rows)
    if seasons and rows >= SEASONS * seasons[0]:
        found += [row % seasons[0] == place for place in range(1, seasons[0])]
        days = seasons[-1] // seasons[0]
        if len(seasons) > 1 and days <= DAYS and rows >= SEASONS * seasons[-1]:
            found += [row // seasons[0] % days == day for day in range(1, days)]
    return np.column_stack(found).astype(float)


def _ridge(target: np.ndarray, covariates: np.ndarray, beside: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The effects (K,) of the weight and the strength with the least generalised cross-validation."""
    best, least = np.zeros(covariates.shape[1]), np.inf
    without = np.inf
    for weight in WEIGHTS:
        filtered = _innovations(np.column_stack([target, covariates, beside]), weight)[known]
        basis, size, _ = np.linalg.svd(filtered[:, 1 + covariates.shape[1] :], full_matrices=False)
        basis = basis[:, size > 1e-9 * size[0]]
        left = filtered[:, : 1 + covariates.shape[1]]
        left = left - basis @ (basis.T @ left)
        y, x = left[:, 0], left[:, 1:]
        u, d, vt = np.linalg.svd(x, full_matrices=False)
        along, free = u.T @ y, len(y) - basis.shape[1]
        for strength in STRENGTHS:
            kept = d**2 / (d**2 + strength)
            rest = y @ y - (kept * (2 - kept) * along**2).sum()
            score = len(y) * np.log(max(rest, 1e-300)) - 2 * len(y) * np.log(max(free - kept.sum(), 1e-9))
            if np.isinf(strength):
                without = min(without, score)
            if score < least:
                least = score
                best = vt.T @ (along * d / (d**2 + strength)) if np.isfinite(strength) else 0 * best
    return best if least < without - SURE else 0 * best


def _innovations(columns: np.ndarray, weight: float) -> np.ndarray:
    """What simple exponential smoothing, which begins at zero, does not expect of each row: (N, P) like `columns`."""
    from scipy.signal import lfilter  # half a second, for who names covariates

    return lfilter([1.0, -1.0], [1.0, weight - 1.0], columns, axis=0)

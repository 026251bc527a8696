"""The forecasts to beat: simple and classical distributions of the return over the next days. Arrays in, arrays out.

Each is computed on a past day from that day and those before it, as the model's are. Returns are daily log returns
(N,), of which the first is none and not used; `rows` (O,) are the days forecast from, ascending; `horizons` (K,) days
ahead; quantiles (O, K, Q) of the cumulative log return at `levels`.
"""

from statistics import NormalDist

import numpy as np

from seqlab.scoring.classical import auto_ets, theta
from seqlab.scoring.garch import garch

YEAR = 252
HAR_SPANS = (1, 5, 22)  # day, week and month (Corsi 2009)
HAR_MINIMUM = 250  # outcomes before a regression is believed


def by_name(
    returns: np.ndarray,
    day_range: np.ndarray,
    ewma: np.ndarray,
    rows: np.ndarray,
    horizons: np.ndarray,
    levels: tuple[float, ...],
    *,
    repeated: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """What a model is compared with: {name: quantiles (O, K, Q)}.

    day_range, ewma (N,): daily volatilities, by high and low and exponentially weighted. repeated (N, K): the change
    that repeats the last season, where there is one.
    """
    result = {
        "random_walk": normal(volatility(returns)[rows], horizons, levels),
        "ewma": normal(ewma[rows], horizons, levels),
        "drift": drift(returns, rows, horizons, levels),
        "empirical": empirical(returns, rows, horizons, levels),
        "har": har(returns, day_range, rows, horizons, levels),
    }
    if repeated is not None:
        result["seasonal_naive"] = seasonal(repeated, returns, rows, horizons, levels)
    return result


def fitted_by_name(
    returns: np.ndarray,
    seasons: tuple[int, ...],
    rows: np.ndarray,
    horizons: np.ndarray,
    levels: tuple[float, ...],
    *,
    of_prices: bool,
) -> dict[str, np.ndarray]:
    """The classical models that packages fit: GARCH and GJR of prices, AutoETS and Theta of any other series.

    seasons: rows after which the series may repeat itself, the shorter first. Raises ImportError where the package
    (`arch` for prices, `statsforecast` for others) is missing.
    """
    if of_prices:
        return {
            name: garch(returns, rows, horizons, levels, asymmetric=asymmetric)
            for name, asymmetric in (("garch", False), ("gjr", True))
        }
    path = _sums(returns)
    return {
        "auto_ets": auto_ets(path, seasons, rows, horizons, levels),
        "theta": theta(path, seasons, rows, horizons, levels),
    }


def volatility(returns: np.ndarray, span: int = YEAR, fewest: int = 20) -> np.ndarray:
    """Daily volatility of the random walk: the root mean square of the last `span` returns at each day (N,).

    NaN until `fewest` are known.
    """
    t = np.arange(len(returns))
    first = np.maximum(t - span, 0)
    total = _sums(returns**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.sqrt((total[t] - total[first]) / (t - first))
    size[:fewest] = np.nan
    return np.maximum(size, 1e-8)


def normal(size: np.ndarray, horizons: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """A walk without drift and with normal steps of `size` (O,) a day: (O, K, Q)."""
    curve = np.array([NormalDist().inv_cdf(level) for level in levels])
    return size[:, None, None] * np.sqrt(horizons)[None, :, None] * curve


def drift(
    returns: np.ndarray, rows: np.ndarray, horizons: np.ndarray, levels: tuple[float, ...], fewest: int = 20
) -> np.ndarray:
    """The random walk, moved by the mean of all returns so far."""
    mean = _sums(returns)[rows] / np.maximum(rows, 1)
    return (
        normal(volatility(returns, fewest=fewest)[rows], horizons, levels)
        + mean[:, None, None] * horizons[None, :, None]
    )


def empirical(
    returns: np.ndarray, rows: np.ndarray, horizons: np.ndarray, levels: tuple[float, ...], span: int = 3 * YEAR
) -> np.ndarray:
    """Quantiles of the last `span` returns over as many days, overlapping (historical simulation)."""
    total = _sums(returns)
    result = np.zeros((len(rows), len(horizons), len(levels)))
    for k, h in enumerate(horizons):
        over = total[h:] - total[:-h]  # entry i: from day i to day i + h
        ends = rows - h + 1
        full = ends >= span
        if full.any():
            known = np.sort(np.lib.stride_tricks.sliding_window_view(over, span)[ends[full] - span], axis=1)
            place = np.array(levels) * (span - 1)
            low = place.astype(int)
            result[full, k] = known[:, low] + (place - low) * (known[:, low + 1] - known[:, low])
        for o in np.flatnonzero(~full & (ends > 0)):
            result[o, k] = np.quantile(over[: ends[o]], levels)
    return result


def seasonal(
    repeated: np.ndarray, returns: np.ndarray, rows: np.ndarray, horizons: np.ndarray, levels: tuple[float, ...]
) -> np.ndarray:
    """The last season repeated, `repeated` (N, K), with normal errors as large as all of its own until now."""
    path = _sums(returns)
    curve = np.array([NormalDist().inv_cdf(level) for level in levels])
    result = np.zeros((len(rows), len(horizons), len(levels)))
    for k, h in enumerate(horizons):
        error = np.full(len(path), np.nan)  # on the row where it becomes known
        error[h:] = path[h:] - path[:-h] - repeated[:-h, k]
        known = np.isfinite(error)
        size = np.sqrt(np.where(known, error**2, 0.0).cumsum() / np.maximum(known.cumsum(), 1))
        result[:, k] = np.nan_to_num(repeated[rows, k, None]) + size[rows, None] * curve
    return result


def har(
    returns: np.ndarray,
    day_range: np.ndarray,
    rows: np.ndarray,
    horizons: np.ndarray,
    levels: tuple[float, ...],
) -> np.ndarray:
    """HAR on absolute returns: Corsi's (2009) heterogeneous autoregression, but of absolute returns, with normal steps.

    Not the HAR of realized variances: the absolute return over h days, by the root of h, is regressed on the means of
    the daily size over a day, a week and a month, by least squares over every outcome known at the origin, so once for
    each origin. Absolute values instead of squares, because one crash would own the regression (Ederington and Guan
    2005); a standard deviation is sqrt(pi / 2) of them, as of a normal variable. The size of a day is its
    range `day_range` (N,), the Parkinson volatility of high and low, where that is known and has been for long enough,
    else its absolute return.
    """
    result = _har(np.abs(returns), returns, rows, horizons)
    if np.isfinite(day_range[rows]).any():
        on_range = _har(day_range, returns, rows, horizons)
        result = np.where(np.isfinite(on_range), on_range, result)
    plain = volatility(returns)[rows, None]
    size = np.where(np.isfinite(result), result, plain)  # (O, K) a day
    curve = np.array([NormalDist().inv_cdf(level) for level in levels])
    return np.maximum(size, 0.25 * plain)[..., None] * np.sqrt(horizons)[:, None] * curve


def _har(size: np.ndarray, returns: np.ndarray, rows: np.ndarray, horizons: np.ndarray) -> np.ndarray:
    """The daily volatility that HAR on `size` (N,) forecasts, (O, K); NaN where too little is known."""
    count = len(returns)
    regressors = np.ones((count, 1 + len(HAR_SPANS)))
    for j, span in enumerate(HAR_SPANS, start=1):
        total = np.cumsum(np.nan_to_num(size))
        known = np.cumsum(np.isfinite(size) & (np.arange(count) > 0))
        before, had = np.zeros(count), np.zeros(count)
        before[span:], had[span:] = total[:-span], known[:-span]
        regressors[:, j] = np.where(known - had == span, (total - before) / span, np.nan)
    usable = np.isfinite(regressors.sum(axis=1))
    x = np.where(usable[:, None], regressors, 0.0)  # (N, J)
    moments = np.cumsum(x[:, :, None] * x[:, None, :], axis=0)  # (N, J, J)
    number = np.cumsum(usable)
    path = _sums(returns)
    ridge = 1e-10 * np.eye(x.shape[1])
    result = np.full((len(rows), len(horizons)), np.nan)
    for k, h in enumerate(horizons):
        outcome = np.zeros(count)
        outcome[:-h] = np.abs(path[h:] - path[:-h]) / np.sqrt(h)
        products = np.cumsum(x * outcome[:, None], axis=0)
        last = rows - h  # the last origin whose outcome is known
        believed = (last >= 0) & usable[rows] & (number[np.maximum(last, 0)] >= HAR_MINIMUM)
        if believed.any():
            at = last[believed]
            weights = np.linalg.solve(moments[at] + ridge, products[at][..., None])[..., 0]
            # E|X| of a normal is sqrt(2 / pi) of its standard deviation
            result[believed, k] = (weights * x[rows[believed]]).sum(axis=1) * np.sqrt(np.pi / 2)
    return result


def _sums(returns: np.ndarray) -> np.ndarray:
    """Cumulated returns at each day (N,), from 0; the first and the unknown count as none."""
    return np.cumsum(np.concatenate([[0.0], np.nan_to_num(returns[1:])]))

"""Classical forecasts of any series, AutoETS and Theta, as distributions of its change. Arrays in, arrays out.

By the package statsforecast, one model of the last 2000 rows. Form and weights are found anew at each origin where
there are up to 12, else at 12 of them, evenly apart; between these the states follow the rows up to the origin.
Arguments and shapes are those of `baselines`, but for `path` (N,), which is what changes add up on, and `seasons`: the
rows after which the series may repeat itself, the shorter first.
"""

from statistics import NormalDist

import numpy as np

LONGEST = 2000  # rows that are fitted to, the last before an origin
LONGEST_SEASON = 24  # rows: more states than that cannot be estimated
FITS = 12  # in a backtest, at most


def auto_ets(
    path: np.ndarray, seasons: tuple[int, ...], rows: np.ndarray, horizons: np.ndarray, levels: tuple[float, ...]
) -> np.ndarray:
    """Exponential smoothing whose form is chosen by AICc (Hyndman, Koehler, Snyder and Grose 2002): (O, K, Q), normal.

    Errors are additive; where `path` is a logarithm, that is what multiplicative ones are. Of several seasons it has
    the longest that is not over 24 rows: of hours that have a day and a week, the day. Raises ImportError without
    statsforecast.
    """
    from statsforecast.models import AutoETS

    wanted = max((1, *(one for one in seasons if one <= LONGEST_SEASON)))
    curve = _curve(levels)
    result = np.zeros((len(rows), len(horizons), len(levels)))
    for first, at in _fits(rows):
        begin = max(0, first + 1 - LONGEST)
        season = wanted if first - begin > 2 * wanted else 1
        model = AutoETS(season_length=season, model="AZZ").fit(path[begin : first + 1] - path[begin])
        for o in at:
            ahead = model.forward(path[begin : rows[o] + 1] - path[begin], h=int(horizons.max()), level=[80])
            mean, high = (ahead[name][horizons - 1] for name in ("mean", "hi-80"))
            size = (high - mean) / NormalDist().inv_cdf(0.9)  # its intervals are normal
            result[o] = (mean + path[begin] - path[rows[o]])[:, None] + size[:, None] * curve
    return result


def theta(
    path: np.ndarray, seasons: tuple[int, ...], rows: np.ndarray, horizons: np.ndarray, levels: tuple[float, ...]
) -> np.ndarray:
    """The Theta method (Assimakopoulos and Nikolopoulos 2000): (O, K, Q).

    Applied to what is left without the longest season, where that has been seen twice and is significant: `season_of`.
    It is simple exponential smoothing with a drift (Hyndman and Billah 2003), whose error over h rows has the variance
    of that over one times 1 + (h - 1) alpha^2: quantiles are normal. The package's own intervals come of 200 simulated
    paths, and count an additive season as an error. Raises ImportError without statsforecast.
    """
    from statsforecast.models import Theta

    curve = _curve(levels)
    result = np.zeros((len(rows), len(horizons), len(levels)))
    for first, at in _fits(rows):
        begin = max(0, first + 1 - LONGEST)
        longest = max((1, *(one for one in seasons if 2 * one <= first + 1 - begin)))
        season = season_of(path[begin : first + 1], longest)
        model = Theta(season_length=1).fit(_without(season, path[begin : first + 1]))
        one = np.std(model.model_["residuals"][3:], ddof=1)  # the first are of a level that is not known yet
        size = one * np.sqrt(1 + (horizons - 1) * model.model_["par"]["alpha"] ** 2)
        for o in at:
            mean = model.forward(_without(season, path[begin : rows[o] + 1]), h=int(horizons.max()))["mean"]
            again = season[(rows[o] - begin + horizons) % longest]
            result[o] = (mean[horizons - 1] + again - path[rows[o]])[:, None] + size[:, None] * curve
    return result


def season_of(values: np.ndarray, season: int) -> np.ndarray:
    """The season of values (N,) by classical decomposition, (season,), of which the first belongs to the first value.

    The mean at each place of what is left by a moving average over a season, centred. Zeros where the autocorrelation
    at the lag of a season is not significant at 90 %, as in the M3 and M4 competitions.
    """
    if season < 2 or len(values) < 2 * season:
        return np.zeros(season)
    centred = values - values.mean()
    total = centred @ centred
    lags = np.array([centred[lag:] @ centred[:-lag] for lag in range(1, season + 1)]) / max(total, 1e-300)
    if np.abs(lags[-1]) <= NormalDist().inv_cdf(0.95) * np.sqrt((1 + 2 * (lags[:-1] ** 2).sum()) / len(values)):
        return np.zeros(season)
    weights = np.ones(season) if season % 2 else np.concatenate([[0.5], np.ones(season - 1), [0.5]])
    half = len(weights) // 2
    left = values[half : len(values) - half] - np.convolve(values, weights / season, "valid")
    place = np.arange(half, len(values) - half) % season
    found = np.bincount(place, left, season) / np.bincount(place, minlength=season)
    return found - found.mean()


def _without(season: np.ndarray, values: np.ndarray) -> np.ndarray:
    return values - np.resize(season, len(values))


def _fits(rows: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """The row that is fitted to, and the places in `rows` that are forecast by that fit."""
    groups = np.arange(len(rows)) * FITS // max(len(rows), FITS)
    parts = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    return [(int(rows[part[0]]), part) for part in parts]


def _curve(levels: tuple[float, ...]) -> np.ndarray:
    return np.array([NormalDist().inv_cdf(level) for level in levels])

"""The mean forecast of a series, from its own past alone: what repeats itself, and what returns to its mean.

Daily prices go nowhere that can be known: theirs is zero. An hourly load or a monthly count does:
it is what was observed a season ago, or a linear regression on that and on recent means. Whichever of the simple rules
has been nearest so far is taken, or the mean of it and of exponential smoothing, on each row by the rows before it, so
that no forecast of the past knows more than it would have known then. What is left, the residuals, is what the
forecaster learns the size of.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from seqlab.data.series.smoothing import damped_trend

SPANS = (5, 21, 63)
A_WEEK = 7  # rows, that what has no season is looked back on
REFIT = 0.05  # growth of the history after which the regression is fitted anew
WORTH_IT = 0.98  # of the error of the simpler rule that a further one must stay below
RIDGE = 10.0  # rows' worth of evidence that a coefficient is nothing


def seasonal_naive(path: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The change over `horizon` rows that repeats the last season: (N,), NaN in the first season.

    path (N,): what changes add up on. The value expected is that of the same place in the last season known.
    """
    change = np.full(len(path), np.nan)
    back = season * -(-horizon // season) - horizon  # rows from now back to the place in the season
    if season + back <= len(path):
        change[back:] = path[: len(path) - back] - path[back:]
    change[: season - 1] = np.nan
    return change


def mean_forecast(
    path: np.ndarray,
    seasons: tuple[int, ...],
    horizons: np.ndarray,
    filled: np.ndarray | None = None,
    *,
    only_rises: bool = False,
) -> np.ndarray:
    """The expected change of `path` (N,) over the next h rows, for each of `horizons` (H,): (N, H).

    By the best so far of five rules, the simpler first: the last value; the last season; the last season and what that
    has been short of on average, which is growth; the regression; the mean of the best of these and of smoothing with a
    damped trend, without a season or with whichever has been nearest so far. seasons: rows after which the series may
    repeat itself, the shorter first. filled (N,): rows that were not observed, by which no rule is judged. only_rises:
    it is counted up, and never falls: it rises as in the last season, or as in the last three.
    A row's entries are computed from that row and those before it. Zero where nothing is better than the last value,
    or nothing is known.
    """
    plain = _plain_regressors(path)
    rules = _rules_of_rises if only_rises else _rules
    unit = rise_unit(path, seasons[0] if seasons else A_WEEK) if only_rises else np.ones(len(path))
    smoothed = np.stack([damped_trend(path, season, horizons, filled) for season in (1, *seasons)])  # (S, N, H)
    result = np.zeros((len(path), len(horizons)))
    for k, h in enumerate(horizons):
        first = rules(path, seasons, h, plain)
        smooth = _best(path, np.concatenate([first[:1], smoothed[..., k]]), h, filled, unit, 1.0)
        both = (_best(path, first, h, filled, unit) + smooth) / 2
        result[:, k] = _best(path, np.concatenate([first, [both]]), h, filled, unit)
    return result


def _rules(path: np.ndarray, seasons: tuple[int, ...], horizon: int, plain: np.ndarray) -> np.ndarray:
    """What each rule expects the change over one horizon to be, the simpler first, (4, N), NaN where it does not know.
    plain: what every horizon's regression begins with."""
    rules = np.full((4, len(path)), np.nan)
    rules[0] = 0.0
    if horizon >= len(path):
        return rules
    if seasons:
        rules[1] = seasonal_naive(path, seasons[-1], horizon)
        rules[2] = rules[1] + _mean_error(path, rules[1], horizon)
    outcome = path[horizon:] - path[:-horizon]
    rules[3] = _regression(
        np.concatenate([plain, *_seasonal_regressors(path, seasons, horizon)], axis=1), outcome, horizon
    )
    return rules


def _rules_of_rises(path: np.ndarray, seasons: tuple[int, ...], horizon: int, _: np.ndarray) -> np.ndarray:
    """The same of what never falls, (4, N): it stays; rises as in the last season; as in the mean of three; or as a
    regression on both, on the scale of how much it rises, says."""
    season = seasons[0] if seasons else A_WEEK
    whole, rest = divmod(horizon, season)
    value = pd.Series(path)
    last = whole * value.diff(season)
    if rest:
        last = last + value.shift(season - rest) - value.shift(season)
    three = (last + last.shift(season) + last.shift(2 * season)) / 3
    rules = np.stack([np.zeros(len(path)), last, three, np.full(len(path), np.nan)])
    if horizon < len(path):
        unit = rise_unit(path, season)
        lately = horizon * value.diff(max(season // 2, 1)) / max(season // 2, 1)
        x = np.stack([np.ones(len(path)), last, three, lately], axis=1) / unit[:, None]
        rules[3] = unit * _regression(x, (path[horizon:] - path[:-horizon]) / unit[:-horizon], horizon)
    return rules


def rise_unit(path: np.ndarray, season: int) -> np.ndarray:
    """The root of how much what is counted up rose lately, (N,): the size of its errors, as of a Poisson count."""
    rises = pd.Series(np.diff(path, prepend=path[0]))
    return np.sqrt(rises.rolling(3 * season, min_periods=1).mean() + 0.1 * rises.expanding().mean() + 1e-9).to_numpy()


def _best(
    path: np.ndarray,
    rules: np.ndarray,
    horizon: int,
    filled: np.ndarray | None,
    unit: np.ndarray,
    worth_it: float = WORTH_IT,
) -> np.ndarray:
    """On each row what the rule expects that has been nearest so far, in units of `unit` (N,) at its time: (N,). A rule
    must be better than a simpler one by `worth_it`, but for the second, the last season."""
    if horizon >= len(path):
        return np.zeros(len(path))
    outcome = path[horizon:] - path[:-horizon]
    lost = np.full(rules.shape, np.nan)  # absolute errors, on the row where they become known
    lost[:, horizon:] = np.abs(outcome - rules[:, :-horizon]) / unit[:-horizon]
    if filled is not None:
        lost[:, filled] = np.nan
    best, least = np.zeros(len(path), int), lost[0]
    for rule in range(1, len(rules)):
        both = np.isfinite(lost[rule]) & np.isfinite(least)
        theirs, ours = (np.where(both, error, 0.0).cumsum() for error in (least, lost[rule]))
        better = ours < (1.0 if rule == 1 else worth_it) * theirs
        best, least = np.where(better, rule, best), np.where(better, lost[rule], least)
    return np.nan_to_num(np.take_along_axis(rules, best[None], axis=0)[0])


def _mean_error(path: np.ndarray, change: np.ndarray, horizon: int) -> np.ndarray:
    """The mean on each row of the errors of `change` (N,) known by then: (N,), NaN before the first."""
    error = np.full(len(path), np.nan)
    if horizon < len(path):
        error[horizon:] = path[horizon:] - path[:-horizon] - change[:-horizon]
    return pd.Series(error).expanding().mean().to_numpy()


def _plain_regressors(path: np.ndarray) -> np.ndarray:
    """What a change is regressed on, over whatever horizon: how far the last value is from its means over several
    spans, and what it did last. (N, R), NaN where unknown."""
    value = pd.Series(path)
    columns = [np.ones(len(path)), value.diff().to_numpy(), (value.expanding().mean() - value).to_numpy()]
    columns += [(value.rolling(span, min_periods=min(span, 21)).mean() - value).to_numpy() for span in SPANS]
    return np.stack(columns, axis=1)


def _seasonal_regressors(path: np.ndarray, seasons: tuple[int, ...], horizon: int) -> Iterator[np.ndarray]:
    """And what it is regressed on of each season: what the last one and the one before would repeat, the growth since,
    and how far the last value is from its mean. (N, 4)."""
    value = pd.Series(path)
    for length in seasons:
        if length < len(path):
            last = seasonal_naive(path, length, horizon)
            growth = value.diff(length).to_numpy()
            before = np.concatenate([np.full(length, np.nan), last[:-length]]) - growth
            yield np.stack([last, before, growth, (value.rolling(length).mean() - value).to_numpy()], axis=1)


def _regression(regressors: np.ndarray, outcome: np.ndarray, horizon: int) -> np.ndarray:
    """What ridge regression on outcomes known by then expects, (N,); NaN where too few are.

    regressors (N, R); outcome (N - horizon,): entry t came true on row t + horizon.
    """
    count, width = regressors.shape
    known = np.isfinite(regressors).all(axis=1)
    x = np.where(known[:, None], regressors, 0.0)
    y = np.where(known[: count - horizon], outcome, 0.0)
    starts = [0]
    while starts[-1] < count:
        starts.append(min(starts[-1] + 1 + int(REFIT * starts[-1]), count))
    moments, products, numbers, done = [np.zeros((width, width))], [np.zeros(width)], [0], 0
    for start in starts[:-1]:
        new = slice(done, max(start - horizon + 1, done))  # outcomes known on row `start`
        moments.append(moments[-1] + x[new].T @ x[new])
        products.append(products[-1] + x[new].T @ y[new])
        numbers.append(numbers[-1] + int(known[new].sum()))
        done = new.stop
    matrices, right, number = np.stack(moments[1:]), np.stack(products[1:]), np.array(numbers[1:])
    # a ridge on each regressor's own scale, and something where it never was but zero
    own = np.einsum("rii->ri", matrices)
    shrink = RIDGE / np.maximum(number, 1)[:, None] * own + 1e-12 * own.max(axis=1, keepdims=True) + 1e-300
    weights = np.linalg.solve(matrices + shrink[:, :, None] * np.eye(width), right[..., None])[..., 0]
    weights[number < 3 * width + 10] = np.nan
    fit = np.repeat(np.arange(len(starts) - 1), np.diff(starts))  # which one is in use on each row
    return np.where(known, (x * weights[fit]).sum(axis=1), np.nan)

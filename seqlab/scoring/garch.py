"""GARCH and GJR: classical distributions of returns whose volatility follows them. Arrays in, arrays out.

Arguments and shapes as in `baselines`.
"""

import numpy as np

REFIT = 63  # days between two fits
LONGEST = 2520  # days that are fitted to, ten years


def garch(
    returns: np.ndarray,
    rows: np.ndarray,
    horizons: np.ndarray,
    levels: tuple[float, ...],
    *,
    asymmetric: bool,
    paths: int = 2000,
) -> np.ndarray:
    """GARCH(1,1), or with `asymmetric` the model of Glosten, Jagannathan and Runkle (1993), with Student-t steps.

    A constant mean, so with a drift, without which it was worse in each era of four embedded tickers. Fitted by maximum
    likelihood (package `arch`) to the ten years before an origin, again after 63 days, filtered between; all origins
    of a fit simulated as one batch of `paths`. The draws of a day are the midpoints of equal slices of Student's t in
    random order, so that one day ahead is next to exact. Raises ImportError without `arch`.
    """
    from arch import arch_model
    from scipy import stats

    percent = np.clip(100 * np.nan_to_num(returns), -25, 25)  # in percent the optimizer finds its way
    random = np.random.default_rng(0)
    result = np.zeros((len(rows), len(horizons), len(levels)))
    groups = np.unique((rows - rows[0]) // REFIT, return_inverse=True)[1] if len(rows) else rows
    for group in range(groups.max() + 1 if len(rows) else 0):
        at = np.flatnonzero(groups == group)
        first, last = rows[at[0]], rows[at[-1]]
        begin = max(1, first - LONGEST)
        model = arch_model(
            percent[begin : first + 1], mean="Constant", vol="GARCH", o=int(asymmetric), dist="t", rescale=False
        )
        fitted = model.fit(disp="off", show_warning=False).params
        mean, base, alpha, beta, degrees = (fitted[name] for name in ("mu", "omega", "alpha[1]", "beta[1]", "nu"))
        gamma = fitted["gamma[1]"] if asymmetric else 0.0
        shocks = percent[begin : last + 1] - mean
        variance = np.empty(len(shocks) + 1)  # entry i: forecast for the day of shocks[i]
        variance[0] = shocks[: first + 1 - begin].var()
        for i, shock in enumerate(shocks):
            variance[i + 1] = base + (alpha + gamma * (shock < 0)) * shock**2 + beta * variance[i]
        draws = stats.t.ppf((np.arange(paths) + 0.5) / paths, degrees) * np.sqrt(max(degrees - 2, 1e-3) / degrees)
        ahead = np.tile(variance[rows[at] + 1 - begin, None], (1, paths))  # (origins, paths)
        total = np.zeros_like(ahead)
        for day in range(1, int(horizons.max()) + 1):
            shock = np.sqrt(ahead) * random.permutation(draws)
            total += mean + shock
            ahead = base + (alpha + gamma * (shock < 0)) * shock**2 + beta * ahead
            for k in np.flatnonzero(horizons == day):
                result[at, k] = np.quantile(total, levels, axis=1).T / 100
    return result

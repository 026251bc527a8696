"""Portfolios of the series at hand, as further series to train on.

A portfolio behaves as an index or a fund does: less of what befalls one stock, more of what befalls all, and a stronger
rise of volatility after losses. A forecaster trained on stocks alone would know none of that.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from seqlab.data.series.series import Series

SIZES = (2, 4, 8, 16, 20)  # of a smaller pool all


def portfolios(series: Sequence[Series], seed: int) -> list[Series]:
    """As many equally weighted portfolios, rebalanced daily, as there are series; closes only.

    Of random members, each while it has prices, as an index is. None of a single series or of ones that are additive.
    """
    priced = [one for one in series if not one.additive]
    if len(priced) < 2:
        return []
    random = np.random.default_rng(seed)
    # each one's own returns, whatever days the others trade on: (D, M)
    own = [pd.Series(one.adjusted, one.dates).pct_change() for one in priced]
    returns = pd.concat(own, axis=1, sort=True)
    result = []
    for number in range(len(priced)):
        size = min(int(random.choice(SIZES)), len(priced))
        mean = returns.iloc[:, random.choice(len(priced), size, replace=False)].mean(axis=1).dropna()
        value = np.cumprod(1 + mean.to_numpy())
        unknown = np.full(len(value), np.nan)
        result.append(
            replace(
                priced[0],
                name=f"portfolio {number + 1}",
                dates=mean.index.to_numpy().astype(priced[0].dates.dtype),
                close=value,
                adjusted=value,
                open=unknown,
                high=unknown,
                low=unknown,
                volume=unknown,
                notes=(),
            )
        )
    return result

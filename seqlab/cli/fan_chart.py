"""A forecast as a picture: history, the model's bands, and the random walk's beside them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from seqlab.forecasting import Forecast
from seqlab.scoring import LEVELS, MEDIAN

HISTORY = 90  # days before the forecast that are shown
BANDS = ((0.05, 0.95, 0.18), (0.1, 0.9, 0.22), (0.25, 0.75, 0.30))
INK, MODEL, WALK = "#22262b", "#1f6fb2", "#c2571a"


def draw(forecasts: Sequence[Forecast], path: Path) -> None:
    """Write one panel per forecast to a .png, .svg or .pdf file."""
    rows = len(forecasts)
    figure = Figure(figsize=(10, 4.2 * rows), layout="constrained")
    for one, axes in zip(forecasts, figure.subplots(rows, 1, squeeze=False)[:, 0], strict=True):
        series = one.series
        last = series.close[-1]
        past = last * series.adjusted[-HISTORY:] / series.adjusted[-1]
        axes.plot(series.dates[-HISTORY:], past, color=INK, linewidth=1.2, label="adjusted close")
        days = np.concatenate([series.dates[-1:], one.dates])
        fan = np.vstack([np.full(len(LEVELS), last), one.prices])
        walk = np.vstack([np.full(len(LEVELS), last), one.random_walk])
        for low, high, opacity in BANDS:
            low_at, high_at = LEVELS.index(low), LEVELS.index(high)
            axes.fill_between(
                days,
                fan[:, low_at],
                fan[:, high_at],
                color=MODEL,
                alpha=opacity,
                linewidth=0,
                label=f"{round(100 * (high - low))} % of futures",
            )
        axes.plot(days, fan[:, MEDIAN], color=MODEL, linewidth=1.2, label="median")
        for level, label in ((0.1, "random walk, 80 %"), (0.9, None)):
            axes.plot(days, walk[:, LEVELS.index(level)], color=WALK, linestyle="--", linewidth=1, label=label)
        axes.set_title(
            f"{series.name}: {len(one.dates)} days from {series.dates[-1]} ({series.source})",
            loc="left",
            parse_math=False,
        )
        axes.set_ylabel("price")
        axes.grid(color="#d8dde3", linewidth=0.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize="small")
        locator = AutoDateLocator()
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    figure.savefig(path, dpi=150)

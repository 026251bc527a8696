"""A backtest as a picture: were the forecasts calibrated, and were they better than a random walk's?"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from seqlab import scoring
from seqlab.formatting import dates_in_words
from seqlab.plots.style import INK, MODEL, NO_ADVICE, OTHERS, PALE, WALK, empty, quiet, text_of, write_note
from seqlab.scoring.backtest import Backtest, steps
from seqlab.scoring.verdict import shown_against

# the baselines worth a place, each with a mark of its own so that colour is not all that tells them apart
METHODS = {
    "model": (MODEL, "o"),
    "random_walk": (WALK, "D"),
    "ewma": (OTHERS[0], "s"),
    "har": (OTHERS[1], "^"),
    "seasonal_naive": (OTHERS[2], "v"),
    "gjr": (OTHERS[2], "v"),
}
SHARES = (0.5, 0.8, 0.9)
DASHED: dict[str, Any] = {"color": INK, "linewidth": 1, "linestyle": (0, (4, 2))}


def draw(backtest: Backtest, names: Sequence[str]) -> Figure:
    """The PIT histograms, coverage and skill of the backtest of the series `names`, which has an origin."""
    whose = ", ".join(names) if len(names) < 5 else f"{', '.join(names[:3])} and {len(names) - 3} more"
    figure = empty(10, 7.4, f"Backtest of {text_of(whose, 75)}. {_about(backtest)}")
    figure.suptitle(text_of(whose, 75), x=0.01, ha="left", fontsize=14, fontweight="bold", color=INK, parse_math=False)
    rows = figure.add_gridspec(2, 1, height_ratios=(1, 1.4))
    histograms = rows[0].subgridspec(1, len(backtest.horizons)).subplots(sharey=True, squeeze=False)[0]
    for k, axes in enumerate(histograms):
        _histogram(backtest, k, axes)
    days = backtest.origins
    count = f"{len(days):,} forecasts" if len(days) > 1 else "1 forecast"
    first, last = dates_in_words([days.min(), days.max()], backtest.step)
    heading = histograms[0].annotate(
        f"{count} from {first} to {last}: in which tenth of the forecast the outcome fell (dashed: ideal)",
        (0, 1),
        (0, 22),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=10,
        color=INK,
    )
    heading.set_in_layout(False)  # it is of the whole row: the first histogram need not be as wide
    left, right = rows[1].subgridspec(1, 2).subplots(squeeze=False)[0]
    _coverage(backtest, left)
    _skill(backtest, right)
    if _is_enough(backtest).any():
        note = "Dotted lines and bars: 95 % intervals, which allow for overlapping forecasts."
    else:
        fewest = min(map(backtest.fewest, backtest.horizons))
        note = f"No intervals: fewer than {steps(fewest, backtest.step)} are too few for them."
    write_note(figure, f"{note} {NO_ADVICE}" if backtest.of_prices else note)
    return figure


def _about(backtest: Backtest) -> str:
    """What the picture shows, in words."""
    rival = shown_against(backtest)
    held, skill = backtest.scores("model").coverage80, backtest.skill(against=rival)
    each = [
        f"{steps(h, backtest.step)} ahead {100 * inside:.0f} % of outcomes were in the 80 % band, and skill over the "
        f"{rival.replace('_', ' ')} was {gain:+.1f} %"
        for h, inside, gain in zip(backtest.horizons, held, skill, strict=True)
    ]
    return f"Of {len(backtest.origins):,} forecasts: {'; '.join(each)}."


def _is_enough(backtest: Backtest) -> np.ndarray:
    """Whether there are days enough for an interval, per horizon."""
    return np.array([backtest.days >= backtest.fewest(h) for h in backtest.horizons])


def _margins(backtest: Backtest, values: np.ndarray) -> np.ndarray:
    """Half the width of the 95 % interval of the mean of values (O, K), per horizon; NaN where days are too few."""
    days = backtest.by_day(values)
    margins = [scoring.margin(days[:, k], backtest.overlap(h)) for k, h in enumerate(backtest.horizons)]
    return np.where(_is_enough(backtest), margins, math.nan)


def _histogram(backtest: Backtest, k: int, axes: Axes) -> None:
    tenths = scoring.pit_tenths(backtest.quantiles["model"], backtest.outcomes)  # (O, K)
    shares = scoring.pit_histogram(backtest.quantiles["model"][:, k], backtest.outcomes[:, k])
    # under uniformity the ten tenths have one margin: the mean of its squares is the steadiest estimate
    margins = [_margins(backtest, (tenths == tenth).astype(float))[k] for tenth in range(10)]
    margin = math.sqrt(np.mean(np.square(margins)))
    quiet(axes)
    axes.bar(np.arange(10) / 10 + 0.05, shares, width=0.086, color=PALE)
    axes.axhline(0.1, **DASHED)
    for edge in (0.1 - margin, 0.1 + margin):
        if edge > 0:
            axes.axhline(edge, color=INK, linewidth=1, linestyle=":")
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 1], ["lowest", "highest"], fontsize=8.5)
    lowest, highest = axes.get_xticklabels()
    lowest.set_horizontalalignment("left")
    highest.set_horizontalalignment("right")
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.10g} %")
    axes.set_title(f"\n{steps(backtest.horizons[k], backtest.step)} ahead", loc="left", fontsize=10, color=INK)


def _methods_by_horizon(backtest: Backtest, axes: Axes, heading: str) -> list[tuple[str, np.ndarray]]:
    """An axis of horizons, and each method that is shown with its places on it."""
    quiet(axes)
    places = np.arange(len(backtest.horizons))
    axes.set_xticks(places, [steps(h, backtest.step) for h in backtest.horizons])
    axes.set_xlim(-0.6, len(places) - 0.4)
    axes.set_title(heading, loc="left", fontsize=10, color=INK)
    methods = [method for method in METHODS if method in backtest.quantiles]
    return [(method, places + 0.14 * (i - (len(methods) - 1) / 2)) for i, method in enumerate(methods)]


def _coverage(backtest: Backtest, axes: Axes) -> None:
    lowest = 1.0
    for method, places in _methods_by_horizon(backtest, axes, "Outcomes inside the 50, 80 and 90 % bands"):
        for share in SHARES:
            inside = scoring.inside(backtest.quantiles[method], backtest.outcomes, share)  # (O, K)
            held = inside.mean(0)
            ours = method == "model"  # intervals of all would hide each other
            _points(axes, places, held, _margins(backtest, inside.astype(float)) if ours else None, method)
            lowest = min(lowest, held.min())
    for share in SHARES:
        axes.axhline(share, zorder=1, **DASHED)
    bottom = 0.3 if lowest > 0.32 else 0.0
    axes.set_ylim(bottom - 0.02, 1.02)
    axes.set_yticks([bottom, *SHARES, 1], [f"{100 * share:.0f} %" for share in (bottom, *SHARES, 1)])
    handles = [axes.containers[len(SHARES) * i] for i in range(len(axes.containers) // len(SHARES))]
    labels = [method.replace("_", " ") for method in METHODS if method in backtest.quantiles]
    axes.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.09),
        ncols=len(labels),
        frameon=False,
        fontsize=9.5,
        handletextpad=0.2,
        columnspacing=1.2,
    )


def _skill(backtest: Backtest, axes: Axes) -> None:
    rival = shown_against(backtest)
    name, colour = rival.replace("_", " "), METHODS[rival][0]
    axes.axhline(0, color=colour, linewidth=1.3)
    largest, longest = 0.0, 0.0
    for method, places in _methods_by_horizon(backtest, axes, f"Skill in CRPS over the {name} (up is better)"):
        if method == rival:
            continue
        skill = np.array(backtest.skill(method, against=rival))
        upper = np.array(backtest.skill_intervals(method, against=rival))[:, 1]
        margins = np.where(_is_enough(backtest), upper - skill, math.nan)
        _points(axes, places, skill, margins, method)
        largest = max(largest, np.abs(skill).max())
        longest = max(longest, np.nan_to_num(np.abs(skill) + margins).max())
        if method == "model":
            for place, value in zip(places, skill, strict=True):
                axes.annotate(
                    f"{value:+.1f}",
                    (place, value),
                    (-8, 0),
                    textcoords="offset points",
                    ha="right",
                    va="center",
                    fontsize=9.5,
                    color=MODEL,
                    bbox={"facecolor": "white", "linewidth": 0, "pad": 0.8},
                )
    # an interval that says nothing is cut off: it is not to press the others flat
    limit = 1.15 * max(largest, min(longest, max(30.0, 3 * largest))) or 1.0
    axes.set_ylim(-limit, limit)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:+,.10g} %" if value else "0 %")
    axes.annotate(
        name.replace(" ", "\n"),
        (1, 0),
        (4, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=9.5,
        color=colour,
    )


def _points(axes: Axes, x: np.ndarray, y: np.ndarray, margins: np.ndarray | None, method: str) -> None:
    color, mark = METHODS[method]
    ours = method == "model"
    axes.errorbar(
        x,
        y,
        None if margins is None or np.isnan(margins).all() else margins,
        fmt=mark,
        color=color,
        markersize=7 if ours else 5.5,
        markerfacecolor=color if ours else "white",
        elinewidth=1.8 if ours else 0.9,
        capsize=4 if ours else 2,
        zorder=3,
    )

"""A forecast as a picture: history, the model's bands, and the random walk's beside them."""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seqlab.data.series.series import Series
from seqlab.formatting import numbers
from seqlab.plots import dates
from seqlab.plots.style import GREY, INK, MODEL, NO_ADVICE, WALK, empty, quiet, text_of, write_note
from seqlab.scoring import LEVELS, MEDIAN
from seqlab.scoring.backtest import Backtest

BANDS = ((0.9, 0.18), (0.8, 0.22), (0.5, 0.30))  # the share of futures inside, and how dark it adds
WALK_BAND = 0.8
MOST = 8  # series that are drawn, of more
FURTHER = 0.15  # of the height of history and fan, by which the random walk may make the picture higher
MARGIN = 0.06  # of the height, above and below what is drawn
GAP = 0.062  # between labels, of the height


class Forecast(Protocol):
    """What is drawn: `forecasting.Forecast` is one."""

    @property
    def series(self) -> Series: ...
    @property
    def dates(self) -> np.ndarray: ...
    @property
    def prices(self) -> np.ndarray: ...
    @property
    def random_walk(self) -> np.ndarray: ...
    @property
    def backtest(self) -> Backtest: ...
    def history(self, count: int) -> np.ndarray: ...


def draw(forecasts: Sequence[Forecast]) -> Figure:
    """One panel per forecast, of many the first."""
    every, forecasts = len(forecasts), forecasts[:MOST]
    columns = 1 if len(forecasts) < 4 else 2
    rows = math.ceil(len(forecasts) / columns)
    more = f" The first {MOST} of {every:,} series." if every > MOST else ""
    about = " ".join(map(_about, forecasts))
    figure = empty(10 if columns == 1 else 16, 4.6 * rows, f"Fan chart of a forecast. {about}{more}")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(forecasts) :]:
        axes.set_visible(False)
    for one, axes in zip(forecasts, panels, strict=False):
        _panel(one, axes)
    shaded = f"Shaded: what a model holds possible. Dashed: a random walk, which knows nothing.{more}"
    write_note(figure, f"{shaded} {NO_ADVICE}" if any(one.series.is_price for one in forecasts) else shaded)
    return figure


def _about(one: Forecast) -> str:
    """The picture of one series in words."""
    low, high = _edges(WALK_BAND)
    now, end = _ends_in_words(one)
    last, lowest, median, highest = _written(one.series, [one.series.close[-1], *one.prices[-1, [low, MEDIAN, high]]])
    return (
        f"{text_of(one.series.name)}: {last} on {now}; for {end} the median is {median}, "
        f"and {lowest} to {highest} has a probability of {100 * WALK_BAND:.0f} %."
    )


def _ends_in_words(one: Forecast) -> tuple[str, str]:
    """The last date that is known, and the last of the forecast."""
    now, end = one.series.in_words(np.array([one.series.dates[-1], one.dates[-1]]))
    return now, end


def _written(series: Series, values: Sequence[float] | np.ndarray) -> list[str]:
    """Values of a series with the digits that tell them apart; counts are whole."""
    if series.kind == "counts":
        return [f"{value:,.0f}" for value in values]
    return numbers([float(value) for value in values])


def _panel(one: Forecast, axes: Axes) -> None:
    series, steps = one.series, len(one.dates)
    last = series.close[-1]
    shown = max(20, 4 * steps)  # enough to see the size of the moves, and the fan no sliver
    past, history = series.dates[-shown:], one.history(shown)
    places = dates.places(axes, np.concatenate([past, one.dates]))
    before, ahead = places[: len(past)], places[len(past) - 1 :]
    fan = np.vstack([np.full(len(LEVELS), last), one.prices])
    walk = np.vstack([np.full(len(LEVELS), last), one.random_walk])
    quiet(axes)
    axes.axvline(ahead[0], color=GREY, linewidth=0.8)
    axes.plot(before, history, color=INK, linewidth=1.4)
    for share, opacity in BANDS:
        low, high = _edges(share)
        axes.fill_between(ahead, fan[:, low], fan[:, high], color=MODEL, alpha=opacity, linewidth=0)
    axes.plot(ahead, fan[:, MEDIAN], color=MODEL, linewidth=1.8)
    for edge in _edges(WALK_BAND):
        axes.plot(ahead, walk[:, edge], color=WALK, linestyle=(0, (4, 2)), linewidth=1, alpha=0.8)
    axes.plot(ahead[0], last, "o", color=INK, markersize=4)
    axes.set_xlim(before[0], ahead[-1])
    axes.set_ylim(*_limits(history, fan, walk))
    _label_ends(axes, ahead[-1], fan[-1], walk[-1], series)

    axes.set_title(
        text_of(series.name), loc="left", fontsize=14, fontweight="bold", color=INK, pad=36, parse_math=False
    )
    now, end = _ends_in_words(one)
    price = _written(series, [last, *fan[-1]])[0]
    heading = f"{price} on {now}, and what may come by {end}"
    if count := len(one.backtest.origins):
        held = one.backtest.scores("model").coverage80[-1]
        forecasts = f"{count:,} past forecasts" if count > 1 else "1 past forecast"
        heading += f"\nin {forecasts} this far ahead the 80 % band held {100 * held:.0f} % of what came"
    axes.annotate(heading, (0, 1), (0, 6), "axes fraction", textcoords="offset points", fontsize=9.5, color=GREY)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")


def _limits(history: np.ndarray, fan: np.ndarray, walk: np.ndarray) -> tuple[float, float]:
    """The ends of the axis of values: those of history and fan, and of the random walk where it goes little further. Of
    a series with a season it knows so little that it would press all else flat: it is cut off."""
    lowest, highest = np.nanmin([np.nanmin(history), fan.min()]), np.nanmax([np.nanmax(history), fan.max()])
    low, high = _edges(WALK_BAND)
    further = FURTHER * (highest - lowest)
    bottom = min(lowest, max(walk[:, low].min(), lowest - further))
    top = max(highest, min(walk[:, high].max(), highest + further))
    margin = MARGIN * (top - bottom) or MARGIN * abs(top) or 1.0
    return bottom - margin, top + margin


def _edges(share: float) -> tuple[int, int]:
    return LEVELS.index(round((1 - share) / 2, 2)), LEVELS.index(round((1 + share) / 2, 2))


def _label_ends(axes: Axes, at: np.datetime64 | np.integer, fan: np.ndarray, walk: np.ndarray, series: Series) -> None:
    """At the end of the fan what each edge is and where it lies, in the edge's colour, moved apart to be legible."""
    written = _written(series, fan)
    labels = [(fan[MEDIAN], f"{written[MEDIAN]}  median", MODEL)]
    for share, _ in BANDS:
        low, high = _edges(share)
        labels += [(fan[high], f"{written[high]}  {100 * share:.0f} % band", MODEL), (fan[low], written[low], MODEL)]
    low, high = _edges(WALK_BAND)
    bottom, top = axes.get_ylim()
    beyond = f": to {_written(series, [walk[high], *walk])[0]}" if walk[high] > top else ""
    labels.append((min(walk[high], top), f"random walk, {100 * WALK_BAND:.0f} %{beyond}", WALK))
    labels.sort(key=lambda label: label[0])
    heights = spread([(price - bottom) / (top - bottom) for price, _, _ in labels], GAP)
    for (price, text, color), height in zip(labels, heights, strict=True):
        axes.annotate(
            text,
            (at, price),
            (1.025, height),
            textcoords="axes fraction",
            va="center",
            fontsize=9.5,
            color=color,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "linewidth": 0.6,
                "alpha": 0.6,
                "shrinkA": 1,
                "shrinkB": 0,
                "relpos": (0, 0.5),  # from the left end of the text: else the line goes through it
            },
        )


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Ascending places from 0 to 1 moved as little as it takes (in the sum of squares) to be `gap` apart: isotonic
    regression of what is left of each place without the gaps below it, by pooling neighbours that are out of order; all
    stay from 0 to 1 where there is room."""
    pools: list[tuple[float, int]] = []  # mean, how many
    for k, place in enumerate(places):
        mean, count = place - k * gap, 1
        while pools and pools[-1][0] > mean:
            before, many = pools.pop()
            mean, count = (before * many + mean * count) / (many + count), many + count
        pools.append((mean, count))
    room = max(0.0, 1 - (len(places) - 1) * gap)
    means = [min(max(mean, 0.0), room) for mean, count in pools for _ in range(count)]
    return [mean + k * gap for k, mean in enumerate(means)]

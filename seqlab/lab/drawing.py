"""What the figures of the lab share: panels one above the other, as narrow as a phone, and means over seeds."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seqlab.plots.style import GREY, MODEL, OTHERS, WALK, empty, quiet

WIDTH, HEIGHT = 5.2, 3.1  # inches of a panel; the text stays readable where the page shows it 400 pixels wide
COLOURS = (MODEL, WALK, *OTHERS)


def panels(*titles: str, height: float = HEIGHT) -> tuple[Figure, list[Axes]]:
    """A figure of panels one above the other, each with a title."""
    figure = empty(WIDTH, height * len(titles), f"{'; '.join(titles)}.")
    axes = [figure.add_subplot(len(titles), 1, number + 1) for number in range(len(titles))]
    for one, title in zip(axes, titles, strict=True):
        quiet(one)
        one.set_title(title, loc="left", fontsize=10)
    return figure, axes


def over_seeds(rows: Iterable[dict[str, Any]], x: str, y: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of rows the sorted values of `x`, and at each the mean, the least and the greatest `y`; numbers only."""
    at: dict[float, list[float]] = {}
    for row in rows:
        if row.get(y) is not None and np.isfinite(row[y]):
            at.setdefault(row[x], []).append(row[y])
    places = sorted(at)
    each = [np.asarray(at[place], float) for place in places]
    return (
        np.asarray(places, float),
        np.array([one.mean() for one in each]),
        np.array([one.min() for one in each]),
        np.array([one.max() for one in each]),
    )


def lines(axes: Axes, rows: Sequence[dict[str, Any]], x: str, y: str, by: str, **style: Any) -> None:
    """A line for each value of `by`: the mean of `y` over seeds at each `x`, with a band from least to greatest."""
    kinds: list[Hashable] = list(dict.fromkeys(row[by] for row in rows if y in row and by in row))
    for kind, colour in zip(kinds, COLOURS * len(kinds), strict=False):
        places, mean, low, high = over_seeds([row for row in rows if row.get(by) == kind and y in row], x, y)
        axes.plot(places, mean, color=colour, label=str(kind), linewidth=1.6, **style)
        axes.fill_between(places, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.legend(frameon=False, fontsize=9)


def bars(axes: Axes, rows: Sequence[dict[str, Any]], y: str, by: str) -> None:
    """A bar for each value of `by`: the mean of `y` over seeds, and a dot for each seed."""
    kinds: list[Hashable] = list(dict.fromkeys(row[by] for row in rows if y in row and by in row))
    for place, kind in enumerate(kinds):
        values = np.array([row[y] for row in rows if row.get(by) == kind and y in row], float)
        axes.bar(place, values.mean(), width=0.6, color=COLOURS[place % len(COLOURS)], alpha=0.55)
        axes.plot(np.full(len(values), place), values, "o", color=GREY, markersize=3)
    axes.set_xticks(range(len(kinds)), [str(kind) for kind in kinds])

"""The codes of rows or days as a picture: the autoencoder's map beside that of principal components."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seqlab.plots.style import FAINT, GREY, INK, MODEL, WALK, empty, text_of, write_note

VECTORS = 5_000  # points that are drawn one by one in an .svg or .pdf; more become an image inside it
OFFSETS = (3, -5, 13, -15)  # points above a mark at which its label may stand


class Map(NamedTuple):
    """Codes (N, K) and reconstruction errors (N,) by one method, the share of the variance that they explain, and the
    rows to mark."""

    method: str
    codes: np.ndarray
    errors: np.ndarray
    explained: float
    marked: np.ndarray


def draw(name: str, maps: Sequence[Map], places: Sequence[str]) -> Figure:
    """The maps side by side, each with its marked rows by name. places (N,): the names of all rows."""
    explained = " and ".join(f"{one.explained:.1%} by {one.method}" for one in maps)
    figure = empty(
        13, 6.8, f"Map of {text_of(name, 110)}. Each point is one of {len(places):,}; explained: {explained}."
    )
    for axes, one in zip(figure.subplots(1, len(maps)), maps, strict=True):
        _draw_map(axes, one, places)
        title = f"{one.method}: {one.explained:.1%} of the variance explained"
        axes.set_title(title, loc="left", fontsize=12, color=INK)
    figure.suptitle(text_of(name, 110), x=0.01, ha="left", fontsize=14, fontweight="bold", color=INK, parse_math=False)
    write_note(figure, "Marked: the largest reconstruction errors. Explained: of held-out examples.")
    return figure


def _meet(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether labels that begin there would lie on each other."""
    return abs(one[0] - other[0]) < 55 and abs(one[1] - other[1]) < 9


def _draw_map(axes: Axes, one: Map, places: Sequence[str]) -> None:
    codes = one.codes
    if codes.shape[1] == 1:  # the other axis is then the error
        points, across = (codes[:, 0], one.errors), "error"
    else:
        points, across = (codes[:, 0], codes[:, 1]), "code 2"
    many = len(codes) > VECTORS
    axes.scatter(*points, s=4 if many else 9, color=MODEL, alpha=0.35, linewidths=0, rasterized=many)
    axes.scatter(
        points[0][one.marked], points[1][one.marked], s=36, color="none", edgecolors=WALK, linewidths=1.3, zorder=4
    )
    axes.autoscale_view()  # so that places in pixels are final
    taken: list[tuple[float, float]] = []  # by labels, in points
    for row in one.marked:
        at = (float(points[0][row]), float(points[1][row]))
        x, y = axes.transData.transform(at) * 72 / axes.figure.dpi
        free = next((dy for dy in OFFSETS if not any(_meet((x, y + dy), other) for other in taken)), None)
        if free is None:
            continue  # no room for its name; the list has it
        taken.append((x, y + free))
        axes.annotate(
            text_of(places[row], 20),
            at,
            (6, free),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=WALK,
            parse_math=False,
            bbox={"boxstyle": "square,pad=0.05", "facecolor": "white", "edgecolor": "none", "alpha": 0.7},
        )
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(GREY)
    axes.tick_params(colors=GREY, labelcolor=INK, length=0)
    axes.grid(color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("code 1", color=GREY)
    axes.set_ylabel(across, color=GREY)

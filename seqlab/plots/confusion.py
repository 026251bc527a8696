"""What a classifier confuses, as a figure: the confusion matrix, and its most confident mistakes."""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure, SubFigure
from torch import Tensor

from seqlab.plots.style import GREY, INK, empty, text_of

MOST_COUNTED = 20  # classes with a count in each cell
MOST_NAMED = 100  # classes that have their name each
COLUMNS, ROWS = 4, 6
NOTE = "Colour: the share of each row; small shares are drawn darker than in proportion."


class Mistake(Protocol):
    """A misclassified image: `vision.Mistake` is one."""

    @property
    def predicted(self) -> int: ...
    @property
    def truth(self) -> int: ...
    @property
    def probability(self) -> float: ...


def draw(metrics: dict[str, Any], mistakes: Sequence[tuple[Mistake, Tensor]]) -> Figure:
    """Both beside each other. metrics: of `vision.evaluate`; mistakes: each with its image (3, H, W)."""
    names = list(metrics["per_class"])
    side = min(max(6.5, 0.14 * len(names) + 1), 15)  # inches
    title = f"{metrics['top1']:.2%} of {metrics['images']:,} images right"
    figure = empty(
        side + 6, max(side, 9), f"Confusion matrix of {len(names)} classes. {title}; {_most_confused(metrics)}."
    )
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(side, 6))[0]
    matrix = left.subplots()
    _matrix(matrix, names, np.array(metrics["confusion"]), side)
    matrix.set_title(title, fontsize=13, color=INK, fontweight="bold")
    _grid(right, names, mistakes)
    return figure


def _most_confused(metrics: dict[str, Any]) -> str:
    """The pair of classes that is confused most often, in words."""
    names, wrong = list(metrics["per_class"]), np.array(metrics["confusion"])
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return "none confused"
    row, column = np.unravel_index(wrong.argmax(), wrong.shape)
    return (
        f"most often {text_of(names[row], 20)} is taken for {text_of(names[column], 20)}, {wrong[row, column]:,} times"
    )


def _matrix(axes: Axes, names: list[str], counts: np.ndarray, side: float) -> None:
    shares = counts / counts.sum(1, keepdims=True).clip(1)
    # by the root: of a good classifier all that is off the diagonal is small
    axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))
    axes.spines[:].set_visible(False)
    named = range(0, len(names), math.ceil(len(names) / MOST_NAMED))
    labels = [text_of(names[place], 20) for place in named]
    size = min(10, max(6, 20 * side / len(names)))
    axes.set_xticks(named, labels, rotation=90, fontsize=size, parse_math=False)
    axes.set_yticks(named, labels, fontsize=size, parse_math=False)
    axes.tick_params(length=0, labelcolor=INK)
    axes.set_xlabel("predicted", color=GREY)
    axes.set_ylabel("true", color=GREY)
    if len(names) > MOST_COUNTED:
        return
    for row, column in zip(*counts.nonzero(), strict=True):
        axes.text(
            column,
            row,
            f"{counts[row, column]:,}",
            ha="center",
            va="center",
            fontsize=8 if len(names) <= 10 else 6,
            color="white" if shares[row, column] > 0.3 else INK,
        )


def _grid(figure: SubFigure, names: list[str], mistakes: Sequence[tuple[Mistake, Tensor]]) -> None:
    figure.suptitle(
        "The most confident mistakes" if mistakes else "No mistakes", fontsize=13, color=INK, fontweight="bold"
    )
    panels = figure.subplots(ROWS, COLUMNS, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, (one, image) in zip(panels, mistakes, strict=False):
        axes.set_axis_on()
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.imshow(image.permute(1, 2, 0).numpy(), interpolation="nearest")
        label = f"{text_of(names[one.predicted], 16)} {one.probability:.0%}\ntrue: {text_of(names[one.truth], 16)}"
        axes.set_xlabel(label, fontsize=8, color=INK, parse_math=False)

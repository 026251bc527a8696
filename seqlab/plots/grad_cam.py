"""Grad-CAM as a figure: each image beside itself in grey, with what speaks for its class in colour."""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from matplotlib.figure import Figure

from seqlab.plots.style import GREY, INK, empty, text_of

NOTE = "Bright: what spoke for the class (Grad-CAM)."


class HeatMap(Protocol):
    """Which parts of an image speak for a class: `vision.HeatMap` is one.

    picture (h, w, 3) uint8; heat (H, W) from 0 to 1, of the same part of the image; label, probability: of the class.
    """

    @property
    def name(self) -> str: ...
    @property
    def picture(self) -> np.ndarray: ...
    @property
    def heat(self) -> np.ndarray: ...
    @property
    def label(self) -> str: ...
    @property
    def probability(self) -> float: ...


def draw(maps: Sequence[HeatMap]) -> Figure:
    """A pair of panels for each of at least one heat map, all of which are of one shape."""
    pairs = min(len(maps), 1 if len(maps) < 3 else 2 if len(maps) < 13 else 4)
    rows = math.ceil(len(maps) / pairs)
    height, width = maps[0].heat.shape
    side = {1: 4.0, 2: 2.6, 4: 1.7}[pairs]  # inches
    said = "; ".join(f"{text_of(one.name)}: {text_of(one.label)}, {one.probability:.1%}" for one in maps)
    figure = empty(
        2 * pairs * side * width / max(height, width),
        rows * (side * height / max(height, width) + 0.6),
        f"Heat maps of what in each image speaks for its class (Grad-CAM). {said}.",
    )
    panels = figure.subplots(rows, 2 * pairs, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    small, longest = 12 if pairs == 1 else 8, {1: 40, 2: 28, 4: 18}[pairs]
    for number, one in enumerate(maps):
        left, right = panels[2 * number : 2 * number + 2]
        left.imshow(one.picture)
        right.imshow(one.picture.mean(2), cmap="gray", vmin=0, vmax=255)
        extent = (-0.5, one.picture.shape[1] - 0.5, one.picture.shape[0] - 0.5, -0.5)
        right.imshow(one.heat, cmap="inferno", vmin=0, vmax=1, alpha=0.6, extent=extent, interpolation="bilinear")
        left.set_title(text_of(one.name, longest), loc="left", fontsize=small, color=GREY, parse_math=False)
        label = f"{text_of(one.label, longest - 6)} {one.probability:.1%}"
        right.set_title(label, loc="left", fontsize=small, color=INK, parse_math=False)
    return figure

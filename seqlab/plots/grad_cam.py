"""Where a net looked, as a picture: each image beside itself in grey, with what spoke for its class in colour."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from seqlab.data.images.decode import read_image
from seqlab.plots.style import GREY, INK, empty, save, text_of

LARGEST = 512  # pixels a side as drawn
Looked = tuple[Path, Tensor]  # an image's file and its heat map (H, W)


def draw(looked: Sequence[Looked], classes: Sequence[dict[str, Any]], path: Path) -> None:
    """Write a pair of panels per image. classes: the `class` and `probability` that each heat map is of."""
    pairs = min(len(looked), 1 if len(looked) < 3 else 2 if len(looked) < 13 else 4)
    rows = math.ceil(len(looked) / pairs)
    height, width = looked[0][1].shape
    side = {1: 4.0, 2: 2.6, 4: 1.7}[pairs]  # inches
    figure = empty(2 * pairs * side * width / max(height, width), rows * (side * height / max(height, width) + 0.6))
    panels = figure.subplots(rows, 2 * pairs, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    small = 12 if pairs == 1 else 8
    for number, ((file, heat), named) in enumerate(zip(looked, classes, strict=True)):
        image = _image(file, height, width)  # (h, w, 3)
        left, right = panels[2 * number : 2 * number + 2]
        left.imshow(image)
        right.imshow(image.mean(2), cmap="gray", vmin=0, vmax=255)
        extent = (-0.5, image.shape[1] - 0.5, image.shape[0] - 0.5, -0.5)
        right.imshow(heat.numpy(), cmap="inferno", vmin=0, vmax=1, alpha=0.6, extent=extent, interpolation="bilinear")
        longest = {1: 40, 2: 28, 4: 18}[pairs]
        left.set_title(text_of(file.name, longest), loc="left", fontsize=small, color=GREY, parse_math=False)
        said = f"{text_of(named['class'], longest - 6)} {named['probability']:.1%}"
        right.set_title(said, loc="left", fontsize=small, color=INK, parse_math=False)
    save(figure, path, "Bright: what spoke for the class (Grad-CAM).")


def _image(file: Path, height: int, width: int) -> Any:
    """The part of an image file that the net saw, at the file's own resolution up to LARGEST, as (h, w, 3)."""
    with Image.open(file) as opened:
        scale = min(opened.height / height, opened.width / width, LARGEST / max(height, width))
    return read_image(file, max(1, round(scale * height)), max(1, round(scale * width))).permute(1, 2, 0).numpy()

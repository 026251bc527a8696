"""Writing a chart, and what is to be said of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from seqlab.cli.options import Common
from seqlab.cli.output import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_chart(common: Common, figure: "Figure", path: Path, note: str | None = None) -> None:
    """Write a figure to a file, with a small note at its bottom if there is one."""
    from seqlab.plots.style import save

    if said := save(figure, path, note):
        say(common, f"{path}: {said}")

"""Writing a chart or a report, and what is to be said of it."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from seqlab.cli.options import Common
from seqlab.cli.output import say
from seqlab.cli.training import repeating_command

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = ".html"  # how the name of a file ends that a report is written to


def write_chart(common: Common, figure: "Figure", path: Path, note: str | None = None) -> None:
    """Write a figure to a file, with a small note at its bottom if there is one."""
    from seqlab.plots.style import save

    if said := save(figure, path, note):
        say(common, f"{path}: {said}")


def is_page(path: Path | None) -> bool:
    return path is not None and path.suffix.lower() == PAGE


def write_page(common: Common, report: Callable[[Path, str], None]) -> None:
    """Have a report written to the file of -o. report: takes the path, and the command that makes it."""
    assert common.output is not None
    report(common.output, f"{repeating_command()} -o {shlex.quote(common.output.name)}")
    say(common, f"written to {common.output}, to be opened in a browser")

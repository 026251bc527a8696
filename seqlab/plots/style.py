"""What all charts share: colours that the colour-blind can tell apart, names that are only text, and how to save."""

import io
import warnings
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seqlab.files import replacing
from seqlab.formatting import plain
from seqlab.plots.fonts import Chart, find_fonts, note_of

INK, GREY, FAINT = "#22262b", "#6a737d", "#e4e8ec"
# blue and vermilion, then green, purple and ochre: the palette of Okabe and Ito (2008), the last three darkened,
# ochre so far that who sees no red does not take it for vermilion
MODEL, WALK, PALE = "#0072b2", "#d55e00", "#7fb8d8"
OTHERS = ("#00805c", "#a8478a", "#5a4a00")
NO_ADVICE = "No investment advice."
TALLEST = 60_000  # pixels: what draws a PNG has its limit at 65,536


def text_of(name: str, longest: int = 40) -> str:
    """A name from a file or a person as a chart writes it: one line that is valid XML, and not endless."""
    line = " ".join(plain(name).encode(errors="replace").decode().split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def quiet(axes: Axes) -> None:
    """Only what helps to read the numbers: no frame, faint lines."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.tick_params(colors=GREY, labelcolor=INK, length=0)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)


def empty(width: float, height: float, alt: str) -> Chart:
    """A figure of so many inches, whose parts make room for each other. alt: what it shows, for who cannot see it; its
    first sentence is its title."""
    figure = Chart(figsize=(width, height))
    figure.alt = alt
    figure.set_layout_engine("constrained", h_pad=0.12, w_pad=0.12)
    return figure


def write_note(figure: Figure, note: str) -> None:
    """A small line at the bottom."""
    figure.supxlabel(note, x=0.01, ha="left", fontsize=8, color=GREY)


def save(figure: Figure, path: Path, note: str | None = None) -> str:
    """Write a figure by its ending, first with a small note at the bottom if there is one; the same figure gives the
    same bytes. What is to be said of it: characters that no font here has, in names of another script; empty of an
    .svg, whose text stays text. Raises DataError where it cannot be written."""
    if note is not None:
        write_note(figure, note)
    ending = path.suffix.lower()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "seqlab"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # returned in words
        warnings.filterwarnings("ignore", "AutoDateLocator was unable")  # a few hours have fewer ticks than it likes
        written, dpi = io.BytesIO(), min(150, TALLEST / figure.get_figheight())
        figure.savefig(written, format=ending[1:], dpi=dpi, metadata=_metadata(figure, ending))
    with replacing(path) as new:
        new.write_bytes(written.getvalue())
    return "" if ending == ".svg" else note_of(find_fonts(figure))


def _metadata(figure: Figure, ending: str) -> dict[str, str | None] | None:
    """What the file says of itself beside the picture: what it shows, and no date, which would differ each time."""
    alt = text_of(getattr(figure, "alt", ""), 4000)
    title = alt.partition(". ")[0].removesuffix(".")
    if ending == ".svg":  # whose title is what screen readers read
        return {"Title": alt, "Description": alt, "Date": None}
    if ending == ".png":
        return {"Title": title, "Description": alt}
    return {"Title": title, "Subject": alt, "CreationDate": None} if ending == ".pdf" else None

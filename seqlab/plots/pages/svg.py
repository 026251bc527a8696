"""Figures of matplotlib as parts of a page: text as text, in the colours of the page, light or dark."""

import io
import re

import matplotlib
from matplotlib.figure import Figure

from seqlab.plots.pages.page import LIGHT

COLOURS = {value: f"var(--{name})" for name, value in LIGHT.items()} | {"#000000": "var(--ink)"}


def inline(figure: Figure, name: str) -> str:
    """A figure as an <svg> to stand in a page beside others, as wide as there is room, without names that nothing
    refers to. name: one of its own, of which the names in it are made."""
    written = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    svg = written.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    referred = set(re.findall(r"#([\w.-]+)", svg))
    svg = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in referred else "", svg)
    svg = re.sub(r"(?<=: )#[0-9a-f]{6}\b", lambda found: COLOURS.get(found[0], found[0]), svg)
    head, rest = svg.split(">", 1)
    return re.sub(r' (width|height)="[^"]*"', "", head) + ">" + rest

"""Figures as text: a name that is hard to write, and what can be read in an SVG."""

from pathlib import Path
from xml.etree import ElementTree

AWKWARD = "$a_{x$ <b>&amp; [red]\x1b[31m\n\udcff"


def texts(path: Path) -> list[str]:
    """What can be read in an SVG, which has to be XML."""
    return ["".join(one.itertext()) for one in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")]

"""Charts of a page: interactive by uPlot, which the extra `report` brings, else the same lines as a figure in it.

Nothing of uPlot is part of seqlab: its script is read out of the package `youplot`, which is not imported, and stands
in a page only where it is, to the byte, one that uPlot's author published.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from seqlab.formatting import plain
from seqlab.plots.dates import places
from seqlab.plots.pages import page, svg
from seqlab.plots.pages.page import LIGHT, embedded, text
from seqlab.plots.style import INK, empty, quiet

PACKAGE = "youplot"
PUBLISHED = {  # sha256 of uPlot.iife.min.js: 1.6.31 and 1.6.32
    "2d27e8ad3d228164525ce213f9dc716f39b4e3aee0cc773fb3491c96cf4921a2",
    "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
}
STYLES = {"df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04"}  # of uPlot.min.css
STATIC = "The charts are still: pip install 'seqlab[report]' makes those of the next report interactive."
USED = "Charts by uPlot, copyright Leon Sorokin, MIT licence."
DAY, MINUTE, SECOND, NUMBER = 86400, 60, 1, 0  # what one of x is, in seconds
DATES = {DAY: "datetime64[D]", MINUTE: "datetime64[m]", SECOND: "datetime64[s]"}


class Line(NamedTuple):
    """A line of a chart: values (N,), NaN where there is none. joined: also over values that are missing."""

    name: str
    values: np.ndarray
    colour: str
    width: float = 1.8
    is_dashed: bool = False
    joined: bool = False


class Band(NamedTuple):
    """What lies between two lines of values (N,); with no opacity these alone are drawn, dashed."""

    name: str
    low: np.ndarray
    high: np.ndarray
    colour: str
    opacity: float = 0.2


@dataclass(frozen=True)
class Chart:
    """Lines and bands over x (N,), ascending.

    about: what it shows, for who does not see it. x_name: what x is, where it is a number. unit: seconds of one x, or
    NUMBER. labels: what each x is called; where it is a number, on the axis too. decimals, suffix: of values. bars:
    instead of lines. from_zero: whether the axis begins there. keys: whether it has a legend.
    """

    about: str
    x: np.ndarray
    lines: Sequence[Line]
    bands: Sequence[Band] = ()
    x_name: str = ""
    unit: int = NUMBER
    labels: Sequence[str] = ()
    decimals: int = 2
    suffix: str = ""
    bars: bool = False
    from_zero: bool = False
    height: int = 340
    keys: bool = True


@cache
def uplot() -> tuple[str, str] | None:
    """uPlot's script and style, None where they are not installed, or are not those that were published."""
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0]) / "vendor"
    try:
        script, style = ((folder / name).read_bytes() for name in ("uplot.iife.min.js", "uplot.min.css"))
    except OSError:
        return None
    if hashlib.sha256(script).hexdigest() not in PUBLISHED or hashlib.sha256(style).hexdigest() not in STYLES:
        return None
    return script.decode(), style.decode()


def document(title: str, kind: str, body: Iterable[str], *, lead: str = "", note: str = "", style: str = "") -> str:
    """`page.document` of a page with charts."""
    found = uplot()
    if found is None:
        return page.document(title, kind, body, lead=lead, note=f"{note} {STATIC}", style=style)
    script, own_style = found
    scripts = (script, page.read("chart.js"))
    return page.document(title, kind, body, lead=lead, note=f"{note} {USED}", style=own_style + style, scripts=scripts)


def figure(chart: Chart, caption: str = "") -> str:
    """The chart as a <figure>. caption: HTML of text that was escaped."""
    keys = _keys(chart) if chart.keys else ""
    under = f"<figcaption>{caption}</figcaption>" if caption else ""
    about = text(" ".join(chart.about.split()))
    if uplot() is None:
        drawn = svg.inline(_drawn(chart), chart.about)
        return f'<figure><div class="plot" role="img" aria-label="{about}">{drawn}</div>{keys}{under}</figure>\n'
    return (
        f'<figure><p class="readout" aria-live="polite"></p>'
        f'<div class="plot" role="img" tabindex="0" aria-label="{about} The arrow keys read its values." '
        f'style="height:{chart.height}px"></div><noscript>The chart needs JavaScript; its figures are in the tables.'
        f'</noscript>{keys}{under}<script type="application/json">{embedded(_data(chart))}</script></figure>\n'
    )


def _keys(chart: Chart) -> str:
    """The legend."""
    found = []
    for line in chart.lines:
        kind = "" if chart.bars else ' class="line dash"' if line.is_dashed else ' class="line"'
        found.append(f'<li><i{kind} style="--c:var(--{line.colour})"></i>{text(line.name)}</li>')
    for band in chart.bands:
        kind = "" if band.opacity else ' class="line dash"'
        colour = f"--c:var(--{band.colour});--o:{min(1, 2 * band.opacity) or 1:.2g}"
        found.append(f'<li><i{kind} style="{colour}"></i>{text(band.name)}</li>')
    return f'<ul class="keys">{"".join(found)}</ul>'


def _data(chart: Chart) -> dict[str, object]:
    """What chart.js draws."""
    lines = [
        {"name": plain(one.name), "colour": one.colour, "width": one.width, **_values(one.values, chart.decimals)}
        | ({"dash": [7, 5]} if one.is_dashed else {})
        | ({"joined": True} if one.joined else {})
        for one in chart.lines
    ]
    bands = [
        {"name": plain(one.name), "colour": one.colour, "opacity": one.opacity}
        | {side: _values(getattr(one, side), chart.decimals) for side in ("low", "high")}
        for one in chart.bands
    ]
    whole = bool((chart.x == np.round(chart.x)).all())
    data = {"x": chart.x.astype(int).tolist() if whole else chart.x.tolist(), "lines": lines, "bands": bands}
    data |= {"xName": chart.x_name, "unit": chart.unit, "decimals": chart.decimals, "suffix": chart.suffix}
    data |= {"bars": chart.bars, "fromZero": chart.from_zero}
    return data | ({"labels": [*map(plain, chart.labels)]} if len(chart.labels) else {})


def _values(values: np.ndarray, decimals: int) -> dict[str, object]:
    """Values from the first to the last that there is, as short as they may be written: with one digit more than is
    told of them, None where there is none between them."""
    there = np.flatnonzero(np.isfinite(values))
    first, end = (int(there[0]), int(there[-1]) + 1) if len(there) else (0, 0)
    found = (round(float(one), decimals + 1) if math.isfinite(one) else None for one in values[first:end])
    return {"from": first, "y": [int(one) if one is not None and one == int(one) else one for one in found]}


def _drawn(chart: Chart) -> Figure:
    """The same by matplotlib."""
    wide = 5.8 if chart.height > 200 else 3.1  # inches; small ones stand beside each other
    drawing = empty(wide, chart.height / 92, chart.about)
    axes = drawing.add_subplot()
    quiet(axes)
    x = places(axes, chart.x.astype(np.int64).astype(DATES[chart.unit])) if chart.unit else chart.x
    for band in chart.bands:
        if band.opacity:
            axes.fill_between(x, band.low, band.high, color=LIGHT[band.colour], alpha=band.opacity, linewidth=0)
    for line in chart.lines:
        colour, dashes = LIGHT[line.colour], (0, (4, 2)) if line.is_dashed else "-"
        here = np.isfinite(line.values) if line.joined else np.full(len(x), True)
        if chart.bars:
            axes.bar(x, line.values, width=0.86 * float(np.diff(chart.x).min(initial=10)), color=colour)
        else:
            axes.plot(x[here], line.values[here], color=colour, linewidth=line.width, linestyle=dashes)
    if not chart.bars:
        axes.margins(x=0)
    axes.autoscale_view()
    axes.set_autoscaley_on(False)  # the axis need not hold all of what is dashed
    for band in chart.bands:
        for side in (band.low, band.high) if not band.opacity else ():
            axes.plot(x, side, color=LIGHT[band.colour], linewidth=1.3, linestyle=(0, (4, 2)))
    if len(chart.labels) and not chart.unit:
        shown = np.unique(np.linspace(0, len(x) - 1, 5).astype(int))
        axes.set_xticks(chart.x[shown], [chart.labels[place] for place in shown], fontsize=8)
    elif not chart.unit:
        axes.set_xlabel(chart.x_name, fontsize=9, color=INK)
    if chart.from_zero:
        axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}{chart.suffix}")
    return drawing

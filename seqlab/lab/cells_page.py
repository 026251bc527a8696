"""Text coloured by the activation of a cell, as one HTML file that needs nothing else."""

from typing import NamedTuple

import numpy as np

from seqlab.plots.pages.page import document, embedded
from seqlab.plots.pages.page import text as text_of_page

STYLE = """
label { display: block; margin: 1rem 0 .3rem; }
select { font: inherit; max-width: 100%; color: inherit; background: var(--soft); border: 1px solid var(--line);
         border-radius: 4px; padding: .2rem .4rem; }
#scale { display: flex; justify-content: space-between; margin: .7rem 0; padding: 0 .4rem;
         background: linear-gradient(90deg, rgb(60 110 240 / .75), transparent, rgb(230 60 50 / .75)); }
"""

# Values come as whole percent. The colour lies over the page's own, so that zero is white or, in the dark, black.
SCRIPT = """
const data = JSON.parse(document.getElementById("data").textContent);
const menu = document.getElementById("cell"), text = document.getElementById("text");
const spans = Array.from(data.text, char => {
  const span = document.createElement("span");
  span.textContent = char;
  return span;
});
text.replaceChildren(...spans);
menu.replaceChildren(...data.cells.map(cell => new Option(cell.title)));
function show() {
  const number = Number(location.hash.slice(1)), k = data.cells[number - 1] ? number - 1 : 0;
  menu.selectedIndex = k;
  data.cells[k].percent.forEach((percent, t) => {
    const colour = percent < 0 ? "60, 110, 240" : "230, 60, 50";
    spans[t].style.backgroundColor = `rgba(${colour}, ${(0.0075 * Math.abs(percent)).toFixed(3)})`;
    spans[t].title = (percent / 100).toFixed(2);
  });
}
menu.addEventListener("change", () => { location.hash = menu.selectedIndex + 1; });
addEventListener("hashchange", show);
show();
"""


class Shown(NamedTuple):
    """A cell of the page's menu: what stands there, and its values (T) from -1 to 1, one a character."""

    title: str
    values: np.ndarray


def page(heading: str, text: str, cells: list[Shown]) -> str:
    """The HTML page. The cell is chosen in a menu, or by number with #1, #2, ... at the end of the address."""
    data = {
        "text": text,
        "cells": [{"title": cell.title, "percent": (100 * cell.values).round().astype(int).tolist()} for cell in cells],
    }
    body = f"""<section><p>{text_of_page(heading)}</p>
<label for="cell">Coloured by the cell that follows, best of all, the</label>
<select id="cell"></select>
<div id="scale"><span>-1</span><span>0</span><span>+1</span></div>
<pre id="text"></pre>
<noscript>The colours need JavaScript.</noscript></section>"""
    held = f'<script type="application/json" id="data">{embedded(data)}</script>\n'
    return document("Cells", "The lab", [body], style=STYLE, scripts=(SCRIPT,), data=held)

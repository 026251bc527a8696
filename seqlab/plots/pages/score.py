"""A text as a model reads it, as a page: coloured by surprise, with its bits per character from beginning to end."""

import math
from itertools import pairwise

import numpy as np

from seqlab.plots.pages.chart import Chart, Line, document, figure
from seqlab.plots.pages.page import command_section, section, table, text, tiles
from seqlab.plots.style import text_of

SHOWN = 6000  # characters, of more: a page stays below 200 KB
MOST_POINTS, MOST_LINES = 400, 12
STEPS = (2, 4, 8)  # bits from which on a character is coloured so
STYLE = """
.text { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .88rem; line-height: 1.75; }
.text b, .surprise b { font-weight: 400; border-radius: 2px; padding: .1em 0; }
.surprise b { padding: .1em .5em; color: var(--ink); white-space: nowrap; } .surprise b.s3 { color: var(--paper); }
.s1 { background: color-mix(in srgb, var(--walk) 22%, transparent); }
.s2 { background: color-mix(in srgb, var(--walk) 50%, transparent); }
.s3 { color: var(--paper); background: var(--bad); }
@media print { b { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def page(scored: str, log_probs: np.ndarray, command: str = "") -> str:
    """The report of a text `scored` of at least one character, each with its log-probability (N,) in nats."""
    bits = -log_probs / math.log(2)
    mean = float(bits.mean())
    shares = [float((bits >= least).mean()) for least in STEPS]
    shown = [
        ("bits per character", f"{mean:.4f}", f"{mean * math.log(2):.4f} nats"),
        ("characters", f"{len(scored):,}", f"{scored.count(chr(10)) + (scored[-1] != chr(10)):,} lines"),
        ("perplexity", f"{2**mean:.3f}", "as many characters were as good as equally likely"),
        ("surprises", f"{100 * shares[1]:.1f} %", f"of characters cost {STEPS[1]} bits and more"),
    ]
    lines = _lines(scored, bits)
    body = [
        section("Figures", tiles(shown), _curve(lines), name="figures"),
        section("The text", _legend(), _coloured(scored, bits), name="text"),
        section("The most surprising lines", _surprising(lines), name="lines"),
        command_section(command),
    ]
    return document("How probable the text is", "Score", body, style=STYLE)


def _lines(scored: str, bits: np.ndarray) -> list[tuple[int, str, float]]:
    """Each line that is not empty: its number, its text, its bits per character with the end of the line."""
    found, place = [], 0
    for number, line in enumerate(scored.split("\n"), 1):
        cost = bits[place : place + len(line) + 1]
        place += len(line) + 1
        if line.strip() and len(cost):
            found.append((number, line, float(cost.mean())))
    return found


def _curve(lines: list[tuple[int, str, float]]) -> str:
    """Bits per character from beginning to end, by the line, or by as many lines together as it takes."""
    if len(lines) < 3:
        return ""
    together = -(-len(lines) // MOST_POINTS)
    groups = [lines[start : start + together] for start in range(0, len(lines), together)]
    x = np.array([group[0][0] for group in groups])
    values = np.array([np.mean([cost for _, _, cost in group]) for group in groups])
    by = "line" if together == 1 else f"{together} lines together"
    about = f"Bits per character by the line, from {values.min():.2f} to {values.max():.2f}."
    chart = Chart(
        about, x, [Line("bits per character", values, "model")], x_name="line", from_zero=True, height=240, keys=False
    )
    return figure(chart, f"By the {by}, empty ones left out: high is surprising.")


def _legend() -> str:
    each = [f"{low} to {high} bits" for low, high in pairwise(STEPS)] + [f"{STEPS[-1]} and more"]
    marks = "".join(f' <b class="s{k}">{words}</b>' for k, words in enumerate(each, 1))
    return f'<p class="small surprise">Surprise: below {STEPS[0]} bits {marks}</p>'


def _coloured(scored: str, bits: np.ndarray) -> str:
    kinds = np.searchsorted(STEPS, bits[:SHOWN], side="right")
    edges = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds)]
    parts = []
    for start, end in pairwise(edges):
        run, kind = scored[start:end], int(kinds[start])
        run = run.replace("\n", "↵\n") if kind else run  # a line that ends by surprise
        parts.append(f'<b class="s{kind}">{text(run)}</b>' if kind else text(run))
    left = len(scored) - SHOWN
    more = f'<p class="small">The first {SHOWN:,} of {len(scored):,} characters.</p>' if left > 0 else ""
    return f'<pre class="text">{"".join(parts)}</pre>{more}'


def _surprising(lines: list[tuple[int, str, float]]) -> str:
    ranked = sorted(lines, key=lambda one: -one[2])[:MOST_LINES]
    rows = [[f"{number:,}", text_of(line.strip(), 80), f"{cost:.2f}"] for number, line, cost in ranked]
    return table(["line", "", "bits per character"], rows, words={1})

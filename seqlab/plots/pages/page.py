"""The frame of every page: what is in it, how it looks, and that nothing in it can reach the network."""

import base64
import hashlib
import html
import json
import platform
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import seqlab
from seqlab.files import replacing
from seqlab.formatting import plain
from seqlab.plots.style import FAINT, GREY, INK, MODEL, OTHERS, PALE, WALK

LIGHT = {"ink": INK, "grey": GREY, "line": FAINT, "model": MODEL, "pale": PALE, "walk": WALK}
LIGHT |= {"green": OTHERS[0], "purple": OTHERS[1], "ochre": OTHERS[2], "paper": "#ffffff"}
LIGHT |= {"soft": "#f5f7f9", "link": "#00609a", "good": "#00694b", "bad": "#a63f00"}
DARK = {"ink": "#e6e9ec", "grey": "#9ba5af", "line": "#2c333a", "model": "#56b4e9", "pale": "#3d7fa8"}
DARK |= {"walk": "#f0904a", "green": "#3fc79b", "purple": "#dc8ac6", "ochre": "#d3b545", "paper": "#14171b"}
DARK |= {"soft": "#1c2126", "link": "#6cbcf0", "good": "#4fcfa4", "bad": "#f59a5c"}

# the only thing that runs is the scripts of the page itself, by their sha256; nothing is fetched and nothing sent
POLICY = "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; "
POLICY += "base-uri 'none'; form-action 'none'"


def text(value: object) -> str:
    """What comes from a file, a person or a model, as text of a page: never markup, nothing hidden in it."""
    return html.escape(plain(str(value)).encode(errors="replace").decode())


def document(
    title: str,
    kind: str,
    body: Iterable[str],
    *,
    lead: str = "",
    note: str = "",
    style: str = "",
    scripts: Sequence[str] = (),
    data: str = "",
) -> str:
    """The page: `kind` of report, its title, a sentence that leads, and the parts of its body, which are HTML.

    note: HTML that stands at the end. scripts: what runs in it, in this order; data: HTML that holds what they read.
    """
    hashes = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts]
    policy = POLICY.format(scripts=" ".join(f"'sha256-{one}'" for one in hashes) or "'none'")
    run = "".join(f"<script>{one}</script>\n" for one in scripts)
    made = f"Made by seqlab {seqlab.__version__} on {date.today().isoformat()}, Python {platform.python_version()}, "
    made += f"{platform.machine()}."
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>{text(title)}</title>
<style>{_colours()}{read("page.css")}{style}</style>
</head>
<body>
<header>
<p class="kind">{text(kind)}</p>
<h1>{text(title)}</h1>
{f'<p class="lead">{text(lead)}</p>' if lead else ""}
</header>
<main>
{"".join(body)}
</main>
<footer><p>{note} {made}</p></footer>
{data}{run}</body>
</html>
"""


def write(path: Path, page: str) -> None:
    """Write a page. Raises DataError where it cannot be."""
    with replacing(path) as new:
        new.write_text(page, encoding="utf-8")


def embedded(value: Any) -> str:
    """A value as JSON that may stand inside a script: there only < could end it, or begin a comment."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def section(heading: str, *parts: str, name: str = "") -> str:
    """A part of a page under its heading. name: what links go to."""
    place = f' id="{name}"' if name else ""
    return f"<section{place}>\n<h2>{text(heading)}</h2>\n{''.join(parts)}</section>\n"


def tiles(figures: Iterable[tuple[str, str, str]]) -> str:
    """The few figures that matter most: what it is, how much, and a word on it."""
    each = (f"<div><dt>{text(a)}</dt><dd>{text(b)} <small>{text(c)}</small></dd></div>" for a, b, c in figures)
    return f'<dl class="tiles">{"".join(each)}</dl>\n'


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Names and what is to be said of each, one below the other."""
    each = (f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in pairs)
    return f'<dl class="facts">{"".join(each)}</dl>\n'


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    caption: str = "",
    words: Collection[int] = (),
    ours: str = "",
) -> str:
    """A table whose first column names its rows. words: the numbers of columns, beside the first, that hold no numbers;
    ours: the name of the row that is meant."""
    kinds = [' class="w"' if k == 0 or k in words else "" for k in range(len(head))]
    top = "".join(f'<th scope="col"{kind}>{text(one)}</th>' for one, kind in zip(head, kinds, strict=True))
    body = []
    for row in rows:
        first, *rest = (text(cell) for cell in row)
        cells = "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(rest, kinds[1:], strict=True))
        mark = ' class="ours"' if ours and first == text(ours) else ""
        kind = "w k" if len(first) < 20 else "w"  # a date is not to break
        body.append(f'<tr{mark}><th scope="row" class="{kind}">{first}</th>{cells}</tr>\n')
    above = f"<caption>{text(caption)}</caption>" if caption else ""
    head_and_body = f"<thead><tr>{top}</tr></thead><tbody>\n{''.join(body)}</tbody>"
    return f'<div class="wide"><table>{above}{head_and_body}</table></div>\n'


def folded(summary: str, *parts: str, is_open: bool = False) -> str:
    """What is shown when it is asked for, and on paper."""
    return f"<details{' open' * is_open}><summary>{text(summary)}</summary>{''.join(parts)}</details>\n"


def listed(sentences: Sequence[str], most: int = 40) -> str:
    """Sentences one below the other, of many the first."""
    more = [f"and {len(sentences) - most:,} more"] if len(sentences) > most else []
    return f"<ul>{''.join(f'<li>{text(one)}</li>' for one in (*sentences[:most], *more))}</ul>\n"


def command_section(command: str) -> str:
    """The command that made a page; nothing where none did."""
    if not command:
        return ""
    return section("The command", f'<pre class="wrap"><code>{text(command)}</code></pre>\n')


def read(name: str) -> str:
    """A file that stands beside this one."""
    return (files("seqlab.plots.pages") / name).read_text(encoding="utf-8")


def _colours() -> str:
    light, dark = ("".join(f"--{name}:{value};" for name, value in each.items()) for each in (LIGHT, DARK))
    dark_screen = "@media screen and (prefers-color-scheme:dark)"
    return f":root{{{light}}}{dark_screen}{{:root:not(.on-paper){{{dark}}}}}\n"

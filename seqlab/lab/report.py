"""Results as one HTML page that needs nothing else: a chapter in the seminar's order."""

import html
import platform
from collections.abc import Sequence
from datetime import date

import seqlab
from seqlab.formatting import duration
from seqlab.lab.drawing import inline_svg
from seqlab.lab.experiment import Contrast, Finding, Result

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { max-width: 44rem; margin: 0 auto; padding: 1rem; font: 1rem/1.55 system-ui, sans-serif; color: #22262b;
       background: #fff; overflow-wrap: break-word; }
h1 { line-height: 1.2; } h2 { margin-top: 3rem; border-top: 1px solid #d5dadf; padding-top: 1rem; line-height: 1.25; }
nav ol { columns: 16rem; padding-left: 1.6rem; } a { color: #0072b2; }
figure { margin: 1rem 0; } svg { display: block; width: 100%; max-width: 34rem; height: auto; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #e4e8ec; }
td.n { white-space: nowrap; font-variant-numeric: tabular-nums; }
.holds { color: #00694b; } .fails { color: #b34700; } .unknown { color: #6a737d; }
.verdict { font-weight: 600; } .small { color: #57606a; font-size: .9rem; }
"""


def page(results: Sequence[Result], stopped: bool = False) -> str:
    """The report of some results; stopped: before there were all that were asked for."""
    title = "The lab: claims of a deep-learning seminar, measured"
    if len(results) == 1:
        title = f"The lab: {results[0].name}"
    held = sum(result.holds is True for result in results)
    counted = f"Of {len(results)} claims {held} {'holds' if held == 1 else 'hold'} here." if len(results) > 1 else ""
    counted = "Stopped before all were run. " * stopped + counted
    contents = "".join(
        f'<li><a href="#{one.name}">{one.name}</a> <span class="{_kind(one.holds)}">{one.word}</span>'
        for one in results
    )
    seconds = sum(result.seconds for result in results)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{html.escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
<p>{counted} Each is decided by inequalities that were written down, with their reason, before they were measured;
where one was put otherwise later its note says so. One holds where the whole 95&nbsp;% interval of the mean over seeds
(of starts and splits, not of data sets) lies on its side, and is refuted where every seed lies on the other. Then the
cause is taken away, and the claim has to fail.</p>
<p class="small">Written by seqlab {seqlab.__version__} on {date.today().isoformat()}, Python
{platform.python_version()}, {platform.machine()}; {duration(seconds)} of processor time.</p>
<nav><ol>{contents}</ol></nav>
{"".join(map(_section, results))}
</body>
</html>
"""


def _section(result: Result) -> str:
    experiment, say = result.experiment, html.escape
    verdict = result.verdict[:1].upper() + result.verdict[1:]
    parts = [
        f'<section id="{result.name}"><h2>{result.name}</h2>',
        f"<p><b>Claim.</b> {say(experiment.claim)}.</p>",
        f'<p class="small">After {say(experiment.source)}. Refuted by: {say(experiment.refuted_by)}.</p>',
    ]
    if experiment.slip:
        parts.append(f"<p><b>The slides.</b> {say(experiment.slip)}</p>")
    parts.append(f'<p class="verdict {_kind(result.holds)}">{say(verdict)}.</p>')
    if result.rows:
        label = say(f"Figure of {result.name}: {experiment.claim}", quote=True)
        parts.append(f'<figure role="img" aria-label="{label}">{inline_svg(result.plot(), result.name)}</figure>')
        parts.append(_table(result))
        why = "".join(f"<li>{say(one.text)} {say(one.bound)}: {say(one.reason)}</li>" for one in result.findings)
        parts.append(f'<details class="small"><summary>Why these inequalities</summary><ul>{why}</ul></details>')
    if experiment.note:
        parts.append(f"<p>{say(experiment.note)}</p>")
    set_ = [f" --set {name}={value}" for name, value in result.knobs.items() if value != experiment.knobs[name].default]
    command = f"seqlab lab run {result.name} --scale {result.scale} --seeds {result.seeds}{''.join(set_)}"
    command += f" --seed {result.seed}" if result.seed else ""
    parts.append(f'<p class="small"><code>{say(command)}</code>: {duration(result.seconds)}</p></section>')
    return "\n".join(parts)


def _table(result: Result) -> str:
    rows = [_row(one, _kind(one.holds)) for one in result.findings]
    for contrast in result.contrasts:
        setting = f"With <code>{html.escape(contrast.setting)}</code>: {_contrast(contrast)}"
        rows.append(f'<tr><th colspan="4">{setting}</th></tr>')
        rows += [_row(one, "unknown") for one in contrast.telling or contrast.findings]
    head = "<tr><th>Inequality</th><th>asked</th><th>mean and 95&nbsp;% interval</th><th></th></tr>"
    return f'<div class="wide"><table>{head}{"".join(rows)}</table></div>'


def _contrast(contrast: Contrast) -> str:
    return f'<span class="{"holds" if contrast.telling else "fails"}">it {contrast.word}</span>'


def _row(finding: Finding, kind: str) -> str:
    value = f"{finding.mean:.4g}"
    if finding.low != finding.high:
        value += f" [{finding.low:.4g}, {finding.high:.4g}]"
    cells = (html.escape(finding.text), html.escape(finding.bound), value, finding.word)
    classes = ("", ' class="n"', "", f' class="{kind}"')
    return f"<tr>{''.join(f'<td{name}>{cell}</td>' for name, cell in zip(classes, cells, strict=True))}</tr>"


def _kind(holds: bool | None) -> str:
    return "unknown" if holds is None else "holds" if holds else "fails"

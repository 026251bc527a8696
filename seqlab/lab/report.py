"""Results as one HTML page that needs nothing else: a chapter in the seminar's order."""

from collections.abc import Sequence

from seqlab.formatting import duration
from seqlab.lab.experiment import Contrast, Finding, Result
from seqlab.plots.pages.page import document, section, text
from seqlab.plots.pages.svg import inline

ABOUT = """Each is decided by inequalities that were written down, with their reason, before they were measured; where
one was put otherwise later its note says so. One holds where the whole 95 % interval of the mean over seeds (of starts
and splits, not of data sets) lies on its side, and is refuted where every seed lies on the other. Then the cause is
taken away, and the claim has to fail."""


def page(results: Sequence[Result], stopped: bool = False) -> str:
    """The report of some results; stopped: before there were all that were asked for."""
    title = results[0].name if len(results) == 1 else "Claims of a deep-learning seminar, measured"
    held = sum(result.holds is True for result in results)
    counted = f"Of {len(results)} claims {held} {'holds' if held == 1 else 'hold'} here." if len(results) > 1 else ""
    counted = "Stopped before all were run. " * stopped + counted
    contents = "".join(
        f'<li><a href="#{one.name}">{one.name}</a> <span class="{_kind(one.holds)}">{one.word}</span>'
        for one in results
    )
    seconds = sum(result.seconds for result in results)
    body = [f"<p>{ABOUT}</p>\n<nav><ol>{contents}</ol></nav>\n", *map(_section, results)]
    note = f"{duration(seconds)} of processor time."
    return document(title, "The lab", body, lead=counted.strip(), note=note)


def _section(result: Result) -> str:
    experiment = result.experiment
    verdict = result.verdict[:1].upper() + result.verdict[1:]
    parts = [
        f"<p><b>Claim.</b> {text(experiment.claim)}.</p>",
        f'<p class="small">After {text(experiment.source)}. Refuted by: {text(experiment.refuted_by)}.</p>',
    ]
    if experiment.slip:
        parts.append(f"<p><b>The slides.</b> {text(experiment.slip)}</p>")
    parts.append(f'<p class="verdict {_kind(result.holds)}">{text(verdict)}.</p>')
    if result.rows:
        label = text(f"Figure of {result.name}: {experiment.claim}")
        parts.append(f'<figure role="img" aria-label="{label}">{inline(result.plot(), result.name)}</figure>')
        parts.append(_table(result))
        why = "".join(f"<li>{text(one.text)} {text(one.bound)}: {text(one.reason)}</li>" for one in result.findings)
        parts.append(f'<details class="small"><summary>Why these inequalities</summary><ul>{why}</ul></details>')
    if experiment.note:
        parts.append(f"<p>{text(experiment.note)}</p>")
    set_ = [f" --set {name}={value}" for name, value in result.knobs.items() if value != experiment.knobs[name].default]
    command = f"seqlab lab run {result.name} --scale {result.scale} --seeds {result.seeds}{''.join(set_)}"
    command += f" --seed {result.seed}" if result.seed else ""
    parts.append(f'<p class="small"><code>{text(command)}</code>: {duration(result.seconds)}</p>')
    return section(result.name, "\n".join(parts), name=result.name)


def _table(result: Result) -> str:
    rows = [_row(one, _kind(one.holds)) for one in result.findings]
    for contrast in result.contrasts:
        setting = f"With <code>{text(contrast.setting)}</code>: {_contrast(contrast)}"
        rows.append(f'<tr><th scope="colgroup" colspan="4" class="w">{setting}</th></tr>')
        rows += [_row(one, "unknown") for one in contrast.telling or contrast.findings]
    head = '<tr><th class="w">inequality</th><th>asked</th><th>mean and 95&nbsp;% interval</th><th class="w"></th></tr>'
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></div>'


def _contrast(contrast: Contrast) -> str:
    return f'<span class="{"holds" if contrast.telling else "fails"}">it {contrast.word}</span>'


def _row(finding: Finding, kind: str) -> str:
    value = f"{finding.mean:.4g}"
    if finding.low != finding.high:
        value += f" [{finding.low:.4g}, {finding.high:.4g}]"
    cells = (text(finding.text), text(finding.bound), value, finding.word)
    classes = ("w", "", "", f"w {kind}")
    row = "".join(f'<td class="{name}">{cell}</td>' for name, cell in zip(classes, cells, strict=True))
    return f"<tr>{row}</tr>"


def _kind(holds: bool | None) -> str:
    return "unknown" if holds is None else "holds" if holds else "fails"

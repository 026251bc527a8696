"""How good a model is, as a page: its figures beside those of simple rules, classes and what is taken for what."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.plots.pages.chart import Chart, Line, document, figure
from seqlab.plots.pages.page import command_section, facts, folded, section, table, text, tiles

MOST_CLASSES = 20  # whose confusion is shown as a whole, and that are drawn
MOST_ROWS = 60  # of a table
SHARE = "{:.2%}"
WORDS = {  # what the figures of the command line's JSON are called, and how they are told
    "bits_per_char": ("bits per character", "{:.4f}"),
    "bits_per_char_alone": ("bits per character, the net alone", "{:.4f}"),
    "nats_per_char": ("nats per character", "{:.4f}"),
    "nats_per_char_alone": ("nats per character, the net alone", "{:.4f}"),
    "perplexity": ("perplexity", "{:.3f}"),
    "chars": ("characters", "{:,}"),
    "accuracy": ("accuracy", SHARE),
    "top1": ("top-1", SHARE),
    "top1_views": ("top-1, averaged over views", SHARE),
    "top5": ("top-5", SHARE),
    "images": ("images", "{:,}"),
    "f1": ("macro F1", "{:.4f}"),
    "auc": ("area under the ROC curve", "{:.4f}"),
    "nll": ("negative log-likelihood", "{:.4f}"),
    "ece": ("calibration error", SHARE),
    "ece_calibrated": ("calibration error at the temperature", SHARE),
    "r2": ("R²", "{:.4f}"),
    "rmse": ("root mean square error", "{:.5g}"),
    "mae": ("mean absolute error", "{:.5g}"),
}
FIRST = ("bits_per_char", "bits_per_char_alone", "top1_views", "top1", "accuracy", "r2", "f1", "rmse", "top5", "chars")


def page(model: str, data: str, metrics: Mapping[str, Any], command: str = "") -> str:
    """The figures of a model on data that it has not learned from."""
    lead = "Measured on data that it has not learned from."
    body = [section("Figures", figures(metrics), name="figures"), *classes(metrics), command_section(command)]
    return document(f"{model} on {data}", "Evaluation", body, lead=lead)


def scorecard(
    model: str, corpus: str, rows: Sequence[tuple[str, float, float, str]], about: str, command: str = ""
) -> str:
    """What a model writes, scored beside held-out text. rows: the score, of what was written and held out, what it
    is; about: how much was written."""
    told = [[name, f"{written:,.4g}", f"{held:,.4g}", meaning] for name, written, held, meaning in rows]
    scores = table(["", "written", "held out", ""], told, words={3})
    body = [section("Scores", scores, name="figures"), command_section(command)]
    return document(f"What {model} writes after {corpus}", "Evaluation", body, lead=about)


def figures(metrics: Mapping[str, Any]) -> str:
    """The figures themselves; baselines beside them, importance and folds below."""
    flat = {name: value for name, value in metrics.items() if _is_told(value)}
    flat |= {name: value for name, value in (metrics.get("calibration") or {}).items() if _is_told(value)}
    best = [name for name in FIRST if isinstance(flat.get(name), int | float)][:4]
    found = [tiles((WORDS[name][0], told(name, flat[name]), "") for name in best)] if best else []
    baselines: dict[str, Any] = metrics.get("baselines") or {}
    if baselines:
        both = [name for name in WORDS if flat.get(name) is not None and name in next(iter(baselines.values()))]
        rows = [
            [WORDS[name][0], told(name, flat[name]), *(told(name, each.get(name)) for each in baselines.values())]
            for name in both
        ]
        found.append(table(["", "net", *baselines], rows, caption="Beside simple models of the same rows"))
        flat = {name: value for name, value in flat.items() if name not in both}
    if rest := {name: value for name, value in flat.items() if name not in best or baselines}:
        found.append(facts((WORDS.get(name, (name.replace("_", " "),))[0], told(name, v)) for name, v in rest.items()))
    if importance := metrics.get("importance"):
        told_rows = [[one["column"], f"{one['importance']:.4f}", f"{one['deviation']:.4f}"] for one in importance]
        head = ["column", "lost", "deviation"]
        found.append(table(head, told_rows[:MOST_ROWS], caption="Importance: what is lost where a column is shuffled"))
    for name, each in (metrics.get("folds") or {}).items():
        found.append(
            f"<p>{text(WORDS.get(name, (name,))[0])} by fold: {', '.join(told(name, one) for one in each)}</p>"
        )
    if backtest := metrics.get("backtest"):
        found.append(_backtest(backtest))
    return "".join(found) or "<p>None was kept.</p>"


def told(name: str, value: Any) -> str:
    """A figure as a person reads it."""
    if value is None:
        return "-"
    if name in WORDS and isinstance(value, int | float) and not isinstance(value, bool):
        return WORDS[name][1].format(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)[:200]


def classes(metrics: Mapping[str, Any]) -> list[str]:
    """Sections on each class, and on what is taken for what; none where there are no classes."""
    shares: dict[str, float | None] = metrics.get("per_class") or {}
    counts = metrics.get("confusion")
    if not shares:
        return []
    ranked = sorted(shares.items(), key=lambda one: (one[1] is None, one[1]))
    drawn = [(name, share) for name, share in ranked if share is not None][:MOST_CLASSES]
    found = []
    if len(drawn) > 1:
        about = f"Share of each class that was told right: the least is {drawn[0][0]} with {100 * drawn[0][1]:.1f} %."
        bars = [Line("right", 100 * np.array([share for _, share in drawn]), "pale")]
        x, labels = np.arange(len(drawn)), [" ".join(name.split())[:24] for name, _ in drawn]
        chart = Chart(
            about, x, bars, labels=labels, decimals=1, suffix=" %", bars=True, from_zero=True, height=260, keys=False
        )
        few = f" The {MOST_CLASSES} worst of {len(shares):,}." if len(shares) > MOST_CLASSES else ""
        found.append(figure(chart, f"The worst class stands first.{few}"))
    rows = [[name, "-" if share is None else f"{100 * share:.1f} %"] for name, share in ranked[:MOST_ROWS]]
    found.append(folded("The figures", table(["class", "right"], rows)))
    sections = [section("Classes", *found, name="classes")]
    if counts is not None:
        sections.append(section("What is taken for what", _confusion(list(shares), np.array(counts)), name="confusion"))
    return sections


def _confusion(names: list[str], counts: np.ndarray) -> str:
    """The confusion matrix; of many classes the mistakes that are made most."""
    off = [(int(counts[i, j]), i, j) for i, j in zip(*np.nonzero(counts), strict=True) if i != j]
    mistakes = [[f"{names[i]}, taken for {names[j]}", f"{count:,}"] for count, i, j in sorted(off, key=lambda o: -o[0])]
    worst = table(["", "times"], mistakes[:12], caption="The most frequent mistakes") if mistakes else "<p>Nothing.</p>"
    if len(names) > MOST_CLASSES:
        return worst
    shares = counts / counts.sum(1, keepdims=True).clip(1)
    heads = "".join(f'<th scope="col">{text(name[:16])}</th>' for name in names)
    rows = []
    for name, row, tints in zip(names, counts, np.sqrt(shares), strict=True):
        cells = "".join(
            f'<td style="background:color-mix(in srgb,var(--model) {60 * tint:.0f}%,transparent)">{count:,}</td>'
            for count, tint in zip(row, tints, strict=True)
        )
        rows.append(f'<tr><th scope="row" class="w k">{text(name[:24])}</th>{cells}</tr>')
    caption = "<caption>Rows: what it is. Columns: what it was taken for.</caption>"
    head = f'<thead><tr><th scope="col" class="w"></th>{heads}</tr></thead>'
    matrix = f'<div class="wide"><table class="matrix">{caption}{head}<tbody>{"".join(rows)}</tbody></table></div>'
    return matrix + worst


def _backtest(found: Mapping[str, Any]) -> str:
    """A backtest as JSON has it."""
    if not found.get("origins"):
        return "<p>No past day could be forecast from.</p>"
    methods = {"model": found["model"], **found["baselines"]}
    heads = ["", *(f"{h} {found['step']}{'s' * (h != 1)}" for h in found["horizons"])]
    unit = "CRPS, %" if found["in_percent"] else "CRPS"
    shown = []
    for name, caption, form in (("crps", unit, "{:.4g}"), ("coverage80", "Outcomes inside the 80 % band", "{:.0%}")):
        rows = [[method.replace("_", " "), *map(form.format, each[name])] for method, each in methods.items()]
        shown.append(table(heads, rows, caption=caption, ours="model"))
    skill = table(heads, [["model", *(f"{one:+.2f}" for one in found["skill_vs_random_walk"])]], caption="Skill, %")
    count = f"<p>{found['origins']:,} forecasts from {text(found['first'])} to {text(found['last'])}.</p>"
    return f'{count}<div class="grid">{"".join(shown)}{skill}</div>'


def _is_told(value: Any) -> bool:
    return isinstance(value, int | float | str)

"""What is printed of models of tables: their figures beside baselines, a learning curve, importance."""

from collections.abc import Sequence
from typing import Any

from seqlab.cli.layout import table

LABELS = {"f1": "macro f1"}
MOST_CLASSES = 10  # whose confusion is shown whole
MOST_COLUMNS = 10  # whose importance is shown
FIGURES = {
    "accuracy": "{:.2%}",
    "f1": "{:.4f}",
    "auc": "{:.4f}",
    "nll": "{:.4f}",
    "ece": "{:.2%}",
    "r2": "{:.4f}",
    "rmse": "{:.5g}",
    "mae": "{:.5g}",
}


def figures(metrics: dict[str, Any]) -> list[str]:
    """How well rows are predicted, beside a constant and a linear model."""
    baselines = metrics.get("baselines", {})
    names = [name for name in FIGURES if metrics.get(name) is not None]
    rows = [["", "net", *baselines, ""]]
    for name in names:
        values = [_figure(name, one.get(name)) for one in (metrics, *baselines.values())]
        rows.append([LABELS.get(name, name), *values, _spread(name, metrics)])
    lines = table(rows, [-10, 12, *[12] * len(baselines), 0])
    if "folds" in metrics:
        first = names[0]
        lines.append(f"{first} by fold: " + ", ".join(_figure(first, one) for one in metrics["folds"][first]))
    if "test" in metrics:
        test = [f"{name} {_figure(name, metrics['test'][name])}" for name in names]
        lines.append("test rows: " + ", ".join(test))
    absent = [name for name, share in metrics.get("per_class", {}).items() if share is None]
    if absent:
        lines.append(f"no row of class {', '.join(map(repr, absent[:5]))} was held out to evaluate it")
    if "folds" in metrics and "f1" in metrics and metrics["f1"] is None:
        lines.append("macro f1 and auc are means over all classes, and some folds have no row of one")
    if "confusion" in metrics:
        lines += _confusion(list(metrics["per_class"]), metrics["confusion"])
    for level, share in metrics.get("coverage", {}).items():
        fifths = " ".join(f"{one:.0%}" for one in metrics["coverage_by_fifth"][level])
        lines.append(f"in the {float(level):.0%} interval: {share:.1%}   by fifths of the prediction: {fifths}")
    return lines


def _spread(name: str, metrics: dict[str, Any]) -> str:
    """Between which values the mean over folds lies; nothing of one net."""
    if name not in metrics.get("interval", {}):
        return ""
    low, high = metrics["interval"][name]
    spread = _figure(name, metrics["deviation"][name])
    return f"   95 % interval of the mean: {_figure(name, low)} to {_figure(name, high)}, deviation {spread}"


def evaluation(metrics: dict[str, Any]) -> list[str]:
    """The lines of `seqlab evaluate`."""
    lines, name = figures(metrics), "accuracy" if "accuracy" in metrics else "r2"
    lines.append(f"permutation importance, 5 shuffles ({name} lost):")
    first = metrics["importance"][:MOST_COLUMNS]
    width = max((len(one["column"]) for one in first), default=0)
    for one in first:
        lines.append(f"  {one['column']:{max(24, width)}} {one['importance']:7.4f}  deviation {one['deviation']:.4f}")
    return lines


def curve(points: Sequence[dict[str, Any]]) -> list[str]:
    """The lines of a learning curve; none of one that was stopped."""
    if not points:
        return []
    lines = [f"learning curve: mean over {points[-1]['nets']} splits, and the deviation between them"]
    for point in points:
        name = "accuracy" if "accuracy" in point else "r2"
        spread = "" if point["deviation"] is None else f"  deviation {_figure(name, point['deviation'])}"
        lines.append(f"{point['rows']:>9,} rows  {name} {_figure(name, point[name])}{spread}")
    return lines


def _confusion(classes: list[str], counts: list[list[int]]) -> list[str]:
    """The rows of each class by what they were predicted as; of many classes the pairs that are confused most."""
    names = [" ".join(name.split())[:12] for name in classes]
    if len(names) > MOST_CLASSES:
        pairs = [(counts[i][j], i, j) for i in range(len(names)) for j in range(len(names)) if i != j and counts[i][j]]
        return [f"{names[i]} taken for {names[j]}: {count:,}" for count, i, j in sorted(pairs, reverse=True)[:3]]
    width = max(6, *(len(name) for name in names), *(len(f"{one:,}") for row in counts for one in row)) + 2
    rows = [["", *names], *([name, *(f"{n:,}" for n in row)] for name, row in zip(names, counts, strict=True))]
    halves = [range(1 + len(names) // 2, 1 + len(names))]
    return [
        "rows of each class, by predicted class",
        *table(rows, [-width, *[width] * len(names)], halves, below=True),
    ]


def _figure(name: str, value: float | None) -> str:
    return "-" if value is None else FIGURES[name].format(value)

"""How far an estimate of accuracy scatters: one split of a table against the mean over k folds.

A table of N rows is all there is. To say how well a classifier will do, some rows are held out from learning. One
split holds out a fifth: its accuracy is a share of n = N / 5 rows, so it scatters about the true a by

    sqrt(a (1 - a) / n)

and somebody who draws another fifth reports another number. k folds cut the rows into k parts, hold each out once and
take the mean of the k accuracies: every row is a test row once, and n in the formula becomes N. With five folds the
scatter is 1 / sqrt(5) = 0.45 of that of one split, at the price of five trainings.

Two spreads are measured. The first is over many ways of splitting one table. Here folds do better than 0.45, since
what one fold lacks another has. The second is over many tables, each split once: how far the estimate is from the
accuracy on 20,000 fresh rows of a classifier that learned from the whole table. This is what the estimate is for, and
no way of splitting helps against the accidents of the table itself.
"""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from seqlab.lab.drawing import COLOURS, panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.plots.style import GREY, INK
from seqlab.tabular.folds import Split, folds, hold_out

ROWS, FEATURES, FRESH = 100, 10, 20_000
HELD_OUT = 0.2
STRENGTH = 2 / np.sqrt(FEATURES)  # of the rule, where the noise has a standard deviation of 1.8
METHODS = {"one split": 1, "5 folds": 5, "10 folds": 10}


class _Scale(NamedTuple):
    splits: int  # ways of splitting one table
    tables: int


SCALES = {"small": _Scale(60, 120), "default": _Scale(150, 400), "full": _Scale(1000, 4000)}

EXPERIMENT = Experiment(
    name="crossval",
    claim="the accuracy that one split of a small table shows scatters so much that another split would say something "
    "else; the mean over k folds scatters far less, and lies nearer to the truth",
    source="Kohavi (1995), A study of cross-validation and bootstrap for accuracy estimation and model selection",
    refuted_by="folds whose mean scatters as much as one split does, or lies as far from the accuracy on fresh rows",
    inequalities=(
        Inequality(
            "spread",
            "standard deviation of the accuracy over ways of splitting one table, one split of a fifth",
            "20 test rows at an accuracy of 0.75 have sqrt(0.75 * 0.25 / 20 * 80 / 99) = 0.09; at 0.9 it is 0.06",
            above=0.05,
        ),
        Inequality(
            "spread_5",
            "that of 5 folds, as a share of it",
            "the mean of five splits drawn one by one has 1 / sqrt(5); folds, which share no test row, have less",
            below=0.447,
        ),
        Inequality("spread_10", "that of 10 folds, as a share of it", "as for 5 folds", below=0.447),
        Inequality(
            "error_5",
            "distance of 5 folds from the truth, root mean square over tables, as a share of that of one split",
            "five times the test rows: 0.45 and a little for what the folds share; at 0.75 five trainings would buy "
            "less than twice the test rows",
            below=0.75,
        ),
        Inequality("error_10", "that of 10 folds, as a share of that of one split", "as for 5 folds", below=0.75),
        Inequality(
            "bias_5",
            "5 folds' mean minus the truth, over all tables",
            "each fold learns from four fifths of the rows, which may cost a little, not more than one split scatters",
            above=-0.05,
        ),
    ),
    knobs={"folds": Knob("k", ("1",), "how many parts are held out in turn: 1 is a single split")},
    seconds=2,
    note="Over many tables the gain is smaller than over splits of one: the accidents of a table stay. The scatter of "
    "the k accuracies of one cross-validation is not its own error: the folds share rows to learn from, and no "
    "unbiased estimate of its variance exists (Bengio and Grandvalet 2004). More folds than five gain little here.",
)


def measure(seed: int, scale: str, folds: str = "k") -> Measured:
    """Rows: each estimate of one table's accuracy by each method; of all tables each method's errors."""
    size = SCALES[scale]
    counts = {name: count if folds == "k" else 1 for name, count in METHODS.items()}
    fresh = _table(FRESH, np.random.default_rng([seed, 0]))
    x, y = _table(ROWS, np.random.default_rng([seed, 1]))
    truth = _accuracy(x, y, *fresh)
    rows: Rows = [{"part": "truth", "accuracy": truth}]
    spread: dict[str, float] = {}
    error: dict[str, float] = {}
    bias: dict[str, float] = {}
    for number, (method, count) in enumerate(counts.items()):
        found = [estimate(x, y, count, _seed(seed, number, split)) for split in range(size.splits)]
        spread[method] = float(np.std(found, ddof=1))
        rows += [{"part": "splits", "method": method, "accuracy": value} for value in found]
    wrong: dict[str, list[float]] = {method: [] for method in counts}
    for table in range(size.tables):
        x, y = _table(ROWS, np.random.default_rng([seed, 2, table]))
        truth = _accuracy(x, y, *fresh)
        for number, (method, count) in enumerate(counts.items()):
            wrong[method].append(estimate(x, y, count, _seed(seed, number, table)) - truth)
    for method, distances in wrong.items():
        error[method], bias[method] = float(np.sqrt(np.mean(np.square(distances)))), float(np.mean(distances))
        rows.append({"part": "tables", "method": method, "error": error[method], "bias": bias[method]})
        rows[-1]["spread"] = spread[method]
    one = "one split"
    values = {
        "spread": spread[one],
        "spread_5": spread["5 folds"] / spread[one],
        "spread_10": spread["10 folds"] / spread[one],
        "error_5": error["5 folds"] / error[one],
        "error_10": error["10 folds"] / error[one],
        "bias_5": bias["5 folds"],
    }
    return Measured(rows, values)


def draw(rows: Rows) -> Figure:
    """Every estimate of the first seed's table, and how far each method is from the truth over many tables."""
    figure, (splits, tables) = panels("One table, split again and again", "Distance from the truth over many tables")
    first = [row for row in rows if row["seed"] == rows[0]["seed"]]
    random = np.random.default_rng(0)
    for place, (method, colour) in enumerate(zip(METHODS, COLOURS, strict=False)):
        found = [row["accuracy"] for row in first if row["part"] == "splits" and row["method"] == method]
        splits.plot(place + random.uniform(-0.28, 0.28, len(found)), found, "o", color=colour, alpha=0.5, markersize=3)
        errors = [row["error"] for row in rows if row["part"] == "tables" and row["method"] == method]
        tables.bar(place, np.mean(errors), width=0.6, color=colour, alpha=0.55)
        tables.plot(np.full(len(errors), place), errors, "o", color=GREY, markersize=3)
    truth = next(row["accuracy"] for row in first if row["part"] == "truth")
    splits.axhline(truth, color=INK, linewidth=1, linestyle="--")
    splits.annotate("accuracy on fresh rows", (2.45, truth), (0, 3), textcoords="offset points", ha="right", fontsize=8)
    splits.set(ylabel="estimated accuracy", xlim=(-0.5, 2.5))
    tables.set(ylabel="root mean square error", xlim=(-0.5, 2.5))
    for axes in (splits, tables):
        axes.set_xticks(range(len(METHODS)), list(METHODS))
    return figure


def estimate(x: np.ndarray, y: np.ndarray, count: int, seed: int) -> float:
    """The mean accuracy over `count` folds of x (N, F), y (N,), or that of one split of a fifth where it is 1."""
    splits: list[Split] = [hold_out(HELD_OUT, len(y), seed)] if count == 1 else folds(count, len(y), seed)
    return float(np.mean([_accuracy(x[learn], y[learn], x[out], y[out]) for learn, out in splits]))


def fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The weights (1 + F,) of a ridge classifier of x (N, F) and y (N,) of -1 and 1, the constant first."""
    x = np.hstack([np.ones((len(x), 1)), x])
    return np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ y)


def _accuracy(x: np.ndarray, y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray) -> float:
    weights = fit(x, y)
    return float(np.mean((test_x @ weights[1:] + weights[0] > 0) == (test_y > 0)))


def _table(rows: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """x (N, F) and y (N,) of -1 and 1: a linear rule that noise blurs."""
    x = random.standard_normal((rows, FEATURES))
    return x, np.where(x.sum(1) * STRENGTH + random.logistic(size=rows) > 0, 1, -1)


def _seed(*parts: Any) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])

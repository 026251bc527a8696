"""seqlab train-mlp FILE --target COLUMN"""

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqlab.cli.options import Common, common_options
from seqlab.cli.output import graceful_stop, result, result_json, say, show_training
from seqlab.cli.training import conduct, repeating_command, run_options, target_folder

if TYPE_CHECKING:
    from seqlab.training import Progress

SETTINGS = """Names for --set: activation (relu, gelu, tanh, sigmoid), batch_size, class_weights, clip_norm, dropout,
eval_every, hidden_size, l2, loss (cross_entropy; squared, distance), lr, max_steps, num_layers, patience, seed,
val_share, warmup_steps, weight_decay."""
LABELS = {"f1": "macro f1"}
MOST_CLASSES = 10  # whose confusion is shown whole
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


@click.command("train-mlp", epilog=SETTINGS)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--target", metavar="COLUMN", required=True, help="The column to tell from the others.")
@click.option(
    "--task",
    type=click.Choice(["auto", "classification", "regression"]),
    default="auto",
    show_default=True,
    help="What the target is: classes or numbers.",
)
@click.option("--folds", type=click.IntRange(min=2), help="Cross-validate: hold out each of so many parts once.")
@click.option("--groups", metavar="COLUMN", help="Rows with equal values here stay on one side of every split.")
@click.option("--time", metavar="COLUMN", help="What is held out comes later by this column.")
@click.option("--test", type=click.Path(path_type=Path), metavar="FILE", help="Rows that nothing but the end looks at.")
@click.option("--l2", type=click.FloatRange(min=0), help="Times the sum of squared weights, added to the loss.")
@click.option("--curve", is_flag=True, help="Tell what more rows are worth: a learning curve.")
@run_options
@common_options
def command(
    common: Common,
    file: Path,
    target: str,
    task: str,
    folds: int | None,
    groups: str | None,
    time: str | None,
    test: Path | None,
    l2: float | None,
    curve: bool,
    epochs: float | None,
    minutes: float | None,
    resume: bool,
    overwrite: bool,
) -> None:
    """Train a feedforward net to tell column --target of FILE from the others: classification or regression.

    FILE is a CSV or TSV (also compressed) or Parquet. What became of its columns is said; whatever is learnt from
    them is learnt from the rows trained on alone. A fifth of the rows is held out to measure it, or --test FILE is, or
    with --folds 5 every row once; the net that is kept then learns from all rows. A constant and a linear model are
    measured beside it. Training stops where rows kept back from it are told no better.
    """  # fmt: skip
    from seqlab import tabular
    from seqlab.data.tables.reader import read_table

    settings = common.resolve(tabular.TableSettings, **({} if l2 is None else {"l2": l2}))
    table = read_table(file)
    folder = target_folder(common, table.name, resume=resume, overwrite=overwrite)
    other = None if test is None else read_table(test, table.written)
    say(common, f"{table.name}: {len(table.frame):,} rows, {len(table.frame.columns)} columns")
    for note in tabular.describe(table, target, task=task, groups=groups, time=time, test=other):
        say(common, f"  {note}")
    if curve:
        with graceful_stop(common) as stop:
            running = tabular.learning_curve(
                table, target, settings, task=task, folds=folds or 5, groups=groups, time=time,
                compute=common.compute(), stop=stop,
            )  # fmt: skip
            _show_curve(common, running)
        settings = common.resolve(tabular.TableSettings, **({} if l2 is None else {"l2": l2}))
    conduct(
        common,
        folder,
        lambda stop: tabular.train(
            table,
            target,
            folder,
            settings,
            task=task,
            folds=folds,
            groups=groups,
            time=time,
            test=other,
            compute=common.compute(),
            minutes=minutes,
            epochs=epochs,
            resume=resume,
            command=repeating_command(),
            stop=stop,
        ),
        "rows/s",
        lambda record: f"val {record['val_loss']:.4f}",
        lambda done: figures(done.config["metrics"]),
        lambda name: f"seqlab predict {name} ROWS.csv",
    )


def figures(metrics: dict[str, Any]) -> list[str]:
    """The lines that tell a person how well rows are told, beside a constant and a linear model."""
    baselines = metrics.get("baselines", {})
    names = [name for name in FIGURES if metrics.get(name) is not None]
    lines = [f"{'':10}{'net':>12}" + "".join(f"{name:>12}" for name in baselines)]
    for name in names:
        values = [metrics, *baselines.values()]
        line = f"{LABELS.get(name, name):10}" + "".join(f"{_figure(name, one.get(name)):>12}" for one in values)
        if name in metrics.get("interval", {}):
            low, high = metrics["interval"][name]
            spread = _figure(name, metrics["deviation"][name])
            line += f"   95 % of the mean: {_figure(name, low)} to {_figure(name, high)}, deviation {spread}"
        lines.append(line)
    if "folds" in metrics:
        first = names[0]
        lines.append(f"{first} by fold: " + ", ".join(_figure(first, one) for one in metrics["folds"][first]))
    if "test" in metrics:
        test = [f"{name} {_figure(name, metrics['test'][name])}" for name in names]
        lines.append("test rows: " + ", ".join(test))
    absent = [name for name, share in metrics.get("per_class", {}).items() if share is None]
    if absent:
        lines.append(f"no row of class {', '.join(map(repr, absent[:5]))} was held out: nothing is known of it")
    if "folds" in metrics and "f1" in metrics and metrics["f1"] is None:
        lines.append("macro f1 and auc are means over all classes, and some folds have no row of one")
    if "confusion" in metrics:
        lines += _confusion(list(metrics["per_class"]), metrics["confusion"])
    for level, share in metrics.get("coverage", {}).items():
        lines.append(f"in the {float(level):.0%} interval: {share:.1%}")
    return lines


def _confusion(classes: list[str], counts: list[list[int]]) -> list[str]:
    """The rows of each class by what they were told to be; of many classes the pairs that are confused most."""
    names = [" ".join(name.split())[:12] for name in classes]
    if len(names) > MOST_CLASSES:
        pairs = [(counts[i][j], i, j) for i in range(len(names)) for j in range(len(names)) if i != j and counts[i][j]]
        return [f"{names[i]} taken for {names[j]}: {count:,}" for count, i, j in sorted(pairs, reverse=True)[:3]]
    width = max(6, *(len(name) for name in names), *(len(f"{one:,}") for row in counts for one in row)) + 2
    lines = ["rows of each class, by what they were told to be", " " * width + "".join(f"{n:>{width}}" for n in names)]
    for name, row in zip(names, counts, strict=True):
        lines.append(f"{name:{width}}" + "".join(f"{count:{width},}" for count in row))
    return lines


def _figure(name: str, value: float | None) -> str:
    return "-" if value is None else FIGURES[name].format(value)


def _show_curve(common: Common, running: "Generator[Progress, None, list[dict[str, Any]]]") -> None:
    points = show_training(common, running, "rows/s", lambda record: f"val {record['val_loss']:.4f}") or []
    if common.json:
        result_json({"curve": points})
        return
    if points:
        result(
            f"learning curve, each a mean over {points[-1]['nets']} splits of its own, and the deviation between them"
        )
    for point in points:
        name = "accuracy" if "accuracy" in point else "r2"
        spread = "" if point["deviation"] is None else f"  deviation {_figure(name, point['deviation'])}"
        result(f"{point['rows']:>9,} rows  {name} {_figure(name, point[name])}{spread}")

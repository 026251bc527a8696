"""seqlab train-mlp FILE --target COLUMN"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import click

from seqlab.cli.options import Common, common_options
from seqlab.cli.output import result, result_json
from seqlab.cli.progress import follow
from seqlab.cli.signals import graceful_stop
from seqlab.cli.training import of_run, run_options, train
from seqlab.settings import TableSettings, described
from seqlab.tasks import Event, Note, Task


@click.command("train-mlp", epilog=described(TableSettings))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--target", metavar="COLUMN", required=True, help="Column to predict.")
@click.option(
    "--task",
    type=click.Choice(["auto", "classification", "regression"]),
    default="auto",
    show_default=True,
    help="What the target is: classes or numbers.",
)
@click.option("--folds", type=click.IntRange(min=2), help="Cross-validate: hold out each of so many parts once.")
@click.option("--groups", metavar="COLUMN", help="Rows with equal values here stay on one side of every split.")
@click.option("--time", metavar="COLUMN", help="Split by time: hold out the latest rows by this column.")
@click.option(
    "--test",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Separate test file, used only for the final evaluation.",
)
@click.option("--l2", type=click.FloatRange(min=0), help="Times the sum of squared weights, added to the loss.")
@click.option("--curve", is_flag=True, help="Show a learning curve first: what more rows are worth.")
@run_options
@common_options
def command(
    common: Common,
    file: Path,
    target: str,
    test: Path | None,
    l2: float | None,
    curve: bool,
    folds: int | None,
    run: dict[str, Any],
    **split: Any,
) -> None:
    """Train a feedforward net to predict column --target of FILE from the others: classification or regression.

    FILE is a CSV or TSV (also compressed) or Parquet. Notes say how its columns are used; what is learned about
    them comes from the training rows alone. A fifth of the rows is held out to evaluate it, or --test FILE is, or
    with --folds 5 every row once; the net that is kept then learns from all rows. A constant and a linear model are
    evaluated beside it. Training stops when the loss on validation rows no longer falls.
    """  # fmt: skip
    from seqlab import api
    from seqlab.cli.reports import tables
    from seqlab.data.tables.reader import read_table

    settings = common.given(TableSettings) | ({} if l2 is None else {"l2": l2})
    data = read_table(file) if curve else file  # once for both
    shown: list[str] = []

    def start(**options: Any) -> Task[Any]:
        training = api.train_mlp(data, target, test=test, folds=folds, **split, **settings, **options)
        return Task(_without(training, shown))

    def describe(record: dict[str, Any]) -> str:
        return f"val {record['val_loss']:.4f}"

    if curve:
        with graceful_stop(common) as stop:
            next(start(**of_run(common, run, stop)))  # a folder in use is refused now
            task = api.learning_curve(
                data, target, folds=folds or 5, **split, **settings, stop=stop, **common.device_options
            )
            points = follow(common, task, "rows/s", describe, stop)
            shown += task.notes
            if common.json:
                result_json({"curve": points})
            elif points:
                result("\n".join(tables.curve(points)))
    train(
        common,
        start,
        run,
        "rows/s",
        describe,
        lambda done: tables.figures(done.config["metrics"]),
        lambda name: f"seqlab predict {name} ROWS.csv",
    )


def _without(task: Task[Any], shown: list[str]) -> Generator[Event, None, Any]:
    """A task without the notes that were shown before."""
    for event in task:
        if not (isinstance(event, Note) and event.text in shown):
            yield event
    return task.result()

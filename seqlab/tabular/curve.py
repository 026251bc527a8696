"""Performance against experience: what more rows to learn from are worth (Mitchell 1997, section 1.1)."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from seqlab import runs
from seqlab import settings as all_settings
from seqlab.data.tables.encoder import Encoder, fit_encoder
from seqlab.data.tables.reader import Table
from seqlab.errors import DataError
from seqlab.machine import use_threads
from seqlab.models.mlp import MLP
from seqlab.runs import RunOptions
from seqlab.settings import TableSettings
from seqlab.tabular.batched import BatchedMLP, Part
from seqlab.tabular.evaluate import metrics_of
from seqlab.tabular.examples import Examples, about, examples_of
from seqlab.tabular.folds import folds as split_into
from seqlab.tabular.parts import parts_of, val_rows_of
from seqlab.tabular.predictions import outputs_in_units
from seqlab.tabular.prepare import prepare
from seqlab.tabular.source import TableData, load_table
from seqlab.tasks import Event

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)  # of the rows that there are to learn from
FEWEST = 10
MOST_ROWS = 20_000


class Case(NamedTuple):
    """One net of the curve: which of SHARES it has, the rows that it learns from and is measured on, its encoder."""

    step: int
    train_rows: np.ndarray
    held_out: np.ndarray
    encoder: Encoder


def learning_curve(
    data: TableData,
    target: str,
    options: RunOptions,
    given: dict[str, Any],
    *,
    task: str = "auto",
    folds: int = 5,
    groups: str | None = None,
    time: str | None = None,
) -> Generator[Event, None, list[dict[str, Any]]]:
    """`curve_of` a file or a DataFrame, with what was `given` of the settings."""
    settings = all_settings.make(TableSettings, given)
    table = load_table(data)
    yield from about(table, target, task=task, groups=groups, time=time)
    return (yield from curve_of(table, target, settings, options, task=task, folds=folds, groups=groups, time=time))


def curve_of(
    table: Table,
    target: str,
    settings: TableSettings,
    options: RunOptions,
    *,
    task: str = "auto",
    folds: int = 5,
    groups: str | None = None,
    time: str | None = None,
) -> Generator[Event, None, list[dict[str, Any]]]:
    """{rows, accuracy | r2, deviation, nets} for growing numbers of rows to learn from: the mean over the folds, each
    measured on the rows held out from it whatever it learned from, and the deviation between them.

    A sixteenth of a fold's rows to all of them, drawn at random, each draw in the next; by time the latest ones. Where
    they are too few to learn from, they are left out. All nets are trained side by side and kept nowhere; of a large
    table at most 20,000 rows are used. A generator of progress; an empty list if it was stopped early. Raises as
    `train.train` does.
    """
    random = np.random.default_rng(settings.seed)
    if len(table.frame) > MOST_ROWS:
        some = np.sort(random.choice(len(table.frame), MOST_ROWS, replace=False))
        table = replace(table, frame=table.frame.iloc[some].reset_index(drop=True))
    data = examples_of(table, target, task, groups, time)
    cases = _cases(data, folds, settings, random)
    encoders, rows = [one.encoder for one in cases], [one.train_rows for one in cases]
    x, parts = parts_of(data, encoders, rows, settings.val_share, settings.seed, quantiles=False)
    compute = options.compute
    if compute.precision == "auto":
        compute = replace(compute, precision="fp32")
    prepared = prepare(x, parts, data.classes, settings, compute, {"job": "tabular"})
    with TemporaryDirectory(prefix="seqlab-") as folder, use_threads(prepared.device_config.threads):
        own = RunOptions(Path(folder) / "curve", compute, stop=options.stop)
        keeper = yield from runs.run(prepared, own)
    if keeper is None:
        return []
    assert isinstance(prepared.model, BatchedMLP)
    return _points(data, cases, parts, prepared.model.best())


def _cases(data: Examples, folds: int, settings: TableSettings, random: np.random.Generator) -> list[Case]:
    """Of every fold each share of its rows, but for those that are too few in one of them."""
    rows, cases, too_few = np.arange(len(data.values)), list[Case](), set[int]()
    for train_rows, out in split_into(folds, len(rows), settings.seed, **data.about(rows)):
        order = random.permutation(train_rows)
        if data.time is not None:
            order = order[np.argsort(data.time[order], kind="stable")[::-1]]
        sizes = [max(FEWEST, round(share * len(order))) for share in SHARES]
        for step, (share, size) in enumerate(zip(SHARES, sizes, strict=True)):
            if size in sizes[step + 1 :]:  # the same rows again
                too_few.add(step)
                continue
            some = np.sort(order[:size])
            try:
                encoder = fit_encoder(data.inputs.iloc[some])[0]
                val_rows_of(data, some, settings.val_share, settings.seed)
            except DataError:  # nothing differs between them, or each is of another class
                if share == 1:
                    raise
                too_few.add(step)
                continue
            cases.append(Case(step, some, out, encoder))
    return [one for one in cases if one.step not in too_few]


def _points(data: Examples, cases: list[Case], parts: list[Part], nets: MLP) -> list[dict[str, Any]]:
    metric = "accuracy" if data.classes else "r2"
    found: list[list[float]] = [[] for _ in SHARES]
    counts: list[list[int]] = [[] for _ in SHARES]
    for number, (case, part) in enumerate(zip(cases, parts, strict=True)):
        predicted = outputs_in_units(nets.member(number), part.x[case.held_out], part.target)
        value = metrics_of(predicted, data.values[case.held_out], data.target)[metric]
        if value is not None:
            found[case.step].append(value)
            counts[case.step].append(len(case.train_rows))
    return [
        {
            "rows": round(mean(count)),
            metric: mean(values),
            "deviation": stdev(values) if len(values) > 1 else None,
            "nets": len(values),
        }
        for count, values in zip(counts, found, strict=True)
        if values
    ]

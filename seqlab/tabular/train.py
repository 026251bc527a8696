"""Training feedforward nets on a table, kept in a folder."""

import json
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np

from seqlab import checkpoint, runs
from seqlab import settings as all_settings
from seqlab.checkpoint import Checkpoint
from seqlab.data.contamination import fingerprint
from seqlab.data.tables.encoder import Encoder, fit_encoder
from seqlab.data.tables.leakage import leaks
from seqlab.data.tables.reader import Table
from seqlab.data.tables.target import Target
from seqlab.errors import CheckpointError
from seqlab.machine import use_threads
from seqlab.runs import RunOptions
from seqlab.settings import TableSettings
from seqlab.tabular.batched import BatchedMLP
from seqlab.tabular.duplicates import row_hashes
from seqlab.tabular.evaluate import run_metrics
from seqlab.tabular.examples import Examples, about, examples_of, labeled_rows
from seqlab.tabular.intervals import QUANTILES
from seqlab.tabular.parts import parts_of, split_rows
from seqlab.tabular.predictions import encode_rows
from seqlab.tabular.prepare import prepare
from seqlab.tabular.source import TableData, load_table
from seqlab.tasks import Event, Status

MEASURING = Status("measuring on rows that were held out, beside a constant and a linear model")


def train_mlp(
    data: TableData,
    target: str,
    options: RunOptions,
    given: dict[str, Any],
    *,
    task: str = "auto",
    folds: int | None = None,
    groups: str | None = None,
    time: str | None = None,
    test: TableData | None = None,
) -> Generator[Event, None, Checkpoint | None]:
    """Train on a file or a DataFrame, with what was `given` of the settings. Otherwise as `train`."""
    settings = all_settings.make(TableSettings, given)
    yield Status("reading the table")
    table = load_table(data)
    options = yield from runs.target_folder(options, table.name, given)
    other = None if test is None else load_table(test, table.written)
    options = replace(options, source=checkpoint.source_of(data, *([] if test is None else [test])))
    yield from about(table, target, task=task, groups=groups, time=time, test=other)
    return (
        yield from train(table, target, settings, options, task=task, folds=folds, groups=groups, time=time, test=other)
    )


def train(
    table: Table,
    target: str,
    settings: TableSettings,
    options: RunOptions,
    *,
    task: str = "auto",
    folds: int | None = None,
    groups: str | None = None,
    time: str | None = None,
    test: Table | None = None,
) -> Generator[Event, None, Checkpoint | None]:
    """Train a net that predicts column `target` from the others; the checkpoint's metrics are of rows held out.

    task: classification, regression, or auto. folds: every row is held out once (by time: all but the first), and the
    net that is kept learns from all rows; without them a fifth is held out, or the rows of `test` are. groups: a column
    whose equal values stay on one side; time: one by whose order the rows held out come after those learned from.
    Neither is an input. A generator of the run's progress that returns the finished checkpoint, or None if it was
    stopped early. How long: until no net gets better on its validation rows, or as settings and options say at most.
    Raises UsageError for a column that is not there, DataError for a table that cannot be learned from,
    CheckpointError if the folder holds something else.
    """
    saved, compute = None, options.compute
    if options.resume:
        assert options.folder is not None
        saved, settings, compute = runs.reopen(options.folder, "tabular", TableSettings)
        began = _began_with(saved, table, test, target=target, folds=folds, groups=groups, time=time)
        target, folds, groups, time = began["target"], began["folds"], began["groups"], began["time"]
        task = saved.config["task"]
    elif compute.precision == "auto":
        compute = replace(compute, precision="fp32")  # too small a net to gain by bf16
    data = examples_of(table, target, task, groups, time)
    splits = split_rows(data, folds, test is not None, settings.seed)
    fitted = [fit_encoder(data.inputs.iloc[rows]) for rows, _ in splits]
    encoders = [encoder for encoder, _ in fitted]
    x, parts = parts_of(data, encoders, [rows for rows, _ in splits], settings.val_share, settings.seed)
    tested = None if test is None else _encoded(test, data.target, encoders[-1])  # now, for it may not fit
    config = {
        **_about_data(data, splits[-1][0], [*(column.name for column in encoders[-1].columns), target]),
        "task": data.target.task,
        "target": parts[-1].target.to_dict(),
        "encoder": encoders[-1].to_dict(),
        "split": {
            "folds": folds,
            "groups": groups,
            "time": time,
            "test": None if test is None else test.sha256,
            "held_out": encode_rows(splits[-1][1], len(data.values)) if len(splits[-1][1]) else None,
        },
        "notes": [*table.notes, *data.notes, *fitted[-1][1], *leaks(table.frame, target)],
    }
    _check_same(saved, config)
    prepared = prepare(x, parts, data.classes, settings, compute, config)
    with use_threads(prepared.device_config.threads):
        keeper = yield from runs.run(prepared, options, saved)
        if keeper is None:
            return None
        assert isinstance(prepared.model, BatchedMLP)
        yield MEASURING
        return keeper.finish(run_metrics(data, prepared.model.best(), splits, parts, tested))


def _encoded(table: Table, target: Target, encoder: Encoder) -> tuple[np.ndarray, np.ndarray]:
    """The inputs (N, features) and targets (N,) of the labeled rows of another table."""
    frame, truth = labeled_rows(table, target)
    return encoder.encode(frame), truth


def _about_data(data: Examples, train_rows: np.ndarray, names: list[str]) -> dict[str, Any]:
    """What the checkpoint notes of the table; names: the columns by which its rows are recognized."""
    table = data.table
    hashes = row_hashes(table.frame, names)[table.frame[data.target.name].notna().to_numpy()]
    return {
        "job": "tabular",
        "data": {"name": table.name, "sha256": table.sha256, "rows": len(data.values), "written": table.written},
        "learnt": fingerprint(hashes[train_rows]),
    }


def _began_with(saved: Checkpoint, table: Table, test: Table | None, **given: Any) -> dict[str, Any]:
    """The target, folds, groups and time of a run that is to be resumed. Raises CheckpointError where it was begun with
    another table or test rows, or with others of these than are given (None: any)."""
    if saved.config["data"]["sha256"] != table.sha256:
        raise CheckpointError(
            f"{saved.folder} was trained on another table than this '{table.name}'",
            "resume with the one it was trained on, or write elsewhere with -o FOLDER",
        )
    split = saved.config["split"]
    if split["test"] != (None if test is None else test.sha256):
        raise CheckpointError(
            f"{saved.folder} was begun with {'other' if split['test'] else 'no'} test rows",
            "resume with the --test file that it began with" if split["test"] else "resume without --test",
        )
    began = {"target": saved.config["target"]["name"], **{name: split[name] for name in ("folds", "groups", "time")}}
    for name, value in given.items():
        if value is not None and value != began[name]:
            raise CheckpointError(
                f"{saved.folder} began with {name} {began[name]}, not {value}",
                "resume with the options that it began with, or write elsewhere with -o FOLDER",
            )
    return began


def _check_same(saved: Checkpoint | None, config: dict[str, Any]) -> None:
    """Raise CheckpointError where a run that is to be resumed has split, encoded or learned its table otherwise."""
    if saved is None:
        return
    again = json.loads(json.dumps({name: config[name] for name in ("encoder", "split")}))
    outputs = len(config["target"]["classes"]) or 1 + len(QUANTILES)
    if saved.config["model"]["outputs"] != outputs or any(saved.config[name] != one for name, one in again.items()):
        raise CheckpointError(
            f"{saved.folder} was begun by a version of seqlab that splits, encodes or learns this table differently",
            "start again with --overwrite, or write elsewhere with -o FOLDER",
        )

"""A trained net for tables as a library user holds it: it predicts rows, is evaluated, and says what it depends on."""

import warnings
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from seqlab.checkpoint import Checkpoint, rebuilt, source_at
from seqlab.checkpoint.nets import net_of
from seqlab.data.contamination import CHANCE, contamination
from seqlab.data.tables.encoder import Encoder
from seqlab.data.tables.reader import Table
from seqlab.data.tables.target import Target
from seqlab.errors import CheckpointError, DataError, UsageError
from seqlab.export import export
from seqlab.machine import Compute, use_threads
from seqlab.models.mlp import MLP
from seqlab.results import Evaluation
from seqlab.tabular.batched import BatchedMLP
from seqlab.tabular.duplicates import row_hashes
from seqlab.tabular.evaluate import Metrics, metrics_of
from seqlab.tabular.examples import labeled_rows, unlabeled
from seqlab.tabular.graph import graph
from seqlab.tabular.importance import importance
from seqlab.tabular.intervals import Intervals, coverage, crossed
from seqlab.tabular.predictions import Predictions, decode_rows, labels_of, outputs_in_units, quantiles_of
from seqlab.tabular.source import TableData, load_table
from seqlab.tasks import Event, Note, Status, Task

ENTRIES = {"model": dict, "parts": int, "quantile_parts?": int, "encoder": dict, "target": dict, "split": dict}
ENTRIES |= {"data.sha256": str, "data.written?": dict, "notes?": list, "learnt?": str}
LEVEL, SHUFFLES = 0.9, 5  # of the intervals of numbers, and of a column for its importance


@dataclass(frozen=True)
class TableModel:
    """A net, what its inputs and its output mean, and its intervals of numbers.

    Rows are a file or a DataFrame; their columns are found by name, in any order, and others are ignored. compute: what
    it is to compute with; by default what this machine is best at.
    """

    checkpoint: Checkpoint
    net: MLP
    encoder: Encoder
    target: Target
    intervals: Intervals
    spread: MLP | None = None  # the net of the quantiles that they are made of
    compute: Compute = Compute()

    @classmethod
    def of(cls, saved: Checkpoint, compute: Compute = Compute()) -> "TableModel":
        """The model of a checkpoint. Raises CheckpointError if it is of another job, or damaged."""
        if saved.config["job"] != "tabular":
            raise CheckpointError(
                f"checkpoint '{saved.name}' is no model of a table: its job is {saved.config['job']}",
                "see `seqlab checkpoints list` for those of tables",
            )
        return rebuilt(saved, lambda now: cls._of(now, compute), ENTRIES)

    @classmethod
    def _of(cls, saved: Checkpoint, compute: Compute) -> "TableModel":
        config = saved.config
        nets = net_of(saved, lambda: BatchedMLP(MLP(**config["model"]), config["parts"]))
        metrics = config.get("metrics", {})
        if "intervals" in metrics:
            intervals = Intervals.from_dict(metrics["intervals"])
        else:  # of classes, of a run that has not come to its end, or of nets that learned no quantiles
            intervals = Intervals.of_one_width(metrics.get("widths", {}))
        encoder, target = Encoder.from_dict(config["encoder"]), Target.from_dict(config["target"])
        inputs, outputs = config["model"]["input_size"], config["model"]["outputs"]
        if len(encoder.features) > inputs or len(target.classes) not in (0, outputs):
            raise ValueError("the columns are not those of the net")
        best, told = nets.best(), config.get("quantile_parts", 0)
        spread = best.member(config["parts"] - 1) if told else None
        return cls(saved, best.member(config["parts"] - told - 1), encoder, target, intervals, spread, compute)

    def predict(self, rows: TableData) -> pd.Series:
        """The predictions, named as the target and with the index of a DataFrame given: numbers, or classes as pandas
        reads a column of them (numbers, booleans or text). Warns of what is filled in where entries are missing. Raises
        DataError for a column that is not there."""
        found = self._outputs(self._read_and_warn(rows).frame)
        if self.target.classes:
            found = labels_of(self.target.classes)[found.argmax(1)].to_numpy()
        return pd.Series(found, _index(rows), name=self.target.name)

    def predict_proba(self, rows: TableData) -> pd.DataFrame:
        """The probability of each class, a column for each. Raises UsageError where the target is a number."""
        if not self.target.classes:
            raise UsageError(
                f"'{self.target.name}' is a number, which has no classes", "use predict_frame() for intervals"
            )
        found = self._outputs(self._read_and_warn(rows).frame)
        return pd.DataFrame(found, _index(rows), columns=labels_of(self.target.classes))

    def predict_frame(self, rows: TableData, level: float | None = None) -> Predictions:
        """Predictions with the probability of each class, or the ends of an interval.

        level: how many of the intervals of numbers hold the outcome; by default 0.9, or less where too few rows were
        held out in training. Raises UsageError for a level that the checkpoint cannot give.
        """
        return self.predict_task(rows, level).result()

    def predict_task(self, rows: TableData, level: float | None = None) -> Task[Predictions]:
        """`predict_frame`, with notes on the rows."""
        return Task(self._predictions(rows, level))

    def _predictions(self, rows: TableData, level: float | None) -> Generator[Event, None, Predictions]:
        table = self._read(rows)
        notes = [*table.notes, *self._filled(table)]
        for note in notes:
            yield Note(f"  {note}")
        columns: dict[str, Any]
        if self.target.classes:
            found, names = self._outputs(table.frame), self.target.classes
            columns = {"prediction": [names[number] for number in found.argmax(1)]}
            columns |= {f"probability {name}": found[:, number] for number, name in enumerate(names)}
            return Predictions(self.checkpoint.name, pd.DataFrame(columns, _index(rows)), None, tuple(notes))
        if level is None:
            level = max((one for one in self.intervals.moves if one <= LEVEL), default=LEVEL)
            if level != LEVEL:
                notes.append(f"too few rows were held out for intervals of {LEVEL:.0%}: these are of {level:.0%}")
                yield Note(f"  {notes[-1]}")
        if level not in self.intervals.moves:
            raise UsageError(
                f"'{self.checkpoint.name}' has no intervals of level {level:g}",
                f"it has those of {', '.join(f'{one:g}' for one in self.intervals.moves) or 'none'}",
            )
        found, quantiles = self._with_quantiles(table.frame)
        low, high = self.intervals.ends(found, quantiles)[level]
        columns = {"prediction": found, "low": low, "high": high}
        return Predictions(self.checkpoint.name, pd.DataFrame(columns, _index(rows)), level, tuple(notes))

    def score(self, rows: TableData) -> float:
        """The accuracy, or R2, on rows whose target is known, all of them, as scikit-learn's estimators have it."""
        metrics = self._metrics(load_table(rows, self._written))
        return float(metrics["accuracy" if self.target.classes else "r2"])

    def importance(self, rows: TableData, repeats: int = SHUFFLES, seed: int = 0) -> pd.DataFrame:
        """By how much the accuracy, or R2, falls when a column is shuffled between the rows: `column`, `importance`
        (the mean over `repeats` shuffles) and `deviation` between them, the most important first.

        Of at most 10,000 rows. Columns that say the same share their importance. Raises DataError for fewer than two
        rows with a target.
        """
        return pd.DataFrame(self._importance(load_table(rows, self._written), repeats, seed))

    def evaluate(self, data: TableData | None = None) -> Evaluation:
        """How well it predicts rows whose target is known, and which columns it depends on: `class_metrics`,
        `number_metrics` and `importance` say what the figures are; of numbers `coverage` too, how many lie in the
        intervals of each level, and `coverage_by_fifth`, of the prediction. Of the rows that made the intervals each
        fifth is covered by intervals that the others make.

        data: of the table that it was trained on those rows are taken that were held out. Raises DataError for a class
        it does not know, and where it learned from every row.
        """
        return self.evaluate_task(data).result()

    def evaluate_task(self, data: TableData | None = None) -> Task[Evaluation]:
        """`evaluate`, with notes on the rows."""
        return Task(self._evaluate(data))

    def _evaluate(self, data: TableData | None) -> Generator[Event, None, Evaluation]:
        own = data is None
        if data is None:
            data = source_at(self.checkpoint, "a file of yours")["paths"][-1]  # the test rows, where there were such
            yield Note(f"read again from {data}")
        yield Status("reading the table")
        whole = load_table(data, self._written)
        rows = self.held_out(whole)
        known = (self.checkpoint.config["data"]["sha256"], self.checkpoint.config["split"]["test"])
        if own and whole.sha256 not in known:
            yield Note("  it is not as it was in training: all of it is measured")
        what = "held out in training" if rows is not whole else "all of it"
        yield Note(f"{rows.name}: {len(rows.frame):,} rows, {what}")
        learned = self._share_learned_from(rows)
        if learned > CHANCE:
            yield Note(f"  {learned:.0%} of these rows were trained on, value for value: the figures are too good")
        left_out = unlabeled(rows, self.target.name) if self.target.name in rows.frame else []
        for note in (*rows.notes, *left_out, *self.encoder.filled(rows.frame)):
            yield Note(f"  {note}")
        yield Status("measuring which columns it depends on")
        metrics = self._metrics(rows) | {"importance": self._importance(rows, SHUFFLES, 0)}
        return Evaluation(self.checkpoint.name, rows.name, metrics)

    def held_out(self, table: Table) -> Table:
        """The rows to evaluate it on: of the table that it was trained on those that were held out, of another all.

        Raises DataError where it learned from every row.
        """
        config = self.checkpoint.config
        if table.sha256 != config["data"]["sha256"]:
            return table
        rows = config["split"]["held_out"]
        if rows is None:
            raise DataError(
                f"the model was trained on every row of {table.name}",
                "the checkpoint has the figures of its folds or test rows: see `seqlab checkpoints show`; "
                "or name a file of other rows",
            )
        known = table.frame[table.frame[self.target.name].notna()]
        return Table(table.name, known.iloc[decode_rows(rows)].reset_index(drop=True), table.sha256, table.notes)

    def export(self, folder: str | Path, *, onnx: bool = False) -> Checkpoint:
        """Write it to a new folder in half precision, with a model card; onnx: and as `model.onnx`, see `export`."""
        return export(self.checkpoint, folder, graph(self.encoder, self.net, self.target) if onnx else None)

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab train-mlp --json` prints last."""
        return self.checkpoint.summary()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was repaired, left out or looks like leakage in the table that it was trained on, a sentence each."""
        return tuple(self.checkpoint.config.get("notes", ()))

    def __repr__(self) -> str:
        return self.checkpoint.in_words("TableModel")

    def _repr_html_(self) -> str:
        return self.checkpoint.to_html()

    @property
    def _written(self) -> dict[str, str]:
        """How the columns of the table were written that it learned from: for `load_table`."""
        return self.checkpoint.config["data"].get("written", {})

    def _read(self, rows: TableData) -> Table:
        return load_table(rows, self._written)

    def _read_and_warn(self, rows: TableData) -> Table:
        table = self._read(rows)
        for note in self._filled(table):
            warnings.warn(note, stacklevel=3)
        return table

    def _filled(self, table: Table) -> list[str]:
        """What is filled in where entries are missing or unlike those of training, and which columns say nothing."""
        split = self.checkpoint.config["split"]
        used = {column.name for column in self.encoder.columns} | {self.target.name, split["groups"], split["time"]}
        others = [str(name) for name in table.frame if name not in used and str(name) not in self._written]
        notes = self.encoder.filled(table.frame)
        if others:
            more = f" and {len(others) - 10:,} more" if others[10:] else ""
            notes.append(f"columns that the model does not use: {', '.join(others[:10])}{more}")
        return notes

    def _outputs(self, frame: pd.DataFrame) -> np.ndarray:
        """Probabilities (N, classes), or numbers (N,) in the target's units."""
        device_config = self.compute.resolve(self.checkpoint.config["parameters"])
        with use_threads(device_config.threads):
            return outputs_in_units(self.net.to(device_config.device), self.encoder.encode(frame), self.target)

    def _with_quantiles(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Numbers (N,) in the target's units, and what `Intervals.ends` takes beside them."""
        device_config, x = self.compute.resolve(self.checkpoint.config["parameters"]), self.encoder.encode(frame)
        with use_threads(device_config.threads):
            found = outputs_in_units(self.net.to(device_config.device), x, self.target)
            if self.spread is None:
                return found, found[:, None]
            return found, quantiles_of(self.spread.to(device_config.device), x)

    def _metrics(self, table: Table) -> Metrics:
        frame, truth = labeled_rows(table, self.target)
        if self.target.classes:
            return metrics_of(self._outputs(frame), truth, self.target)
        found, quantiles = self._with_quantiles(frame)
        config = self.checkpoint.config
        made_by = config["data"]["sha256"] if config["split"]["test"] is None else config["split"]["test"]
        if table.sha256 == made_by and config["split"]["folds"] is None:
            covered = crossed(self.intervals, found, quantiles, truth)
        else:
            covered = coverage(self.intervals.ends(found, quantiles), found, truth)
        return metrics_of(found, truth, self.target) | covered

    def _importance(self, table: Table, repeats: int, seed: int) -> list[dict[str, Any]]:
        if repeats < 2:
            raise UsageError(f"the deviation between shuffles needs 2 or more, not {repeats}", "use repeats=5")
        frame, truth = labeled_rows(table, self.target)
        if len(frame) < 2:
            raise DataError(f"{len(frame)} rows of {table.name} have a '{self.target.name}'", "use more rows")
        device_config = self.compute.resolve(self.checkpoint.config["parameters"])
        net = self.net.to(device_config.device)
        with use_threads(device_config.threads):
            return importance(net, self.encoder, self.target, frame, truth, repeats=repeats, seed=seed)

    def _share_learned_from(self, table: Table) -> float:
        """How many of the table's rows it learned from, value for value, from 0 to 1; of many rows an estimate."""
        names = [*(column.name for column in self.encoder.columns), self.target.name]
        if any(name not in table.frame for name in names):
            return 0.0
        return contamination(row_hashes(table.frame, names), self.checkpoint.config.get("learnt", ""))


def _index(rows: TableData) -> pd.Index | None:
    return rows.index if isinstance(rows, pd.DataFrame) else None

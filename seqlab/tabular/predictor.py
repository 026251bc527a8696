"""A trained net that tells a column of a table from the others, and what its numbers mean."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from seqlab.checkpoint import Checkpoint
from seqlab.data.contamination import share_seen
from seqlab.data.tables.encoder import Encoder
from seqlab.data.tables.reader import Table
from seqlab.data.tables.target import Target
from seqlab.errors import CheckpointError, DataError, UsageError
from seqlab.machine import DeviceConfig, use_threads
from seqlab.models.mlp import MLP
from seqlab.tabular.batched import Members, outputs_of
from seqlab.tabular.duplicates import row_hashes
from seqlab.tabular.metrics import measure_classes, measure_numbers
from seqlab.tabular.prepare import known_rows

LEVELS = (0.5, 0.8, 0.9, 0.95)  # of the intervals that a checkpoint can give


@dataclass(frozen=True)
class Predictor:
    """A net, what its inputs and its output mean, and half the width of its intervals by level (in its units)."""

    checkpoint: Checkpoint
    model: MLP
    encoder: Encoder
    target: Target
    widths: dict[float, float]

    @property
    def written(self) -> dict[str, str]:
        """How the columns of the table were written that it learnt from: for `read_table`."""
        return self.checkpoint.config["data"].get("written", {})

    def outputs(self, frame: pd.DataFrame, chosen: DeviceConfig) -> np.ndarray:
        """Rows -> probabilities (N, classes), or numbers (N,) in the target's units."""
        with use_threads(chosen.threads):
            return in_words(self.model.to(chosen.device), self.encoder.encode(frame), self.target)


def in_words(net: MLP, x: np.ndarray, target: Target) -> np.ndarray:
    """What one net says of x (N, features): probabilities (N, classes), or numbers (N,) in the target's units."""
    wide = net.weights[0].shape[1]
    if x.shape[1] < wide:  # beside parts of the table that had more categories
        x = np.pad(x, ((0, 0), (0, wide - x.shape[1])))
    found = outputs_of(net.eval(), torch.from_numpy(x)[None].to(net.weights[0].device))[0].double().cpu()
    if target.classes:
        return found.softmax(1).numpy()
    return found[:, 0].numpy() * target.deviation + target.mean


def half_widths(errors: np.ndarray) -> dict[str, float]:
    """Of |errors| (N,) of rows not learnt from, the one that covers a new row with probability LEVEL at least, if it is
    like them (split conformal; Lei et al. 2018). A level that takes more rows than there are is left out."""
    ordered, count = np.sort(np.abs(errors)), len(errors)
    ranks = {level: int(np.ceil((count + 1) * level)) for level in LEVELS}
    return {str(level): float(ordered[rank - 1]) for level, rank in ranks.items() if rank <= count}


def load(saved: Checkpoint) -> Predictor:
    """The predictor of a checkpoint. Raises CheckpointError if it is of another job, or damaged."""
    config = saved.config
    if config["job"] != "tabular":
        raise CheckpointError(
            f"checkpoint '{saved.name}' is no model of a table: its job is {config['job']}",
            "see `seqlab checkpoints list` for those of tables",
        )
    members = Members(MLP(**config["model"]), config["parts"])
    members.load_state_dict(saved.weights())
    net = members.best().member(config["parts"] - 1)
    widths = {float(level): width for level, width in config.get("metrics", {}).get("widths", {}).items()}
    return Predictor(saved, net, Encoder.from_dict(config["encoder"]), Target.from_dict(config["target"]), widths)


def held_out(predictor: Predictor, table: Table) -> Table:
    """The rows to measure it on: of the table that it was trained on those that were held out, of another all.

    Raises DataError where it learnt from every row.
    """
    config = predictor.checkpoint.config
    if table.sha256 != config["data"]["sha256"]:
        return table
    rows = config["split"]["held_out"]
    if rows is None:
        raise DataError(
            f"every row of {table.name} was learnt from",
            "the checkpoint has the figures of its folds or test rows: see `seqlab checkpoints show`; "
            "or name a file of other rows",
        )
    known = table.frame[table.frame[predictor.target.name].notna()]
    return Table(table.name, known.iloc[_decode(rows)].reset_index(drop=True), table.sha256, table.notes)


def seen(predictor: Predictor, table: Table) -> float:
    """How many of the table's rows it learnt from, entry for entry, from 0 to 1; of many rows an estimate."""
    names = [*(column.name for column in predictor.encoder.columns), predictor.target.name]
    if any(name not in table.frame for name in names):
        return 0.0
    return share_seen(row_hashes(table.frame, names), predictor.checkpoint.config.get("learnt", ""))


def evaluate(predictor: Predictor, table: Table, chosen: DeviceConfig) -> dict[str, Any]:
    """What it makes of rows whose target is known: see `measure_classes` and `measure_numbers`; of numbers `coverage`
    too, how many lie in the intervals of each level, unless these are the rows whose errors made the intervals. Raises
    DataError for a class it does not know."""
    frame, truth = known_rows(table, predictor.target)
    found = predictor.outputs(frame, chosen)
    if predictor.target.classes:
        return measure_classes(found, truth, predictor.target.classes)
    config = predictor.checkpoint.config
    made_by = config["data"]["sha256"] if config["split"]["test"] is None else config["split"]["test"]
    if table.sha256 == made_by and config["split"]["folds"] is None:
        return measure_numbers(found, truth)
    inside = {str(level): float((np.abs(truth - found) <= width).mean()) for level, width in predictor.widths.items()}
    return measure_numbers(found, truth) | {"coverage": inside}


def predict(predictor: Predictor, table: Table, chosen: DeviceConfig, *, level: float = 0.9) -> pd.DataFrame:
    """A row for each of the table's: its `prediction`, and `probability CLASS` of each class, or `low` and `high`, the
    ends of the interval of that level. Raises UsageError for a level that the checkpoint cannot give."""
    found = predictor.outputs(table.frame, chosen)
    if predictor.target.classes:
        names = predictor.target.classes
        first = pd.DataFrame({"prediction": [names[number] for number in found.argmax(1)]})
        return first.join(pd.DataFrame(found, columns=[f"probability {name}" for name in names]))
    if level not in predictor.widths:
        raise UsageError(
            f"'{predictor.checkpoint.name}' has no intervals of level {level:g}",
            f"it has those of {', '.join(f'{one:g}' for one in predictor.widths) or 'none'}",
        )
    width = predictor.widths[level]
    return pd.DataFrame({"prediction": found, "low": found - width, "high": found + width})


def encode_rows(rows: np.ndarray, count: int) -> str:
    """Ascending row numbers below `count` as hexadecimal bits: a quarter of a character for each row of the table."""
    bits = np.zeros(count, bool)
    bits[rows] = True
    return np.packbits(bits).tobytes().hex()


def _decode(text: str) -> np.ndarray:
    return np.flatnonzero(np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8)))

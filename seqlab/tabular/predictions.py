"""What a net predicts for rows, in the target's own terms: classes and their probabilities, numbers and intervals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from seqlab.data.tables.target import Target
from seqlab.formatting import html_table
from seqlab.models.mlp import MLP
from seqlab.tabular.batched import outputs_of

SHOWN = 10  # rows, in a notebook


@dataclass(frozen=True)
class Predictions:
    """frame: a row for each of the table's, its `prediction`, and `probability CLASS` of each class, or `low` and
    `high`, the ends of the interval of that level; None for classes. notes: what was repaired and filled in, a sentence
    each."""

    checkpoint: str
    frame: pd.DataFrame
    level: float | None
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        return self.frame

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab predict --json` prints."""
        level = {} if self.level is None else {"level": self.level}
        return {"checkpoint": self.checkpoint, **level, "predictions": self.frame.to_dict("records")}

    def _repr_html_(self) -> str:
        rows = self.frame.head(SHOWN).to_numpy(object).tolist()
        said = " ".join([f"{len(self.frame):,} rows", *(f"Note: {note}." for note in self.notes)])
        return html_table(self.checkpoint, [str(name) for name in self.frame], rows, said)


def outputs_in_units(net: MLP, x: np.ndarray, target: Target) -> np.ndarray:
    """What one net predicts from x (N, features): probabilities (N, classes), or numbers (N,) in the target's units."""
    return _predicted(_outputs(net, x), target)


def quantiles_of(net: MLP, x: np.ndarray) -> np.ndarray:
    """The quantiles (N, QUANTILES) that a net has learned, ascending, in the terms of its scale."""
    outputs = _outputs(net, x)
    return np.sort(outputs[:, :1] + outputs[:, 1:], 1)


def _outputs(net: MLP, x: np.ndarray) -> np.ndarray:
    """float64 (N, outputs)."""
    wide = net.weights[0].shape[1]
    if x.shape[1] < wide:  # beside parts of the table that had more categories
        x = np.pad(x, ((0, 0), (0, wide - x.shape[1])))
    return outputs_of(net.eval(), torch.from_numpy(x)[None].to(net.weights[0].device))[0].double().cpu().numpy()


def _predicted(outputs: np.ndarray, target: Target) -> np.ndarray:
    if target.classes:
        return torch.from_numpy(outputs).softmax(1).numpy()
    found = outputs[:, 0] * target.deviation + target.mean
    return found if target.floor is None else np.maximum(found, target.floor)


def labels_of(classes: tuple[str, ...]) -> pd.Index:
    """The classes as pandas reads a column of them: numbers, booleans, or text."""
    if set(classes) == {"false", "true"}:
        return pd.Index([name == "true" for name in classes])
    try:
        return pd.Index(pd.to_numeric(pd.Series(classes)))
    except ValueError:
        return pd.Index(classes)


def encode_rows(rows: np.ndarray, count: int) -> str:
    """Ascending row numbers below `count` as hexadecimal bits: a quarter of a character for each row of the table."""
    bits = np.zeros(count, bool)
    bits[rows] = True
    return np.packbits(bits).tobytes().hex()


def decode_rows(text: str) -> np.ndarray:
    return np.flatnonzero(np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8)))

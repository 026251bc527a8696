"""A trained net that tells a column of a table from the others, and what its numbers mean."""

from dataclasses import dataclass

import pandas as pd

from seqlab.checkpoint import Checkpoint
from seqlab.data.table import Table
from seqlab.machine import Resolved

LEVELS = (0.5, 0.8, 0.9, 0.95)  # of the intervals that a checkpoint can give


@dataclass(frozen=True)
class Predictor:
    """A net and what its inputs and outputs mean."""


def load(saved: Checkpoint) -> Predictor:
    """The predictor of a checkpoint. Raises CheckpointError if it is of another job, or damaged."""
    raise NotImplementedError


def held_out(predictor: Predictor, table: Table) -> Table:
    """The rows of the table that it was trained on that were held out, if it is that table, else all rows.

    Raises DataError where none were.
    """
    raise NotImplementedError


def predict(predictor: Predictor, table: Table, chosen: Resolved, *, level: float = 0.9) -> pd.DataFrame:
    """A row for each of the table's: its `prediction`, and `probability CLASS` of each class, or `low` and `high`."""
    raise NotImplementedError

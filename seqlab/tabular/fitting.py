"""Training feedforward nets on a table, kept in a folder."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from seqlab import training
from seqlab.checkpoint import Checkpoint
from seqlab.data.table import Table
from seqlab.machine import Compute
from seqlab.training import Progress


@dataclass(kw_only=True)
class TableSettings(training.Settings):
    """The training of a feedforward net on a table."""

    hidden_size: int = 100
    num_layers: int = 1  # of hidden units; 0: a linear model
    activation: str = "relu"  # or gelu, tanh, sigmoid
    dropout: float = 0.0
    loss: str = "auto"  # cross_entropy for classes; squared or distance for numbers
    class_weights: bool = False  # every class counts alike, however few its rows
    l2: float = 0.0  # times the sum of squared weights, added to the loss; biases are left out
    val_share: float = 0.2  # of the rows to train on: their loss says when to stop
    patience: int = 10  # evaluations without a lower loss that end the run


def describe(
    table: Table,
    target: str,
    *,
    task: str = "auto",
    groups: str | None = None,
    time: str | None = None,
) -> list[str]:
    """What is to be said before training, a sentence each: the task and why, rows left out, columns dropped or made
    anew, and what looks like a leak."""
    raise NotImplementedError


def train(
    table: Table,
    target: str,
    folder: Path,
    settings: TableSettings,
    *,
    task: str = "auto",
    folds: int | None = None,
    groups: str | None = None,
    time: str | None = None,
    test: Table | None = None,
    compute: Compute = Compute(),
    minutes: float | None = None,
    epochs: float | None = None,
    resume: bool = False,
    command: str = "",
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, Checkpoint | None]:
    """Train a net that tells column `target` from the others; the checkpoint's metrics are of rows held out.

    task: classification, regression, or auto. folds: every row is held out once, and the net that is kept learns from
    all rows; without them a fifth is held out, or the rows of `test` are. groups: a column whose equal values stay
    on one side; time: one by whose order the rows held out come after those trained on. Neither is an input.
    """
    raise NotImplementedError
    yield

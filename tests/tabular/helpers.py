"""What the tests of tables share: scikit-learn's own tables, and training on one."""

from pathlib import Path
from typing import Any

from sklearn import datasets

from seqlab.checkpoint import Checkpoint
from seqlab.data.tables.reader import Table
from seqlab.machine import Compute
from seqlab.runs import RunOptions
from seqlab.settings import TableSettings
from seqlab.tabular import train
from seqlab.tasks import Task

FP32 = Compute("cpu", "fp32", 1)
RUN = ("resume", "stop", "epochs", "minutes")


def table(name: str) -> Table:
    """One of scikit-learn's own; classes are named."""
    data = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = data.frame
    if "target_names" in data:
        frame["target"] = [f"kind {data.target_names[number]}" for number in frame["target"]]
    return Table(name, frame, name.ljust(64, "0"), ())


def training(data: Table, folder: Path, target: str = "target", **options: Any) -> Task[Checkpoint | None]:
    """options: those of a run, settings, and what `train` takes beside them."""
    run = {name: options.pop(name) for name in RUN if name in options}
    settings = {name: options.pop(name) for name in list(options) if hasattr(TableSettings, name)}
    made = RunOptions(folder=folder, compute=FP32, **run)
    return Task(train.train(data, target, TableSettings(**settings), made, **options))


def trained(data: Table, folder: Path, **options: Any) -> Checkpoint:
    done = training(data, folder, **options).result()
    assert done is not None
    return done

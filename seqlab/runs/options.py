"""What is asked of a training run, and what a job prepares for it."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seqlab.checkpoint import Source
from seqlab.machine import Compute, DeviceConfig
from seqlab.settings import Settings
from seqlab.training import Batches, Cost, Objective, Validate
from seqlab.training.schedules import Schedule, warmup_cosine


def _never() -> bool:
    return False


@dataclass(frozen=True)
class RunOptions:
    """How a training run is carried out, whatever is trained.

    folder: where it is kept; None: CHECKPOINTS/NAME, see `target_folder`. epochs, minutes: how long, where the settings
    do not say it in steps. resume: continue what is in the folder, with the settings saved there. overwrite: replace
    it. command: what repeats the run, noted in the checkpoint. stop: asked after every step; once it says yes the run
    is saved and ends, to be resumed. source: where the data lie, as the job says, see `checkpoint.source_of`.
    """

    folder: Path | None = None
    compute: Compute = Compute()
    epochs: float | None = None
    minutes: float | None = None
    resume: bool = False
    overwrite: bool = False
    command: str = ""
    stop: Callable[[], bool] = _never
    source: Source | None = None


@dataclass(frozen=True)
class Prepared:
    """What a job makes of its data: all of a run but its length.

    config: what the checkpoint says beside settings, parameters and what it was computed with. validate: see
    `training.fit`; so are patience and save_seconds. epochs, minutes: the length where none is asked for. cost: see
    `training.Budget`; None: a step costs as much at the end as at the beginning. measuring: of a run of so many seconds
    those that the last measurement will take. on_length: called with the number of steps, before the first and whenever
    it has changed.
    """

    model: nn.Module
    objective: Objective
    batches: Batches
    optimizer: torch.optim.Optimizer
    settings: Settings
    device_config: DeviceConfig
    config: dict[str, Any]
    validate: Validate | None = None
    schedule: Schedule = warmup_cosine
    averaging: float = 0.0
    patience: int | None = None
    save_seconds: float = 0.0
    epochs: float | None = None
    minutes: float | None = None
    cost: Cost | None = None
    measuring: Callable[[float], float] | None = None
    on_length: Callable[[int], None] | None = None


def names() -> set[str]:
    """Those of RunOptions, for a function that takes them as keyword arguments; the source is the job's to say."""
    return {one.name for one in dataclasses.fields(RunOptions)} - {"source"}

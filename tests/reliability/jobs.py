"""The four jobs, each so small that a run takes a second, and processes that really end."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from seqlab import checkpoint, forecasting, language, vision
from seqlab.checkpoint import Checkpoint
from seqlab.data.images.image_set import ImageSet
from seqlab.data.series.series import Series
from seqlab.data.tables.reader import Table
from seqlab.data.text.corpus import Corpus
from seqlab.machine import Compute
from seqlab.runs import RunOptions
from seqlab.settings import ForecastSettings, LanguageSettings, TableSettings, VisionSettings
from seqlab.tabular import prepare as tabular_prepare
from seqlab.tabular import train as tabular
from seqlab.tasks import Task
from tests.conftest import made_up_code

ONE = Compute("cpu", "fp32", 1)
tabular_prepare.SAVE_SECONDS = 0.0  # a save at every evaluation: ten seconds are longer than a test


def _series() -> list[Series]:
    random = np.random.default_rng(0)
    days = np.arange(np.datetime64("2015-01-01"), np.datetime64("2017-06-01"))
    days = days[np.is_busday(days)]
    close = 100 * np.exp(np.cumsum(0.01 * random.normal(size=len(days))))
    unknown = np.full(len(days), np.nan)
    return [Series("MADE", "file", "made up", days, close, close, unknown, unknown, unknown, unknown)]


def _images() -> ImageSet:
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (48, 3, 12, 12), generator=random, dtype=torch.uint8)
    labels = torch.arange(48) % 2
    return ImageSet("made", "here", ("one", "other"), images, labels, images[:8], labels[:8], "0" * 64)


def _table() -> Table:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=80), "b": random.normal(size=80)})
    frame["y"] = np.where(frame["a"] + random.normal(size=80) > 0, "yes", "no")
    return Table("made", frame, "0" * 64, ())


def start(job: str, folder: Path, **options: Any) -> "Task[Checkpoint | None]":
    """A training of `job` in a folder. options: those of a run, and `lr`."""
    rate = {"lr": options.pop("lr")} if "lr" in options else {}
    run = RunOptions(folder, options.pop("compute", ONE), command="seqlab", **options)
    if job == "language":
        small = {"hidden_size": 8, "embedding_size": 4, "num_layers": 1, "dropout": 0.3, "batch_size": 4, "seq_len": 16}
        text = LanguageSettings(**small, max_steps=40, eval_every=5, **rate)
        return Task(language.train(Corpus.of("toy", made_up_code(60)), text, run))
    if job == "forecasting":
        nets = ForecastSettings(**{"net": "recurrent", "hidden_size": 4, "num_layers": 1, "max_steps": 24}, **rate)
        return Task(forecasting.train(_series(), nets, run, measure=False))
    if job == "vision":
        given = {**vision.MODELS["resnet20"].defaults, "batch_size": 8, "max_steps": 10, "eval_every": 2, "crop": 1}
        return Task(vision.train(_images(), VisionSettings(**{**given, **rate}), run, model="resnet20"))
    rows = TableSettings(hidden_size=4, max_steps=60, eval_every=5, patience=99, dropout=0.2, **rate)
    return Task(tabular.train(_table(), "y", rows, run))


JOBS = ("language", "forecasting", "vision", "tabular")


def forked(action: Callable[[], object]) -> int:
    """Start a process of its own that does this and ends with 0, or 1 where it raises. Returns its number."""
    number = os.fork()
    if number == 0:
        status = 1
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1), os.dup2(null, 2)
            action()
            status = 0
        finally:
            os._exit(status)
    return number


def ended(number: int) -> int:
    """The exit status of a process that was forked: minus the signal's number where one ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def killed(number: int, seconds: float, folder: Path | None = None) -> int:
    """Kill a process after so many seconds, or after so many from its first save in a folder on. Its exit status."""
    while folder is not None and not (folder / "config.json").exists():
        if os.waitid(os.P_PID, number, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        time.sleep(0.001)
    time.sleep(seconds)
    os.kill(number, signal.SIGKILL)
    return ended(number)


def untimed(saved: Checkpoint) -> dict[str, Any]:
    """All that a checkpoint says, the sums of its tensors among it, but for what the clock decides."""
    config = {name: value for name, value in saved.config.items() if name not in ("sha256", "log_sha256")}
    log = [{k: v for k, v in record.items() if k not in ("rate", "seconds")} for record in saved.log()]
    return json.loads(json.dumps({**config, "log": log}))


def is_whole(folder: Path) -> Checkpoint:
    saved = checkpoint.load(folder)
    checkpoint.verify(saved)
    return saved

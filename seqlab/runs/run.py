"""How a training run is begun, reopened and carried out in its folder."""

import dataclasses
import time
from collections.abc import Generator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, get_args

import torch

from seqlab import checkpoint, training
from seqlab.checkpoint import Checkpoint, Lock, RunFolder
from seqlab.errors import CheckpointError, DivergenceError, UsageError
from seqlab.machine import Compute
from seqlab.runs.length import begun, budget_of, length_of, minutes_of
from seqlab.runs.options import Prepared, RunOptions
from seqlab.settings import Settings
from seqlab.settings import saved as saved_settings
from seqlab.tasks import Event, Note, Status

S = TypeVar("S", bound=Settings)


SIZES = ("hidden_size", "embedding_size", "num_layers")  # of nets: none is larger than the file of its weights
TO_GO_ON: checkpoint.Entries = {f"position.{name}": int for name in ("epoch", "index", "since_record", "best_step")} | {
    "position.best_loss": (float, type(None)),
    "position.loss_sum": float,
    "position.norm_sum": float,
    "position.rollbacks?": int,
    "settings": dict,
    "environment.device": str,
    "environment.precision": str,
    "environment.threads": int,
}


class Reopened(NamedTuple, Generic[S]):
    """A run to continue: what was saved of it, its settings, and what it computes with."""

    checkpoint: Checkpoint
    settings: S
    compute: Compute


def target_folder(
    options: RunOptions, name: str, given: Mapping[str, Any] = {}, first: str = ""
) -> Generator[Note, None, RunOptions]:
    """The options with the folder of a run called `name`.

    given: settings that were asked for; first: the folder in it that is the first of several runs.

    A generator: it yields notes about a run that is resumed. Raises CheckpointError for a folder in use without
    resume or overwrite, and for one that holds nothing to resume.
    """
    folder = options.folder or checkpoint.checkpoints_folder() / checkpoint.folder_name(name)
    if options.resume and options.overwrite:
        raise UsageError("--resume continues what --overwrite replaces", "give one of them")
    if options.resume:
        if not (folder / first / "config.json").exists():
            raise CheckpointError(f"{folder} holds no checkpoint to resume", "leave out --resume to start one")
        position = checkpoint.load(folder / first).config["position"]
        if position["step"] >= position["max_steps"] and not first:
            yield Note(f"the run there came to its end after {position['step']:,} steps; a longer one is a new one")
        if given or options.epochs is not None or options.minutes is not None:
            yield Note("resumed with the settings that were saved; those given now are not used")
    elif folder.exists() and not (options.overwrite and checkpoint.is_checkpoint(folder / first)):
        checkpoint.refuse_existing(folder / first if checkpoint.is_checkpoint(folder / first) else folder)
    return replace(options, folder=folder)


def reopen(folder: Path, job: str, kind: type[S]) -> Reopened[S]:
    """A run to be continued: it does so bit for bit only with the settings and the device that were saved.

    Raises CheckpointError if the folder holds none of that job, one that is damaged, or one that diverged to the end.
    """
    saved = checkpoint.load(folder)
    if saved.config["job"] != job:
        raise CheckpointError(
            f"{folder} holds a run of another job, {saved.config['job']}", "name the run's own folder with -o FOLDER"
        )
    return checkpoint.rebuilt(saved, lambda now: _reopened(now, kind), TO_GO_ON)


def _reopened(saved: Checkpoint, kind: type[S]) -> Reopened[S]:
    settings, environment = saved_settings(kind, saved.config), saved.config["environment"]
    for one in dataclasses.fields(kind):
        value, kinds = getattr(settings, one.name), get_args(one.type) or (one.type,)
        fits = type(value) in kinds or (type(value) is int and float in kinds)
        if not fits or (one.name in SIZES and value > saved.config["files"]["model"]["bytes"]):
            raise ValueError(f"setting '{one.name}' is {str(value)[:40]}")
    if saved.config["position"].get("rollbacks", 0) > training.MOST_ROLLBACKS:
        raise CheckpointError(
            f"the run in {saved.folder} diverged at step {saved.config['position']['step']:,} and after, at every rate "
            f"down to an eighth of lr={settings.lr:g}: it would do so again",
            f"begin again with --overwrite --set lr={_smaller(settings):g}",
        )
    return Reopened(saved, settings, Compute(environment["device"], environment["precision"], environment["threads"]))


def _smaller(settings: Settings) -> float:
    """A learning rate for a run that diverged: below all that it tried, and no larger than the usual one."""
    return float(f"{min(type(settings)().lr, settings.lr / 16):.1g}")


def run(
    prepared: Prepared, options: RunOptions, saved: Checkpoint | None = None
) -> Generator[Event, None, RunFolder | None]:
    """Carry a run out from where it is (`saved`, or the beginning) to its end, keeping it in `options.folder`.

    A generator of progress that returns the folder, to be finished with the job's metrics, or None if `stop()` ended it
    early. The model then has the weights to use: the best by validation, or the last. Threads are the caller's to set.
    Raises CheckpointError where another training has the folder or has changed it meanwhile, and DivergenceError.
    """
    assert options.folder is not None  # target_folder has named it
    lock = Lock(options.folder)
    try:
        if saved is not None and checkpoint.load(options.folder).config["sha256"] != saved.config["sha256"]:
            raise CheckpointError(f"{options.folder} was changed by another training just now", "resume it again")
        if saved is None and not options.overwrite:
            checkpoint.refuse_existing(options.folder)
        checkpoint.sweep(options.folder)
        keeper = yield from _run(prepared, options, saved, lock)
    except BaseException:
        lock.release()
        raise
    if keeper is None:
        lock.release()
        yield Note(f"stopped; saved in {options.folder}")
    return keeper


def _run(
    prepared: Prepared, options: RunOptions, saved: Checkpoint | None, lock: Lock
) -> Generator[Event, None, RunFolder | None]:
    assert options.folder is not None
    minutes, start = minutes_of(prepared, options, saved), time.perf_counter()
    if minutes is not None:
        yield Status("measuring how fast this machine is")
    length = length_of(prepared, options, saved)
    max_steps = length.steps
    settings = replace(
        prepared.settings,
        max_steps=max_steps,
        eval_every=prepared.settings.eval_every or max(1, max_steps // length.evaluations),
    )
    if prepared.on_length is not None:
        prepared.on_length(max_steps)
    going = begun(prepared, max_steps, prepared.schedule(settings.lr, settings.warmup_steps, max_steps))
    config = {
        "job": prepared.config["job"],
        "command": options.command,
        "source": options.source,
        **prepared.config,
        "environment": prepared.device_config.record(),
        "settings": asdict(settings),
        "parameters": training.count_parameters(prepared.model),
    }
    if saved is not None:
        yield from _elsewhere(saved, config["environment"])
        # what began it made it: a resumed run is described as the one that was never stopped
        config |= {name: saved.config[name] for name in ("command", "source", *prepared.config) if name in saved.config}
        checkpoint.rebuilt(
            saved, lambda now: training.restore(going, now.weights(), now.training(), now.config["position"])
        )
    keeper = RunFolder(options.folder, config, saved.log() if saved else None, lock)
    assert settings.eval_every is not None
    budget = None
    if minutes is not None:
        budget = budget_of(prepared, going, keeper, start, 60.0 * minutes, length.evaluation_seconds)
    try:
        yield from training.fit(
            going,
            keeper,
            eval_every=settings.eval_every,
            validate=prepared.validate,
            patience=prepared.patience,
            save_seconds=prepared.save_seconds,
            stop=options.stop,
            budget=budget,
            cost=prepared.cost or training.even,
        )
    except DivergenceError as problem:
        again = " --overwrite" if (options.folder / "config.json").exists() else ""
        raise DivergenceError(
            problem.message, f"begin again with a smaller rate:{again} --set lr={_smaller(settings):g}"
        ) from problem
    if going.step < going.max_steps:
        return None
    prepared.model.load_state_dict(training.used_weights(going))
    return keeper


def _elsewhere(saved: Checkpoint, environment: dict[str, Any]) -> Generator[Note, None, None]:
    """A sentence where a run goes on with another torch or another machine than it began with."""
    began = {**saved.config["environment"], "torch": saved.config.get("torch")}
    now = {**environment, "torch": torch.__version__}
    changes = [f"{name} {began[name]}, now {now[name]}" for name in now if began.get(name) not in (None, now[name])]
    if changes:
        yield Note(f"begun with {'; '.join(changes)}: the result is no longer that of a run left alone, bit for bit")

"""A training run that is kept in a folder: reopened, taken to its end, its best weights put into the model.

What the jobs do alike, once they have joined their data to a model. The loop knows no folder and the checkpoint no
model; here they meet.
"""

from collections.abc import Callable, Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from seqlab import checkpoint, training
from seqlab.checkpoint import Checkpoint, RunFolder
from seqlab.errors import CheckpointError
from seqlab.machine import Compute
from seqlab.training import Progress, Run, Settings, schedules

S = TypeVar("S", bound=Settings)


def reopen(folder: Path, job: str, kind: type[S]) -> tuple[Checkpoint, S, Compute]:
    """What was saved of a run, its settings, and what it computes with: it continues bit for bit only with these.

    Raises CheckpointError if the folder holds none of that job, or one that is damaged.
    """
    saved = checkpoint.load(folder)
    if saved.config["job"] != job:
        raise CheckpointError(
            f"{folder} holds a run of another job, {saved.config['job']}", "name the run's own folder with -o FOLDER"
        )
    environment = saved.config["environment"]
    compute = Compute(environment["device"], environment["precision"], environment["threads"])
    return saved, kind(**saved.config["settings"]), compute


def conduct(
    run: Run,
    folder: Path,
    settings: Settings,
    config: dict[str, Any],
    saved: Checkpoint | None,
    *,
    schedule: schedules.Schedule = schedules.warmup_cosine,
    validate: Callable[[], dict[str, float]] | None = None,
    patience: int | None = None,
    save_seconds: float = 0.0,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, RunFolder | None]:
    """Take a run from where it is (`saved`, or the beginning) to `settings.max_steps`, keeping it in `folder`.

    config: what the checkpoint says beside settings and number of parameters; patience, save_seconds: `training.fit`. A
    generator of progress that returns the folder, to be finished with the job's metrics, or None if `stop()` ended it
    early. The model then has the weights to use: the best by `validate`, or the last.
    """
    assert settings.max_steps is not None  # choose_max_steps has spoken
    settings.eval_every = settings.eval_every or max(1, settings.max_steps // 20)
    run.max_steps = settings.max_steps
    run.learning_rate = schedule(settings.lr, settings.warmup_steps, run.max_steps)
    config = {**config, "settings": asdict(settings), "parameters": training.count_parameters(run.model)}
    if saved is not None:
        config["command"] = saved.config["command"]  # the one that began it makes it; that of --resume would not
    keeper = RunFolder(folder, config, saved.log() if saved else None)
    if saved is not None:
        training.restore(run, saved.weights(), saved.training(), saved.config["position"])
    yield from training.fit(
        run,
        keeper,
        eval_every=settings.eval_every,
        validate=validate,
        patience=patience,
        save_seconds=save_seconds,
        stop=stop,
    )
    if run.step < run.max_steps:
        return None
    run.model.load_state_dict(training.used_weights(run))
    return keeper

"""How long a run is: by steps, epochs or minutes, of which it keeps the last while it goes on."""

from collections.abc import Callable

from seqlab import training
from seqlab.checkpoint import Checkpoint, RunFolder
from seqlab.errors import UsageError
from seqlab.runs.options import Prepared, RunOptions
from seqlab.training import Budget, Length, Run, even
from seqlab.training.schedules import constant


def minutes_of(prepared: Prepared, options: RunOptions, saved: Checkpoint | None) -> float | None:
    """The minutes that say how long a run is, None where anything else does: a resumed run keeps its number of steps;
    else the epochs or minutes asked for count, else what the settings say, else the job's default."""
    asked = options.epochs is not None or options.minutes is not None
    if prepared.settings.max_steps is not None and (saved is not None or not asked):
        return None
    if options.epochs is not None and options.minutes is not None:
        raise UsageError("--epochs and --minutes both say how long to train", "give one of them")
    if asked:
        return options.minutes
    return prepared.minutes if prepared.epochs is None else None


def length_of(prepared: Prepared, options: RunOptions, saved: Checkpoint | None) -> Length:
    """How many steps, and evaluations where the settings leave them open. Of a run of minutes both are measured."""
    minutes, settings = minutes_of(prepared, options, saved), prepared.settings
    if minutes is not None:
        timed = begun(prepared, 0, lambda step: 0.0)  # a rate without its warm-up may diverge
        seconds = 60.0 * minutes - _measuring(prepared, 60.0 * minutes)
        return training.length_in(timed, seconds, prepared.validate, settings.eval_every, prepared.cost or even)
    if settings.max_steps is not None and (saved is not None or options.epochs is None):
        return Length(settings.max_steps)
    epochs = prepared.epochs if options.epochs is None else options.epochs
    assert epochs is not None  # a job has a default length
    return Length(max(1, round(epochs * len(prepared.batches))))


def begun(prepared: Prepared, max_steps: int, learning_rate: Callable[[int], float]) -> Run:
    """The run of what was prepared, before its first step."""
    return Run(
        prepared.model,
        prepared.objective,
        prepared.batches,
        prepared.optimizer,
        learning_rate,
        max_steps,
        prepared.settings.clip_norm,
        prepared.device_config.precision,
        prepared.averaging,
    )


def budget_of(
    prepared: Prepared, run: Run, keeper: RunFolder, start: float, seconds: float, evaluation: float
) -> Budget:
    """The promise of so many seconds, as `fit` keeps it; what the run becomes is noted in what is kept of it.
    evaluation: seconds of one."""
    settings = prepared.settings

    def set_length(max_steps: int) -> None:
        run.max_steps = max_steps
        run.learning_rate = prepared.schedule(settings.lr, settings.warmup_steps, max_steps)
        keeper.config["settings"]["max_steps"] = max_steps
        if prepared.on_length is not None:
            prepared.on_length(max_steps)

    measuring = _measuring(prepared, seconds)
    is_free = prepared.schedule is constant and prepared.cost is None
    return Budget(start + seconds - measuring, seconds, is_free, set_length, evaluation, measuring)


def _measuring(prepared: Prepared, seconds: float) -> float:
    return 0.0 if prepared.measuring is None else prepared.measuring(seconds)

"""The one policy above the loop: evaluate, keep the best weights, save, log, stop."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from seqlab.errors import DivergenceError
from seqlab.training.averaging import averaged, last_weights
from seqlab.training.loop import train
from seqlab.training.resume import position, training_tensors
from seqlab.training.run import Run, Step, Validate


class Keeper(Protocol):
    """Where a run is kept: a checkpoint folder, or nowhere."""

    def save(self, weights: dict[str, Tensor], training: dict[str, Tensor], position: dict[str, Any]) -> None: ...
    def log(self, record: dict[str, Any]) -> None: ...


@dataclass(frozen=True)
class Progress:
    """How a run stands after a step; `record` is the log line where one was due. rate: examples a second."""

    step: int
    max_steps: int
    epoch: int
    train_loss: float
    rate: float
    seconds_left: float
    record: dict[str, Any] | None


def fit(
    run: Run,
    keeper: Keeper,
    *,
    eval_every: int,
    validate: Validate | None = None,
    patience: int | None = None,
    save_seconds: float = 0.0,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Progress]:
    """Train to the end, or until `stop()`: every `eval_every` steps and at the end validate, log and save.

    `validate(step)` gives a dict with `val_loss` first; the weights of its lowest value are the ones kept to be used,
    or the last ones where there is no `validate`. Several nets in one model are each best at another step: the model
    then keeps the weights of each itself, and `val_lowest`, which falls whenever one of them is better, counts instead.
    After `patience` evaluations without a lower one the run has come to its end: its `max_steps` become those it took.
    Yields after every step. A stop saves between two evaluations too, so that the resumed run is the uninterrupted one.
    save_seconds: how far apart the saves of evaluations are at least, but for the last.
    """
    start = clock = saved = time.perf_counter()
    examples = steps = 0
    for step in train(run):
        run.loss_sum += step.loss
        run.norm_sum += step.grad_norm
        run.since_record += 1
        examples, steps = examples + step.examples, steps + 1
        elapsed = max(time.perf_counter() - clock, 1e-9)
        rate, seconds_left = examples / elapsed, (run.max_steps - run.step) * elapsed / steps
        train_loss = run.loss_sum / run.since_record
        record: dict[str, Any] | None = None
        if run.step % eval_every == 0 or run.step == run.max_steps:
            record = _evaluated(run, step, rate, validate)
            record["seconds"] = time.perf_counter() - start
            if patience is not None and run.best_step and run.step - run.best_step >= patience * eval_every:
                run.max_steps = run.step
            keeper.log(record)
        stopping = stop() and run.step < run.max_steps
        due = record and (run.step == run.max_steps or time.perf_counter() - saved >= save_seconds)
        if due or stopping:
            saved = time.perf_counter()
            keeper.save(used_weights(run), training_tensors(run), position(run))
        if record or stopping:
            clock, examples, steps = time.perf_counter(), 0, 0
        yield Progress(run.step, run.max_steps, run.epoch, train_loss, rate, seconds_left, record)
        if stopping:
            return


def _evaluated(run: Run, step: Step, rate: float, validate: Validate | None) -> dict[str, Any]:
    """The log line of this step. The weights are kept where they are the best so far, and its sums begin anew."""
    train_loss, grad_norm = run.loss_sum / run.since_record, run.norm_sum / run.since_record
    record: dict[str, Any] = {"step": run.step, "epoch": run.epoch, "train_loss": train_loss, "val_loss": None}
    if validate is not None:
        with averaged(run):
            record |= validate(run.step)
        if not math.isfinite(record["val_loss"]):
            raise DivergenceError(
                f"the validation loss at step {run.step} is not finite ({record['val_loss']})",
                f"try a smaller lr (here {step.lr:.2g}); the last saved state is untouched",
            )
        lowest = record.get("val_lowest", record["val_loss"])
        if lowest < run.best_loss:
            run.best_loss, run.best_step = lowest, run.step
            run.best_weights = {name: t.detach().clone() for name, t in last_weights(run).items()}
    run.loss_sum, run.norm_sum, run.since_record = 0.0, 0.0, 0
    return record | {"grad_norm": grad_norm, "lr": step.lr, "rate": rate}


def used_weights(run: Run) -> dict[str, Tensor]:
    """The weights to use: the best that validation found, else the last."""
    return run.best_weights or last_weights(run)

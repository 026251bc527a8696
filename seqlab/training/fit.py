"""The one policy above the loop: evaluate, keep the best weights, save, log, stop."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from seqlab.errors import DivergenceError
from seqlab.tasks import Note
from seqlab.training.averaging import averaged, last_weights
from seqlab.training.loop import train
from seqlab.training.pace import Budget, Cost, Pace, even
from seqlab.training.resume import Snapshot, position
from seqlab.training.run import Run, Step, Validate

MOST_ROLLBACKS = 3  # a rate that is still too large at an eighth was no slip


class Keeper(Protocol):
    """Where a run is kept: a checkpoint folder, or nowhere."""

    def save(self, weights: dict[str, Tensor], training: dict[str, Tensor], position: dict[str, Any]) -> None: ...
    def log(self, record: dict[str, Any]) -> None: ...


@dataclass(frozen=True)
class Progress:
    """How a run stands after a step; `record` is the log line where one was due. loss: of the
    step; train_loss: the mean since the last record. rate: examples a second;
    seconds_left: with evaluations and, of a run of minutes, the last measurement."""

    step: int
    max_steps: int
    epoch: int
    loss: float
    train_loss: float
    grad_norm: float
    lr: float
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
    budget: Budget | None = None,
    cost: Cost = even,
) -> Iterator[Progress | Note]:
    """Train to the end, or until `stop()`: every `eval_every` steps and at the end validate, log and save.

    `validate(step)` gives a dict with `val_loss` first; the weights of its lowest value are the ones kept to be used,
    or the last ones where there is no `validate`. Several nets in one model are each best at another step: the model
    then keeps the weights of each itself, and `val_lowest`, which falls whenever one of them is better, counts instead.
    After `patience` evaluations without a lower one the run has come to its end: its `max_steps` become those it took.
    Yields after every step. A stop saves between two evaluations too, so that the resumed run is the uninterrupted one.
    save_seconds: how far apart the saves of evaluations are at least, but for the last. budget: the time to keep.
    cost: of a step in the course of the run, as a share of the dearest.

    A state that is not finite is never saved. The run goes back to its last good one, of the last evaluation or of its
    (resumed) beginning, and on at half the rate. After MOST_ROLLBACKS times it raises DivergenceError; where anything
    of it was saved, that state is, with a count that says that it has no future.
    """
    policy = _Policy(run, keeper, eval_every, validate, patience, save_seconds, stop, budget, cost)
    while True:
        try:
            yield from policy.steps()
            return
        except DivergenceError as problem:
            policy.go_back(problem)
            yield Note(
                f"{problem.message}; back to step {run.step:,}, and on at {0.5**run.rollbacks:g} of the learning rate"
            )


class _Policy:
    """One `fit`: its arguments, its last good state, and whether anything of the run is kept."""

    def __init__(
        self,
        run: Run,
        keeper: Keeper,
        eval_every: int,
        validate: Validate | None,
        patience: int | None,
        save_seconds: float,
        stop: Callable[[], bool],
        budget: Budget | None,
        cost: Cost,
    ) -> None:
        self.run, self.keeper, self.eval_every, self.validate = run, keeper, eval_every, validate
        self.patience, self.save_seconds, self.stop, self.budget = patience, save_seconds, stop, budget
        self.pace = Pace(cost)
        self.pace.evaluation(budget.evaluation if budget else 0.0)
        self.good, self.is_kept = Snapshot.of(run), run.step > 0
        self.start = self.saved = time.perf_counter()

    def steps(self) -> Iterator[Progress | Note]:
        """The steps from where the run is. Raises DivergenceError where its state is not finite."""
        run, pace, clock = self.run, self.pace, time.perf_counter()
        for step in train(run):
            run.loss_sum += step.loss
            run.norm_sum += step.grad_norm
            run.since_record += 1
            now = time.perf_counter()
            # with what the consumer did after the step before
            pace.step(now - clock, step.examples, (run.step - 1) / run.max_steps)
            clock, train_loss = now, run.loss_sum / run.since_record
            record: dict[str, Any] | None = None
            if run.step % self.eval_every == 0 or run.step == run.max_steps:
                record = self.evaluated(step, pace.rate)
            stopping = self.stop() and run.step < run.max_steps
            if record or stopping:
                self.keep(record, stopping)
                clock = time.perf_counter()
                pace.evaluation(clock - now)
            if self.budget is not None and (said := self.budget.adapted(run, pace, self.eval_every)):
                yield Note(said)
            yield Progress(
                run.step,
                run.max_steps,
                run.epoch,
                step.loss,
                train_loss,
                step.grad_norm,
                step.lr,
                pace.rate,
                self.seconds_left(),
                record,
            )
            if stopping:
                return

    def seconds_left(self) -> float:
        left = self.pace.left(self.run.step, self.run.max_steps, self.eval_every)
        return left + (self.budget.measuring if self.budget else 0.0)

    def evaluated(self, step: Step, rate: float) -> dict[str, Any]:
        """The log line of this step. The weights are kept where they are the best so far, and its sums begin anew."""
        run = self.run
        train_loss, grad_norm = run.loss_sum / run.since_record, run.norm_sum / run.since_record
        record: dict[str, Any] = {"step": run.step, "epoch": run.epoch, "train_loss": train_loss, "val_loss": None}
        if self.validate is not None:
            with averaged(run):
                record |= self.validate(run.step)
            if not math.isfinite(record["val_loss"]):
                raise DivergenceError(
                    f"the validation loss at step {run.step} is not finite ({record['val_loss']})",
                    f"try a smaller lr (here {step.lr:.2g})",
                )
            lowest = record.get("val_lowest", record["val_loss"])
            if lowest < run.best_loss:
                run.best_loss, run.best_step = lowest, run.step
                run.best_weights = {name: t.detach().clone() for name, t in last_weights(run).items()}
        run.loss_sum, run.norm_sum, run.since_record = 0.0, 0.0, 0
        if self.patience is not None and run.best_step and run.step - run.best_step >= self.patience * self.eval_every:
            run.max_steps = run.step
        record |= {"grad_norm": grad_norm, "lr": step.lr, "rate": rate}
        return record | {"seconds": time.perf_counter() - self.start}

    def keep(self, record: dict[str, Any] | None, stopping: bool) -> None:
        """Log an evaluation, and save where it is time to. Raises DivergenceError before either, where the state is not
        finite."""
        now = Snapshot.of(self.run)
        if record:  # not where it stops: that depends on the clock
            self.good = now
            self.keeper.log(record)
        is_end = self.run.step == self.run.max_steps
        if stopping or is_end or time.perf_counter() - self.saved >= self.save_seconds:
            self.saved = time.perf_counter()
            self.keeper.save(now.weights, now.training, now.position)
            self.is_kept = True

    def go_back(self, problem: DivergenceError) -> None:
        """To the last good state, at half the rate. Raises DivergenceError, with the state saved, after the last."""
        self.run.rollbacks += 1
        max_steps = self.run.max_steps
        self.good.restored_in(self.run)
        if self.budget is not None:  # it may have changed the length since
            self.run.max_steps = max_steps
        if self.run.rollbacks <= MOST_ROLLBACKS:
            return
        if self.is_kept:
            self.keeper.save(self.good.weights, self.good.training, position(self.run))
        raise DivergenceError(
            f"{problem.message}, for all that the learning rate was halved {MOST_ROLLBACKS} times", problem.hint
        ) from problem

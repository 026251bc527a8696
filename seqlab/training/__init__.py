"""The one loop that trains every model of seqlab, and the one policy above it.

A task is an objective: `objective(model, batch, state) -> (loss, state)`. `train()` yields after every optimizer
step with the gradients still in place; the body of the consumer's `for` is where measuring happens. `fit()` is
such a consumer: it evaluates, keeps the best weights, saves, logs and stops.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from seqlab.errors import DataError, DivergenceError, UsageError

Batch = tuple[Any, Tensor]  # what the model takes, and the targets
State = tuple[Tensor, ...] | None
Objective = Callable[[nn.Module, Batch, State], tuple[Tensor, State]]
IGNORE_INDEX = -100  # the target that cross-entropy skips (torch's default), so `evaluate` does not count it


class Batches(Protocol):
    """Where training examples come from: the batches of an epoch are a function of its number."""

    def __len__(self) -> int: ...
    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]: ...


class Keeper(Protocol):
    """Where a run is kept: a checkpoint folder, or nowhere."""

    def save(self, weights: dict[str, Tensor], training: dict[str, Tensor], position: dict[str, Any]) -> None: ...
    def log(self, record: dict[str, Any]) -> None: ...


@dataclass(kw_only=True)
class Settings:
    """What every training run can be told; the jobs add their own. `--set` takes these names."""

    max_steps: int | None = None  # optimizer steps; None: from --epochs, --minutes or the job's default
    batch_size: int = 64
    lr: float = 1e-3
    weight_decay: float = 0.01
    warmup_steps: int = 100
    clip_norm: float | None = 1.0  # largest L2 norm of the gradient; None: no clipping
    eval_every: int | None = None  # steps between evaluations; None: twenty in a run
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for a value without meaning, naming it."""
        require(
            self,
            "1 or more",
            lambda value: value is None or value >= 1,
            "max_steps",
            "batch_size",
            "eval_every",
        )
        require(self, "a number above 0", lambda value: 0 < value < math.inf, "lr")
        require(self, "a number above 0, or none", lambda value: value is None or 0 < value < math.inf, "clip_norm")
        require(self, "0 or more", lambda value: 0 <= value < math.inf, "weight_decay", "warmup_steps")
        require(self, "from 0 to 2^63 - 1", lambda value: 0 <= value < 2**63, "seed")


def require(settings: object, meaning: str, holds: Callable[[Any], bool], *names: str) -> None:
    """Raise UsageError for the first of the named settings whose value does not hold."""
    for name in names:
        value = getattr(settings, name)
        if not holds(value):
            raise UsageError(f"setting '{name}' is {value}", f"it must be {meaning}: --set {name}=VALUE")


@dataclass
class Run:
    """A model in training: what it consists of, and how far it is.

    `learning_rate(step)` is the rate of the step to come. `state` is the recurrent state carried to the next batch.
    averaging: the share that the average of the weights keeps of itself at each step, 0.999 for about a thousand steps;
    0: the weights themselves are used.
    """

    model: nn.Module
    objective: Objective
    batches: Batches
    optimizer: torch.optim.Optimizer
    learning_rate: Callable[[int], float]
    max_steps: int
    clip_norm: float | None = None
    precision: torch.dtype = torch.float32
    averaging: float = 0.0

    step: int = 0
    epoch: int = 0
    index: int = 0  # batches done in this epoch
    state: State = None
    best_step: int = 0
    best_loss: float = math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    average: dict[str, Tensor] = field(default_factory=dict)
    loss_sum: float = 0.0  # sums since the last record
    norm_sum: float = 0.0
    since_record: int = 0


@dataclass(frozen=True)
class Step:
    """One optimizer step that was taken. `grad_norm` is the norm before clipping, `examples` the size of the batch:
    characters where every character is a target, else rows."""

    step: int
    epoch: int
    loss: float
    grad_norm: float
    lr: float
    examples: int


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


def train(run: Run) -> Iterator[Step]:
    """Take `run.max_steps - run.step` optimizer steps, yielding after each with its gradients in place.

    The state is detached between batches (truncated backpropagation through time over the batch's length) and is
    zero again at the start of every epoch. A step is taken only with a finite gradient. Raises DivergenceError where
    it is not, and DataError where an epoch has no batch.
    """
    device = next(run.model.parameters()).device
    parameters = [p for p in run.model.parameters() if p.requires_grad]
    while run.step < run.max_steps:
        for batch in run.batches.epoch(run.epoch, run.index):
            lr = run.learning_rate(run.step)
            for group in run.optimizer.param_groups:
                group["lr"] = lr * group.get("lr_scale", 1.0)
            run.model.train()
            run.optimizer.zero_grad()  # at the top, so that the consumer sees the gradients
            with autocast(device, run.precision):
                loss, state = run.objective(run.model, batch, run.state)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(parameters, math.inf if run.clip_norm is None else run.clip_norm)
            if not torch.isfinite(norm):
                raise DivergenceError(
                    f"the gradient at step {run.step + 1} is not finite (loss {loss.item():.4g})",
                    f"try a smaller lr (here {lr:.2g}) or clip_norm (here {run.clip_norm}); "
                    "the last saved state is untouched",
                )
            run.optimizer.step()
            run.state = detach(state)  # this line is truncated backpropagation through time
            run.step += 1
            run.index += 1
            if run.averaging:
                update_average(run)
            targets = batch[1]
            examples = len(targets) if targets.is_floating_point() else targets.numel()
            yield Step(run.step, run.epoch, loss.item(), norm.item(), lr, examples)
            if run.step >= run.max_steps:
                return
        if run.index == 0:  # a whole epoch without a batch: another would spin
            raise DataError("there is not a single batch to train on", "use more data or a smaller batch_size")
        run.epoch, run.index, run.state = run.epoch + 1, 0, None


@torch.inference_mode()
def evaluate(model: nn.Module, objective: Objective, batches: Batches, precision: torch.dtype) -> float:
    """Mean of the objective over every target in one epoch of `batches`, state carried, dropout off.

    Raises DataError where there is none.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    total, count, state = 0.0, 0, None
    for batch in batches.epoch(0):
        with autocast(device, precision):
            loss, state = objective(model, batch, state)
        numbers = batch[1].is_floating_point()  # to be predicted as they are: -100 is one like others
        targets = batch[1].numel() if numbers else int((batch[1] != IGNORE_INDEX).sum())
        total, count = total + loss.item() * targets, count + targets
    model.train(was_training)
    if count == 0:
        raise DataError("there is not a single target to measure on", "use more data")
    return total / count


def fit(
    run: Run,
    keeper: Keeper,
    *,
    eval_every: int,
    validate: Callable[[], dict[str, float]] | None = None,
    patience: int | None = None,
    save_seconds: float = 0.0,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Progress]:
    """Train to the end, or until `stop()`: every `eval_every` steps and at the end validate, log and save.

    `validate()` gives a dict with `val_loss` first; the weights of its lowest value are the ones kept to be used, or
    the last ones where there is no `validate`. Several nets in one model are each best at another step: the model then
    keeps the weights of each itself, and `val_lowest`, which falls whenever one of them is better, counts instead.
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
            record = {"step": run.step, "epoch": run.epoch, "train_loss": train_loss, "val_loss": None}
            with averaged(run):
                record |= validate() if validate else {}
            record |= {"grad_norm": run.norm_sum / run.since_record, "lr": step.lr, "rate": rate}
            record["seconds"] = time.perf_counter() - start
            if validate and not math.isfinite(record["val_loss"]):
                raise DivergenceError(
                    f"the validation loss at step {run.step} is not finite ({record['val_loss']})",
                    f"try a smaller lr (here {step.lr:.2g}); the last saved state is untouched",
                )
            if validate and record.get("val_lowest", record["val_loss"]) < run.best_loss:
                run.best_loss, run.best_step = record.get("val_lowest", record["val_loss"]), run.step
                run.best_weights = {name: t.detach().clone() for name, t in last_weights(run).items()}
            if patience is not None and run.best_step and run.step - run.best_step >= patience * eval_every:
                run.max_steps = run.step
            run.loss_sum, run.norm_sum, run.since_record = 0.0, 0.0, 0
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


def used_weights(run: Run) -> dict[str, Tensor]:
    """The weights to use: the best that validation found, else the last."""
    return run.best_weights or last_weights(run)


def last_weights(run: Run) -> dict[str, Tensor]:
    """Those after the last step: their average where one is kept."""
    return run.average or run.model.state_dict()


@torch.no_grad()
def update_average(run: Run) -> None:
    """Move the average of the weights a step on (Polyak and Juditsky 1992, with fading memory).

    Early on the memory is as long as the run so far, so that the first weights, which nothing was learnt in, do not
    linger. Counters are not averaged.
    """
    now = run.model.state_dict()
    if not run.average:
        run.average = {name: tensor.clone() for name, tensor in now.items()}
        return
    share = 1 - min(run.averaging, (1 + run.step) / (10 + run.step))
    for name, tensor in run.average.items():
        if tensor.is_floating_point():
            tensor.lerp_(now[name], share)
        else:
            tensor.copy_(now[name])


@contextmanager
def averaged(run: Run) -> Iterator[None]:
    """The model with the average of its weights inside the block, where one is kept."""
    if not run.average:
        yield
        return
    now = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    run.model.load_state_dict(run.average)
    try:
        yield
    finally:
        run.model.load_state_dict(now)


def position(run: Run) -> dict[str, Any]:
    """The numbers that, with `training_tensors`, continue the run bit for bit."""
    best_loss = run.best_loss if math.isfinite(run.best_loss) else None
    return {
        "step": run.step,
        "max_steps": run.max_steps,
        "epoch": run.epoch,
        "index": run.index,
        "best_step": run.best_step if run.best_weights else run.step,
        "best_loss": best_loss,
        "loss_sum": run.loss_sum,
        "norm_sum": run.norm_sum,
        "since_record": run.since_record,
    }


def training_tensors(run: Run) -> dict[str, Tensor]:
    """Last weights, optimizer moments, recurrent state and random state, by name."""
    tensors = {f"model.{name}": t for name, t in run.model.state_dict().items()}
    for name, parameter in run.model.named_parameters():
        for key, value in run.optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{key}.{name}"] = value
    for i, part in enumerate(run.state or ()):
        tensors[f"state.{i}"] = part
    tensors |= {f"average.{name}": tensor for name, tensor in run.average.items()}
    tensors["rng.cpu"] = torch.get_rng_state()
    if next(run.model.parameters()).device.type == "cuda":
        tensors["rng.cuda"] = torch.cuda.get_rng_state()
    return tensors


def restore(run: Run, weights: dict[str, Tensor], training: dict[str, Tensor], position: dict[str, Any]) -> None:
    """Put a run where a saved one was. weights: those in use; training: as of `training_tensors`."""
    device = next(run.model.parameters()).device
    groups: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimizer": {}, "state": {}, "rng": {}}
    for name, tensor in training.items():
        group, rest = name.split(".", 1)
        groups[group][rest] = tensor
    run.model.load_state_dict(groups["model"])
    run.average = {name: tensor.to(device) for name, tensor in groups["average"].items()}
    parameters = dict(run.model.named_parameters())
    run.optimizer.state.clear()
    for name, tensor in groups["optimizer"].items():
        key, parameter = name.split(".", 1)
        place = parameters[parameter]
        if tensor.shape == place.shape and tensor.dim():
            # in the layout of the weights: a fused optimizer goes through both in the order of memory
            tensor = torch.empty_like(place).copy_(tensor)
        elif run.optimizer.defaults.get("fused"):
            tensor = tensor.to(device)  # the step count: beside the weights if the optimizer is fused, else on the CPU
        run.optimizer.state[place][key] = tensor
    state = tuple(groups["state"][str(i)].to(device) for i in range(len(groups["state"])))
    run.state = state or None
    torch.set_rng_state(groups["rng"]["cpu"])
    if "cuda" in groups["rng"] and device.type == "cuda":
        torch.cuda.set_rng_state(groups["rng"]["cuda"])
    for key, value in position.items():
        setattr(run, key, value)
    if position["best_loss"] is None:
        run.best_loss, run.best_weights = math.inf, {}
    else:
        run.best_weights = {name: t.to(device) for name, t in weights.items()}


def choose_max_steps(
    run: Run,
    max_steps: int | None,
    *,
    epochs: float | None = None,
    minutes: float | None = None,
    default_minutes: float | None = None,
    validate: Callable[[], object] | None = None,
    evaluations: int = 20,
) -> int:
    """How many steps a run takes: as told, or so many epochs, or what fits into so many minutes on this machine.

    For minutes, a few steps of a copy and one validation are timed; the run and the random state stay as they are.
    Raises UsageError for epochs and minutes both.
    """
    if max_steps is not None:
        return max_steps
    if epochs is not None and minutes is not None:
        raise UsageError("--epochs and --minutes both say how long to train", "give one of them")
    if epochs is not None:
        return max(1, round(epochs * len(run.batches)))
    budget = 60.0 * (minutes if minutes is not None else default_minutes or 1.0)
    start = time.perf_counter()
    if validate is not None:
        validate()
    validation_seconds = time.perf_counter() - start
    probe = copy.deepcopy(run, {id(run.batches): run.batches})
    probe.max_steps = 1_000_000
    times = [time.perf_counter()]
    device = next(run.model.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for _ in train(probe):
            times.append(time.perf_counter())
            if len(times) > 6 and (times[-1] - times[0] > 5.0 or len(times) > 100):
                break
    step_seconds = (times[-1] - times[2]) / (len(times) - 3)  # the first two warm up
    return max(1, int((budget - (times[-1] - start) - evaluations * validation_seconds) / step_seconds))


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)


def detach(state: State) -> State:
    return None if state is None else tuple(part.detach() for part in state)


def count_parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())

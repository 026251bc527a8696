"""Fitting an autoencoder: how long it learns is chosen on examples held out, then it learns from all of them."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.data.batches import ShuffledBatches
from seqlab.machine import DeviceConfig
from seqlab.training import Batch, Objective, Progress, State, optimizers

AVERAGING = 0.99  # the weights are an average over about the last hundred steps: the rate does not fall
HELD_AT_A_TIME = 4096


@dataclass(kw_only=True)
class StructureSettings(training.Settings):
    """The training of an autoencoder; that of days has defaults of its own, see DAYS."""

    max_steps: int | None = 3000  # at most; fewer where patience ends it
    lr: float = 3e-3
    eval_every: int | None = 25  # a small table is learned in a hundred steps
    hidden_size: int = 128
    num_layers: int = 2  # hidden layers on each side of the code
    code_size: int = 2
    window: int = 20  # days that are read together, of tickers
    val_share: float = 0.1  # of the examples, held out to choose how long to learn
    patience: int = 10  # evaluations without a lower val_loss that end the learning

    def __post_init__(self) -> None:
        super().__post_init__()
        training.require(self, "a number of steps", lambda value: value is not None, "max_steps")
        training.require(
            self, "1 or more", lambda value: value >= 1, "hidden_size", "num_layers", "code_size", "patience"
        )
        training.require(self, "2 or more", lambda value: value >= 2, "window")
        training.require(self, "above 0 and at most 0.5", lambda value: 0 < value <= 0.5, "val_share")


# a step of an LSTM takes longer, and most of what there is to learn of days is learned soon
DAYS: dict[str, Any] = {"hidden_size": 32, "num_layers": 1, "max_steps": 1500, "eval_every": 50}


def squared(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """The objective of rows: the mean squared error of what comes back, as principal components have it."""
    return F.mse_loss(model(batch[0]), batch[1]), state


def absolute(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """The objective of days: the mean absolute error. Squared, a few crashes would teach the net what is usual."""
    return F.l1_loss(model(batch[0]), batch[1]), state


def learn(
    model: nn.Module,
    objective: Objective,
    examples: Tensor,
    held: Tensor | None,
    settings: StructureSettings,
    compute: DeviceConfig,
    max_steps: int,
) -> Generator[Progress, None, int]:
    """Train a model on examples (N, ...) for at most `max_steps`; a generator of progress that returns the steps.

    With examples `held` out the weights of their lowest loss are kept, and it ends where the loss no longer falls.
    After the warm-up the rate is constant, so that a shorter run is the beginning of a longer one.
    """
    run = training.Run(
        model,
        objective,
        ShuffledBatches(examples, examples, settings.batch_size, settings.seed),
        optimizers.adamw(model, settings.lr, settings.weight_decay),
        lambda step: settings.lr * min(1.0, (step + 1) / max(1, settings.warmup_steps)),
        max_steps,
        settings.clip_norm,
        compute.precision,
        AVERAGING,
    )

    def validate() -> dict[str, float]:
        assert held is not None  # else it is not called
        batches = ShuffledBatches(held, held, HELD_AT_A_TIME, shuffle=False)
        return {"val_loss": training.evaluate(model, objective, batches, compute.precision)}

    yield from training.fit(
        run,
        Nowhere(),
        eval_every=settings.eval_every or max(1, max_steps // 20),
        validate=validate if held is not None else None,
        patience=settings.patience if held is not None else None,
    )
    model.load_state_dict(training.used_weights(run))
    model.eval()
    return run.best_step if held is not None else run.step


class Nowhere:
    """A keeper of runs that are not kept: they take seconds."""

    def save(self, weights: dict[str, Tensor], training: dict[str, Tensor], position: dict[str, Any]) -> None:
        pass

    def log(self, record: dict[str, Any]) -> None:
        pass

"""Training an autoencoder: how long is chosen on held-out examples, then it is trained on all of them."""

from collections.abc import Generator
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.data.batches import ShuffledBatches
from seqlab.machine import DeviceConfig
from seqlab.settings import StructureSettings
from seqlab.tasks import Note
from seqlab.training import Batch, Objective, Progress, State, optimizers
from seqlab.training.schedules import constant

AVERAGING = 0.99  # the weights are an average over about the last hundred steps: the rate does not fall
VAL_BATCH = 4096


def squared(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """The objective of rows: the mean squared error of the reconstruction, as of principal components."""
    return F.mse_loss(model(batch[0]), batch[1]), state


def absolute(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """The objective of days: the mean absolute error. Squared, a few crashes would teach the net what is usual."""
    return F.l1_loss(model(batch[0]), batch[1]), state


def train(
    model: nn.Module,
    objective: Objective,
    examples: Tensor,
    held_out: Tensor | None,
    settings: StructureSettings,
    device_config: DeviceConfig,
    max_steps: int,
) -> Generator[Progress | Note, None, int]:
    """Train a model on examples (N, ...) for at most `max_steps`; a generator of progress that returns the steps.

    With examples held out the weights of their lowest loss are kept, and it ends where the loss no longer falls.
    After the warm-up the rate is constant, so that a shorter run is the beginning of a longer one.
    """
    run = training.Run(
        model,
        objective,
        ShuffledBatches(examples, examples, settings.batch_size, settings.seed),
        optimizers.adamw(model, settings.lr, settings.weight_decay),
        constant(settings.lr, settings.warmup_steps, max_steps),
        max_steps,
        settings.clip_norm,
        device_config.precision,
        AVERAGING,
    )

    def validate(step: int) -> dict[str, float]:
        assert held_out is not None  # else it is not called
        batches = ShuffledBatches(held_out, held_out, VAL_BATCH, shuffle=False)
        return {"val_loss": training.evaluate(model, objective, batches, device_config.precision)}

    yield from training.fit(
        run,
        Nowhere(),
        eval_every=settings.eval_every or max(1, max_steps // 20),
        validate=validate if held_out is not None else None,
        patience=settings.patience if held_out is not None else None,
    )
    model.load_state_dict(training.used_weights(run))
    model.eval()
    return run.best_step if held_out is not None else run.step


class Nowhere:
    """A keeper of runs that are not kept: they take seconds."""

    def save(self, weights: dict[str, Tensor], training: dict[str, Tensor], position: dict[str, Any]) -> None:
        pass

    def log(self, record: dict[str, Any]) -> None:
        pass

"""The mean of an objective, or of each of several, over data that is not trained on."""

from collections.abc import Generator

import torch
from torch import nn

from seqlab.errors import DataError
from seqlab.training.run import Batches, Objective, autocast

IGNORE_INDEX = -100  # the target that cross-entropy skips (torch's default), so that it is not counted


def evaluate(model: nn.Module, objective: Objective, batches: Batches, precision: torch.dtype) -> float:
    """Mean of the objective over every target in one epoch of `batches`, state carried, dropout off.

    Raises DataError where there is none.
    """
    (mean,) = evaluate_each(model, objective, batches, precision)
    return mean


def evaluate_each(model: nn.Module, objective: Objective, batches: Batches, precision: torch.dtype) -> list[float]:
    """As `evaluate`, of an objective that gives several losses (K,): the mean of each, in one pass."""
    totals: list[float] = []
    count = 0
    for found, targets in batch_losses(model, objective, batches, precision):
        totals = [total + loss * targets for total, loss in zip(totals or [0.0] * len(found), found, strict=True)]
        count += targets
    if count == 0:
        raise DataError("there is not a single target to measure on", "use more data")
    return [total / count for total in totals]


def batch_losses(
    model: nn.Module, objective: Objective, batches: Batches, precision: torch.dtype
) -> Generator[tuple[list[float], int], None, None]:
    """The losses of an objective on each batch of one epoch, state carried, dropout off, and its number of targets."""
    device = next(model.parameters()).device
    was_training = model.training
    state = None
    try:
        for batch in batches.epoch(0):
            model.eval()
            with torch.inference_mode(), autocast(device, precision):
                losses, state = objective(model, batch, state)
            numbers = batch[1].is_floating_point()  # to be predicted as they are: -100 is one like others
            targets = batch[1].numel() if numbers else int((batch[1] != IGNORE_INDEX).sum())
            yield losses.reshape(-1).tolist(), targets
    finally:
        model.train(was_training)

"""The mean of an objective over data that is not trained on."""

import torch
from torch import nn

from seqlab.errors import DataError
from seqlab.training.run import Batches, Objective, autocast

IGNORE_INDEX = -100  # the target that cross-entropy skips (torch's default), so that it is not counted


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

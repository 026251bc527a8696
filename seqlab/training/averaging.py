"""The average of the weights over the last steps (Polyak and Juditsky 1992), where a run keeps one."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from seqlab.training.run import Run


def last_weights(run: Run) -> dict[str, Tensor]:
    """Those after the last step: their average where one is kept."""
    return run.average or run.model.state_dict()


@torch.no_grad()
def update_average(run: Run) -> None:
    """Move the average of the weights a step on (Polyak and Juditsky 1992, with fading memory).

    Early on the memory is as long as the run so far, so that the first weights, which nothing was learned in, do not
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

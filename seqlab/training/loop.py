"""The one loop that trains every model of seqlab.

A task is an objective: `objective(model, batch, state) -> (loss, state)`. `train()` yields after every optimizer
step with the gradients still in place; the body of the consumer's `for` is where measuring happens.
"""

import math
from collections.abc import Iterator

import torch
from torch import nn

from seqlab.errors import DataError, DivergenceError
from seqlab.training.averaging import update_average
from seqlab.training.run import Run, Step, autocast, detach


def train(run: Run) -> Iterator[Step]:
    """Take `run.max_steps - run.step` optimizer steps, yielding after each with its gradients in place.

    The state is detached between batches (truncated backpropagation through time over the batch's length) and is
    zero again at the start of every epoch. A step is taken only with a finite loss and gradient. Raises
    DivergenceError where one is not, and DataError where an epoch has no batch.
    """
    device = next(run.model.parameters()).device
    parameters = [p for p in run.model.parameters() if p.requires_grad]
    while run.step < run.max_steps:
        for batch in run.batches.epoch(run.epoch, run.index):
            lr = run.learning_rate(run.step) * 0.5**run.rollbacks
            for group in run.optimizer.param_groups:
                group["lr"] = lr * group.get("lr_scale", 1.0)
            run.model.train()
            run.optimizer.zero_grad()  # at the top, so that the consumer sees the gradients
            with autocast(device, run.precision):
                loss, state = run.objective(run.model, batch, run.state)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(parameters, math.inf if run.clip_norm is None else run.clip_norm)
            loss_value = loss.item()
            if not (torch.isfinite(norm) and math.isfinite(loss_value)):
                raise DivergenceError(
                    f"the {'loss' if torch.isfinite(norm) else 'gradient'} at step {run.step + 1} is not finite "
                    f"(loss {loss_value:.4g})",
                    f"try a smaller lr (here {lr:.2g}) or clip_norm (here {run.clip_norm})",
                )
            run.optimizer.step()
            run.state = detach(state)  # this line is truncated backpropagation through time
            run.step += 1
            run.index += 1
            if run.averaging:
                update_average(run)
            targets = batch[1]
            examples = len(targets) if targets.is_floating_point() else targets.numel()
            yield Step(run.step, run.epoch, loss_value, norm.item(), lr, examples)
            if run.step >= run.max_steps:
                return
        if run.index == 0:  # a whole epoch without a batch: another would spin
            raise DataError("there is not a single batch to train on", "use more data or a smaller batch_size")
        run.epoch, run.index, run.state = run.epoch + 1, 0, None

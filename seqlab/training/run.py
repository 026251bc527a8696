"""A run: what is trained on what, by which rule, and how far it is."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

Batch = tuple[Any, Tensor]  # what the model takes, and the targets
State = tuple[Tensor, ...] | None
Objective = Callable[[nn.Module, Batch, State], tuple[Tensor, State]]
Validate = Callable[[int], dict[str, Any]]  # the step -> what was found, `val_loss` first


class Batches(Protocol):
    """Where training examples come from: the batches of an epoch are a function of its number."""

    def __len__(self) -> int: ...
    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]: ...


@dataclass
class Run:
    """A model in training: what it consists of, and how far it is.

    `learning_rate(step)` is the rate of the step to come. `state` is the recurrent state carried to the next batch.
    rollbacks: how often it went back to its last good state; each time the rate is halved for the rest of the run.
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
    rollbacks: int = 0
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


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)


def detach(state: State) -> State:
    return None if state is None else tuple(part.detach() for part in state)


def count_parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())

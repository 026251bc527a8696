"""A pole on a cart, many episodes at once, and a policy that learns to balance it from reward alone.

The equations are those of Barto, Sutton and Anderson (1983), without friction and with the signs of Florian (2007);
constants, Euler's step and limits are those of CartPole-v1 in the package gymnasium. With F the force, m = 0.1 and
M = 1 the masses of pole and cart, l = 0.5 half the pole's length, x the place and a the angle:

    p   = (F + m l a'^2 sin a) / (m + M)
    a'' = (g sin a - p cos a) / (l (4/3 - m cos^2 a / (m + M)))
    x'' = p - m l a'' cos a / (m + M)
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.data.batches import seeded
from seqlab.training import Batch

GRAVITY, POLE, TOTAL, HALF_LENGTH, FORCE, SECONDS = 9.8, 0.1, 1.1, 0.5, 10.0, 0.02
FARTHEST, STEEPEST = 2.4, math.radians(12)  # beyond, an episode has ended
UNITS = np.array([1.0, 1.0, 0.1, 1.0])  # of place, speed, angle and its speed, as the policy sees them
DISCOUNT = 0.99


def step(states: np.ndarray, right: np.ndarray) -> np.ndarray:
    """states (B, 4) of place, speed, angle, its speed; right (B,), whether pushed there -> the next states (B, 4)."""
    _, speed, angle, turn = states.T
    sin, cos = np.sin(angle), np.cos(angle)
    push = (np.where(right, FORCE, -FORCE) + POLE * HALF_LENGTH * turn**2 * sin) / TOTAL
    turn_rate = (GRAVITY * sin - push * cos) / (HALF_LENGTH * (4 / 3 - POLE * cos**2 / TOTAL))
    speed_rate = push - POLE * HALF_LENGTH * turn_rate * cos / TOTAL
    return states + SECONDS * np.stack([speed, speed_rate, turn, turn_rate], 1)


def stands(states: np.ndarray) -> np.ndarray:
    """Whether each episode goes on (B,)."""
    return (abs(states[:, 0]) <= FARTHEST) & (abs(states[:, 2]) <= STEEPEST)


class Policy(nn.Module):
    """The log odds of pushing right, of what is seen now and, with `memory`, of what was seen before.

    Without memory the same cell begins at every step from a state of zeros. It begins as a fair coin.
    """

    def __init__(self, velocity: bool, memory: bool, hidden_size: int) -> None:
        super().__init__()
        self.seen = [0, 1, 2, 3] if velocity else [0, 2]
        self.memory = memory
        self.cell = nn.GRUCell(len(self.seen), hidden_size)
        self.output = nn.Linear(hidden_size, 1)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, states: np.ndarray, hidden: Tensor | None) -> tuple[Tensor, Tensor]:
        """states (B, 4), the cell's state (B, H) -> log odds (B,), the cell's next state."""
        seen = torch.from_numpy((states / UNITS)[:, self.seen]).float()
        hidden = self.cell(seen, hidden if self.memory else None)  # None: zeros
        return self.output(hidden)[:, 0], hidden


class Episodes(NamedTuple):
    """What was played, until the last episode's end at the latest: each (T, B)."""

    log_probs: Tensor  # of the push that was drawn
    alive: Tensor  # 1 until an episode's end, which is the reward too, then 0

    @property
    def lengths(self) -> Tensor:
        return self.alive.sum(0)  # (B,)


def play(policy: nn.Module, starts: Tensor, luck: Tensor) -> Episodes:
    """Episodes from `starts` (B, 4); luck (T, B), uniform in [0, 1], decides the pushes and says when to stop."""
    states, hidden = starts.double().numpy(), None
    alive = stands(states)
    odds, pushes, lived = [], [], []
    for needed in torch.logit(luck).numpy():
        if not alive.any():
            break
        one, hidden = policy(states, hidden)
        right = needed < one.detach().numpy()
        odds.append(one)
        pushes.append(right)
        lived.append(alive)
        states = step(states, right)
        alive = alive & stands(states)
    signs = torch.from_numpy(np.where(pushes, 1.0, -1.0)).float()
    return Episodes(F.logsigmoid(signs * torch.stack(odds)), torch.from_numpy(np.array(lived)).float())


def advantages(alive: Tensor) -> Tensor:
    """alive (T, B) -> the discounted reward from each step on, less its mean over the episodes, in units of its spread
    (T, B): Williams's baseline. 0 where an episode has ended."""
    returns, after = torch.zeros_like(alive), torch.zeros(alive.shape[1])
    for t in reversed(range(len(alive))):
        after = alive[t] * (1 + DISCOUNT * after)
        returns[t] = after
    better = (returns - returns.mean(1, keepdim=True)) * alive
    return better / (better.square().sum() / alive.sum()).sqrt().clamp(min=1e-6)


def loss(episodes: Episodes) -> Tensor:
    """What falls along the gradient of REINFORCE: minus the mean of advantage times log probability."""
    gained = advantages(episodes.alive) * episodes.log_probs
    return -gained.sum() / episodes.alive.sum()


class Trials:
    """Batches of starts (B, 4), uniform within 0.05 of rest, and luck (T, B): so many updates' worth."""

    def __init__(self, updates: int, episodes: int, steps: int, seed: int) -> None:
        self.updates, self.episodes, self.steps, self.seed = updates, episodes, steps, seed

    def __len__(self) -> int:
        return self.updates

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        for index in range(start, len(self)):
            generator = seeded(self.seed, number, index)
            starts = 0.1 * torch.rand(self.episodes, 4, generator=generator) - 0.05
            yield starts, torch.rand(self.steps, self.episodes, generator=generator)

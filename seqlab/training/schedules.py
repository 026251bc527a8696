"""The learning rate over a run. Each takes (lr, warmup_steps, max_steps) and gives the rate of each step from 0 on."""

import math
from collections.abc import Callable

Schedule = Callable[[float, int, int], Callable[[int], float]]


def warmup_cosine(lr: float, warmup_steps: int, max_steps: int, final: float = 0.02) -> Callable[[int], float]:
    """Linear warm-up to `lr`, then half a cosine down to `final * lr` (Loshchilov and Hutter 2017)."""
    warmup_steps = min(warmup_steps, max_steps // 10)

    def rate(step: int) -> float:
        if step < warmup_steps:
            return lr * (step + 1) / warmup_steps
        done = (step - warmup_steps) / max(1, max_steps - warmup_steps)
        return lr * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * done)))

    return rate


def one_cycle(lr: float, warmup_steps: int, max_steps: int) -> Callable[[int], float]:
    """Linear up to `lr`, then linear down to nothing (Smith 2018); the way up is at most half of the run."""
    warmup_steps = min(warmup_steps, max_steps // 2)

    def rate(step: int) -> float:
        if step < warmup_steps:
            return lr * (step + 1) / warmup_steps
        return lr * (max_steps - step) / (max_steps - warmup_steps)

    return rate


def staircase(lr: float, warmup_steps: int, max_steps: int) -> Callable[[int], float]:
    """`lr`, a tenth of it after half of the run, a hundredth after three quarters (He et al. 2016, section 4.2).

    The way up, where there is one, is at most a tenth of the run.
    """
    warmup_steps = min(warmup_steps, max_steps // 10)

    def rate(step: int) -> float:
        if step < warmup_steps:
            return lr * (step + 1) / warmup_steps
        return lr * 0.1 ** ((2 * step >= max_steps) + (4 * step >= 3 * max_steps))

    return rate


def constant(lr: float, warmup_steps: int, max_steps: int) -> Callable[[int], float]:
    """Linear up to `lr`, then `lr`: for runs that early stopping ends, at a step that is not known before."""
    return lambda step: lr * min(1.0, (step + 1) / max(1, warmup_steps))


SCHEDULES: dict[str, Schedule] = {
    "cosine": warmup_cosine,
    "one_cycle": one_cycle,
    "staircase": staircase,
}

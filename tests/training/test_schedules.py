"""The learning rate of each step of a run, by the formulas that the papers give."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from seqlab.training import Run, schedules, train

RATES = st.floats(1e-5, 1.0)


@given(lr=RATES, warmup=st.integers(0, 300), steps=st.integers(1, 1000), final=st.floats(0, 1))
def test_half_a_cosine_after_a_straight_way_up(lr: float, warmup: int, steps: int, final: float) -> None:
    """Loshchilov and Hutter 2017, equation 5, from the end of the way up, which is at most a tenth of the run."""
    up = min(warmup, steps // 10)
    rate = schedules.warmup_cosine(lr, warmup, steps, final)
    for step in {0, up // 2, up - 1} & set(range(up)):
        assert rate(step) == pytest.approx(lr * (step + 1) / up)
    for step in {up, (up + steps) // 2, (up + 3 * steps) // 4, steps} - set(range(up)):
        expected = final * lr + 0.5 * (lr - final * lr) * (1 + math.cos((step - up) / (steps - up) * math.pi))
        assert rate(step) == pytest.approx(expected, abs=1e-12)


@given(lr=RATES, warmup=st.integers(0, 300), steps=st.integers(1, 1000))
def test_one_cycle_is_two_straight_lines(lr: float, warmup: int, steps: int) -> None:
    up = min(warmup, steps // 2)
    rate = schedules.one_cycle(lr, warmup, steps)
    for step in range(steps + 1):
        expected = (step + 1) / up if step < up else (steps - step) / (steps - up)
        assert rate(step) == pytest.approx(lr * expected)


@given(lr=RATES, warmup=st.integers(0, 300), steps=st.integers(8, 1000))
def test_the_staircase_falls_at_a_half_and_at_three_quarters(lr: float, warmup: int, steps: int) -> None:
    up = min(warmup, steps // 10)
    rate = schedules.staircase(lr, warmup, steps)
    for step in range(steps):
        stairs = 1.0 if step < steps / 2 else 0.1 if step < 3 * steps / 4 else 0.01
        assert rate(step) == pytest.approx(lr * ((step + 1) / up if step < up else stairs))


@given(lr=RATES, warmup=st.integers(0, 300), steps=st.integers(1, 1000))
def test_a_constant_rate_is_one_after_the_way_up(lr: float, warmup: int, steps: int) -> None:
    rate = schedules.constant(lr, warmup, steps)
    assert [rate(step) for step in range(warmup)] == pytest.approx([lr * (k + 1) / warmup for k in range(warmup)])
    assert rate(warmup) == rate(warmup + 1) == rate(10 * steps + warmup) == lr


@pytest.mark.parametrize("schedule", [*schedules.SCHEDULES.values(), schedules.constant])
def test_each_step_of_a_run_is_taken_at_the_rate_of_the_schedule(schedule: schedules.Schedule) -> None:
    """Where the loss is the weight itself, plain descent goes down by the rate in each step."""

    class One:
        def __len__(self) -> int:
            return 1

        def epoch(self, number: int, start: int = 0) -> Any:
            yield (torch.zeros(1), torch.zeros(1))

    model = nn.Linear(1, 1, bias=False).double()
    run = Run(
        model,
        lambda net, batch, state: (net.weight.sum(), state),
        One(),
        torch.optim.SGD(model.parameters(), lr=0.0),
        schedule(0.5, 4, 40),
        40,
    )
    before, moved = model.weight.item(), []
    for _ in train(run):
        moved.append(before - model.weight.item())
        before = model.weight.item()
    rate = schedule(0.5, 4, 40)
    assert moved == pytest.approx([rate(step) for step in range(40)])

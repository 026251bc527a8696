"""A run of minutes keeps them: on a clock that the steps turn, of a machine whose speed changes as the test says."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqlab import training
from seqlab.machine import Compute
from seqlab.runs import Prepared, RunOptions
from seqlab.runs import run as carried_out
from seqlab.settings import Settings
from seqlab.tasks import Note
from seqlab.training import Batch, State, schedules


class Clock:
    """Time that passes only where something is done; `slower(now)` is how many times longer a step takes."""

    def __init__(self, slower: Callable[[float], float]) -> None:
        self.now, self.slower = 0.0, slower

    def work(self, seconds: float) -> None:
        self.now += seconds * self.slower(self.now)


class Timed:
    """Batches of nothing much, each of which takes a second of a quiet machine."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def __len__(self) -> int:
        return 1000

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(start, len(self)):
            self.clock.work(1.0)
            yield torch.ones(2, 1), torch.ones(2, 1)


def squared(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    return (model(batch[0]) - batch[1]).square().mean(), None


def run_of_minutes(
    minutes: float,
    slower: Callable[[float], float],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
    schedule: schedules.Schedule = schedules.constant,
    evaluation: float = 2.0,
    **more: Any,
) -> tuple[float, Any, list[str], list[float]]:
    """How long it took, its keeper, what it said, and the rate of each step."""
    clock = Clock(slower)
    for module in ("training.pace", "training.fit", "runs.run"):
        __import__(f"seqlab.{module}")
    import sys

    for module in ("training.pace", "training.fit", "runs.run"):
        monkeypatch.setattr(sys.modules[f"seqlab.{module}"], "time", SimpleNamespace(perf_counter=lambda: clock.now))

    def validate(step: int) -> dict[str, Any]:
        clock.work(evaluation)
        return {"val_loss": 1.0}

    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    prepared = Prepared(
        model,
        squared,
        Timed(clock),
        torch.optim.SGD(model.parameters()),
        Settings(warmup_steps=10),
        Compute("cpu", "fp32", 1).resolve(0),
        {"job": "text"},
        validate,
        schedule,
        **more,
    )
    notes, rates = [], []
    steps = carried_out(prepared, RunOptions(tmp_path / "run", minutes=minutes))
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            keeper = end.value
            break
        if isinstance(event, Note):
            notes.append(event.text)
        elif isinstance(event, training.Progress):
            rates.append(event.lr)
    return clock.now, keeper, notes, rates


SPEEDS = {
    "quiet": lambda now: 1.0,
    "busy from the middle": lambda now: 1.0 if now < 300 else 2.0,
    "busy at first": lambda now: 3.0 if now < 150 else 1.0,
    "busy after the first minute": lambda now: 1.0 if now < 60 else 4.0,
    "now and then": lambda now: 1.0 if int(now / 100) % 2 else 2.5,
}


@pytest.mark.parametrize("speed", SPEEDS)
def test_minutes_are_kept_and_repeated_by_their_steps(
    speed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    took, keeper, notes, rates = run_of_minutes(
        10, SPEEDS[speed], monkeypatch, tmp_path, measuring=lambda seconds: 0.1 * seconds
    )
    assert 0.8 * 540 < took < 1.2 * 540  # a tenth is left for the last measurement
    steps = keeper.config["settings"]["max_steps"]
    assert len(rates) == steps and notes == []
    assert keeper.records[-1]["step"] == steps
    planned = schedules.constant(1e-3, 10, steps)
    assert rates == [planned(step) for step in range(steps)]  # as if it had been known from the beginning


@pytest.mark.parametrize("speed", SPEEDS)
def test_a_schedule_that_depends_on_the_length_is_changed_only_where_time_would_be_missed(
    speed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    took, keeper, notes, rates = run_of_minutes(10, SPEEDS[speed], monkeypatch, tmp_path, schedules.warmup_cosine)
    assert 0.8 * 600 < took < 1.2 * 600
    assert len(rates) == keeper.config["settings"]["max_steps"]
    assert bool(notes) == (speed != "quiet")
    assert all("to keep the time" in note for note in notes)


@pytest.mark.parametrize("evaluation", [0.0, 4.4, 20.0])
def test_evaluations_that_take_their_share_are_no_slower_or_faster_machine(
    evaluation: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    took, _, notes, _ = run_of_minutes(
        10, SPEEDS["quiet"], monkeypatch, tmp_path, schedules.warmup_cosine, evaluation=evaluation
    )
    assert 0.95 * 600 < took < 1.05 * 600 and notes == []


def test_a_run_that_was_changed_once_is_left_alone_until_the_speed_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    _, _, notes, _ = run_of_minutes(
        10, SPEEDS["busy after the first minute"], monkeypatch, tmp_path, schedules.warmup_cosine, evaluation=4.4
    )
    assert all("slower" in note for note in notes) and len(notes) < 8


def test_the_cheap_steps_of_the_beginning_are_no_faster_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """As of images that grow: half of the work in the first half of the run."""

    def cost(done: float) -> float:
        return 0.5 if done < 0.5 else 1.0

    lengths: list[int] = []

    class Growing(Timed):
        def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
            for index in range(start, len(self)):
                self.clock.work(cost(index / lengths[-1]) if lengths else 1.0)  # what is timed first is full
                yield torch.ones(2, 1), torch.ones(2, 1)

    monkeypatch.setitem(globals(), "Timed", Growing)
    took, _, notes, _ = run_of_minutes(
        10, lambda now: 1.0, monkeypatch, tmp_path, schedules.one_cycle, cost=cost, on_length=lengths.append
    )
    assert 0.95 * 600 < took < 1.05 * 600 and notes == [] and len(lengths) == 1


def test_a_slow_machine_still_trains_some_steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    _, keeper, _, rates = run_of_minutes(0.5, lambda now: 10.0, monkeypatch, tmp_path)
    assert len(rates) == training.LEAST_STEPS == keeper.records[-1]["step"]


def test_time_left_counts_evaluations_and_not_the_first_step_of_a_process() -> None:
    pace = training.Pace()
    for seconds in (60.0, 2.0, 2.0, 2.0):  # the first reads ahead, as after --resume
        pace.step(seconds, 10)
    pace.evaluation(5.0)
    assert pace.rate == 5.0
    assert pace.left(20, 120, eval_every=30) == 100 * 2.0 + 4 * 5.0


def test_a_machine_that_slows_down_is_noticed() -> None:
    pace = training.Pace()
    for seconds in [0.1] * 1000 + [1.0] * 40:
        pace.step(seconds, 1)
    assert pace.step_seconds(0.5) == pytest.approx(1.0)

"""How fast a run goes, and what follows from it: the time that is left, and how many steps fit into minutes."""

import copy
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch

from seqlab.training.loop import train
from seqlab.training.run import Run, Validate

MEMORY = 20.0  # seconds of steps that the rate is taken from: it follows a machine that gets busy
EVALUATIONS = 20  # of a run, and
EVALUATING = 0.15  # of its time at most that they take
LEAST_STEPS = 20  # of a run of minutes, however slow the machine: fewer are no training
PROBED = 0.02, 1.0, 5.0  # of the time goes into the first measurement, at least and at most so many seconds
CHANGED = 0.02  # of the steps, by which a run is made longer or shorter
BROKEN = 0.1  # of the time, by which it may end too late or too early


Cost = Callable[[float], float]


def even(done: float) -> float:
    """What a step costs when so much of the run is done, as a share of a full one: always as much."""
    return 1.0


def _mean(cost: Cost, done: float) -> float:
    """The mean of what a step costs from there on to the end of the run."""
    if cost is even:
        return 1.0
    return sum(cost(done + (1 - done) * part / 100) for part in range(100)) / 100


class Pace:
    """The seconds of steps and evaluations as of late, and the examples a second."""

    def __init__(self, cost: Cost = even) -> None:
        self.cost = cost
        self.steps: deque[tuple[float, int, float]] = deque()  # seconds, examples and cost of each
        self.seconds, self.examples, self.costs = 0.0, 0, 0.0  # their sums
        self.taken = 0
        self.evaluation_seconds = 0.0

    def step(self, seconds: float, examples: int, done: float = 0.0) -> None:
        """Take note of a step, before which that share of the run was done."""
        self.taken += 1
        if self.taken == 2:  # the first warms up, and reads ahead: nothing follows from it
            self._forget()
        self.steps.append((seconds, examples, self.cost(done)))
        self._count(1, *self.steps[-1])
        while len(self.steps) > 8 and self.seconds - self.steps[0][0] > MEMORY:
            self._forget()

    def _forget(self) -> None:
        """The oldest step."""
        self._count(-1, *self.steps.popleft())

    def _count(self, sign: int, seconds: float, examples: int, cost: float) -> None:
        self.seconds += sign * seconds
        self.examples += sign * examples
        self.costs += sign * cost

    def evaluation(self, seconds: float) -> None:
        self.evaluation_seconds = seconds

    @property
    def rate(self) -> float:
        return self.examples / max(self.seconds, 1e-9)

    def step_seconds(self, done: float) -> float:
        """Of the mean step from that share of the run on."""
        return max(self.seconds, 1e-9) / self.costs * _mean(self.cost, done)

    def left(self, step: int, max_steps: int, eval_every: int) -> float:
        """Seconds that the steps after `step` take, with their evaluations and one at the end."""
        evaluations = -(-max_steps // eval_every) - step // eval_every if step < max_steps else 0
        return (max_steps - step) * self.step_seconds(step / max_steps) + evaluations * self.evaluation_seconds


@dataclass(frozen=True)
class Length:
    """How long a run is: its steps, how many evaluations there is time for, and the seconds of one, where measured."""

    steps: int
    evaluations: int = EVALUATIONS
    evaluation_seconds: float = 0.0


def length_in(
    run: Run, seconds: float, validate: Validate | None = None, eval_every: int | None = None, cost: Cost = even
) -> Length:
    """How many steps of the run fit into so many seconds with their evaluations, at least LEAST_STEPS.

    eval_every: how far apart they are; None: EVALUATIONS in the run, fewer where they would take more than EVALUATING
    of it. A few steps of a copy and one validation, of step 0, are timed; the run and the random state stay as they
    are.
    """
    start = time.perf_counter()
    if validate is not None:
        validate(0)
    validation = time.perf_counter() - start
    evaluations = EVALUATIONS
    if validation * EVALUATIONS > EVALUATING * seconds:
        evaluations = max(1, int(EVALUATING * seconds / validation))
    probe = copy.deepcopy(run, {id(run.batches): run.batches})
    probe.max_steps = 1_000_000
    share, least, most = PROBED
    times, enough = [time.perf_counter()], min(max(share * seconds, least), most)
    device = next(run.model.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for _ in train(probe):
            times.append(time.perf_counter())
            if len(times) > 4 and (times[-1] - times[0] > enough or len(times) > 100):
                break
    step = (times[-1] - times[2]) / (len(times) - 3) * _mean(cost, 0.0)  # the first two warm up
    left = seconds - (times[-1] - start)
    steps = (
        (left - validation) / (step + validation / eval_every)
        if eval_every
        else (left - evaluations * validation) / step
    )
    return Length(max(LEAST_STEPS, int(steps)), evaluations, validation)


@dataclass
class Budget:
    """The time that a run is to keep: it is made longer or shorter while it goes on, by how fast the machine is.

    end: when it is to be over, by time.perf_counter(). seconds: that were promised. is_free: its steps are the same
    whatever its length; otherwise that is changed only where it would miss its end by BROKEN of the time. set_length:
    makes it so many steps long. evaluation: seconds of one, until the first of the run was timed. measuring: seconds of
    the last measurement, which comes after the end.
    """

    end: float
    seconds: float
    is_free: bool
    set_length: Callable[[int], None]
    evaluation: float = 0.0
    measuring: float = 0.0
    looked: float = -math.inf
    is_told: bool = False

    def adapted(self, run: Run, pace: Pace, eval_every: int) -> str:
        """Change the length where it does not fit the time that is left. What is to be said of it: nothing, or that the
        run is no longer the one of so many steps from its beginning on."""
        now = time.perf_counter()
        if run.step >= run.max_steps or pace.taken < 4 or now - self.looked < 0.01 * self.seconds:
            return ""
        self.looked = now
        step_seconds = pace.step_seconds(run.step / run.max_steps)
        evaluation = pace.evaluation_seconds
        fits = int(max(0.0, self.end - now - evaluation) / (step_seconds + evaluation / eval_every))
        wanted = max(run.step + 1, LEAST_STEPS, run.step + fits)
        before = run.max_steps
        if self.is_free:
            if abs(wanted - before) > CHANGED * before:
                self.set_length(wanted)
            return ""
        late = now + pace.left(run.step, before, eval_every) - self.end
        if wanted == before or abs(late) < BROKEN * self.seconds:
            return ""
        self.set_length(wanted)
        speed = "slower" if wanted < before else "faster"
        said = f"the machine has become {speed}: {wanted:,} steps in place of {before:,}, to keep the time"
        first, self.is_told = not self.is_told, True
        return said + "; a run begun with so many steps gives another net" * first

"""What a long job shows while it goes on: notes, a bar, and a line for each evaluation."""

import math
import shutil
import time
from collections.abc import Callable
from typing import Any, TypeVar

from seqlab.cli.options import Common
from seqlab.cli.output import Bar, is_utf8, result_json, say
from seqlab.cli.reports.text import sample_line
from seqlab.cli.signals import Stop
from seqlab.data.fetch.cache import Transfer
from seqlab.formatting import duration
from seqlab.tasks import Note, Status, Task

R = TypeVar("R")
EVALUATION_SECONDS = 1.0  # between lines: a small net is evaluated many times in one
SCREEN_SECONDS = 0.5  # between two pictures of a training
TRANSFER_SECONDS = 10.0  # and off a terminal


def follow(
    common: Common,
    task: Task[R],
    unit: str = "",
    describe: Callable[[dict[str, Any]], str] = lambda record: "",
    stop: Stop | None = None,
    also: Callable[[Any], None] = lambda progress: None,
) -> R:
    """Run a job to its end, showing what goes on; its result.

    unit: of a training's rate (`chars/s`); describe: the part of an evaluation's line that is the job's own. stop: is
    armed by the first step of a training, until there is nothing left but to measure; also: is given each step.
    """
    bar = Bar(common)
    transfers = _Transfers(common, bar)
    is_drawn = bool(unit) and bar.live and not common.json and is_utf8()  # without a unit it is on the way to something
    evaluations = _Drawn(bar, unit) if is_drawn else _Evaluations(common, bar, unit, describe)
    try:
        for event in task:
            if isinstance(event, Note):
                say(common, event.text)
            elif isinstance(event, Status):
                if stop is not None and stop.armed and not event.stoppable:
                    stop.armed, stop.is_saved = False, True
                bar.show(event.text, event.done, event.total)
            elif isinstance(event, Transfer):
                transfers.show(event)
            else:  # training.Progress, whose module brings torch
                if stop is not None:
                    stop.armed, stop.is_saved = True, False
                also(event)
                evaluations.show(event)
    finally:
        bar.clear()
        evaluations.close()
    return task.result()


class _Transfers:
    """File, rate and time left; off a terminal a line now and then."""

    def __init__(self, common: Common, bar: Bar) -> None:
        self.common, self.bar = common, bar
        self.said = self.start = time.monotonic()
        self.source: tuple[str, str] | None = None
        self.before = 0  # bytes of this source that were there already: not counted in the rate

    def show(self, step: Transfer) -> None:
        now = time.monotonic()
        if (step.file, step.origin) != self.source or step.done < self.before:
            self.source, self.start, self.before = (step.file, step.origin), now, step.done
        rate = (step.done - self.before) / max(now - self.start, 1e-6)
        left = f", {duration((step.total - step.done) / rate)} left" if step.total and rate else ""
        of = f" of {step.total / 1e6:.1f}" if step.total else ""
        line = f"{step.file}: {step.done / 1e6:.1f}{of} MB, {rate / 1e6:.2f} MB/s{left}"
        self.bar.show(line, step.done, step.total)
        if not self.bar.live and now - self.said > TRANSFER_SECONDS:
            self.said = now
            say(self.common, line)


class _Drawn:
    """The screen of a training, drawn anew now and then; its last state stays, of several runs that of each."""

    def __init__(self, bar: Bar, unit: str) -> None:
        from seqlab.cli.screen import Screen  # rich takes its time, and most commands draw nothing

        self.bar, self.unit, self.make = bar, unit, Screen
        self.screen: Any = None

    def show(self, progress: Any) -> None:
        if self.screen is not None and progress.step <= self.screen.progress.step:  # the next of several runs
            self.close()
        self.screen = self.screen or self.make(self.unit)
        self.screen.see(progress)
        if progress.step == progress.max_steps:
            self.close()
        else:
            self.bar.draw(self.screen.draw, SCREEN_SECONDS)

    def close(self) -> None:
        if self.screen is not None:
            self.bar.leave(self.screen.draw)
        self.screen = None


class _Evaluations:
    """A line per evaluation, but only one in EVALUATION_SECONDS; with --json all of them, as JSON."""

    def __init__(self, common: Common, bar: Bar, unit: str, describe: Callable[[dict[str, Any]], str]) -> None:
        self.common, self.bar, self.unit, self.describe = common, bar, unit, describe
        self.said, self.step = -math.inf, 0

    def show(self, progress: Any) -> None:
        if progress.step <= self.step:  # the next of several runs
            self.said = -math.inf
        self.step = progress.step
        left = f", {duration(progress.seconds_left)} left" if progress.step < progress.max_steps else ""
        self.bar.show(
            f"step {progress.step:,}/{progress.max_steps:,}  loss {progress.train_loss:.4f}  "
            f"{progress.rate:,.0f} {self.unit}{left}",
            progress.step,
            progress.max_steps,
        )
        if progress.record is None or not self.unit:  # without a unit it is a step on the way to something else
            return
        self.bar.clear()
        if self.common.json:
            result_json(progress.record)
        if progress.step < progress.max_steps and time.monotonic() - self.said < EVALUATION_SECONDS:
            return
        self.said = time.monotonic()
        say(
            self.common,
            f"step {progress.step:>7,}/{progress.max_steps:,}  train {progress.train_loss:.4f}  "
            f"{self.describe(progress.record)}  {progress.rate:,.0f} {self.unit}{left}",
        )
        if "sample" in progress.record:
            # some terminals wrap at the last column
            say(self.common, sample_line(progress.record["sample"], shutil.get_terminal_size().columns - 1))

    def close(self) -> None:
        pass

"""What a person or a script sees. The result goes to standard output, everything else to standard error."""

import json
import math
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from seqlab.cli.options import Common
from seqlab.formatting import duration, plain

R = TypeVar("R")
SAYS_SECONDS = 1.0  # a small net is evaluated many times in one


class Interrupted(BaseException):
    """Ended by a signal, after saving. `status` is the exit status that says which. Like KeyboardInterrupt it is no
    Exception, so that nothing on the way takes it for a failure of its own."""

    def __init__(self, status: int) -> None:
        self.status = status


def result(text: str, end: str = "\n") -> None:
    """Write a result to standard output, at once; control characters never reach a terminal."""
    sys.stdout.write((plain(text) if sys.stdout.isatty() else text) + end)
    sys.stdout.flush()


def result_json(value: dict[str, Any]) -> None:
    """Write one JSON object, on one line, with the schema's number first. Every control character is escaped."""
    sys.stdout.write(_json({"schema": 1, **value}) + "\n")
    sys.stdout.flush()


def result_json_list(value: dict[str, Any], name: str, items: Iterable[dict[str, Any]]) -> None:
    """`result_json` of `value` and a last member, the list `name`, which is too long to be held as a whole."""
    sys.stdout.write(_json({"schema": 1, **value})[:-1] + f', "{name}": [')
    for number, item in enumerate(items):
        sys.stdout.write(", " * (number > 0) + _json(item))
    sys.stdout.write("]}\n")
    sys.stdout.flush()


def _json(value: dict[str, Any]) -> str:
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return re.sub("[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", line)


def say(common: Common, text: str) -> None:
    """Tell something beside the result: on standard error, unless --quiet."""
    if not common.quiet:
        clear_bar()
        print(plain(text), file=sys.stderr, flush=True)


def is_animated() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class Bar:
    """A line on standard error that is rewritten as work goes on; nothing off a terminal or with --quiet."""

    shown: ClassVar["Bar | None"] = None

    def __init__(self, common: Common) -> None:
        self.live = is_animated() and not common.quiet
        self.last = 0.0
        self.display: Any = None  # rich's, while something is drawn

    def show(self, text: str, done: float | None = None, total: float | None = None) -> None:
        """Draw `text`, behind a bar where it is known how much is done of how much."""
        if not self.live or time.monotonic() - self.last < 0.1:
            return
        from rich.console import Console  # it takes its time, and most commands draw nothing
        from rich.live import Live
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        self.last = time.monotonic()
        line = Table.grid(padding=(0, 1))
        cells: list[Any] = [Text(" ".join(plain(text).split("\n")), no_wrap=True, overflow="ellipsis")]
        if done is not None and total:
            cells.insert(0, ProgressBar(total=total, completed=min(done, total), width=16))
        line.add_row(*cells)
        if self.display is None:
            clear_bar()
            self.display = Live(
                console=Console(stderr=True),
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self.display.start()
            Bar.shown = self
        self.display.update(line, refresh=True)

    def clear(self) -> None:
        if self.display is not None:
            self.display.stop()
            self.display, Bar.shown = None, None


def clear_bar() -> None:
    """Take away the bar that is drawn, if there is one: before anything else is written, and at the end."""
    if Bar.shown is not None:
        Bar.shown.clear()


def show_transfer(common: Common, fetching: Generator[Any, None, R]) -> R:
    """Run a download to its end, showing file, rate and time left; the result is the generator's."""
    bar, said, source = Bar(common), time.monotonic(), None
    start, before = said, 0  # of this source; what was there already is not counted
    while True:
        try:
            step = next(fetching)
        except StopIteration as end:
            bar.clear()
            return end.value
        now = time.monotonic()
        if (step.file, step.origin) != source or step.done < before:
            source, start, before = (step.file, step.origin), now, step.done
        rate = (step.done - before) / max(now - start, 1e-6)
        left = f", {duration((step.total - step.done) / rate)} left" if step.total and rate else ""
        of = f" of {step.total / 1e6:.1f}" if step.total else ""
        line = f"{step.file}: {step.done / 1e6:.1f}{of} MB, {rate / 1e6:.2f} MB/s{left}"
        bar.show(line, step.done, step.total)
        if not bar.live and now - said > 10:
            said = now
            say(common, line)


def show_training(
    common: Common, running: Generator[Any, None, R], unit: str, describe: Callable[[dict[str, Any]], str]
) -> R:
    """Run a training to its end: a bar, a line per evaluation, but only one in SAYS_SECONDS (with --json all of them,
    as JSON); the result is the generator's.

    unit: of the rate (`chars/s`); describe: the part of an evaluation's line that is the job's own.
    """
    bar, said = Bar(common), -math.inf
    while True:
        try:
            progress = next(running)
        except StopIteration as end:
            bar.clear()
            return end.value
        left = f", {duration(progress.seconds_left)} left" if progress.step < progress.max_steps else ""
        bar.show(
            f"step {progress.step:,}/{progress.max_steps:,}  loss {progress.train_loss:.4f}  "
            f"{progress.rate:,.0f} {unit}{left}",
            progress.step,
            progress.max_steps,
        )
        if progress.record is not None:
            bar.clear()
            if common.json:
                result_json(progress.record)
            if progress.step < progress.max_steps and time.monotonic() - said < SAYS_SECONDS:
                continue
            said = time.monotonic()
            say(
                common,
                f"step {progress.step:>7,}/{progress.max_steps:,}  train {progress.train_loss:.4f}  "
                f"{describe(progress.record)}  {progress.rate:,.0f} {unit}{left}",
            )


@contextmanager
def graceful_stop(common: Common) -> Iterator[Callable[[], bool]]:
    """Inside the block SIGINT and SIGTERM set a flag, which is what is yielded; a second one stops at once.

    If the flag was set, the end of the block raises Interrupted with the signal's exit status.
    """
    caught: list[int] = []

    def note(number: int, _: Any) -> None:
        if caught:
            raise Interrupted(130 if number == signal.SIGINT else 143)
        caught.append(number)
        if not common.quiet:  # not by say(): the bar may be half drawn
            print("\nstopping after this step and saving; once more to stop at once", file=sys.stderr, flush=True)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(caught)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if caught:
        raise Interrupted(130 if caught[0] == signal.SIGINT else 143)
